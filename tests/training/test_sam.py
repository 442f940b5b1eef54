"""Sharpness-aware minimisation against the published code in float64, and what a step must do once though it passes twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from pydantic import ValidationError
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE, RCE, AUCMargin
from imbalkit.data.image_store import ArrayStore
from imbalkit.kinds import Augmentation, Loss
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import OptimizerSettings, SAMSettings, ScheduleSettings, TrainingSettings
from imbalkit.training.fit import Fit
from imbalkit.training.phase import Phase
from imbalkit.training.sam import ascended
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

GROUP, BATCH = SmallCNN(width=8, norm="group"), SmallCNN(width=8)
SGD = OptimizerSettings(name="sgd", lr=0.05, weight_decay=0.0, options={"momentum": 0.9})
PLAN = Plan.from_labels(np.arange(48) % 4 // 3, seed=1)
PIXELS = np.random.default_rng(0).integers(0, 120, (48, 8, 8, 1), dtype=np.uint8)
PIXELS[PLAN.label == 1, :4] += 90


class PublishedSAM:
    """first_step and second_step of github.com/davda54/sam."""

    def __init__(self, base, rho):
        self.base, self.rho, self.old = base, rho, {}
        self.parameters = [p for group in base.param_groups for p in group["params"]]

    @torch.no_grad()
    def first_step(self):
        norm = torch.norm(torch.stack([p.grad.norm(p=2) for p in self.parameters if p.grad is not None]), p=2)
        scale = self.rho / (norm + 1e-12)
        for p in self.parameters:
            if p.grad is not None:
                self.old[p] = p.data.clone()
                p.add_(p.grad * scale)
        self.base.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for p in self.parameters:
            if p.grad is not None:
                p.data = self.old[p]
        self.base.step()
        self.base.zero_grad()


class Noise(Augmentation):
    name = "noise"

    def build(self, context):
        class Module(nn.Module):
            def forward(self, images):
                return images + 0.1 * torch.randn_like(images)

        return Module()


def network(backbone, **options):
    """A network as a training starts with it."""
    return Trainer(session(**options), Path()).network("final", PLAN, backbone)


def session(fabric=None, dropout=0.0, augment=(), **settings):
    settings = {
        "epochs": 3,
        "batch_size": 16,
        "optimizer": SGD,
        "schedule": ScheduleSettings(name="constant"),
        "accelerator": "cpu",
    } | settings
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    return TrainingSession(
        fabric,
        ArrayStore(PIXELS),
        TrainingSettings(**settings),
        seed=3,
        head=Linear(dropout=dropout),
        augment=augment,
        positive=1,
    )


def fit(folder, loss=None, backbone=BATCH, epochs=3, freeze_epochs=0, **options):
    trainer = Trainer(session(epochs=epochs, **options), folder)
    return trainer.fit("final", PLAN, backbone, loss or CE(), epochs, freeze_epochs=freeze_epochs).model


def weights(model):
    return torch.cat([value.flatten().double() for value in model.state_dict().values()])


def still(model):
    """Batch norm forgets the second pass, as the published code's bypass_bn."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0 if module.momentum else 0.1


