"""A part of every kind, each of which notes in CALLS that it was used."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imbalkit import kinds
from imbalkit.cli.main import root
from imbalkit.data.table import Table
from imbalkit.kinds import Preprocessing, param
from tests.in_process import InProcess


class Recorder(list):
    """What was called, in order."""

    def note(self, what, **details):
        self.append((what, details))

    def details(self, what):
        return [details for name, details in self if name == what]


CALLS = Recorder()


class TinyDataset(kinds.Dataset):
    """Images whose brightness tells the class."""

    name = "tiny"

    def load(self):
        import pandas as pd

        CALLS.note("dataset")
        labels = np.repeat(["dark", "bright"], [40, 20])
        random = np.random.default_rng(0)
        pixels = random.integers(0, 90, (60, 8, 8, 1)) + np.where(labels == "bright", 120, 0)[:, None, None, None]
        return Table.build(pd.DataFrame({"label": labels}), arrays=pixels.astype(np.uint8))


class Invert(kinds.Op):
    """Swaps rows of pixels."""

    name = "upside_down"

    def apply(self, images, parameters):
        CALLS.note("op")
        return images.flip(2)


class DropOne(kinds.Sampler):
    """Drops the first row."""

    name = "drop_one"

    def preview(self, counts):
        return counts.with_rows({0: (counts.low[0] - 1, counts.high[0])})

    def resample(self, plan, rng):
        CALLS.note("sampler")
        return plan.drop(plan.rows_of(0)[:1])


class FirstLogit(kinds.Score):
    """The first logit."""

    name = "first_logit"

    def build(self, context):
        def score(logits, targets):
            CALLS.note("score")
            return logits[:, 0]

        return score


class PlainCE(kinds.Loss):
    """Cross entropy."""

    name = "plain_ce"

    def build(self, context):
        from torch import nn

        CALLS.note("loss", counts=context.counts)
        return nn.CrossEntropyLoss(reduction="none")


class Means(kinds.Backbone):
    """The mean brightness."""

    name = "means"

    def preprocessing(self):
        return Preprocessing((0.5,), (0.5,), (8, 8))

    def build(self, context):
        from torch import nn

        CALLS.note("backbone")
        body = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        body.num_features = context.channels
        return body


class Nothing(kinds.Augmentation):
    """Changes nothing."""

    name = "nothing"

    def build(self, context):
        from torch import nn

        CALLS.note("augmentation")
        return nn.Identity()


class Sum(kinds.Head):
    """A linear layer without bias."""

    name = "sum"

    def build(self, context, features):
        from torch import nn

        CALLS.note("head")
        return nn.Linear(features, len(context.classes), bias=False)


class Backwards(kinds.Order):
    """The last row first."""

    name = "backwards"

    def rows(self, plan, epoch, epochs, draws):
        CALLS.note("order")
        return np.arange(len(plan))[::-1]


class Half(kinds.Mixer):
    """Half of each of two pictures."""

    name = "half"

    def build(self, context):
        def mix(images, labels, partners, partner_labels, rng):
            CALLS.note("mixer")
            return (images + partners) / 2, images.new_full((len(images),), 0.5)

        from torch import nn

        module = nn.Module()
        module.forward = mix
        return module


class AsItIs(kinds.SolvedStage):
    """Keeps the head."""

    name = "as_it_is"

    def solve(self, train, validation, head, context):
        CALLS.note("stage", rows=len(train.labels), validation=len(validation.labels))
        return kinds.Solution(head)


class HowMany(kinds.Metric):
    """Rows."""

    name = "how_many"

    def compute(self, predictions):
        CALLS.note("metric")
        return float(len(predictions.labels))


class Halve(kinds.Calibrator):
    """Half the logits."""

    name = "halve"

    def fit(self, logits, labels):
        CALLS.note("calibrator", rows=len(labels))
        return lambda values: values / 2


class Middle(kinds.Threshold):
    """The median probability."""

    name = "middle"

    def choose(self, rows):
        CALLS.note("threshold")
        return float(np.median(rows.probabilities))


class Marker(kinds.Exporter):
    """A file with a word."""

    name, suffix = "marker", ".txt"

    def write(self, model, path):
        CALLS.note("exporter")
        path.write_text("exported")

    def runtimes(self, path, threads=None):
        return []


class HereLauncher(kinds.Launcher):
    """Runs commands in this process, where the plugin is."""

    name = "in_process"
    jobs: int = param(1, help="not used")

    def open(self, folder, pieces=None):
        CALLS.note("launcher", pieces=pieces)
        return InProcess(self.run)

    def run(self, work):
        root.main(list(work.command[3:]), standalone_mode=False)
        return 0


class Twice(kinds.Container):
    """A file of two halves, `first` and `second`."""

    name, endings = "twice", (".twice",)

    def open(self, place):
        CALLS.note("container")
        half = Path(place).stat().st_size // 2
        return Halves({"first": kinds.Span(0, half), "second": kinds.Span(half, half)})


class Halves(kinds.Members):
    def __init__(self, spans):
        self.spans = spans

    def names(self):
        return list(self.spans)

    def __contains__(self, name):
        return name in self.spans

    def span(self, name):
        return self.spans[name]


PARTS = {
    "dataset": TinyDataset,
    "container": Twice,
    "op": Invert,
    "sampler": DropOne,
    "score": FirstLogit,
    "loss": PlainCE,
    "backbone": Means,
    "augmentation": Nothing,
    "head": Sum,
    "order": Backwards,
    "mixer": Half,
    "stage": AsItIs,
    "metric": HowMany,
    "calibrator": Halve,
    "threshold": Middle,
    "exporter": Marker,
    "launcher": HereLauncher,
}
