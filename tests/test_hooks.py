"""Every hook is called: one plugin that implements all of them, in real runs on a few tiny images."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from imbalkit import hookspecs, kinds, run
from imbalkit.base.files import read_json
from imbalkit.builtin import __name__ as builtin
from imbalkit.catalogue import Catalogue, Provider
from imbalkit.cli.main import root
from imbalkit.data.table import Table
from imbalkit.errors import RunError
from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import KINDS, Preprocessing, param
from imbalkit.recipe import prepare as planning
from imbalkit.studies.sweeps.run import sweep
from imbalkit_lite import containers
from imbalkit_lite.opening import read_file
from tests.in_process import InProcess

pytestmark = pytest.mark.usefixtures("no_charts")

HOOKS = {name for name, item in vars(hookspecs).items() if hasattr(item, "imbalkit_spec")}


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

RECIPE = """
data: tiny
samplers:
  - name: oversample
    views: {bright: [[upside_down]]}
  - drop_one
  - {name: loss_rank, score: first_logit, loss: plain_ce, drop: 2, rounds: 2, epochs: 1, which: highest,
     warm_start: true}
augment: [nothing]
backbone: means
head: sum
order: backwards
mixer: half
loss: plain_ce
stages: [as_it_is]
training: {epochs: 2, batch_size: 16, monitor: last, accelerator: cpu, threads: 1}
decision: {threshold: middle}
metrics: [how_many, recall]
"""


def make_plugin(folder):
    """A plugin with an implementation of every hook."""
    (folder / "tiny.yaml").write_text(RECIPE)

    def registers(part):
        return hookimpl(lambda: [part])

    hooks = {}
    for kind, part in PARTS.items():
        hook = "register_losses" if kind == "loss" else f"register_{kind}s"
        function = registers(part)
        function.__name__ = hook
        hooks[hook] = function

    @hookimpl
    def register_recipes():
        return {"tiny/all": folder / "tiny.yaml"}

    @hookimpl
    def register_sweeps():
        return {"tiny/grid": folder / "grid.yaml"}

    @hookimpl
    def run_started(folder, recipe):
        CALLS.note("run_started", folder=folder.name, epochs=recipe["training"]["epochs"])

    @hookimpl
    def run_failed(folder, error):
        CALLS.note("run_failed", folder=folder.name, error=str(error))

    @hookimpl
    def sweep_started(folder, recipe):
        CALLS.note("sweep_started", folder=folder.name, epochs=recipe["training"]["epochs"])

    @hookimpl
    def sweep_finished(folder, unfinished):
        CALLS.note("sweep_finished", folder=folder.name, unfinished=list(unfinished))

    @hookimpl
    def plan_changed(plan, stage, folder):
        CALLS.note("plan_changed", stage=stage, counts=plan.counts(), started=(folder / "run.json").exists())

    @hookimpl
    def epoch_finished(stage, epoch, metrics, folder):
        logged = (folder / "log.jsonl").read_text().splitlines()
        CALLS.note("epoch_finished", stage=stage, epoch=epoch, loss=metrics["loss"], logged=len(logged))

    @hookimpl
    def run_finished(folder, metrics):
        CALLS.note("run_finished", complete=(folder / "metrics.json").exists(), test=metrics["test"])

    @hookimpl
    def report_sections(folder, prepared):
        files = sorted(path.name for path in folder.iterdir())
        CALLS.note("report_sections", files=files, samples=len(prepared.table), test=len(prepared.split.test))
        return {"Remarks": "Written by a plugin."}

    observers = (
        *(register_recipes, register_sweeps, run_started, run_failed, sweep_started, sweep_finished),
        *(plan_changed, epoch_finished, run_finished, report_sections),
    )
    return SimpleNamespace(**hooks, **{function.__name__: function for function in observers})


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    import importlib

    made = make_plugin(tmp_path)
    ours = (importlib.import_module(builtin), Provider("builtin", "imbalkit", "0"))
    catalogue = Catalogue([ours, (made, Provider("tiny", "imbalkit-tiny", "1"))])
    monkeypatch.setattr(planning, "default_catalogue", lambda without=(): catalogue)
    monkeypatch.chdir(tmp_path)
    CALLS.clear()
    return made


def test_the_plugin_implements_every_hook(plugin):
    assert {name for name in vars(plugin) if hasattr(getattr(plugin, name), "imbalkit_impl")} == HOOKS
    assert set(PARTS) == set(KINDS)


@pytest.fixture
def finished(plugin):
    return Path(run("tiny/all", runs="runs"))


def test_observers_see_the_run(finished):
    # 60 samples: 12 test, 12 validation, 24 dark + 12 bright to train on; each bright row gets a copy.
    changes = CALLS.details("plan_changed")
    changed = [(call["stage"], call["counts"]) for call in changes]
    assert [stage for stage, _ in changed] == [
        "samplers[0] oversample",
        "samplers[1] drop_one",
        "samplers[2] loss_rank, round 1",
        "samplers[2] loss_rank, round 2",
    ]
    assert [sum(counts) for _, counts in changed] == [48, 47, 45, 43]
    assert all(call["started"] for call in changes)

    epochs = CALLS.details("epoch_finished")
    assert [(call["stage"], call["epoch"]) for call in epochs] == [
        ("loss_rank-0-round-1", 1),
        ("loss_rank-0-round-2", 1),
        ("final", 1),
        ("final", 2),
        ("stage-as_it_is-1", 1),
    ]
    assert CALLS.details("stage") == [{"rows": 43, "validation": 12}]
    assert [call["logged"] for call in epochs] == [1, 2, 3, 4, 5]  # after the line is written
    assert all(np.isfinite(call["loss"]) for call in epochs)

    assert CALLS.details("run_started") == [{"folder": finished.name, "epochs": 2}]
    assert CALLS.index(("run_started", {"folder": finished.name, "epochs": 2})) < CALLS.index(
        ("plan_changed", changes[0])
    )
    (end,) = CALLS.details("run_finished")
    assert end["complete"]
    assert end["test"]["how_many"] == 12.0
    assert end["test"] == read_json(finished / "metrics.json")["test"]


def test_report_sections_are_in_the_report(finished):
    (call,) = CALLS.details("report_sections")
    assert (call["samples"], call["test"]) == (60, 12)
    assert {"plan.parquet", "predictions.parquet", "model.safetensors", "run.json", "log.jsonl"} <= set(call["files"])
    page = (finished / "report.html").read_text()
    assert '<a href="#plugin-remarks">Remarks</a>' in page
    assert "<p>Written by a plugin.</p>" in page


def test_registered_parts_are_used(finished):
    used = {name for name, _ in CALLS}
    kinds_in_the_recipe = set(PARTS) - {"calibrator", "container", "exporter", "launcher"}
    assert kinds_in_the_recipe <= used
    assert CALLS.details("loss")[-1]["counts"] == CALLS.details("plan_changed")[-1]["counts"]


def test_a_path_leads_into_a_container_of_the_plugin(plugin, monkeypatch):
    monkeypatch.setattr("imbalkit.catalogue.default_catalogue", planning.default_catalogue)
    containers.installed.cache_clear()
    containers._all_endings.cache_clear()
    try:
        Path("both.twice").write_bytes(b"onetwo")
        assert read_file("both.twice!second")[0] == b"two"
        assert read_file("both.twice!first")[0] == b"one"
    finally:
        containers.installed.cache_clear()
        containers._all_endings.cache_clear()
    assert len(CALLS.details("container")) == 1  # opened once


def test_calibrator_exporter_and_launcher_are_used(plugin):
    folds = ["split.folds=2", "launcher=in_process", "decision.calibrator=halve", "samplers=[]", "training.epochs=1"]
    folder = Path(run("tiny/all", folds, runs="runs"))
    assert CALLS.details("launcher") == [{"pieces": 2}]
    assert len(CALLS.details("calibrator")) == 2
    assert read_json(folder / "metrics.json")["test"]["how_many"]["values"] == [30.0, 30.0]
    assert [call["folder"] for call in CALLS.details("run_started")] == [folder.name, "fold-0", "fold-1"]
    assert len(CALLS.details("run_finished")) == 3
    assert not CALLS.details("run_failed")

    CALLS.clear()
    folder = Path(run("tiny/all", ["export=[marker]", "samplers=[]", "training.epochs=1"], runs="runs"))
    assert len(CALLS.details("exporter")) == 1
    assert (folder / "model.txt").read_text() == "exported"
    entries = read_json(folder / "metrics.json")["export"]
    assert entries == read_json(folder / "parity.json")
    assert entries["model.txt"]["bytes"] == len("exported")
    assert "it was compared with nothing" in entries["model.txt"]["notes"][0]


def test_observers_see_what_failed(plugin, monkeypatch):
    monkeypatch.setattr(HereLauncher, "run", lambda self, work: 1)
    with pytest.raises(RunError, match="fold-0, fold-1"):
        run("tiny/all", ["split.folds=2", "launcher=in_process"], folder="folds")
    assert [call["folder"] for call in CALLS.details("run_started")] == ["folds"]
    (failed,) = CALLS.details("run_failed")
    assert failed["folder"] == "folds"
    assert "fold-0, fold-1 of folds failed" in failed["error"]


def test_observers_see_a_sweep(plugin, tmp_path, monkeypatch):
    monkeypatch.setattr("imbalkit.studies.sweeps.run.default_catalogue", planning.default_catalogue)
    (tmp_path / "grid.yaml").write_text("base: tiny.yaml\nset: {training.epochs: 3}\nlauncher: in_process\n")
    monkeypatch.setattr(HereLauncher, "run", lambda self, work: 1)
    with pytest.raises(RunError, match="not finished"):
        sweep("grid.yaml", tmp_path / "grid")
    assert CALLS.details("sweep_started") == [{"folder": "grid", "epochs": 3}]
    assert CALLS.details("sweep_finished") == [{"folder": "grid", "unfinished": ["seed-0"]}]
