"""Layer-wise learning-rate decay against timm's own groups, and what must hold of every step with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import timm
import torch
from lightning_fabric import Fabric
from timm.optim import create_optimizer_v2
from timm.optim._param_groups import param_groups_layer_decay
from torch import nn

from imbalkit.builtin.backbones import SmallCNN, Timm
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.data.image_store import ArrayStore
from imbalkit.errors import RecipeError, TrainingError
from imbalkit.kinds import BuildContext
from imbalkit.plan import Plan
from imbalkit.recipe.optimizer_checks import name_problem, option_problems
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.recipe import OptimizerSettings, SAMSettings, ScheduleSettings, TrainingSettings
from imbalkit.recipe.runtime_checks import optimizer_names
from imbalkit.training.classifier import build_model
from imbalkit.training.features import HeadNetwork
from imbalkit.training.layer_decay import layer_decay_groups
from imbalkit.training.optimization import build_optimizer, build_schedule
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

CONTEXT = BuildContext(("a", "b"), (3, 2), image_size=(32, 32))
MODELS = ["test_efficientnet", "test_resnet", "test_vit", "tf_efficientnet_lite0"]


def network(model="test_efficientnet"):
    return build_model(Timm(model=model), Linear(), CONTEXT)


def scales(model, groups, rate=lambda group: group["lr_scale"]):
    """lr_scale of each parameter by its name."""
    names = {id(value): name for name, value in model.named_parameters()}
    return {names[id(value)]: rate(group) for group in groups for value in group["params"]}


@pytest.mark.parametrize("model", MODELS)
def test_scales_are_timm_s(model):
    """timm's groups are those of a whole model with its own classifier, which stands for our head."""
    ours, theirs = network(model), timm.create_model(model, num_classes=2)
    classifier = theirs.pretrained_cfg["classifier"]
    expected = scales(theirs, param_groups_layer_decay(theirs, layer_decay=0.7))
    found = scales(ours, layer_decay_groups(ours, 0.7, 0.05))
    assert set(found) == {name for name, _ in ours.named_parameters()}
    own = {name.replace("body.", "", 1): scale for name, scale in found.items() if not name.startswith("head.")} | {
        name.replace("head.", f"{classifier}."): scale for name, scale in found.items() if name.startswith("head.")
    }
    assert own == pytest.approx(expected, rel=1e-12)
    assert found["head.weight"] == 1.0
    assert min(found.values()) < 0.7**3


def test_the_layers_of_lite0_as_the_docs_say():
    found = scales(ours := network("tf_efficientnet_lite0"), layer_decay_groups(ours, 0.5, 0.0))
    assert found["body.conv_stem.weight"] == 0.5**17
    assert found["body.blocks.0.0.conv_dw.weight"] == 0.5**16
    assert found["body.conv_head.weight"] == found["body.blocks.6.0.conv_pw.weight"] == 0.5
    assert found["head.bias"] == 1.0


def test_weight_decay_is_left_off_biases_and_normalisation():
    model = network()
    groups = layer_decay_groups(model, 0.7, 0.05)
    decays = scales(model, groups, lambda group: group["weight_decay"])
    assert {decays[name] for name, value in model.named_parameters() if value.ndim > 1} == {0.05}
    assert {decays[name] for name, value in model.named_parameters() if value.ndim <= 1} == {0.0}
    assert {group["weight_decay"] for group in layer_decay_groups(model, 0.7, 0.0)} == {0.0}


@pytest.mark.parametrize("name", ["adamw", "sgd", "lion"])
@pytest.mark.parametrize(
    "schedule",
    [
        ScheduleSettings(),
        ScheduleSettings(name="constant"),
        ScheduleSettings(name="cosine", options={"warmup_epochs": 2, "warmup_lr": 1e-4}),
    ],
    ids=lambda schedule: schedule.name,
)
def test_every_rate_is_the_scale_times_the_rate_of_the_head(name, schedule):
    model = network()
    expected = scales(model, layer_decay_groups(model, 0.7, 0.01))
    plain = build_optimizer(nn.Linear(2, 2), OptimizerSettings(name=name, lr=0.01))
    optimizer = build_optimizer(model, OptimizerSettings(name=name, lr=0.01, layer_decay=0.7))
    steps = [build_schedule(one, schedule, [(10, 2)]) for one in (plain, optimizer)]
    seen = []
    for step in range(1, 20):
        rates = scales(model, optimizer.param_groups, lambda group: group["lr"])
        rate = plain.param_groups[0]["lr"]
        seen.append(rate)
        assert rates == pytest.approx({key: value * rate for key, value in expected.items()}, rel=1e-9)
        for one in (plain, optimizer):
            one.step()
        for one in steps:
            one.step(step)
    assert 0.009 < max(seen) <= 0.01


