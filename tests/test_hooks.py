"""Every hook is called: one plugin that implements all of them, in real runs on a few tiny images."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from imbalkit import hookspecs, run
from imbalkit.base.files import read_json
from imbalkit.builtin import __name__ as builtin
from imbalkit.catalogue import Catalogue, Provider
from imbalkit.errors import RunError
from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import KINDS
from imbalkit.recipe import prepare as planning
from imbalkit.studies.sweeps.run import sweep
from imbalkit_lite import containers
from imbalkit_lite.opening import read_file
from tests.recording_parts import CALLS, PARTS, HereLauncher

pytestmark = pytest.mark.usefixtures("no_charts")

HOOKS = {name for name, item in vars(hookspecs).items() if hasattr(item, "imbalkit_spec")}


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
