"""Stages on a small network and random images: what learns, what stays, features computed once, resumed at any point."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.builtin.stages import (
    LearnableWeightScaling,
    LogisticRegression,
    NearestClassMean,
    Retrain,
    Smote,
    TauNormalisation,
)
from imbalkit.data.image_store import ArrayStore
from imbalkit.engine.stages import StageRunner, named
from imbalkit.errors import PluginError
from imbalkit.functional.metrics import confusion_matrix
from imbalkit.kinds import BuildContext, FeatureRows
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import OptimizerSettings, TrainingSettings
from imbalkit.training.checkpoints import load_checkpoint
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

CLASSES = ("a", "b", "c")


class WithoutCache(Retrain):
    """A frozen body whose features are computed for each batch."""

    name = "retrain"

    @property
    def changes_body(self):
        return True


class WithoutBatchNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.num_features = width
        self.layer = nn.Linear(64, width)

    def forward(self, images):
        return self.layer(images.flatten(1))


def stage(part, **parameters):
    return part.model_validate({"epochs": 4, "lr": 0.05, **parameters} if "epochs" in part.model_fields else parameters)


@pytest.fixture(scope="module")
def rows():
    """Pictures of three classes, the third rare: train, validation and test rows of one store."""
    random = np.random.default_rng(0)
    labels = np.concatenate([[0] * 40 + [1] * 20 + [2] * 6, np.arange(30) % 3, np.arange(30) % 3])
    pixels = random.integers(0, 120, (len(labels), 8, 8, 1), dtype=np.uint8)
    pixels[labels == 1, :4] += 60
    pixels[labels == 2, :, :4] += 60
    parts = [slice(0, 66), slice(66, 96), slice(96, 126)]
    plans = [Plan.from_labels(labels[part], CLASSES, sources=np.arange(len(labels))[part], seed=1) for part in parts]
    return ArrayStore(pixels), plans


@pytest.fixture
def make(rows, tmp_path):
    """Gives a runner over a main training's network: (runner, network)."""
    images, (plan, validation, _) = rows

    def build(folder="a", dropout=0.0, epoch_finished=None, **settings):
        settings = {
            "epochs": 2, "batch_size": 16, "optimizer": OptimizerSettings(lr=0.01), "accelerator": "cpu", "monitor": "last"
        } | settings  # fmt: skip
        session = TrainingSession(
            fabric=Fabric(accelerator="cpu", devices=1),
            images=images,
            settings=TrainingSettings(**settings),
            seed=3,
            head=Linear(dropout=dropout),
        )
        (tmp_path / folder).mkdir(exist_ok=True)
        trainer = Trainer(session, tmp_path / folder, epoch_finished=epoch_finished or (lambda *values: None))
        model = trainer.fit("final", plan, SmallCNN(width=4), CE(), session.settings.epochs).model

        def validate(own):
            def metrics(network):
                table = confusion_matrix(validation.label, own.predict(network, validation).argmax(axis=1), 3)
                return {"balanced_accuracy": float((np.diag(table) / table.sum(axis=1)).mean())}

            return metrics

        return StageRunner(trainer, plan, validation, validate), model

    return build


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(a, b, names=""):
    return all(torch.equal(a[name], b[name]) for name in a if name.startswith(names))


def test_a_second_training_has_a_name_of_its_own():
    stages = [Retrain(), TauNormalisation(), Retrain(head="kept")]
    assert [name for name, _ in named(stages)] == ["stage-retrain-1", "stage-tau_normalisation-1", "stage-retrain-2"]


