"""The conformance checks catch what they say: parts broken on purpose, one rule each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from imbalkit.errors import ImbalkitError, MissingExtraError, PlanError
from imbalkit.kinds import (
    Augmentation,
    Backbone,
    Calibrator,
    Dataset,
    Exporter,
    Launcher,
    Loss,
    Metric,
    Op,
    Part,
    Preprocessing,
    Sampler,
    Score,
    ScoredSampler,
    Threshold,
    param,
)
from imbalkit.plan import Counts
from imbalkit.samplers._ranking import checked_scores, highest
from imbalkit.table import Table
from imbalkit.testing import Setting, check_part
from imbalkit.testing.common import check_light_import


def broken(base: type[Part], message: str, **members: Any) -> Any:
    """A case: a subclass of `base` with some members replaced, and what the check must say."""
    members = {"__module__": __name__, "__doc__": "Broken.", "__annotations__": {}, **members}
    return pytest.param(type(base)("Broken", (base,), members), message, id=f"{base.kind}: {message[:50]}")


def check(part: type[Part], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_part(part)


# --- sound parts, which every check must let through -----------------------------------------------------------------


class Half(Sampler):
    """Drops half of the majority class."""

    name = "half"
    share: float = param(0.5, help="share that stays", gt=0, le=1)

    def resample(self, plan, rng):
        rows = plan.rows_of(plan.majority)
        stay = self.preview(Counts.of(plan)).low[plan.majority]
        return plan.drop(rng.choice(rows, len(rows) - stay, replace=False))

    def preview(self, counts):
        stay = int(counts.low[counts.majority] * self.share)
        if not stay:
            raise PlanError("nothing would stay")
        return counts.with_rows({counts.majority: (stay, stay)})


class AnyScore(Score):
    """The logit of the target."""

    name = "any_score"

    def build(self, context):
        return lambda logits, targets: logits.gather(1, targets[:, None])[:, 0].float()


class CrossEntropy(Loss):
    """Cross entropy."""

    name = "cross_entropy"

    def build(self, context):
        return torch.nn.CrossEntropyLoss(reduction="none")


class TopThree(ScoredSampler):
    """Drops the three rows of highest score."""

    name = "top_three"
    score: Any = param(AnyScore(), help="score", exclude=True)
    loss: Any = param(CrossEntropy(), help="loss", exclude=True)
    between_rounds: str = param("keep", help="as always")
    rounds: int = param(2, help="rounds")

    def resample(self, plan, scores, rng, round=0):
        scores = checked_scores(scores, len(plan), self.name)
        self.preview(Counts.of(plan), 0)
        return plan.drop(highest(scores, plan.key, 3))

    def preview(self, counts, round=None):
        dropped = 3 * (self.rounds if round is None else round + 1)
        if counts.total - dropped < 1:
            raise PlanError("nothing would stay")
        low = [max(0, count - dropped) for count in counts.low]
        high = [min(count, counts.total - dropped) for count in counts.high]
        return replace(counts, low=tuple(low), high=tuple(high), total=counts.total - dropped)


class Brighter(Op):
    """Brightens by a drawn amount."""

    name = "brighter"
    parameters = ("amount",)
    most: float = param(0.5, help="largest amount")

    def decide(self, uniforms):
        return uniforms * self.most

    def apply(self, images, parameters):
        return (images + parameters[:, :, None, None].to(images.dtype)).clamp(0, 1)


class Mirror(Augmentation):
    """Mirrors every image."""

    name = "mirror"

    def build(self, context):
        class Flip(torch.nn.Module):
            def forward(self, images):
                return images.flip(3)

        return Flip()


class Mean(Backbone):
    """One weighted mean of each channel."""

    name = "mean"

    def preprocessing(self):
        return Preprocessing((0.5,), (0.5,), (8, 8))

    def build(self, context):
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 5))
        module.num_features = 5
        return module


class Right(Metric):
    """Share of right decisions."""

    name = "right"

    def compute(self, predictions):
        return float((predictions.labels == predictions.decisions).mean())


class Same(Calibrator):
    """Leaves logits as they are."""

    name = "same"

    def fit(self, logits, labels):
        return lambda values: values


class Middle(Threshold):
    """One half."""

    name = "middle"

    def choose(self, positives, probabilities):
        return 0.5


class Tiny(Dataset):
    """Four grey pictures."""

    name = "tiny"

    def load(self):
        return Table.build(pd.DataFrame({"label": list("abab")}), np.zeros((4, 8, 8, 3), dtype=np.uint8))


class Names(Exporter):
    """Writes the class names."""

    name = "names"
    suffix = ".bin"

    def export(self, network, context, path):
        path.write_text(" ".join(context.classes))
        return {"bytes": path.stat().st_size}


class OneByOne(Launcher):
    """One command after the other."""

    name = "one_by_one"

    def launch(self, commands):
        import subprocess

        return [subprocess.run(command, check=False).returncode for command in commands]


SOUND = [Half, AnyScore, CrossEntropy, TopThree, Brighter, Mirror, Mean, Right, Same, Middle, Tiny, Names, OneByOne]


@pytest.mark.parametrize("part", SOUND, ids=lambda part: part.kind + " " + part.name)
def test_sound_parts_pass(part):
    check_part(part)
    check_part(part())


# --- every kind ------------------------------------------------------------------------------------------------------


class Loose(Half):
    """Accepts anything."""

    model_config = {"extra": "ignore"}


class Lenient(Half):
    """Takes text for numbers, behind pydantic's back."""

    share: Any = param(0.5, help="share that stays")


