"""TFLite files in the interpreters that are installed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imbalkit.kinds import FileRuntime
from imbalkit_tflite.converting import quiet


def open_interpreter(module: str, path: Path, threads: int | None = None, delegates: bool = True) -> Any:
    """A file in the interpreter of a module; without delegates its plain kernels run, and every tensor can be read."""
    with quiet():
        library = importlib.import_module(module)
        options: dict[str, Any] = {"num_threads": threads}
        if not delegates:
            options["experimental_op_resolver_type"] = library.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            options["experimental_preserve_all_tensors"] = True
        interpreter = library.Interpreter(model_path=str(path), **options)
        interpreter.allocate_tensors()
    return interpreter


def runtime(name: str, module: str, path: Path, threads: int | None = None, most: int | None = None) -> FileRuntime:
    """An interpreter as a FileRuntime. Logits are from its plain kernels, so that those are tested too."""
    interpreter = open_interpreter(module, path, threads)
    target = interpreter.get_output_details()[0]["index"]

    def logits(*inputs: np.ndarray) -> np.ndarray:
        plain = open_interpreter(module, path, threads, delegates=False)
        return _rows(plain, inputs, _softmax_input(plain))

    return FileRuntime(name, lambda *inputs: _rows(interpreter, inputs, target), logits, most)


def _softmax_input(interpreter: Any) -> int:
    """The input tensor of the file's last softmax."""
    output = interpreter.get_output_details()[0]["index"]
    operations = interpreter._get_ops_details()
    softmax = next(each for each in operations if output in each["outputs"] and each["op_name"] == "SOFTMAX")
    return int(softmax["inputs"][0])


def _rows(interpreter: Any, inputs: Sequence[np.ndarray], target: int) -> np.ndarray:
    """A tensor for images [n, H, W, C], and columns [n, W] where the file takes some, of a row at a time, [n, ...]."""
    sources = {len(each["shape"]): each["index"] for each in interpreter.get_input_details()}  # by their axes
    rows = []
    for row in zip(*inputs, strict=True):
        for values in row:
            interpreter.set_tensor(sources[values.ndim + 1], np.ascontiguousarray(values[None]))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(target)[0])
    return np.stack(rows)