def test_a_small_network_moves_as_the_published_code_in_float64():
    torch.manual_seed(0)
    nets = [nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double() for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    x, y = torch.randn(20, 5, dtype=torch.float64), torch.arange(20) % 3
    ours, base = (torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9, weight_decay=1e-3) for net in nets)
    theirs = PublishedSAM(base, 0.5)
    for _ in range(30):
        nn.functional.cross_entropy(nets[0](x), y).backward()
        with ascended(nets[0].parameters(), 0.5):
            nn.functional.cross_entropy(nets[0](x), y).backward()
        ours.step(), ours.zero_grad()
        nn.functional.cross_entropy(nets[1](x), y).backward()
        theirs.first_step()
        nn.functional.cross_entropy(nets[1](x), y).backward()
        theirs.second_step()
    torch.testing.assert_close(weights(nets[0]), weights(nets[1]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("backbone", [GROUP, BATCH], ids=["group", "batch"])
@pytest.mark.parametrize("radius", [0.05, 0.5])
def test_a_training_moves_as_the_published_code_in_float64(tmp_path, backbone, radius):
    options = {"batch_size": 48, "sam": SAMSettings(radius=radius)}
    found = fit(tmp_path, backbone=backbone, **options)
    model = network(backbone, **options).double().train()
    base = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)  # timm's sgd
    published = PublishedSAM(base, radius)
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).double() / 255
    labels = torch.from_numpy(PLAN.label.astype(np.int64))
    before = weights(model)
    for _ in range(3):
        nn.functional.cross_entropy(model(images), labels).backward()
        published.first_step()
        still(model)
        nn.functional.cross_entropy(model(images), labels).backward()
        published.second_step()
        still(model)
    expected = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert (weights(model) - before).abs().max() > 1e-2
    for name, value in expected.items():
        torch.testing.assert_close(found.state_dict()[name].double(), value, rtol=0, atol=3e-6, msg=name)


@pytest.mark.parametrize("loss", [CE(), AUCMargin(), RCE(), RCE(estimator="ema")], ids=repr)
def test_accumulation_changes_nothing(tmp_path, loss):
    options = {"backbone": GROUP, "sam": SAMSettings(radius=0.2)}
    whole, parts = (fit(tmp_path / str(number), loss, micro_batches=number, **options) for number in (1, 4))
    torch.testing.assert_close(weights(whole), weights(parts), atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dropout": 0.5},
        {"augment": [Noise()], "dropout": 0.3, "micro_batches": 3},
        {"ema": 0.5},
        {"gradient_clip_norm": 0.05},
        {"schedule": ScheduleSettings(name="one_cycle")},
        {"loss": RCE(estimator="ema")},
        {"loss": RCE(estimator="epoch"), "micro_batches": 2},
    ],
    ids=["batch norm", "dropout", "augmentation", "ema", "clipping", "schedule", "rce ema", "rce epoch"],
)
def test_without_a_radius_to_speak_of_it_is_plain_training(tmp_path, options):
    """So draws, running statistics, averages, counts and the schedule go on once a step."""
    plain = fit(tmp_path / "plain", **options)
    sam = fit(tmp_path / "sam", sam=SAMSettings(radius=1e-9), **options)
    torch.testing.assert_close(weights(plain), weights(sam), atol=1e-5, rtol=0)
    wide = fit(tmp_path / "wide", sam=SAMSettings(radius=0.3), **options)
    assert (weights(wide) - weights(sam)).abs().max() > 1e-3


def test_clipping_is_of_the_second_gradient(tmp_path):
    """Plain descent with a clipped gradient moves by lr times its norm at most, whatever the radius."""
    options = {"optimizer": OptimizerSettings(name="momentum", lr=1.0, weight_decay=0.0), "backbone": GROUP}
    start = network(GROUP)
    for radius in (0.05, 5.0):
        clipped = {**options, "batch_size": 48, "gradient_clip_norm": 0.01, "sam": SAMSettings(radius=radius)}
        model = fit(tmp_path / str(radius), epochs=1, **clipped)
        assert float((weights(model) - weights(start)).norm()) == pytest.approx(0.01, rel=1e-2)


def test_a_gradient_of_zero_moves_nothing(tmp_path):
    class Nothing(Loss):
        name = "nothing"

        def build(self, context):
            class Module(nn.Module):
                def forward(self, logits, targets):
                    return logits.sum(1) * 0

            return Module()

    start = network(GROUP)
    model = fit(tmp_path, Nothing(), backbone=GROUP, sam=SAMSettings(radius=0.5))
    assert torch.equal(weights(model), weights(start))


