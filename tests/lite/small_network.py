"""A network of two layers with its card: what the tests of imbalkit_lite export, and its answers without torch."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from imbalkit_lite.card import FILE, KEY, Abstain, Card, Input, Normalisation, Origin, Probabilities
from imbalkit_lite.seals import seal

CARD = Card(
    name="petals",
    description="three kinds of flower",
    classes=("aster", "poppy", "tulip"),
    positive="poppy",
    threshold=0.34,
    abstain=Abstain(band=(0.33, 0.34)),
    input=Input(height=20, width=16, channels=3, layout="NHWC", type="float32", range=(0, 1)),
    resize="crop",
    interpolation="bicubic",
    normalisation=Normalisation((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)),
    probabilities=Probabilities("as trained", "temperature"),
    card={"intended_use": "tests"},
    run=Origin("0" * 8, "1" * 64, "0.1.0", "2026-11-23T00:00:00Z"),
)


def put_card(path: Path, text: str | None) -> Path:
    """Write a card into a file as an exporter does; None for a file without one."""
    if text is None:
        return path
    if path.suffix == ".tflite":
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("labels.txt", "aster\npoppy\ntulip\n")
            archive.writestr(FILE, text)
        seal(path, ".tflite")
        return path
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"other": "entry", KEY: text})
    onnx.save(model, path)
    seal(path, ".onnx")
    return path


class Network:
    """The small network, from images in 0..1, and the same in NumPy: a 3x3 convolution, ReLU, mean, linear, softmax."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        self.mean, self.std = (np.array(each, dtype=np.float32) for each in ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)))
        self.kernel = random.normal(0, 0.5, (6, 3, 3, 3)).astype(np.float32)
        self.weight = random.normal(0, 0.4, (3, 6)).astype(np.float32)

    def torch(self):
        import torch
        from torch import nn

        body = nn.Conv2d(3, 6, 3, bias=False)
        head = nn.Linear(6, 3, bias=False)
        body.weight.data, head.weight.data = torch.from_numpy(self.kernel), torch.from_numpy(self.weight)

        class Whole(nn.Module):
            def __init__(self, mean, std):
                super().__init__()
                self.body, self.head = body, head
                self.register_buffer("mean", mean)
                self.register_buffer("std", std)

            def forward(self, images):
                features = self.body((images - self.mean) / self.std).relu().mean((2, 3))
                return self.head(features).softmax(1)

        shape = (1, 3, 1, 1)
        return Whole(torch.from_numpy(self.mean).view(shape), torch.from_numpy(self.std).view(shape)).eval()

    def answers(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities, float64 [n, 3], of pictures uint8 [n, H, W, 3]."""
        images = (pixels / 255 - self.mean) / self.std  # [n, H, W, 3]
        windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))  # [n, H - 2, W - 2, 3, 3, 3]
        features = np.maximum(np.einsum("nyxcij,ocij->nyxo", windows, self.kernel), 0).mean((1, 2))
        logits = features @ self.weight.T
        raised = np.exp(logits - logits.max(1, keepdims=True))
        return raised / raised.sum(1, keepdims=True)
