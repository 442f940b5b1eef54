"""Time and memory of a file."""

from __future__ import annotations

import shutil
import sys
import time

import pytest
import torch

from imbalkit.export import benchmark as measuring
from imbalkit.export.benchmark import latencies, measure, peak_memory
from imbalkit.export.export import export
from imbalkit.runs.restore import restore

pytestmark = pytest.mark.slow  # converters, and a process a measurement


def test_subjects_take_turns_and_have_a_median_and_a_range():
    order = []

    def sleeper(name, seconds):
        def call():
            order.append(name)
            time.sleep(seconds[len(order) % len(seconds)])

        return call

    found = latencies({"slow": sleeper("slow", [0.02]), "quick": sleeper("quick", [0.001])}, seconds=0.2)
    timed = order[6:]  # three calls of each come first, to warm up
    assert timed[:4] == ["slow", "quick"] * 2
    assert found["slow"]["calls"] == found["quick"]["calls"] == len(timed) / 2
    assert 10 <= found["slow"]["calls"] < 30
    assert 20 <= found["slow"]["p10"] <= found["slow"]["median"] <= found["slow"]["p90"]
    assert found["quick"]["median"] < found["slow"]["median"]


def test_there_are_enough_calls_however_slow_and_never_too_many(monkeypatch):
    assert latencies({"x": lambda: time.sleep(0.01)}, seconds=0.0)["x"]["calls"] == 10
    monkeypatch.setattr(measuring, "MOST", 40)
    assert latencies({"x": lambda: None}, seconds=9.0)["x"]["calls"] == 40


@pytest.fixture
def quick(monkeypatch):
    for name, value in {"SECONDS": 0.02, "LEAST": 2, "THREADS": (1, 2)}.items():
        monkeypatch.setattr(measuring, name, value)


def test_a_file_is_measured_beside_pytorch_and_onnx_runtime(finished_run, tmp_path, quick):
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason=f"needs {module}: pip install 'imbalkit[onnx]'")
    from imbalkit.builtin.exporters import Onnx

    run, threads = shutil.copytree(finished_run, tmp_path / "run"), torch.get_num_threads()
    restored, plain = restore(run), run / "model.onnx"
    facts = export(restored, Onnx(), plain, measured=True)
    found = facts["measured"]
    assert list(found["milliseconds_by_threads"]) == ["1", "2"]
    assert all(
        list(each) == ["PyTorch", "ONNX Runtime, this file"] for each in found["milliseconds_by_threads"].values()
    )
    assert torch.get_num_threads() == threads
    assert found["machine"]["cores"] >= 1
    if sys.platform == "linux":
        assert 0 < found["peak_memory_mb"]["of_the_file"] < found["peak_memory_mb"]["in_all"] < 500
    # A quantised file is compared with the float32 one, too; the same content serves here.
    beside = measure(restored, Onnx(quantize="fp16"), plain)
    assert list(beside["milliseconds_by_threads"]["1"]) == ["PyTorch", "ONNX Runtime", "ONNX Runtime, this file"]


def test_memory_grows_with_the_file_and_is_not_made_up(tmp_path):
    if sys.platform != "linux":
        pytest.skip("the peak of a process is read from Linux's /proc")
    (tmp_path / "model.txt").write_text("not a model")
    assert peak_memory(tmp_path / "model.txt") is None
    assert peak_memory(tmp_path / "none.onnx") is None
