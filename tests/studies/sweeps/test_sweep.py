"""`imbalkit sweep` as a user types it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
from safetensors.torch import save_file

from tests.command_line import environment, imbalkit, imbalkit_process


def command(*arguments):
    return [sys.executable, "-m", "imbalkit", "sweep", *map(str, arguments)]


def sweep(*arguments, cwd, check=True):
    return imbalkit("sweep", *arguments, cwd=cwd, check=check)


def processes_of(group):
    return subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True).stdout.split()


@pytest.mark.slow
def test_a_sweep_leaves_figures_predictions_and_tables(folder):
    result = sweep("grid.yaml", "--jobs", 2, cwd=folder)
    assert "4 of 4 finished" in result.stderr
    assert "overview" in result.stdout
    path = folder / "sweeps" / "grid"
    frame = pd.read_parquet(path / "sweep.parquet").set_index("cell")
    assert set(frame.index) == {f"{s}--{loss}--seed-0" for s in ("none", "ranked") for loss in ("ce", "inverse_ce")}
    assert set(frame["state"]) == {"finished"}
    for cell, row in frame.iterrows():
        metrics = json.loads((path / "cells" / cell / "metrics.json").read_text())
        assert row["roc_auc"] == metrics["test"]["roc_auc"]
        assert row["one_half.recall_rare"] == (metrics.get("test_at_one_half") or metrics["test"])["recall"]["rare"]
        assert row["validation.accuracy"] == metrics["validation"]["accuracy"]
        assert [row["trained_common"], row["trained_rare"]] == metrics["class_counts"][-1]["counts"]
        assert row["balance_ratio"] == pytest.approx(row["trained_rare"] / row["trained_common"])
        own = pd.read_parquet(path / "cells" / cell / "predictions.parquet")
        own = own[own["split"] == "test"]
        pooled = pd.read_parquet(path / "predictions" / f"{cell.removesuffix('--seed-0')}.parquet")
        assert pooled["source"].tolist() == own["source"].tolist()
        assert np.allclose(pooled["logit_rare"], own["logit_rare"], atol=1e-6)
        assert pooled["decision"].tolist() == own["decision"].tolist()
    table = pd.read_csv(path / "tables" / "overview.csv")
    assert table["accuracy"].tolist() == pytest.approx(frame["accuracy"].tolist())
    assert pd.read_csv(path / "tables" / "strict.csv").empty

    # The same rows ranked in the same way are trained once, and the scores are those of a run on its own.
    logs = {cell: (path / "logs" / f"{cell}.txt").read_text() for cell in frame.index}
    assert sum("loss_rank-0-round-2: 1 epoch" in text for text in logs.values()) == 1
    assert not (path / "rounds").exists()
    alone = folder / "alone"
    recipe = path / "cells" / "ranked--inverse_ce--seed-0" / "recipe.yaml"
    imbalkit_process("run", recipe, "--folder", alone, cwd=folder)
    shared = path / "cells" / "ranked--inverse_ce--seed-0"
    assert (alone / "plan.parquet").read_bytes() == (shared / "plan.parquet").read_bytes()
    assert (alone / "model.safetensors").read_bytes() == (shared / "model.safetensors").read_bytes()

    before = (path / "sweep.parquet").read_bytes()
    assert "4 of 4 cells are finished" in sweep("grid.yaml", "--resume", cwd=folder).stderr
    assert (path / "sweep.parquet").read_bytes() == before
    refused = sweep("grid.yaml", cwd=folder, check=False)
    assert refused.returncode == 1
    assert "holds a sweep already; add --resume" in refused.stderr

    base = folder / "base.yaml"
    base.write_text(base.read_text().replace("epochs: 2", "epochs: 1"))
    refused = sweep("grid.yaml", "--resume", cwd=folder, check=False)
    assert refused.returncode == 1
    assert "4 finished cells of sweeps/grid were run with other settings" in refused.stderr


@pytest.mark.slow
def test_results_alone_are_enough_to_go_on_and_failed_cells_run_again(folder):
    grid = (folder / "grid.yaml").read_text()
    grid = grid.replace("tables:", "keep: results\nset: {data.root: DATA}\ntables:").replace("DATA", "photographs")
    grid = grid.replace(
        "    none: {samplers: []}", "    none: {samplers: []}\n    broken: {training.optimizer.lr: 1.0e+30}"
    )
    (folder / "grid.yaml").write_text(grid.replace("loss: [ce, inverse_ce]", "loss: [ce]"))
    result = sweep("grid.yaml", "--jobs", 2, cwd=folder, check=False)
    assert result.returncode == 1
    assert "1 of 3 cells of sweeps/grid are not finished" in result.stderr
    assert "failed: broken--ce--seed-0" in result.stderr
    path = folder / "sweeps" / "grid"
    frame = pd.read_parquet(path / "sweep.parquet").set_index("cell")
    assert frame["state"].to_dict() == {
        "none--ce--seed-0": "finished", "broken--ce--seed-0": "failed", "ranked--ce--seed-0": "finished",
    }  # fmt: skip
    assert "loss" in frame.loc["broken--ce--seed-0", "error"]
    assert [file.name for file in (path / "cells").iterdir()] == ["broken--ce--seed-0"]

    (folder / "grid.yaml").write_text(grid.replace("loss: [ce, inverse_ce]", "loss: [ce]").replace("1.0e+30", "0.02"))
    (path / "cells" / "broken--ce--seed-0").rename(folder / "away")
    result = sweep("grid.yaml", "--jobs", 2, "--resume", cwd=folder)
    assert "2 of 3 cells are finished" in result.stderr
    assert "3 of 3 finished" in result.stderr
    assert not list((path / "errors").iterdir())


@pytest.mark.slow
def test_cells_taken_out_of_the_file_keep_their_results(folder):
    grid = "base: base.yaml\nkeep: results\nset: {training.epochs: 1}\naxes: {recall: {low: {}}}\nseeds: %s\n"
    (folder / "grid.yaml").write_text(grid % "[0, 1]")
    sweep("grid.yaml", cwd=folder)
    (folder / "grid.yaml").write_text(grid % "[0]")
    fewer = sweep("grid.yaml", "--resume", cwd=folder)
    assert "1 finished cells are not in the sweep file any more (low--seed-1)" in fewer.stderr
    frame = pd.read_parquet(folder / "sweeps" / "grid" / "sweep.parquet").set_index("cell")
    assert frame["state"].to_dict() == {
        "low--seed-0": "finished", "low--seed-1": "finished, not in the sweep file"
    }  # fmt: skip
    (table,) = pd.read_csv(folder / "sweeps" / "grid" / "tables" / "overview.csv").to_dict("records")
    assert (table["recall"], table["cells"]) == ("low", 1)
    (folder / "grid.yaml").write_text(grid % "[0, 1]")
    again = sweep("grid.yaml", "--resume", cwd=folder)
    assert "2 of 2 cells are finished" in again.stderr


@pytest.mark.slow
def test_values_of_an_axis_stay_apart_where_the_part_is_the_same(folder):
    (folder / "grid.yaml").write_text(
        "base: base.yaml\nset: {training.epochs: 1, evaluation.resamples: 0}\n"
        "axes: {loss: {mild: {loss: {name: focal, gamma: 1}}, strong: {loss: {name: focal, gamma: 5}}}}\n"
    )
    sweep("grid.yaml", cwd=folder)
    path = folder / "sweeps" / "grid"
    assert pd.read_parquet(path / "sweep.parquet")["loss"].tolist() == ["mild", "strong"]
    table = pd.read_csv(path / "tables" / "overview.csv")
    assert table[["loss", "cells"]].to_numpy().tolist() == [["mild", 1], ["strong", 1]]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.slow
def test_a_killed_sweep_goes_on_where_it_was(folder, how):
    (folder / "grid.yaml").write_text("base: base.yaml\nseeds: [0, 1, 2, 3]\n")
    process = subprocess.Popen(
        command("grid.yaml"),
        cwd=folder,
        env=os.environ | environment(folder),
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    cells = folder / "sweeps" / "grid" / "cells"
    deadline = time.time() + 300
    while time.time() < deadline and len(list(cells.glob("*/metrics.json")) if cells.exists() else []) < 1:
        time.sleep(0.05)
    if how == signal.SIGKILL:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    process.wait(60)
    finished = {file.parent.name: file.stat().st_mtime_ns for file in cells.glob("*/metrics.json")}
    assert 1 <= len(finished) < 4  # cells that were about to end may have, before the signal came through
    if how != signal.SIGKILL:  # told to stop, the sweep takes its processes along
        deadline = time.time() + 20
        while processes_of(process.pid) and time.time() < deadline:
            time.sleep(0.1)
        assert not processes_of(process.pid)
    result = sweep("grid.yaml", "--resume", cwd=folder)
    assert f"{len(finished)} of 4 cells are finished" in result.stderr
    for cell, time_ns in finished.items():
        assert (cells / cell / "metrics.json").stat().st_mtime_ns == time_ns
    assert len(pd.read_parquet(folder / "sweeps" / "grid" / "sweep.parquet")) == 4


def test_mistakes_of_all_cells_come_before_anything_runs(folder):
    (folder / "grid.yaml").write_text(
        "base: base.yaml\naxes:\n  loss: [ce, focall]\n  split:\n    a: {split.test: 0.9}\n    b: {}\n"
    )
    result = sweep("grid.yaml", cwd=folder, check=False)
    assert result.returncode == 1
    assert "cell focall--a--seed-0: loss" in result.stderr
    assert "did you mean 'focal'" in result.stderr
    assert "validation 0.25 and test 0.9" in result.stderr
    assert not (folder / "sweeps").exists()


def test_tables_without_test_rows_are_of_validation(folder):
    tables = "{a: {metrics: [recall], counts: false}, b: {at: chosen}}"
    changes = "{evaluation.test: false, training.epochs: 1}"
    (folder / "grid.yaml").write_text(f"base: base.yaml\nset: {changes}\nseeds: [0, 1]\ntables: {tables}\n")
    result = sweep("grid.yaml", cwd=folder)
    table = pd.read_csv(folder / "sweeps" / "grid" / "tables" / "a.csv")
    assert [name for name in table if " sd " not in name] == [
        "cells",
        "validation.recall_common",
        "validation.recall_rare",
    ]
    assert not list((folder / "sweeps" / "grid").glob("predictions/*"))
    assert table.notna().all(axis=None)
    assert "validation.roc_auc 0." in result.stderr or "validation.roc_auc 1." in result.stderr


def test_plan_shows_every_cell_and_runs_nothing(folder):
    result = sweep("grid.yaml", "--plan", cwd=folder)
    assert "4 cells" in result.stdout
    assert not (folder / "sweeps").exists()
    ranked = next(line for line in result.stdout.splitlines() if "ranked" in line)
    counts = [int(cell) for cell in ranked.replace("│", " ").split() if cell.isdigit()]
    plain = next(line for line in result.stdout.splitlines() if "none" in line)
    before = [int(cell) for cell in plain.replace("│", " ").split() if cell.isdigit()]
    assert counts[-2] == before[-2] - 10  # two rounds of five


def test_a_folder_that_holds_something_else_is_left_alone(folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("precious")
    result = sweep("grid.yaml", "--folder", "mine", cwd=folder, check=False)
    assert result.returncode == 1
    assert "is not empty and holds no sweep" in result.stderr
    assert [path.name for path in Path(folder / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.slow
def test_cells_on_other_data_are_never_put_beside_each_other(folder):
    """One sweep, gone through in order: each step is refused or goes on with the same folder."""
    grid = "base: base.yaml\nset: {training.epochs: 1, evaluation.resamples: 0}\nseeds: [SEEDS]\n"
    (folder / "grid.yaml").write_text(grid.replace("SEEDS", "0"))
    sweep("grid.yaml", cwd=folder)
    (folder / "grid.yaml").write_text(grid.replace("SEEDS", "0, 1"))
    path, photographs = folder / "sweeps" / "grid", folder / "photographs"
    kept = (path / "sweep.yaml").read_text()

    gone = photographs / "common" / "001.png"
    content = gone.read_bytes()
    gone.unlink()
    refused = sweep("grid.yaml", "--resume", cwd=folder, check=False)
    assert refused.returncode == 1
    assert (
        "the data of sweeps/grid have changed since it began: 1 row is missing (photographs/common/001.png)"
        in refused.stderr
    )
    assert (path / "sweep.yaml").read_text() == kept  # a refusal leaves the folder as it was

    gone.write_bytes((photographs / "common" / "002.png").read_bytes())  # other pixels under the old name
    refused = sweep("grid.yaml", "--resume", cwd=folder, check=False)
    assert refused.returncode == 1
    assert "1 file has other content (photographs/common/001.png)" in " ".join(refused.stderr.split())
    assert not (path / "cells" / "seed-1" / "metrics.json").exists()

    gone.write_bytes(content)
    base = folder / "base.yaml"
    recipe = base.read_text()
    base.write_text(recipe.replace("lr: 0.01", "lr: 0.02"))
    refused = sweep("grid.yaml", "--resume", cwd=folder, check=False)
    assert "seed-0: training.optimizer.lr: 0.01 -> 0.02" in refused.stderr

    photographs.rename(folder / "elsewhere")
    base.write_text(recipe.replace("root: photographs", "root: elsewhere"))
    assert "2 of 2 finished" in sweep("grid.yaml", "--resume", cwd=folder).stderr
    rows = [pd.read_parquet(path / "cells" / f"seed-{seed}" / "predictions.parquet") for seed in (0, 1)]
    assert rows[0]["source"].equals(rows[1]["source"])


def test_weights_may_move_between_cells_and_must_be_the_same(folder):
    model = "test_efficientnet"
    state = timm.create_model(model).state_dict()
    save_file(state, folder / "before.safetensors")
    grid = f"base: base.yaml\nkeep: results\nset: {{backbone: {{name: timm, model: {model}, weights: before.safetensors}}}}\n"
    (folder / "grid.yaml").write_text(f"{grid}axes: {{loss: [ce]}}\n")
    sweep("grid.yaml", cwd=folder)
    (folder / "before.safetensors").rename(folder / "after.safetensors")
    assert "1 of 1 cells are finished" in sweep("grid.yaml", "--resume", cwd=folder).stderr  # they need them no more
    grid = grid.replace("before", "after")
    (folder / "grid.yaml").write_text(f"{grid}axes: {{loss: [ce, inverse_ce]}}\n")
    assert "1 of 2 cells are finished" in sweep("grid.yaml", "--resume", cwd=folder).stderr
    save_file({name: value + 1 for name, value in state.items()}, folder / "other.safetensors")
    (folder / "grid.yaml").write_text(f"{grid.replace('after', 'other')}axes: {{loss: [ce, inverse_ce]}}\n")
    refused = sweep("grid.yaml", "--resume", cwd=folder, check=False)
    assert "2 finished cells" in refused.stderr
    assert "weights: before.safetensors -> other.safetensors" in refused.stderr


def test_results_that_cannot_be_read_are_one_sentence(folder):
    (folder / "sweeps" / "grid").mkdir(parents=True)
    (folder / "sweeps" / "grid" / "sweep.yaml").write_text("base: base.yaml")
    (folder / "sweeps" / "grid" / "sweep.parquet").write_bytes(b"PAR1 cut")
    refused = sweep("grid.yaml", "--resume", cwd=folder, check=False)
    assert refused.returncode == 1
    assert "sweep.parquet cannot be read" in refused.stderr


@pytest.mark.slow
def test_a_cell_that_another_process_works_on_is_waited_for(folder):
    """A sweep was killed, and its cell goes on: on a cluster, or as the process that it was."""
    (folder / "grid.yaml").write_text("base: base.yaml\nset: {training.epochs: 60}\nseeds: [0]\n")
    path = folder / "sweeps" / "grid"
    log, printed = path / "cells" / "seed-0" / "log.jsonl", path / "logs" / "seed-0.txt"
    first = started(folder)
    until(log.exists)
    ids = json.loads((path / "jobs.json").read_text())
    assert list(ids["jobs"]) == ["seed-0"]
    cell = int(ids["jobs"]["seed-0"].split(":")[1])
    os.kill(cell, signal.SIGSTOP)  # it is held up until the second sweep has met it
    half = log.with_name(".model.pt.0123456789abcdef.tmp")
    half.write_text("as if it were just writing this")
    try:
        first.kill()
        first.wait(60)
        (path / "jobs.json").unlink()  # as if the sweep had been killed before it could write that
        second = started(folder, "--resume")
        until(lambda: "waiting for another process that works on" in printed.read_text())
        assert half.exists()
    finally:
        os.kill(cell, signal.SIGCONT)
    _, said = second.communicate(timeout=300)
    assert second.returncode == 0, said
    assert "1 of 1 finished" in said
    assert "failed" not in said
    epochs = [json.loads(line)["epoch"] for line in log.read_text().splitlines()]
    assert epochs == list(range(1, 61)), printed.read_text()  # none was done twice
    assert not (path / "jobs.json").exists()


def started(folder, *arguments):
    return subprocess.Popen(
        command("grid.yaml", *arguments),
        cwd=folder,
        env=os.environ | environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(is_true):
    deadline = time.time() + 300
    while not is_true():
        assert time.time() < deadline
        time.sleep(0.02)
