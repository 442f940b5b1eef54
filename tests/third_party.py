"""A plugin with a part of each kind that a recipe must name, written with imbalkit.kinds alone: no built-in part is used."""

from __future__ import annotations

import json
import sys

from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import (
    Augmentation,
    Backbone,
    Container,
    Dataset,
    Head,
    Launcher,
    Loss,
    Members,
    Op,
    Order,
    Preprocessing,
    ProcessSession,
    Sampler,
    Score,
    ScoredSampler,
    ShareMetric,
    Table,
    Threshold,
    highest,
)


class Stripes(Dataset):
    """Grey images whose brightness tells the class."""

    name = "stripes"

    def load(self):
        import numpy as np
        import pandas as pd

        labels = np.repeat(["dark", "bright"], [80, 40])
        random = np.random.default_rng(0)
        pixels = random.integers(0, 120, (120, 8, 8, 1)) + np.where(labels == "bright", 90, 0)[:, None, None, None]
        return Table.build(pd.DataFrame({"label": labels}), arrays=pixels.astype(np.uint8))


class Pairs(Container):
    """A text file with a name and a value a line."""

    name, endings = "pairs", (".pairs",)

    def open(self, place):
        return PairMembers(place)


class PairMembers(Members):
    def __init__(self, place):
        with open(place, encoding="utf-8") as stream:
            self.values = dict(line.split() for line in stream)

    def names(self):
        return list(self.values)

    def __contains__(self, name):
        return name in self.values

    def read(self, name):
        return self.values[name].encode()


class UpsideDown(Op):
    """Swaps top and bottom."""

    name = "upside_down"

    def apply(self, images, parameters):
        return images.flip(2)


class Mirrored(Sampler):
    """A copy of each row of a class, upside down."""

    name = "mirrored"

    def preview(self, counts):
        return counts.with_rows({1: (2 * counts.low[1], 2 * counts.high[1])})

    def resample(self, plan, rng):
        return plan.append(plan.rows_of(1), [(UpsideDown(),)])


class DropHardest(ScoredSampler):
    """Drops the row of highest score in each round."""

    name = "drop_hardest"

    def preview(self, counts, round=0):
        bounds = zip(counts.low, counts.high, strict=True)
        return counts.with_rows({label: (max(0, low - 1), high) for label, (low, high) in enumerate(bounds)})

    def resample(self, plan, scores, rng, round=0):
        return plan.drop(highest(scores, plan.key, 1))


class FirstLogit(Score):
    """The first logit."""

    name = "first_logit"

    def build(self, context):
        return lambda logits, targets: logits[:, 0]


class Surprise(Loss):
    """Cross entropy."""

    name = "surprise"

    def build(self, context):
        from torch import nn

        return nn.CrossEntropyLoss(reduction="none")


class Brightness(Backbone):
    """The mean of each colour."""

    name = "brightness"

    def preprocessing(self):
        return Preprocessing((0.5,), (0.5,), (8, 8))

    def build(self, context):
        from torch import nn

        body = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        body.num_features = context.channels
        return body


class Nothing(Augmentation):
    """Changes nothing."""

    name = "nothing"

    def build(self, context):
        from torch import nn

        return nn.Identity()


class Flat(Head):
    """A dense layer without bias."""

    name = "flat"

    def build(self, context, features):
        from torch import nn

        return nn.Linear(features, len(context.classes), bias=False)


class FrontToBack(Order):
    """Every row once, always in the plan's order."""

    name = "front_to_back"
    visits_each_row_once = True

    def rows(self, plan, epoch, epochs, draws):
        import numpy as np

        return np.arange(len(plan))


class Right(ShareMetric):
    """Share of rows decided rightly."""

    name = "right"

    def shares(self, predictions):
        import numpy as np

        right = predictions.labels == predictions.decisions
        return right, np.ones_like(right)


class Half(Threshold):
    """Positive from 0.5 on."""

    name = "half"

    def choose(self, rows):
        return 0.5


class Here(Launcher):
    """Runs one piece of work after the other."""

    name = "here"

    def open(self, folder, pieces=None):
        return ProcessSession()

    def at_once(self):
        return 1


@hookimpl
def register_datasets():
    return [Stripes]


@hookimpl
def register_containers():
    return [Pairs]


@hookimpl
def register_ops():
    return [UpsideDown]


@hookimpl
def register_samplers():
    return [DropHardest, Mirrored]


@hookimpl
def register_scores():
    return [FirstLogit]


@hookimpl
def register_losses():
    return [Surprise]


@hookimpl
def register_backbones():
    return [Brightness]


@hookimpl
def register_heads():
    return [Flat]


@hookimpl
def register_orders():
    return [FrontToBack]


@hookimpl
def register_augmentations():
    return [Nothing]


@hookimpl
def register_metrics():
    return [Right]


@hookimpl
def register_thresholds():
    return [Half]


@hookimpl
def register_launchers():
    return [Here]


@hookimpl
def run_finished(folder, metrics):
    """Keeps what was imported by then."""
    (folder / "modules.json").write_text(json.dumps(sorted(name for name in sys.modules if "imbalkit" in name)))
