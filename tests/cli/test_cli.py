"""The command line as a user types it, in a temporary folder."""

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
import yaml

from imbalkit.builtin.launchers import Local
from imbalkit.runs.folder import append_log
from tests.command_line import environment, imbalkit, imbalkit_process
from tests.in_process import InProcess

pytestmark = pytest.mark.usefixtures("no_charts")

EXAMPLES = Path(__file__).parents[2] / "examples"


RECIPE = """\
data: {{name: table, file: {root}/labels.csv, label_column: kind, group_column: patient}}
positive: rare
images: {{size: 16}}
split: {{validation: 0.25, test: 0.25}}
samplers:
  - {{name: oversample, views: {{rare: [[{{name: rotate90, degrees: 90}}, radial_blur], [horizontal_flip]]}}}}
  - {{name: loss_rank, drop: 5, which: highest, warm_start: {warm_start}, rounds: 2, epochs: 2}}
backbone: {{name: small_cnn, width: 8, norm: group}}
head: {{dropout: 0.0}}
loss: {{name: gamma_rce, estimator: ema, costs: {{rare: 3}}}}
training: {{epochs: 4, batch_size: 16, optimizer: {{lr: 0.01}}, threads: 1}}
decision: {{calibrator: temperature, threshold: youden}}
"""


@pytest.fixture
def folder(tmp_path, photographs):
    (tmp_path / "r.yaml").write_text(RECIPE.format(root=photographs, warm_start="true"))
    return tmp_path


def run_folder(folder, runs="runs"):
    (path,) = (folder / runs).iterdir()
    return path


@pytest.mark.slow
def test_a_run_leaves_everything_that_is_needed_to_repeat_it(folder):
    result = imbalkit_process("run", "r.yaml", cwd=folder)
    run = run_folder(folder)
    assert str(Path("runs") / run.name) in result.stdout
    assert "roc auc" in result.stdout
    names = {path.name for path in run.iterdir() if not path.name.startswith(".")}
    assert names == {
        "recipe.yaml", "run.json", "metrics.json", "predictions.parquet", "plan.parquet", "log.jsonl", "model.safetensors",
        "report.html", "data.parquet",
    }  # fmt: skip

    metrics = json.loads((run / "metrics.json").read_text())
    predictions = pd.read_parquet(run / "predictions.parquet")
    test = predictions[predictions["split"] == "test"]
    assert metrics["test"]["n"] == len(test)
    assert metrics["test"]["accuracy"] == pytest.approx((test["label"] == test["decision"]).mean())
    threshold = metrics["decision"]["threshold"]
    assert ((test["probability_rare"] >= threshold) == (test["decision"] == "rare")).all()
    assert metrics["test"]["roc_auc"] > 0.9
    groups = {side: set(rows["group"]) for side, rows in predictions.groupby("split")}
    assert not groups["validation"] & groups["test"]

    plan = pd.read_parquet(run / "plan.parquet")
    dropped = plan[~plan["kept"]]
    assert dropped.groupby("dropped_by", observed=True).size().tolist() == [5, 5]
    assert dropped["score"].notna().all()
    assert set(dropped["scores_from"]) == {"pass"}
    assert set(plan.loc[plan["kept"], "scores_from"]) == {""}
    assert set(dropped["label"]) == {"common"}
    blurred = plan[plan["view"].astype(str).str.contains("radial blur")]
    assert (blurred["parameters"].str.contains("radial_blur.rho=0.0")).all()
    assert set(blurred["added_by"]) == {"samplers[0] oversample"}
    sources = set(plan["path"])
    assert not sources & set(predictions["path"])

    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [entry["stage"] for entry in log].count("final") == 4
    assert set(log[-1]["class_weights"]) == {"common", "rare"}

    imbalkit("run", run / "recipe.yaml", "--runs", "again", cwd=folder)
    assert_close(json.loads((run_folder(folder, "again") / "metrics.json").read_text()), metrics)
    assert (run_folder(folder, "again") / "plan.parquet").read_bytes() == (run / "plan.parquet").read_bytes()


def assert_close(first, second):
    """Nested figures, equal but for the last bits: the terms of a sum may be added in another order."""
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_close(first[key], second[key])
    elif isinstance(first, list):
        assert len(first) == len(second)
        for pair in zip(first, second, strict=True):
            assert_close(*pair)
    else:
        assert first == (pytest.approx(second, rel=1e-12) if isinstance(first, float) else second)