class Helpless(Half):
    """Has a parameter without help."""

    share: float = 0.5


class Lossy(Half):
    """Does not write what it was given."""

    secret: float = param(1.0, help="not written", exclude=True)


class Tupled(Half):
    """Has a parameter that YAML cannot give."""

    pair: tuple[int, int] = param((1, 2), help="YAML has no tuples")


class Needy(Half):
    """Has a required parameter."""

    wanted: int = param(help="must be given")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Half, "lowercase letters, digits and _, got 'Half-Of'", name="Half-Of"),
        broken(Half, "has no docstring", __doc__=" "),
        (Loose, "must keep extra='forbid', got 'ignore'"),
        (Lenient, "'share' takes the text '0.5' for a number"),
        (Helpless, "parameter 'share' has no help"),
        (Tupled, "what a recipe can hold.*does not accept"),
        (Needy, "(?s)Needy does not accept the example {} .give every required parameter.*wanted"),
        (dict, "expected a subclass of imbalkit.kinds.Part, got <class 'dict'>"),
    ],
)
def test_rules_of_every_kind(part, message):
    check(part, message)


def test_a_part_must_survive_being_written():
    with pytest.raises(AssertionError, match="model_dump.. and back changed the part"):
        check_part(Lossy, secret=2.0)


def test_parameters_go_with_a_class():
    with pytest.raises(TypeError, match="give parameters with a class"):
        check_part(Half(), share=0.2)
    with pytest.raises(AssertionError, match="Half does not accept the example {'share': 2}"):
        check_part(Half, share=2)


def test_a_missing_module_is_not_a_broken_part():
    class Extra(Half):
        """Needs what is not there."""

        requires = {"no_such_module": "no-such-package"}

    with pytest.raises(MissingExtraError, match="pip install 'no-such-package'"):
        check_part(Extra)
    check_part(Extra, setting=Setting(build=False))


