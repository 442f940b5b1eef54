"""What a file exported by imbalkit needs to be used: no PyTorch, no pandas, only NumPy, Pillow and the file's own runtime.

from imbalkit_lite import open_model

model = open_model("model.tflite")
pixels = model.read("photograph.jpg")  # uint8 [H, W, C]
prediction = model.predict(pixels[None])  # probabilities, decisions, abstained
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["Card", "open_model", "read_image"]

_HOMES = {"Card": "imbalkit_lite.card", "open_model": "imbalkit_lite.model", "read_image": "imbalkit_lite.images"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'imbalkit_lite' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