RESUMED = ("run", "r.yaml", "--folder", "cut", "--resume")


def lines_of(log):
    return log.read_text().count("\n") if log.exists() else 0


def killed(folder, lines):
    """A run in a process of its own, killed when its log has so many lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", "imbalkit", *RESUMED],
        cwd=folder,
        env=os.environ | environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if lines_of(folder / "cut" / "log.jsonl") >= lines:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def interrupted(folder, lines):
    """A run in this process, interrupted when its log has so many lines."""

    def append(run, entry):
        append_log(run, entry)
        if lines_of(run / "log.jsonl") >= lines:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imbalkit.runs.folder.append_log", append)
        assert imbalkit(*RESUMED, cwd=folder, check=False).returncode != 0


@pytest.mark.parametrize(("warm_start", "stopped"), [("true", killed), ("false", interrupted)])
@pytest.mark.slow
def test_a_run_stopped_at_any_moment_goes_on_to_the_same_result(folder, photographs, warm_start, stopped):
    (folder / "r.yaml").write_text(RECIPE.format(root=photographs, warm_start=warm_start))
    imbalkit("run", "r.yaml", "--folder", "whole", cwd=folder)
    for lines in (1, 3, 6):  # inside round 1, inside round 2, in the final training
        stopped(folder, lines)
    assert not (folder / "cut" / "metrics.json").exists()
    imbalkit(*RESUMED, cwd=folder)
    whole, cut = folder / "whole", folder / "cut"
    for name in ("plan.parquet", "predictions.parquet", "model.safetensors"):
        assert (whole / name).read_bytes() == (cut / name).read_bytes()
    assert_close(*(json.loads((path / "metrics.json").read_text()) for path in (whole, cut)))
    assert "is finished already" in imbalkit(*RESUMED, cwd=folder).stderr
    refused = imbalkit("run", "r.yaml", "--folder", "cut", cwd=folder, check=False)
    assert refused.returncode == 1
    assert "holds a run already; add --resume" in refused.stderr
    other = imbalkit(*RESUMED, "--set", "seed=9", cwd=folder, check=False)
    assert "was begun with another recipe" in other.stderr


@pytest.mark.slow
def test_two_processes_train_like_one(folder, photographs):
    score = (
        "{name: loss_rank, drop: 5, which: highest, warm_start: false, epochs: 2, loss: rce, scores_from: last_epoch}"
    )
    imbalkit("run", "r.yaml", "--folder", "one", "--set", f"samplers=[{score}]", cwd=folder)
    two = ["--set", "training.devices=2", "--set", "training.accelerator=cpu"]
    imbalkit_process("run", "r.yaml", "--folder", "two", "--set", f"samplers=[{score}]", *two, cwd=folder)
    plans = [pd.read_parquet(folder / name / "plan.parquet") for name in ("one", "two")]
    dropped = [plan[~plan["kept"]] for plan in plans]
    assert dropped[0]["key"].tolist() == dropped[1]["key"].tolist()
    np.testing.assert_allclose(dropped[0]["score"], dropped[1]["score"], atol=5e-3)
    assert dropped[0]["scores_from"].tolist() == ["last_epoch"] * 5
    frames = [pd.read_parquet(folder / name / "predictions.parquet") for name in ("one", "two")]
    columns = ["logit_common", "logit_rare"]
    np.testing.assert_allclose(frames[0][columns], frames[1][columns], atol=5e-3)
    logs = [
        [json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()] for name in ("one", "two")
    ]
    for first, second in zip(*logs, strict=True):
        assert first["loss"] == pytest.approx(second["loss"], abs=1e-3)
        assert list(first["class_weights"].values()) == pytest.approx(list(second["class_weights"].values()), abs=1e-4)
    figures = [json.loads((folder / name / "metrics.json").read_text())["test"] for name in ("one", "two")]
    assert figures[0]["roc_auc"] == pytest.approx(figures[1]["roc_auc"], abs=0.01)


@pytest.mark.slow
def test_a_mistake_in_another_process_comes_back_as_its_message(folder):
    two = ["--set", "training.devices=2", "--set", "training.accelerator=cpu", "--set", "samplers=[]"]
    result = imbalkit_process("run", "r.yaml", *two, "--set", "training.optimizer.lr=1e30", cwd=folder, check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("error: the loss is ")


def test_a_folder_that_is_not_a_run_is_left_alone(folder):
    before = (folder / "r.yaml").read_text()
    (folder / "recipe.yaml").write_text("mine")
    result = imbalkit("run", "r.yaml", "--folder", ".", cwd=folder, check=False)
    assert "is not empty and holds no run" in result.stderr
    assert (folder / "recipe.yaml").read_text() == "mine"
    assert (folder / "r.yaml").read_text() == before


@pytest.mark.slow
def test_torchrun_starts_one_run(folder):
    """Its batches are small and taken in parts, some of which leave a process without a row: it must not wait for them."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "imbalkit"]
    variables = os.environ | environment(folder)
    arguments = [
        "run",
        "r.yaml",
        "--set",
        "samplers=[]",
        "--set",
        "training.epochs=1",
        "--set",
        "training.accelerator=cpu",
    ]
    alone = subprocess.run([*command, *arguments], cwd=folder, env=variables, capture_output=True, text=True)
    assert "2 processes were started, the recipe says 1 devices" in alone.stderr
    assert not (folder / "runs").exists()
    small = ["--set", "training.batch_size=5", "--set", "training.micro_batches=3", "--set", "loss=rce"]
    arguments += ["--set", "training.devices=2", *small]
    both = subprocess.run(
        [*command, *arguments], cwd=folder, env=variables, capture_output=True, text=True, timeout=600
    )
    assert both.returncode == 0, both.stderr
    assert (run_folder(folder) / "metrics.json").exists()
    assert both.stdout.count("run folder:") == 1


