"""MobileNetV1 at three quarters of its width, for phones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit.kinds import (
    Backbone,
    BuildContext,
    InitialWeights,
    PathText,
    Preprocessing,
    load_weights,
    param,
    weights_file,
)

if TYPE_CHECKING:
    from torch import nn


class MobileNetV1(Backbone):
    """MobileNetV1 of width 0.75 (Howard et al. 2017), with the parameter names of timm and the padding of TensorFlow."""

    name = "mobilenetv1_075"
    has_layers = True

    weights: PathText | None = param(None, help="safetensors file to start from, with timm's parameter names")

    def preprocessing(self) -> Preprocessing:
        return Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), (224, 224))

    def problems(self) -> list[tuple[str, str]]:
        """Problems that are found before a run: (parameter, message)."""
        if self.weights is None or Path(self.weights).expanduser().is_file():
            return []
        path = Path(self.weights).expanduser().absolute()
        return [
            (
                "weights",
                f"expected a safetensors file at {path}: there is none; take it out to start from random weights",
            )
        ]

    def initial_weights(self) -> InitialWeights | None:
        return weights_file(self.weights) if self.weights else None

    def without_initial_weights(self) -> MobileNetV1:
        return self.model_copy(update={"weights": None})

    def build(self, context: BuildContext) -> nn.Module:
        from timm.models.efficientnet import _gen_mobilenet_v1

        body = _gen_mobilenet_v1(
            "mobilenetv1_100",
            channel_multiplier=0.75,
            pad_type="same",
            bn_eps=1e-3,
            num_classes=0,
            in_chans=context.channels,
        )
        if self.weights:
            load_weights(body, Path(self.weights).expanduser())
        return body