class TestRetrain:
    def test_a_new_head_learns_and_the_body_stays(self, make):
        runner, model = make()
        before = state(model)
        after = state(runner.run([stage(Retrain)], model, "final"))
        assert same(before, after, "body.")
        assert not torch.equal(before["head.weight"], after["head.weight"])

    @pytest.mark.parametrize(
        "settings", [{}, {"ema": 0.9}, {"micro_batches": 2}, {"monitor": "balanced_accuracy"}, {"precision": "bf16"}]
    )
    def test_cached_features_give_what_the_images_give(self, make, settings):
        """With dropout in the head: the same draws."""
        heads = []
        for folder, part in {"cached": Retrain, "images": WithoutCache}.items():
            runner, model = make(folder, dropout=0.5, **settings)
            heads.append(runner.run([stage(part)], model, "final").head)
            assert (runner.trainer.folder / "final-features.pt").exists() == (folder == "cached")
        tolerance = 2e-2 if settings.get("precision") == "bf16" else 1e-5
        for name, value in heads[0].state_dict().items():
            torch.testing.assert_close(value, heads[1].state_dict()[name], rtol=tolerance, atol=tolerance)

    def test_a_kept_head_goes_on(self, make):
        runner, model = make()
        before = state(model)
        after = state(runner.run([stage(Retrain, head="kept", lr=1e-6)], model, "final"))
        assert not same(before, after, "head.")
        torch.testing.assert_close(before["head.weight"], after["head.weight"], rtol=0, atol=1e-4)

    def test_another_head(self, make):
        runner, model = make()
        after = runner.run([stage(Retrain, head={"name": "cosine", "scale": 8.0, "dropout": 0.3})], model, "final")
        assert set(after.head.state_dict()) == {"weight"}
        assert after.head.scale == 8.0
        assert after.dropout.p == 0.3

    @pytest.mark.parametrize("moving", [False, True])
    def test_batch_norm_of_a_frozen_body(self, make, moving):
        runner, model = make()
        before = state(model)
        part = stage(Retrain, batch_norm="moving") if moving else stage(Retrain)
        after = state(runner.run([part], model, "final"))
        statistics = {name for name in before if "running_" in name or "num_batches" in name}
        assert statistics
        changed = {name for name in before if name.startswith("body.") and not torch.equal(before[name], after[name])}
        assert changed == (statistics if moving else set())

    @pytest.mark.parametrize(
        "settings, has, told",
        [({"batch_norm": "moving"}, False, True), ({"batch_norm": "moving"}, True, False), ({}, False, False)],
    )
    def test_batch_norm_that_there_is_none_of_is_noted(self, make, settings, has, told):
        runner, model = make()
        if not has:
            model.body = WithoutBatchNorm(model.width)
        notes = []
        runner.trainer.session.progress.note = notes.append
        runner.run([stage(Retrain, **settings)], model, "final")
        assert any("`batch_norm` changes nothing, as the network has no batch norm" in note for note in notes) == told

    def test_batch_norm_of_a_trained_body_can_be_still(self, make):
        runner, model = make()
        before = state(model)
        after = state(runner.run([stage(Retrain, body="trained", head="kept", batch_norm="still")], model, "final"))
        changed = {name for name in before if name.startswith("body.") and not torch.equal(before[name], after[name])}
        assert changed == {
            name for name in before if name.startswith("body.") and "running_" not in name and "num_" not in name
        }

    def test_a_trained_body_after_a_linear_probe(self, make):
        runner, model = make(freeze_epochs=2)
        before = state(model)
        after = runner.run([stage(Retrain, body="trained", head="kept", order="natural")], model, "final")
        assert not same(before, state(after), "body.")
        assert not after.body_frozen
        assert all(value.requires_grad for value in after.parameters())

    def test_balanced_draws_find_the_rare_class(self, make, rows):
        _, (_, _, test) = rows
        shares = []
        for folder, order in enumerate(("natural", "balanced")):
            runner, model = make(str(folder), epochs=4)
            network = runner.run([stage(Retrain, order=order, epochs=20)], model, "final")
            logits = torch.from_numpy(runner.trainer.predict(network, test))
            shares.append(float(logits.softmax(dim=1)[:, 2].mean()))
        assert shares[0] + 0.03 < shares[1]

    def test_learning_rate_and_weight_decay_are_those_of_the_stage(self, make):
        log = []
        runner, model = make(epoch_finished=lambda name, epoch, values: log.append((name, values["lr"])))
        runner.run([stage(Retrain, lr=0.2, schedule={"name": "constant"})], model, "final")
        assert [lr for name, lr in log if name == "stage-retrain-1"] == [0.2] * 4

    def test_the_chosen_epoch_is_that_of_the_stage(self, make):
        log = {}
        runner, model = make(
            monitor="balanced_accuracy", epoch_finished=lambda name, epoch, values: log.update({(name, epoch): values})
        )
        network = runner.run([stage(Retrain, epochs=6)], model, "final")
        best = log["stage-retrain-1", 6]["best_epoch"]
        chosen = log["stage-retrain-1", best]["validation"]
        assert chosen == runner.validate(runner.trainer)(network)