def test_heavy_imports_are_named(tmp_path, monkeypatch):
    (tmp_path / "heavy_plugin.py").write_text("import sqlite3\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check_light_import("heavy_plugin")
    with pytest.raises(AssertionError, match="importing heavy_plugin imports sqlite3; import what is heavy inside"):
        check_light_import("heavy_plugin", heavy=["torch", "sqlite3"])


# --- samplers --------------------------------------------------------------------------------------------------------


def _in_place(self, plan, rng):
    plan.label[:1] = 1 - plan.label[:1]
    return Half.resample(self, plan, rng)


def _unseeded(self, plan, rng):
    return Half.resample(self, plan, np.random.default_rng())


def _foreign(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, source=after.source + np.uint32(1))


def _relabelled(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, label=np.roll(after.label, 1))


def _keys_twice(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, key=np.concatenate([after.key[:1], after.key[:-1]]))


def _wider(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, label=after.label.astype(np.int64))


def _new_majority(self, plan, rng):
    return replace(Half.resample(self, plan, rng), majority=1 - plan.majority)


def _another_row(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, key=np.sort(after.key)[::-1].copy())


def _one_fewer(self, counts):
    after = Half.preview(self, counts)
    return after.with_rows({1: (after.low[1] - 1, after.low[1] - 1)})


def _wrong_total(self, counts):
    return replace(Half.preview(self, counts), total=1)


def _refuses_few(self, plan, rng):
    if len(plan) < 40:
        raise PlanError("few rows")
    return Half.resample(self, plan, rng)


def _foretells_refusal(self, counts):
    if counts.total < 40:
        raise PlanError("few rows")
    return Half.preview(self, counts)


def _by_position(self, plan, scores, rng, round=0):
    checked_scores(scores, len(plan), self.name)
    self.preview(Counts.of(plan), 0)
    return plan.drop(np.argsort(-scores, kind="stable")[:3])


def _takes_nan(self, plan, scores, rng, round=0):
    return TopThree.resample(self, plan, np.nan_to_num(scores), rng, round)


def _other_error(self, plan, scores, rng, round=0):
    if np.isnan(scores).any():
        raise ZeroDivisionError
    return TopThree.resample(self, plan, scores, rng, round)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Half, "`resample` changed the given plan's 'label' column", resample=_in_place),
        broken(Half, "two calls with the same seed give different plans", resample=_unseeded),
        broken(Half, "that are not in the plan", resample=_foreign),
        broken(Half, "the label of source .* changed", resample=_relabelled),
        broken(Half, "row keys are not unique", resample=_keys_twice),
        broken(Half, "column 'label' must stay uint16, got int64", resample=_wider),
        broken(Half, "plan's 'majority' must not change", resample=_new_majority),
        broken(Half, "is kept but became another", resample=_another_row),
        broken(Half, "must return a Plan, got list", resample=lambda self, plan, rng: []),
        broken(Half, r"`preview` says \(20, 8\), `resample` gives \(20, 9\)", preview=_one_fewer),
        broken(Half, "`preview` says 1 rows in all, got 29", preview=_wrong_total),
        broken(Half, "only `resample` raises PlanError", resample=_refuses_few),
        broken(
            Half,
            "only `preview` raises PlanError",
            preview=_foretells_refusal,
            resample=lambda self, plan, rng: Half().resample(plan, rng),
        ),
        broken(TopThree, "with equal scores the rows that stay depend on their order", resample=_by_position),
        broken(TopThree, "NaN must raise PlanError, and was taken", resample=_takes_nan),
        broken(TopThree, "NaN must raise PlanError, got ZeroDivisionError", resample=_other_error),
    ],
)
def test_samplers(part, message):
    check(part, message)


def test_a_setting_that_a_sampler_refuses_is_said():
    with pytest.raises(AssertionError, match=r"refuses the checks' plan \(1, 1\); give a setting: nothing would stay"):
        check_part(Half, setting=Setting(counts=(1, 1)))


# --- losses and scores -----------------------------------------------------------------------------------------------


def loss(function, **members):
    """A `build` of a module whose forward is `function(self, logits, targets)`."""
    module = type("Module", (torch.nn.Module,), {"forward": function, **members})
    return lambda self, context: module()


def _ce(logits, targets):
    return torch.nn.functional.cross_entropy(logits, targets, reduction="none")


def _counting(only_training: bool):
    def forward(self, logits, targets):
        if self.training or not only_training:
            self.seen += 1
        return _ce(logits, targets) * self.seen

    def start(self):
        torch.nn.Module.__init__(self)
        self.register_buffer("seen", torch.zeros(()))

    return {"function": forward, "__init__": start}


def _hidden_state(self, logits, targets):
    self.seen = getattr(self, "seen", 0) + self.training
    return _ce(logits, targets) * (1 + self.seen)


def _in_order(self, logits, targets):
    return _ce(logits, targets) * torch.arange(1, len(targets) + 1)


def _changes(self, logits, targets):
    value = _ce(logits.detach().clone().requires_grad_(), targets) + logits.sum()
    logits.data.zero_()
    return value


