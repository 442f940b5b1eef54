"""TFLite files by way of LiteRT's converter."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imbalkit.kinds import Exportable, Exporter, FileRuntime


class TFLite(Exporter):
    """A TFLite file for phones: one picture [1, H, W, C], and columns [1, W] of a network with `inputs`, to probabilities.

    The output is [1, classes]. MediaPipe reads the metadata, and runs files of pictures alone.
    """

    name = "tflite"
    suffix = ".tflite"
    layout = "NHWC"
    quantizations = ("none", "fp16", "dynamic", "int8")
    takes_columns = True
    requires = {
        "litert_torch": "imbalkit[tflite]",
        "ai_edge_litert": "imbalkit[tflite]",
        "ai_edge_quantizer": "imbalkit[tflite]",
    }

    def write(self, model: Exportable, path: Path) -> None:
        from imbalkit_lite.card import FILE
        from imbalkit_lite.seals import seal
        from imbalkit_tflite.converting import convert
        from imbalkit_tflite.metadata import label_lines, model_metadata
        from imbalkit_tflite.packing import pack
        from imbalkit_tflite.quantising import quantise

        convert(model.network, model.examples(), path)
        content = path.read_bytes()
        if self.quantize != "none":
            content = quantise(content, self.quantize, model.calibration, model.calibration_columns)
        files = {"labels.txt": label_lines(model.card.classes), FILE: model.card.to_text()}
        path.write_bytes(pack(content, model_metadata(model.card, "labels.txt", FILE), files))
        seal(path, self.suffix)

    def runtimes(self, path: Path, threads: int | None = None) -> Sequence[FileRuntime]:
        from imbalkit_tflite.running import runtime

        found = [runtime("LiteRT", "ai_edge_litert.interpreter", path, threads)]
        if threads is None and importlib.util.find_spec("tensorflow"):
            found.append(runtime("TensorFlow", "tensorflow.lite.python.interpreter", path, threads, most=32))
        return found

    def facts(self, path: Path) -> Mapping[str, Any]:
        from imbalkit_tflite.gpu import gpu_facts

        return {"gpu": gpu_facts(path)}