def test_a_frozen_body_stays_and_its_norm_does_not_count(tmp_path):
    options = {"sam": SAMSettings(radius=0.1)}
    start = network(BATCH, **options)
    model = fit(tmp_path, freeze_epochs=3, **options)
    assert torch.equal(weights(model.body), weights(start.body))
    assert not torch.equal(weights(model.head), weights(start.head))


class Stop(Exception):
    pass


def test_a_training_cut_off_goes_on_as_if_it_had_not_been(tmp_path):
    options = {
        "loss": RCE(estimator="ema"),
        "dropout": 0.3,
        "augment": [Noise()],
        "ema": 0.9,
        "sam": SAMSettings(radius=0.2),
    }
    whole = fit(tmp_path / "whole", **options)
    loss = options.pop("loss")

    def stop(stage, epoch, values):
        if epoch == 2:
            raise Stop

    cut = Trainer(session(epochs=3, **options), tmp_path / "cut", epoch_finished=stop)
    with pytest.raises(Stop):
        cut.fit("final", PLAN, BATCH, loss, 3)
    assert torch.equal(weights(fit(tmp_path / "cut", loss, **options)), weights(whole))


def half_precision(scale):
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    return Fabric(accelerator="cpu", devices=1, plugins=[MixedPrecision("16-mixed", "cpu", scaler)]), scaler


def test_fp16_finds_the_direction_whatever_its_loss_scale(tmp_path):
    options = {"gradient_clip_norm": 1.0, "backbone": GROUP, "epochs": 1}
    plain = weights(fit(tmp_path / "plain", **options))
    options["sam"] = SAMSettings(radius=0.3)
    full = weights(fit(tmp_path / "full", **options))
    for scale in (1.0, 2.0**12):
        fabric, scaler = half_precision(scale)
        half = weights(fit(tmp_path / f"half {scale}", fabric=fabric, **options))
        assert scaler.get_scale() == scale
        assert (half - full).norm() < 0.1 * (full - plain).norm()


def test_fp16_skips_a_step_whose_gradient_overflows(tmp_path):
    fabric, scaler = half_precision(2.0**120)  # of the first steps: infinite in fp16
    options = {"sam": SAMSettings(radius=0.1), "batch_size": 48}
    model = network(BATCH, fabric=fabric, **options)
    run = Fit.build(session(fabric=fabric, **options), "final", PLAN, model, [Phase(CE())], 3)
    before = [parameter.detach().clone() for parameter in run.model.parameters()]
    run.train_epoch()
    assert all(torch.equal(old, new) for old, new in zip(before, run.model.parameters(), strict=True))
    assert scaler.get_scale() == 2.0**119
    assert all(buffer.isfinite().all() for buffer in run.model.buffers())
    scaler.update(2.0**8)
    run.train_epoch()
    assert not torch.equal(before[0], next(run.model.parameters()))
    assert torch.isfinite(weights(run.model)).all()


def test_the_ascent_reads_no_value_on_the_host():
    # Fake tensors have no values: anything that needs one, as a copy to the host does, raises.
    with FakeTensorMode():
        parameters = [nn.Parameter(torch.empty(3, 2, device="meta")), nn.Parameter(torch.empty(4, device="meta"))]
        parameters[0].grad = torch.empty(3, 2, device="meta")
        with ascended(parameters, 0.05):
            assert parameters[0].grad is None


def test_weights_are_put_back_to_the_bit_also_after_an_error():
    parameter = nn.Parameter(torch.randn(1000))
    before = parameter.detach().clone()
    parameter.grad = torch.randn(1000)

    def stop():
        with ascended([parameter], 0.3):
            assert float((parameter.detach() - before).norm()) == pytest.approx(0.3, rel=1e-5)
            raise Stop

    with pytest.raises(Stop):
        stop()
    assert torch.equal(parameter, before)


def test_the_radius_is_checked():
    assert TrainingSettings().sam is None
    assert TrainingSettings.model_validate({"sam": {}}).sam.radius == 0.05
    with pytest.raises(ValidationError, match="greater than 0"):
        SAMSettings(radius=0.0)