def _mean_of_class_means(self, logits, targets):
    values = _ce(logits, targets)
    return torch.stack([values[targets == label].mean() for label in range(logits.shape[1])]).mean()


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(CrossEntropy, "must return a torch.nn.Module, got function", build=lambda self, context: _ce),
        broken(
            CrossEntropy, "a loss a row .12. or a scalar, got .12, 1.", build=loss(lambda s, x, y: _ce(x, y)[:, None])
        ),
        broken(CrossEntropy, "no gradient flows", build=loss(lambda s, x, y: _ce(x.detach(), y))),
        broken(CrossEntropy, "the loss is not finite", build=loss(_mean_of_class_means)),
        broken(
            CrossEntropy, "all wrong: the loss is not finite", build=loss(lambda s, x, y: _ce(x, y) / (_ce(x, y) < 20))
        ),
        broken(CrossEntropy, "the gradient is 0 everywhere", build=loss(lambda s, x, y: _ce(x, y) * 0)),
        broken(CrossEntropy, "changed the logits", build=loss(_changes)),
        broken(CrossEntropy, "'seen' changes in eval mode", build=loss(**_counting(only_training=False))),
        broken(CrossEntropy, "loaded into a new module gives another loss", build=loss(_hidden_state)),
        broken(CrossEntropy, "in another order the rows have other losses", build=loss(_in_order)),
        broken(
            CrossEntropy,
            "`statistics` of two halves do not add up",
            build=loss(lambda s, x, y, statistics=None: _ce(x, y), statistics=lambda s, x, y: x.mean(0)),
        ),
        broken(
            CrossEntropy,
            r"class_weights\(\) must be \[2\], got \[1\]",
            build=loss(lambda s, x, y: _ce(x, y), class_weights=lambda s: torch.ones(1)),
        ),
        broken(
            CrossEntropy,
            "one row: no gradient",
            build=loss(lambda s, x, y: _ce(x, y) if (x.argmax(1) != y).any() else x.new_zeros(())),
        ),
        broken(AnyScore, "a score a row .12., got .12, 2.", build=lambda self, context: lambda x, y: x),
        broken(
            AnyScore,
            "depends on the rows beside it",
            build=lambda self, context: lambda x, y: _ce(x, y) - _ce(x, y).mean(),
        ),
        broken(
            AnyScore, "scores are not finite", build=lambda self, context: lambda x, y: _ce(x, y) / (_ce(x, y) < 20)
        ),
    ],
)
def test_losses_and_scores(part, message):
    check(part, message)


def test_state_in_buffers_is_right():
    class Counting(CrossEntropy):
        """Counts batches in a buffer, in training only."""

        def build(self, context):
            return loss(**_counting(only_training=True))(self, context)

    check_part(Counting)


def test_a_loss_may_refuse_more_classes_than_it_is_for():
    class Binary(CrossEntropy):
        """For two classes."""

        def build(self, context):
            if len(context.classes) != 2:
                raise ImbalkitError("binary is for two classes")
            return super().build(context)

    check_part(Binary)
    with pytest.raises(AssertionError, match="refuses the checks' classes"):
        check_part(Binary, setting=Setting(classes=("a", "b", "c"), counts=(5, 4, 3)))


# --- images ----------------------------------------------------------------------------------------------------------


def _scaled(self, images, parameters):
    return images.mul_(0.5)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Brighter, r"`decide` must return \(6, 1\), got \(6,\)", decide=lambda self, u: u[:, 0]),
        broken(
            Brighter,
            "`decide` gives other parameters when called again",
            decide=lambda self, u: np.random.random(u.shape),
        ),
        broken(Brighter, "the parameters of a row depend on the rows beside it", decide=lambda self, u: u - u.mean()),
        broken(Brighter, "set square_only = True", apply=lambda self, images, parameters: images.transpose(2, 3)),
        broken(Brighter, "must refuse other images", square_only=True),
        broken(Brighter, "pixels leave 0..1", apply=lambda self, images, parameters: images + 0.5),
        broken(
            Brighter, "expected torch.float64, got torch.float32", apply=lambda self, images, parameters: images.float()
        ),
        broken(Brighter, "changed the images", apply=_scaled),
        broken(Brighter, "other pixels .random", apply=lambda self, images, parameters: torch.rand_like(images)),
        broken(
            Brighter,
            "the pixels of a row depend",
            apply=lambda self, images, parameters: (images - images.mean(0, True)).clamp(0, 1),
        ),
        broken(Mirror, "expected shape", build=lambda self, context: torch.nn.AvgPool2d(2)),
        broken(Mirror, "must return a torch.nn.Module", build=lambda self, context: torch.flip),
        broken(Mean, "std must be positive", preprocessing=lambda self: Preprocessing((0.5,), (0.0,), (8, 8))),
        broken(Mean, "differ in length", preprocessing=lambda self: Preprocessing((0.5,), (0.5, 0.5), (8, 8))),
        broken(Mean, "needs an int `num_features`, got None", build=lambda self, context: torch.nn.Flatten()),
        broken(
            Mean, r"expected features \[4, 7\]", build=lambda self, context: _with_features(Mean().build(context), 7)
        ),
        broken(
            Mean,
            "in eval mode two passes differ",
            build=lambda self, context: _with_features(
                torch.nn.Sequential(Mean().build(context), _Noise()),
                5,
            ),
        ),
    ],
)
def test_images(part, message):
    check(part, message)