class TestFeatures:
    def test_they_are_computed_once_for_all_stages_and_not_again_after_a_resume(self, make, monkeypatch):
        passes = []
        compute = Trainer.features
        monkeypatch.setattr(Trainer, "features", lambda self, *rows: passes.append(1) or compute(self, *rows))
        stages = [stage(Retrain), stage(TauNormalisation), stage(LearnableWeightScaling)]
        runner, model = make()
        first = state(runner.run(stages, model, "final"))
        assert len(passes) == 2  # train and validation
        runner, model = make()
        again = state(runner.run(stages, model, "final"))
        assert len(passes) == 2
        assert same(first, again)

    def test_a_body_that_changed_has_features_of_its_own(self, make):
        runner, model = make()
        runner.run([stage(Retrain, body="trained", head="kept"), stage(TauNormalisation)], model, "final")
        assert [path.name for path in runner.trainer.folder.glob("*-features.pt")] == ["stage-retrain-1-features.pt"]

    def test_they_are_those_of_eval_mode_in_float32(self, make, rows):
        images, (plan, _, _) = rows
        runner, model = make()
        runner.run([stage(TauNormalisation)], model, "final")
        saved = load_checkpoint(runner.trainer.folder / "final-features.pt")["features"][0]
        pixels = torch.from_numpy(images.take(plan.source)).permute(0, 3, 1, 2) / 255
        assert saved.dtype == torch.float32
        torch.testing.assert_close(saved, model.eval().features(pixels).detach(), rtol=1e-5, atol=1e-6)


class NeverBack(LearnableWeightScaling):
    """Leaves what it trained in the head's place."""

    def head_trained(self, trained):
        return trained


def test_a_head_that_the_run_could_not_build_again(make):
    runner, model = make()
    with pytest.raises(PluginError, match=r"`head_trained` of the stage 'learnable_weight_scaling' .*'weight': \[3, "):
        runner.run([stage(NeverBack)], model, "final")


class Stop(Exception):
    pass


@pytest.mark.parametrize("part", [Retrain, WithoutCache, LearnableWeightScaling])
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_stage_that_was_stopped_goes_on_to_the_same_weights(make, part, epoch):
    stages = [stage(part), stage(TauNormalisation, tau=0.5)]
    runner, model = make("whole", dropout=0.2, ema=0.9)
    whole = state(runner.run(stages, model, "final"))

    def stop(name, at, values):
        if name.startswith("stage-") and at == epoch:
            raise Stop

    runner, model = make("parts", dropout=0.2, ema=0.9, epoch_finished=stop)
    with pytest.raises(Stop):
        runner.run(stages, model, "final")
    runner, model = make("parts", dropout=0.2, ema=0.9)
    assert same(whole, state(runner.run(stages, model, "final")))