@pytest.mark.slow
def test_folds_test_every_sample_once(folder, monkeypatch):
    def in_process(work):
        assert work.command[:3] == (sys.executable, "-m", "imbalkit")
        return imbalkit(*work.command[3:], cwd=folder).returncode

    monkeypatch.setattr(Local, "open", lambda self, folder, pieces: InProcess(in_process))
    few = ["--set", "samplers=[]", "--set", "split.folds=3", "--set", "training.epochs=1"]
    imbalkit("run", "r.yaml", *few, cwd=folder)
    run = run_folder(folder)
    predictions = pd.read_parquet(run / "predictions.parquet")
    assert sorted(predictions["source"]) == list(range(120))
    assert predictions.groupby("group")["fold"].nunique().max() == 1
    auc = json.loads((run / "metrics.json").read_text())["test"]["roc_auc"]
    assert auc["mean"] == pytest.approx(np.mean(auc["values"]))
    assert len(auc["values"]) == 3


def test_plan_shows_counts_by_stage_without_torch(folder):
    script = (
        "import sys; sys.argv = ['imbalkit', 'plan', 'r.yaml', '--json', '--set', 'split.group=false'];"
        "from imbalkit.cli.main import root; root(standalone_mode=False); "
        "heavy = {'torch', 'kornia', 'timm', 'sklearn'} & set(sys.modules); assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    stages = [entry["stage"] for entry in facts["class_counts"]]
    assert stages == [
        "train",
        "samplers[0] oversample",
        "samplers[1] loss_rank, round 1",
        "samplers[1] loss_rank, round 2",
    ]
    common, rare = facts["class_counts"][0]["counts"]
    assert facts["class_counts"][1]["counts"] == [common, 3 * rare]
    assert facts["class_counts"][3]["counts"] == [common - 10, 3 * rare]
    assert "samplers[1] loss_rank, round 2" in imbalkit("plan", "r.yaml", cwd=folder).stdout


def test_help_is_instant_and_imports_nothing_heavy(tmp_path):
    script = (
        "import sys; sys.argv = ['imbalkit', '--help'];\nfrom imbalkit.cli.main import root\n"
        "try: root()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pydantic', 'rich', 'kornia', 'timm', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for name in ("run", "plan", "plugins", "schema", "init"):
        assert name in result.stdout


def test_plugins_lists_parts_and_their_parameters(tmp_path):
    assert "radial_blur" in imbalkit("plugins", cwd=tmp_path).stdout
    facts = json.loads(imbalkit("plugins", "gamma_rce", "--json", cwd=tmp_path).stdout)
    assert facts[0]["kind"] == "loss"
    assert facts[0]["from"].startswith("imbalkit ")
    assert {"costs", "estimator", "floor"} <= {row["name"] for row in facts[0]["parameters"]}
    assert all(row["help"] for row in facts[0]["parameters"])
    assert {fact["kind"] for fact in json.loads(imbalkit("plugins", "sampler", "--json", cwd=tmp_path).stdout)} == {
        "sampler"
    }
    wrong = imbalkit("plugins", "samplr", cwd=tmp_path, check=False)
    assert wrong.returncode == 1
    assert "did you mean 'sampler'" in wrong.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["run", "nowhere.yaml"], "there is no recipe file 'nowhere.yaml'"),
        (["plan", "r.yaml", "--set", "loss=focl"], "did you mean 'focal'"),
        (
            ["run", "r.yaml", "--set", "training.optimizer.name=adamv"],
            "timm has no optimiser 'adamv'; did you mean 'adam",
        ),
        (
            ["run", "r.yaml", "--set", "backbone={name: timm, model: efficientnet_b00}"],
            "timm has no model 'efficientnet_b00'",
        ),
        (["run", "r.yaml", "--set", "augment=[{name: kornia, transform: RandomRotatio}]"], "RandomRotation"),
        (["plan", "r.yaml", "--without", "nothing"], "no such plugin"),
        (["plann", "r.yaml"], "did you mean 'plan'"),
    ],
)
def test_mistakes_end_with_a_message_and_no_traceback(folder, arguments, message):
    result = imbalkit(*arguments, cwd=folder, check=False)
    assert result.returncode in (1, 2)
    assert message in result.stderr
    assert not (folder / "runs").exists()