def test_a_step_of_sgd_is_scale_times_rate_times_gradient():
    model = network()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    scale = scales(model, layer_decay_groups(model, 0.5, 0.0))
    options = {"momentum": 0.0, "nesterov": False}
    optimizer = build_optimizer(
        model, OptimizerSettings(name="sgd", lr=0.1, weight_decay=0.0, layer_decay=0.5, options=options)
    )
    build_schedule(optimizer, ScheduleSettings(name="constant"), [(1, 5)])
    model(torch.rand(4, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    for name, value in model.named_parameters():
        torch.testing.assert_close(value.detach(), before[name] - 0.1 * scale[name] * value.grad)


def test_at_one_the_steps_are_those_without():
    models = [network(), network()]
    settings = [OptimizerSettings(lr=0.01, layer_decay=1.0), OptimizerSettings(lr=0.01)]
    images = torch.rand(6, 3, 32, 32)
    optimizers = [build_optimizer(*pair) for pair in zip(models, settings, strict=True)]
    schedules = [build_schedule(optimizer, ScheduleSettings(), [(1, 4)]) for optimizer in optimizers]
    for step in range(1, 4):
        for model, optimizer, schedule in zip(models, optimizers, schedules, strict=True):
            optimizer.zero_grad()
            torch.manual_seed(step)  # of dropout
            model(images).square().sum().backward()
            optimizer.step()
            schedule.step(step)
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_without_it_the_optimiser_is_timm_s_as_before():
    one = build_optimizer(network(), OptimizerSettings(name="sgd", lr=0.01))
    assert one.state_dict() == create_optimizer_v2(network(), "sgd", lr=0.01, weight_decay=0.01).state_dict()


def test_a_head_that_trains_on_features_and_a_frozen_body_have_the_full_rate():
    model = network()
    assert {group["lr_scale"] for group in layer_decay_groups(HeadNetwork(model), 0.5, 0.01)} == {1.0}
    model.body.requires_grad_(False)
    found = scales(model, layer_decay_groups(model, 0.5, 0.01))
    assert found == {"head.weight": 1.0, "head.bias": 1.0}


# --- in a training ---------------------------------------------------------------------------------------------------


def train(folder, epochs=2, freeze_epochs=0, backbone=None, **settings):
    plan = Plan.from_labels(np.arange(12) % 2, seed=1)
    pixels = np.random.default_rng(0).integers(0, 255, (12, 32, 32, 3), dtype=np.uint8)
    optimizer = settings.pop("optimizer", OptimizerSettings(lr=0.01, layer_decay=0.5))
    training = TrainingSettings(batch_size=6, optimizer=optimizer, **settings)
    fabric = Fabric(accelerator="cpu", devices=1)
    trainer = Trainer(TrainingSession(fabric, ArrayStore(pixels), training, 0, Linear()), folder)
    rates = []
    trainer.epoch_finished = lambda stage, epoch, values: rates.append(values["lr"])
    backbone = backbone or Timm(model="test_efficientnet")
    return trainer.fit("final", plan, backbone, CE(), epochs, freeze_epochs=freeze_epochs).model, rates


@pytest.mark.parametrize(
    "settings",
    [{"ema": 0.5}, {"sam": SAMSettings()}, {"gradient_clip_norm": 0.5}, {"freeze_epochs": 1}, {"micro_batches": 2}],
    ids=lambda settings: next(iter(settings)),
)
def test_trains_with_everything_else(tmp_path, settings):
    model, rates = train(tmp_path, schedule=ScheduleSettings(name="constant"), **settings)
    assert all(torch.isfinite(value).all() for value in model.parameters())
    assert rates == [0.01, 0.01]  # the log has the head's


def test_a_resumed_training_ends_with_the_same_weights(tmp_path):
    whole, _ = train(tmp_path / "a", epochs=3, schedule=ScheduleSettings(name="constant"))
    train(tmp_path / "b", epochs=2, schedule=ScheduleSettings(name="constant"))
    resumed, _ = train(tmp_path / "b", epochs=3, schedule=ScheduleSettings(name="constant"))
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


# --- refused ---------------------------------------------------------------------------------------------------------


def test_a_network_without_layers_is_refused_when_the_recipe_is_checked():
    with pytest.raises(RecipeError, match=r"backbone: 'small_cnn' does not tell its layers.*take a model of timm"):
        prepare("digits", ["training.optimizer.layer_decay=0.75"])
    overrides = ["training.optimizer.layer_decay=0.75", "backbone={name: timm, model: test_efficientnet}"]
    prepare("digits", overrides)
    rank = (
        "samplers=[{name: loss_rank, classes: ['0'], drop: 5, which: highest, warm_start: false, backbone: small_cnn}]"
    )
    with pytest.raises(RecipeError, match=r"samplers\[0\].backbone: 'small_cnn' does not tell its layers"):
        prepare("digits", [*overrides, rank])


def test_a_network_without_a_matcher_is_one_sentence(tmp_path):
    with pytest.raises(TrainingError, match="has no `group_matcher` that tells its layers"):
        train(tmp_path, backbone=SmallCNN(width=8))


@pytest.mark.parametrize("value", [0, -1, 1.5, "0.75"])
def test_values_are_checked(value):
    with pytest.raises(ValueError, match="layer_decay"):
        OptimizerSettings(layer_decay=value)


def test_timm_s_own_option_is_refused_with_the_key():
    with pytest.raises(ValueError, match="cannot set 'layer_decay': write `layer_decay` beside `lr`"):
        OptimizerSettings(options={"layer_decay": 0.75})


def test_the_plan_and_the_report_name_it(capsys):
    from imbalkit.base.text import part_text
    from imbalkit.cli.tables.plan import plan_facts, print_plan

    prepared = prepare("digits", ["training.optimizer.layer_decay=0.75", "backbone={name: timm, model: test_vit}"])
    print_plan(prepared)
    shown = " ".join(capsys.readouterr().out.split())
    assert "learning rate: 0.003 at the head, times 0.75 with each layer towards the input" in shown
    assert plan_facts(prepared)["optimizer"]["layer_decay"] == 0.75
    assert "layer decay 0.75" in part_text(prepared.recipe.training.optimizer.model_dump())


def test_a_warmup_that_the_schedule_does_not_read_is_refused():
    with pytest.raises(ValueError, match=r"the schedule is 'cosine': write `options: {warmup_epochs: 1}`"):
        ScheduleSettings(name="cosine", warmup=0.1)
    assert ScheduleSettings(warmup=0.1).warmup == 0.1
    assert ScheduleSettings(name="cosine", warmup=0.3).warmup == 0.3  # as a resolved recipe writes it


@pytest.mark.parametrize("name", ["one_cycle", "constant"])
def test_options_that_the_schedule_does_not_read_are_refused(name):
    with pytest.raises(ValueError, match=f"`options` are of timm's schedules, and the schedule is {name!r}"):
        ScheduleSettings(name=name, options={"warmup_epochs": 1})


@pytest.mark.parametrize(
    ("schedule", "epochs", "said"),
    [
        ("{name: cosine, options: {warmup_epochs: 3}}", 3, "warms up for 3 epochs, and there are 3"),
        ("{name: cosine, options: {warmup_epochs: 3}}", 4, ""),
        ("{name: step}", 10, "first falls after 90 epochs, and there are 10"),
        ("{name: multistep}", 90, "first falls after 90 epochs"),
        ("{name: step, options: {decay_epochs: 4}}", 5, ""),
        ("{name: multistep, options: {decay_milestones: [8, 9]}}", 8, "first falls after 8 epochs"),
        ("{name: one_cycle}", 1, ""),
    ],
)
def test_a_learning_rate_that_never_peaks_or_falls_is_noted(schedule, epochs, said):
    found = prepare("digits", [f"training.schedule={schedule}", f"training.epochs={epochs}"]).notes
    assert [note for note in found if note.startswith("schedule")] == ([] if not said else [found[-1]])
    assert said in found[-1] or not said
    stages = f"[{{name: retrain, epochs: {epochs}, schedule: {schedule}}}]"
    staged = prepare("digits", [f"stages={stages}"]).notes
    assert any(note.startswith("stage retrain: schedule") for note in staged) == bool(said)


@pytest.mark.parametrize(
    ("name", "option"),
    [("cosine", "decay_epochs"), ("step", "min_lr"), ("multistep", "decay_epochs"), ("tanh", "k_decay"), ("poly", "x")],
)
def test_options_of_another_schedule_are_refused(name, option):
    with pytest.raises(ValueError, match=f"{name} does not take the option {option!r}"):
        ScheduleSettings(name=name, options={option: 2})


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        *[(name, "warmup_epochs", 2) for name in ("cosine", "tanh", "step", "multistep", "poly")],
        *[("cosine", key, value) for key, value in (("min_lr", 0.05), ("k_decay", 0.5), ("cycle_limit", 2))],
        ("tanh", "min_lr", 0.05),
        *[("step", key, value) for key, value in (("decay_epochs", 2), ("decay_rate", 0.5), ("noise", 0.1))],
        *[("multistep", key, value) for key, value in (("decay_milestones", [3]), ("decay_rate", 0.5))],
        *[("poly", key, value) for key, value in (("decay_rate", 0.5), ("k_decay", 0.5), ("min_lr", 0.05))],
    ],
)
def test_options_of_a_schedule_change_its_rates(name, option, value):
    drops = {"step": {"decay_epochs": 3}, "multistep": {"decay_milestones": [2]}}.get(name, {})

    def rates(options):
        optimizer = build_optimizer(torch.nn.Linear(2, 2), OptimizerSettings(lr=0.1))
        schedule = build_schedule(optimizer, ScheduleSettings(name=name, options=drops | options), [(5, 10)])
        found = []
        for step in range(60):
            found.append(optimizer.param_groups[0]["lr"])
            schedule.step(step + 1)
        return found

    assert rates({}) != rates({option: value})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "adamw",
            {"momentum": 0.5},
            "adamw does not take 'momentum' (options: betas, eps",
        ),  # timm leaves it out silently
        ("sgd", {"eps": 1e-3}, "sgd does not take 'eps'"),
        ("adamw", {"fussed": True}, "did you mean 'fused'?"),
        ("adamw", {"weight_decay": 0.1}, "cannot set 'weight_decay': write it beside `options`"),
        ("sgd", {"nesterov": "maybe"}, "'nesterov' of sgd is true or false, got 'maybe'"),
        ("sgd", {"momentum": -1}, "sgd does not take {'momentum': -1}: Invalid momentum value"),
        ("adamw", {"betas": [0.9]}, "adamw does not take {'betas': [0.9]}"),
    ],
)
def test_options_that_an_optimiser_does_not_take_are_refused_before_a_run(name, options, message):
    (found,) = option_problems(OptimizerSettings(name=name, options=options))
    assert message in found
    with pytest.raises(RecipeError) as caught:
        prepare("digits", [f"training.optimizer={json.dumps({'name': name, 'options': options})}"], runtime=True)
    assert f"training.optimizer.options: {found}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "layer_decay", "right"),
    [
        ("adamw", {"betas": [0.9, 0.99], "eps": 1e-6}, None, True),
        ("momentum", {"momentum": 0.8, "filter_bias_and_bn": False}, None, True),
        ("momentum", {"momentum": 0.8, "filter_bias_and_bn": False}, 0.5, False),  # whose groups are not timm's
        ("lamb", {"trust_clip": True}, 0.5, True),
    ],
)
def test_options_that_an_optimiser_takes(name, options, layer_decay, right):
    settings = OptimizerSettings(name=name, options=options, layer_decay=layer_decay)
    assert (list(option_problems(settings)) == []) == right


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adahessian", "'adahessian' needs second derivatives"),
        ("bnbadam", "needs the package bitsandbytes|of bitsandbytes needs a CUDA GPU"),
    ],
)
def test_optimisers_that_cannot_train_here_are_refused_before_a_run(name, message):
    if name != "adahessian" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(RecipeError, match=f"training.optimizer.name: .*({message})"):
        prepare("digits", [f"training.optimizer.name={name}"], runtime=True)


def test_every_other_optimiser_of_timm_takes_a_step():
    compiled = ("kron", "kronc", "kronw")  # which take half a minute to compile
    names = [name for name in optimizer_names() if name not in compiled and name_problem(name) is None]
    assert len(names) > 50
    for name in names:
        layer = nn.Linear(2, 2)
        optimizer = build_optimizer(layer, OptimizerSettings(name=name, lr=0.1))
        before = layer.weight.detach().clone()
        for _ in range(2):  # the first of some looks at the gradient alone
            optimizer.zero_grad()
            layer(torch.tensor([[1.0, -0.5]])).square().sum().backward()
            optimizer.step()
        assert torch.isfinite(layer.weight).all(), name
        assert not torch.equal(layer.weight, before), name


def test_what_timm_cannot_compute_with_is_named():
    optimizer = build_optimizer(torch.nn.Linear(2, 2), OptimizerSettings())
    with pytest.raises(TrainingError, match=r"training\.schedule\.options: step does not take {'decay_epochs': 0}"):
        build_schedule(optimizer, ScheduleSettings(name="step", options={"decay_epochs": 0}), [(5, 2)])