class TestHeads:
    def test_weight_scaling_learns_a_factor_a_class(self, make):
        runner, model = make()
        before = state(model.head)
        after = state(runner.run([stage(LearnableWeightScaling)], model, "final").head)
        factors = after["weight"] / before["weight"]
        assert factors.std(dim=1).max() < 1e-5
        torch.testing.assert_close(factors[:, 0], after["bias"] / before["bias"], rtol=1e-4, atol=1e-5)
        assert (factors[:, 0] - 1).abs().min() > 1e-3

    def test_weight_scaling_with_the_head_as_mislas(self, make):
        runner, model = make()
        before = state(model.head)
        part = stage(LearnableWeightScaling, train_head=True, batch_norm="moving")
        after = state(runner.run([part], model, "final").head)
        assert (after["weight"] / before["weight"]).std(dim=1).max() > 1e-3

    def test_tau_is_chosen_on_validation_and_the_bias_dropped(self, make):
        log = {}
        runner, model = make(epoch_finished=lambda name, epoch, values: log.update({name: values}))
        weight = model.head.weight.detach().double()
        network = runner.run([stage(TauNormalisation)], model, "final")
        entry = log["stage-tau_normalisation-1"]
        tau = entry["solution"]["tau"]
        assert len(entry["solution"]["tried"]) == 21
        expected = weight / weight.norm(dim=1, keepdim=True) ** tau
        torch.testing.assert_close(network.head.weight.double(), expected, rtol=1e-6, atol=1e-7)
        assert not network.head.bias.any()
        assert entry["validation"]["balanced_accuracy"] == pytest.approx(max(entry["solution"]["tried"].values()))

    @pytest.mark.parametrize("distance", ["euclidean", "cosine"])
    def test_nearest_class_mean_is_that_of_the_features(self, make, rows, distance):
        _, (plan, _, test) = rows
        runner, model = make()
        network = runner.run([stage(NearestClassMean, distance=distance)], model, "final")
        features, unseen = (runner.trainer.features(model, part).astype(float) for part in (plan, test))
        means = np.stack([features[plan.label == label].mean(axis=0) for label in range(3)])
        if distance == "cosine":
            unseen /= np.linalg.norm(unseen, axis=1, keepdims=True)
            scores = unseen @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T
        else:
            scores = -((unseen[:, None] - means) ** 2).sum(axis=2)
        np.testing.assert_array_equal(runner.trainer.predict(network, test).argmax(axis=1), scores.argmax(axis=1))

    @pytest.mark.parametrize("part", [LogisticRegression, Smote])
    def test_solved_heads_are_logged_with_their_metrics(self, make, rows, part):
        log = {}
        runner, model = make(epoch_finished=lambda name, epoch, values: log.update({name: values}))
        runner.run([stage(part)], model, "final")
        entry = log[f"stage-{part.name}-1"]
        assert set(entry["train_recall"]) == set(CLASSES)
        assert entry["loss"] > 0
        assert entry["validation"]["balanced_accuracy"] > 0.4

    @pytest.mark.parametrize("part", [TauNormalisation, LogisticRegression, Smote])
    def test_what_is_chosen_is_chosen_by_validation_alone(self, part):
        random = np.random.default_rng(0)
        labels = np.repeat(np.arange(3), (60, 30, 8))
        rows = FeatureRows((random.normal(size=(98, 5)) + 0.7 * labels[:, None]).astype(np.float32), labels)
        head = {"weight": random.normal(size=(3, 5)) * [[9], [3], [1]], "bias": np.zeros(3)}
        context = BuildContext(CLASSES, (60, 30, 8))
        name = part().needs_validation
        for seed in range(3):
            held = np.random.default_rng(seed).permutation(98)[:40]
            validation = FeatureRows(rows.features[held], labels[held])
            found = part().solve(rows, validation, head, context)
            same = part(**{name: found.facts[name]}).solve(rows, validation, head, context)
            np.testing.assert_allclose(found.state["weight"], same.state["weight"], atol=1e-3)
            hits = (validation.features @ found.state["weight"].T + found.state["bias"]).argmax(axis=1) == labels[held]
            recall = np.mean([hits[labels[held] == label].mean() for label in range(3)])
            assert recall == pytest.approx(max(found.facts["tried"].values()))
            assert found.facts["tried"][str(found.facts[name])] == pytest.approx(recall)

    def test_smote_is_imbalanced_learns(self, make, rows):
        from imblearn.over_sampling import SMOTE
        from sklearn.linear_model import LogisticRegression as Theirs
        from sklearn.preprocessing import StandardScaler

        from imbalkit.base.randomness import derive_seed

        _, (plan, _, test) = rows
        runner, model = make()
        features, unseen = (runner.trainer.features(model, part) for part in (plan, test))
        network = runner.run([stage(Smote, penalty=1.0)], model, "final")
        seed = derive_seed(3, "weights", "stage-smote-1") % 2**32
        filled, labels = SMOTE(k_neighbors=5, random_state=seed).fit_resample(features, plan.label.astype(np.int64))
        scaler = StandardScaler().fit(filled)
        theirs = Theirs(tol=1e-8, max_iter=5000).fit(scaler.transform(filled), labels)
        expected = theirs.predict_proba(scaler.transform(unseen))
        logits = torch.from_numpy(runner.trainer.predict(network, test))
        np.testing.assert_allclose(logits.softmax(dim=1).numpy(), expected, atol=1e-2)