def test_unreadable_images_are_all_listed_or_skipped(folder, photographs):
    table = pd.read_csv(photographs / "labels.csv")
    for index in (3, 50, 80):
        (folder / f"bad{index}.png").write_bytes(b"not an image")
        table.loc[index, "path"] = str(folder / f"bad{index}.png")
    table["path"] = [path if path.startswith("/") else str(photographs / path) for path in table["path"]]
    table.to_csv(folder / "labels.csv", index=False)
    (folder / "r.yaml").write_text(RECIPE.format(root=folder, warm_start="true"))
    stopped = imbalkit("run", "r.yaml", cwd=folder, check=False)
    assert stopped.returncode == 1
    assert "3 of 120 images cannot be read" in stopped.stderr
    for index in (3, 50, 80):
        assert f"bad{index}.png" in stopped.stderr
    imbalkit(
        "run", "r.yaml", "--folder", "skip", "--set", "images.on_bad_image=skip", "--set", "samplers=[]", cwd=folder
    )
    plan, predictions = (pd.read_parquet(folder / "skip" / f"{name}.parquet") for name in ("plan", "predictions"))
    assert len(plan) + len(predictions) == 117
    metrics = json.loads((folder / "skip" / "metrics.json").read_text())
    assert sorted(image["index"] for image in metrics["bad_images"]) == [3, 50, 80]
    assert sum(metrics["class_counts"][0]["counts"]) == len(plan)
    assert "bad50.png" in (folder / "skip" / "report.html").read_text()


def test_init_writes_a_recipe_that_runs_as_it_is(photographs, tmp_path):
    imbalkit("init", photographs, "--out", "mine.yaml", cwd=tmp_path)
    small = ["--set", "training.epochs=1", "--set", "images.size=16", "--set", "backbone={name: small_cnn, width: 8}"]
    imbalkit("run", "mine.yaml", *small, cwd=tmp_path)
    assert yaml.safe_load((tmp_path / "mine.yaml").read_text())["data"]["name"] == "image_folder"
    assert (run_folder(tmp_path) / "metrics.json").exists()


@pytest.mark.slow
def test_exports_and_tensorboard(folder):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("ai_edge_litert")
    imbalkit(
        "run", "r.yaml", "--set", "samplers=[]", "--set", "training.epochs=1", "--set", "export=[onnx, tflite]",
        "--set", "logging.tensorboard=true", cwd=folder,
    )  # fmt: skip
    run = run_folder(folder)
    facts = json.loads((run / "metrics.json").read_text())["export"]
    assert facts == json.loads((run / "parity.json").read_text())
    assert list(facts) == ["model.onnx", "model.tflite"]
    assert facts["model.onnx"]["runtimes"]["ONNX Runtime"]["largest_probability_difference"] < 1e-5
    assert facts["model.tflite"]["bytes"] == (run / "model.tflite").stat().st_size
    assert list((run / "tensorboard").glob("events*"))


def test_the_digits_example_runs(tmp_path):
    imbalkit("run", EXAMPLES / "digits.yaml", cwd=tmp_path)
    metrics = json.loads((run_folder(tmp_path) / "metrics.json").read_text())
    assert metrics["test"]["n"] == 500
    assert metrics["test"]["balanced_accuracy"] > 0.75
