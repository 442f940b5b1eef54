"""TFLite files by way of LiteRT's converter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.kinds import BuildContext, Exporter

if TYPE_CHECKING:
    import numpy as np
    from torch import nn


class TFLite(Exporter):
    """A TFLite file: images float32 [1, H, W, C] in 0..1 to probabilities [1, classes]; checked in LiteRT."""

    name = "tflite"
    suffix = ".tflite"
    requires = {"litert_torch": "imbalkit[tflite]", "ai_edge_litert": "imbalkit[tflite]"}

    def export(self, network: nn.Module, context: BuildContext, path: Path) -> Mapping[str, Any]:
        import litert_torch

        from imbalkit.exporting import example_images, write_checked

        def write(temporary: Path) -> None:
            # Phones hand over channels last.
            converted = litert_torch.to_channel_last_io(network, args=[0]).eval()
            example = example_images(context, rows=1).permute(0, 2, 3, 1).contiguous()
            litert_torch.convert(converted, (example,)).export(str(temporary))

        return write_checked(path, network, context, write, _answer)


def _answer(path: Path, images: np.ndarray) -> np.ndarray:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for image in images.transpose(0, 2, 3, 1):
        interpreter.set_tensor(source["index"], np.ascontiguousarray(image[None]))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(target["index"])[0])
    return np.stack(rows)