class _Noise(torch.nn.Module):
    def forward(self, features):
        return features + torch.rand_like(features)


def _with_features(module, features):
    module.num_features = features
    return module


# --- decisions, data, outside ----------------------------------------------------------------------------------------


def _recall(self, predictions):
    return 1 / int((predictions.labels == 1).sum())


def _leaves_another(self, network, context, path):
    (path.parent / "extra").touch()
    return Names().export(network, context, path)


def _trains(self, network, context, path):
    network[2].bias.data += 1
    return Names().export(network, context, path)


def _not_twice(self):
    table = Tiny().load()
    return replace(table, frame=table.frame.assign(noise=np.random.random(4)))


def _left_out(columns):
    return lambda self: replace(Tiny().load(), removed=pd.DataFrame(columns))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Right, "raised ZeroDivisionError", compute=_recall),
        broken(Right, "against higher_is_better=True", compute=lambda self, p: 1 - Right().compute(p)),
        broken(Right, "against higher_is_better=False", higher_is_better=False),
        broken(Right, "expected a float or a mapping of floats", compute=lambda self, p: None),
        broken(Right, "the figure is infinite", compute=lambda self, p: float("inf")),
        broken(
            Right,
            "in another order",
            compute=lambda self, p: float(p.labels[0] == p.decisions[0]) + float(p.labels[-1]),
        ),
        broken(Same, "must return a function, got ndarray", fit=lambda self, logits, labels: logits),
        broken(Same, "expected logits .60, 2., got .60,.", fit=lambda self, logits, labels: lambda x: x[:, 0]),
        broken(Same, "one row: calibrated logits are not finite", fit=lambda self, x, y: lambda v: v / (len(x) > 1)),
        broken(Same, "a row's logits depend", fit=lambda self, logits, labels: lambda x: x - x.mean(0)),
        broken(Middle, r"expected a threshold in 0\.\.1, got 1.1", choose=lambda self, positives, p: 1.1),
        broken(Middle, r"expected a threshold in 0\.\.1, got nan", choose=lambda self, positives, p: float("nan")),
        broken(Middle, "depends on the order of rows", choose=lambda self, positives, p: float(p[0])),
        broken(Tiny, "must return an imbalkit.table.Table, got list", load=lambda self: []),
        broken(Tiny, "loaded twice, the tables differ", load=_not_twice),
        broken(Tiny, "are not among the classes", load=lambda self: replace(Tiny().load(), classes=("a", "c"))),
        broken(
            Tiny,
            r"arrays must be \[4, H, W, C\]",
            load=lambda self: replace(Tiny().load(), arrays=np.zeros((3, 8, 8, 3))),
        ),
        broken(
            Tiny,
            "arrays must be uint8, got float64",
            load=lambda self: replace(Tiny().load(), arrays=np.zeros((4, 8, 8, 3))),
        ),
        broken(Tiny, "needs a column 'path'", load=lambda self: replace(Tiny().load(), arrays=None)),
        broken(Tiny, r"`removed` has no column \['reason'\]", load=_left_out({"label": ["a"]})),
        broken(Tiny, "must be None where nothing was left out", load=_left_out({"label": [], "reason": []})),
        broken(Tiny, "needs a label and a reason", load=_left_out({"label": ["a"], "reason": [None]})),
        broken(Tiny, r"`problems` must be texts, got \(1,\)", load=lambda self: replace(Tiny().load(), problems=(1,))),
        broken(Names, "`suffix` must be such as '.onnx', got 'bin'", suffix="bin"),
        broken(Names, r"did not write the path it was given \(model.bin\)", export=lambda self, n, c, path: {}),
        broken(Names, "must return a mapping of facts, got NoneType", export=lambda self, n, c, path: path.touch()),
        broken(Names, r"left \['extra'\] beside the file", export=_leaves_another),
        broken(Names, "changed the network's '2.bias'", export=_trains),
        broken(OneByOne, r"expected the exit codes \[3, 0, 1\]", launch=lambda self, commands: [0] * len(commands)),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_decisions_data_and_outside(part, message):
    check(part, message)
