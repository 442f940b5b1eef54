"""A sound part of every kind, which every check lets through, and the way to break one on purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch

from imbalkit.errors import PlanError
from imbalkit.kinds import (
    Augmentation,
    Backbone,
    Calibrator,
    Dataset,
    Exporter,
    FeatureSampler,
    FileRuntime,
    Launcher,
    Loss,
    Metric,
    Op,
    Part,
    Preprocessing,
    ProcessSession,
    Sampler,
    Score,
    ScoredSampler,
    Table,
    Threshold,
    checked_features,
    checked_scores,
    highest,
    param,
)
from imbalkit.plan import Counts
from imbalkit.testing import check_part


def broken(base: type[Part], message: str, **members: Any) -> Any:
    """A case: a subclass of `base` with some members replaced, and what the check must say."""
    members = {"__module__": __name__, "__doc__": "Broken.", "__annotations__": {}, **members}
    return pytest.param(type(base)("Broken", (base,), members), message, id=f"{base.kind}: {message[:50]}")


def check(part: type[Part], message: str) -> None:
    """The checks refuse `part` with `message`."""
    with pytest.raises(AssertionError, match=message):
        check_part(part)


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
    warm_start: bool = param(True, help="as always")
    rounds: int = param(2, help="rounds")

    def resample(self, plan, scores, rng, round=0):
        scores = checked_scores(scores, len(plan), self.name)
        self.preview(Counts.of(plan), 0)
        return plan.drop(highest(scores, plan.key, 3))

    def preview(self, counts, round=0):
        if counts.total < 4:
            raise PlanError("nothing would stay")
        low = [max(0, count - 3) for count in counts.low]
        high = [min(count, counts.total - 3) for count in counts.high]
        return replace(counts, low=tuple(low), high=tuple(high), total=counts.total - 3)


class Longest(FeatureSampler):
    """Drops the three rows of longest features."""

    name = "longest"
    loss: Any = param(CrossEntropy(), help="loss", exclude=True)

    def resample(self, plan, features, rng):
        features = checked_features(features, len(plan), self.name)
        self.preview(Counts.of(plan))
        return plan.drop(highest((features**2).sum(axis=1), plan.key, 3))

    def preview(self, counts):
        return TopThree.preview(self, counts)


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

    def restore(self, fitted):
        return lambda values: values


class Middle(Threshold):
    """One half."""

    name = "middle"

    def choose(self, rows):
        return 0.5


class Tiny(Dataset):
    """Four grey pictures."""

    name = "tiny"

    def load(self):
        return Table.build(pd.DataFrame({"label": list("abab")}), np.zeros((4, 8, 8, 3), dtype=np.uint8))


class Names(Exporter):
    """Writes the class names, and lets the network itself answer."""

    name = "names"
    suffix = ".bin"
    written: ClassVar[dict] = {}

    def write(self, model, path):
        path.write_text(" ".join(model.card.classes))
        self.written["network"] = model.network

    def runtimes(self, path, threads=None):
        return [FileRuntime("itself", self.answer, self.logits)]

    def answer(self, inputs):
        with torch.no_grad():
            return self.written["network"](torch.from_numpy(inputs)).numpy()

    def logits(self, inputs):
        return np.log(self.answer(inputs))


class OneByOne(Launcher):
    """One piece of work after the other."""

    name = "one_by_one"

    def open(self, folder, pieces=None):
        return ProcessSession()

    def at_once(self):
        return 1


SOUND = [
    Half,
    AnyScore,
    CrossEntropy,
    TopThree,
    Longest,
    Brighter,
    Mirror,
    Mean,
    Right,
    Same,
    Middle,
    Tiny,
    Names,
    OneByOne,
]
