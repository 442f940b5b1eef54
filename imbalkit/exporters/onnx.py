"""ONNX files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.kinds import BuildContext, Exporter

if TYPE_CHECKING:
    import numpy as np
    from torch import nn


class Onnx(Exporter):
    """An ONNX file: images float32 [n, C, H, W] in 0..1 to probabilities [n, classes], any n; checked in ONNX Runtime."""

    name = "onnx"
    suffix = ".onnx"
    requires = {"onnx": "imbalkit[onnx]", "onnxscript": "imbalkit[onnx]", "onnxruntime": "imbalkit[onnx]"}

    def export(self, network: nn.Module, context: BuildContext, path: Path) -> Mapping[str, Any]:
        import torch

        from imbalkit.exporting import example_images, write_checked

        def write(temporary: Path) -> None:
            torch.onnx.export(
                network,
                (example_images(context),),
                str(temporary),
                input_names=["images"],
                output_names=["probabilities"],
                dynamic_shapes=({0: torch.export.Dim("n")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )

        return write_checked(path, network, context, write, _answer)


def _answer(path: Path, images: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]
