"""An observer that fails costs a warning, never the run."""

import importlib
import json
from types import SimpleNamespace

import pytest

from imbalkit import hookimpl
from imbalkit.catalogue import Catalogue, Provider, default_catalogue
from imbalkit.engine.observers import Observers
from imbalkit.errors import RunError
from imbalkit.recipe import prepare as planning
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.folder import append_log
from tests.command_line import imbalkit

pytestmark = pytest.mark.usefixtures("no_charts")

QUICK = [
    *("--set", "training.epochs=2", "--set", "training.threads=1", "--set", "training.accelerator=cpu"),
    *("--set", "metrics=[balanced_accuracy]", "--set", "evaluation.resamples=0", "--folder", "run"),
]


@pytest.fixture
def observed(tmp_path, monkeypatch):
    """A run of digits with a plugin `tracker` that has these hooks."""

    def run(*more, check=True, **hooks):
        marked = {name: hookimpl(function) for name, function in hooks.items()}
        for name, function in marked.items():
            function.__name__ = name
        ours = (importlib.import_module("imbalkit.builtin"), Provider("builtin", "imbalkit", "0"))
        made = Catalogue([ours, (SimpleNamespace(**marked), Provider("tracker", "a-tracker", "3"))])
        monkeypatch.setattr(planning, "default_catalogue", lambda without=(): made)
        return imbalkit("run", "digits", *QUICK, *more, cwd=tmp_path, check=check)

    return run


def facts(folder):
    return json.loads((folder / "run" / "run.json").read_text())


@pytest.mark.parametrize("hook", ["plan_changed", "epoch_finished", "run_finished"])
def test_an_observer_that_fails_is_one_warning_and_is_told_nothing_more(observed, tmp_path, hook):
    calls = []

    def fails(folder):
        calls.append(hook)
        raise ConnectionError("the store is not reached")

    other = "run_finished" if hook != "run_finished" else "epoch_finished"
    done = observed(**{hook: fails, other: lambda folder: calls.append(other)})
    message = f"{hook} of plugin 'tracker' (a-tracker 3) failed: ConnectionError: the store is not reached"
    assert done.stderr.count(f"warning: {message}") == 1
    assert facts(tmp_path)["observers_off"] == {"tracker": message}
    assert (tmp_path / "run" / "metrics.json").exists()
    assert calls.count(hook) == 1
    assert (other in calls) == (hook == "run_finished")  # before it failed, not after


def test_nothing_is_noted_where_nothing_fails(observed, tmp_path):
    observed(epoch_finished=lambda epoch: None)
    assert "observers_off" not in facts(tmp_path)


def test_the_writer_of_tensorboard_is_an_observer_too(observed, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")

    def full(self, stage, epoch, figures):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("imbalkit.engine.tensorboard.EpochWriter.write", full)
    epochs = []
    done = observed("--set", "logging.tensorboard=true", epoch_finished=lambda epoch: epochs.append(epoch))
    assert done.stderr.count("warning: epoch 1 of final failed: OSError: [Errno 28] No space left on device") == 1
    assert list(facts(tmp_path)["observers_off"]) == ["tensorboard"]
    assert epochs == [1, 2]  # the other observers are still called


def test_tensorboard_that_is_turned_on_later_has_the_epochs_of_before(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    lines = [
        {"stage": "final", "epoch": n, "loss": 1 / n, "validation": {"recall": {"a/b": n / 10}}} for n in (1, 2, 3)
    ]

    def steps():
        found = accumulators.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
        return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}

    recipe = prepare("digits").recipe
    begun = Observers(tmp_path, default_catalogue(), print, tensorboard=True)
    begun.run_started(recipe)
    assert steps() == {}
    for line in lines[:1]:
        append_log(tmp_path, line)
        begun.epoch_finished("final", line["epoch"], line)
    append_log(tmp_path, lines[1])  # without TensorBoard
    for _ in range(2):
        later = Observers(tmp_path, default_catalogue(), print, tensorboard=True)
        later.run_started(recipe)
    append_log(tmp_path, lines[2])
    for _ in range(2):  # the second time after a resume
        later.epoch_finished("final", 3, lines[2])
    found = steps()
    assert set(found) == {"final/loss", "final/validation/recall/a/b"}
    for tag, values in found.items():
        assert [step for step, _ in values] == [1, 2, 3]
        expected = [1 / n if tag == "final/loss" else n / 10 for n in (1, 2, 3)]
        assert [value for _, value in values] == pytest.approx(expected)


def test_an_observer_can_end_the_run(observed, tmp_path):
    def ends():
        raise RunError("the budget of this project is spent")

    done = observed(epoch_finished=ends, check=False)
    assert done.returncode == 1
    assert "error: the budget of this project is spent" in done.stderr
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_ctrl_c_in_an_observer_ends_the_run(observed, tmp_path):
    def pressed():
        raise KeyboardInterrupt

    assert observed(epoch_finished=pressed, check=False).returncode != 0
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert "observers_off" not in facts(tmp_path)


def test_a_report_section_that_fails_is_missing_with_its_reason(observed, tmp_path):
    def fails(metrics):
        raise KeyError("year")

    observed(report_sections=fails)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "report_sections of plugin &#39;tracker&#39; (a-tracker 3) failed: KeyError: &#39;year&#39;" in page
    assert 'id="plugin-tracker"' in page


def test_a_run_tells_its_start_with_the_recipe_and_its_end_once(observed, tmp_path):
    told = []
    observed(
        run_started=lambda folder, recipe: told.append((folder.name, recipe["training"]["epochs"])),
        run_finished=lambda metrics: told.append("finished"),
        run_failed=lambda error: told.append(error),
    )
    assert told == [("run", 2), "finished"]


def test_a_run_that_fails_or_is_stopped_says_why_and_one_that_goes_on_starts_again(observed, tmp_path):
    told = []
    hooks = {
        "run_started": lambda folder: told.append("started"),
        "run_failed": lambda folder, error: told.append(f"{folder.name}: {error!r}"),
    }

    def pressed():
        raise KeyboardInterrupt

    def ends():
        raise RunError("the budget is spent")

    assert observed(epoch_finished=pressed, check=False, **hooks).returncode != 0
    assert observed("--resume", epoch_finished=ends, check=False, **hooks).returncode == 1
    observed("--resume", **hooks)
    assert told == [
        *("started", "run: KeyboardInterrupt()"),
        *("started", "run: RunError('the budget is spent')"),
        "started",
    ]


def test_what_fails_in_run_failed_hides_no_reason(observed, tmp_path):
    def ends():
        raise RunError("the budget is spent")

    def fails():
        raise RunError("the tracker is away")

    done = observed(epoch_finished=ends, run_failed=fails, check=False)
    assert "error: the budget is spent" in done.stderr
    assert "warning: the tracker is away" in done.stderr


def test_a_run_that_another_process_works_on_is_not_told_to_have_failed(observed, tmp_path):
    from filelock import FileLock

    told = []
    observed(epoch_finished=lambda: (_ for _ in ()).throw(KeyboardInterrupt), check=False)
    with FileLock(tmp_path / "run" / ".lock"):
        done = observed("--resume", run_failed=lambda: told.append("failed"), check=False)
    assert "is being worked on by another process" in done.stderr
    assert not told
