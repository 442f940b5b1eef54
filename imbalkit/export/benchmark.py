"""What a file costs: time for an image on some threads, beside other programs, and memory."""

from __future__ import annotations

import itertools
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from imbalkit.errors import MissingExtraError
from imbalkit.export.card import card_of
from imbalkit.export.graph import deployed
from imbalkit.export.rows import Rows, synthetic_rows
from imbalkit.kinds import Exportable, Exporter
from imbalkit.runs.restored import Restored

REFERENCE = "onnx"  # the exporter whose float32 file is timed beside another, where it is installed
THREADS = (1, 2, 4)
SECONDS = 2.0  # for each program, and each number of threads
LEAST, MOST = 10, 500  # calls
IMAGES = 20  # predicted in turn


def measure(restored: Restored, exporter: Exporter, path: Path) -> dict[str, Any]:
    """Time and memory of a file that `export` wrote, with PyTorch and ONNX Runtime (if installed) in float32 in the same run.

    One image at a time, as on a phone. The programs take turns, so that what else the machine does affects them alike.
    """
    rows = synthetic_rows(restored, IMAGES)
    latency = {}
    with tempfile.TemporaryDirectory() as folder:
        reference = _reference(restored, exporter, Path(folder) / "model.onnx")
        for threads in THREADS:
            with _torch_threads(threads):
                latency[str(threads)] = latencies(
                    _subjects(restored, exporter, path, reference, rows, threads), SECONDS
                )
    return {
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()},
        "milliseconds_by_threads": latency,
        "peak_memory_mb": peak_memory(path),
    }


def _subjects(
    restored: Restored,
    exporter: Exporter,
    path: Path,
    reference: tuple[Exporter, Path] | None,
    rows: Rows,
    threads: int,
) -> dict[str, Callable[[], Any]]:
    """What is timed, by name: each call predicts one image, each time another."""
    network, source = deployed(restored, exporter)
    tensors = [torch.from_numpy(values).split(1) for values in rows.of_file(source)]
    subjects = {"PyTorch": _in_turn(torch.inference_mode()(network), list(zip(*tensors, strict=True)))}
    for writer, file in (*([reference] if reference else []), (exporter, path)):
        runtimes = writer.runtimes(file, threads)
        if runtimes:
            inputs = rows.of_file(deployed(restored, writer)[1])
            name = runtimes[0].name
            subjects[f"{name}, this file" if writer is exporter else name] = _in_turn(
                runtimes[0].probabilities, [[each[None] for each in row] for row in zip(*inputs, strict=True)]
            )
    return subjects


def _in_turn(call: Callable[..., Any], inputs: Sequence[Sequence[Any]]) -> Callable[[], Any]:
    endless = itertools.cycle(inputs)
    return lambda: call(*next(endless))


def latencies(subjects: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, dict[str, float]]:
    """Milliseconds of a call of each subject, called in turn: median, and the range that holds the middle 80 %."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for call in subjects.values():
        for _ in range(3):
            call()
    end = time.perf_counter() + seconds * len(subjects)
    for number in range(MOST):
        if number >= LEAST and time.perf_counter() > end:
            break
        for name, call in subjects.items():
            start = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - start))
    return {
        name: {
            "median": float(np.median(values)),
            "p10": float(np.percentile(values, 10)),
            "p90": float(np.percentile(values, 90)),
            "calls": len(values),
        }
        for name, values in times.items()
    }


def peak_memory(path: Path) -> dict[str, float] | None:
    """MB that a process of its own holds at most while it loads a file and predicts once: on top of Python and the runtime, and
    with them. None where imbalkit_lite does not open the file, or the system does not report it."""
    done = subprocess.run([sys.executable, "-c", _MEMORY, str(path)], capture_output=True, text=True, check=False)
    try:
        before, after = (int(word) / 1000 for word in done.stdout.split())
    except ValueError:
        return None
    return {"of_the_file": round(after - before, 1), "in_all": round(after, 1)}


# Linux reports the peak of a process as VmHWM (kB); getrusage begins with the peak of the parent.
_MEMORY = """
import re, sys
import numpy as np
from imbalkit_lite.model import open_model
if sys.argv[1].endswith(".tflite"):
    import ai_edge_litert.interpreter
else:
    import onnxruntime
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = peak()
model = open_model(sys.argv[1], threads=1)
beside = () if model.encoding is None else (model.encoding.missing(),)
model.probabilities(np.zeros((1, *model.rule.size, model.channels), np.uint8), *beside)
print(before, peak())
"""


def _reference(restored: Restored, exporter: Exporter, path: Path) -> tuple[Exporter, Path] | None:
    """An ONNX file of the network in float32 to compare with; None where that is what is measured, or not installed."""
    if REFERENCE not in restored.catalogue.names("exporter"):
        return None
    onnx = cast("type[Exporter]", restored.catalogue.get("exporter", REFERENCE))(views=exporter.views)
    try:
        onnx.check_requirements()
    except MissingExtraError:
        return None
    if (exporter.name, exporter.quantize) == (onnx.name, "none"):
        return None
    network, _ = deployed(restored, onnx)
    onnx.write(Exportable(network, card_of(restored, onnx)), path)
    return onnx, path


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _processor() -> str:
    """The processor's name as Linux reports it, else its make."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
