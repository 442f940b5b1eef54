"""A network that looks at colours and edges, as TFLite files with cards: nothing is trained, and pictures differ in it."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from imbalkit_lite.card import FILE, Abstain, Card, Input, Normalisation, Origin, Probabilities
from imbalkit_lite.seals import seal

CARD = Card(
    name="Moles of a test",
    description="Tells dark from bright spots; for tests only",
    classes=("other", "melanoma"),
    positive="melanoma",
    threshold=0.5,
    input=Input(height=96, width=96, channels=3, layout="NHWC", type="float32", range=(0, 1)),
    resize="stretch",
    interpolation="bilinear",
    normalisation=Normalisation((0.7, 0.55, 0.55), (0.15, 0.15, 0.15)),
    probabilities=Probabilities("as trained", "temperature"),
    card={"intended_use": "tests of the app", "limitations": "knows nothing"},
    run=Origin("0" * 8, "1" * 64, "0.1.0", "2026-11-27T00:00:00Z"),
)
# Of the same tensors: no positive class, another way of resizing, and abstention where it is uncertain.
OTHER = replace(
    CARD,
    name="petals <b>and</b> leaves",
    classes=("Rose & Co", "<i>tulip</i>"),
    positive=None,
    threshold=None,
    abstain=Abstain(least_confidence=0.8),
    resize="crop",
    interpolation="lanczos",
    card={},
)


def write_model(path: Path, card: Card, seed: int = 3, width: int = 8) -> Path:
    """An untrained network of two convolutions that takes what `card` says, as a TFLite file with that card.

    `width`: channels of the first; the second has twice as many.
    """
    import litert_torch
    import torch
    from torch import nn

    torch.manual_seed(seed)
    mean, std = card.normalisation.mean, card.normalisation.std

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
            self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
            self.body = nn.Sequential(
                nn.Conv2d(3, width, 3, stride=2), nn.ReLU(), nn.Conv2d(width, 2 * width, 3, stride=2), nn.ReLU()
            )
            self.head = nn.Linear(2 * width, len(card.classes), bias=False)
            nn.init.normal_(self.head.weight, std=4)  # pictures shall differ

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.head(self.body((images - self.mean) / self.std).mean((2, 3))).softmax(1)

    last = litert_torch.to_channel_last_io(Network(), args=[0]).eval()
    litert_torch.convert(last, (torch.rand(1, card.input.height, card.input.width, 3),)).export(str(path))
    return put_card(path, card)


def put_card(path: Path, card: Card) -> Path:
    """A card into a file that has none."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FILE, card.to_text())
    seal(path, ".tflite")
    return path


def with_card(model: Path, path: Path, card: Card) -> Path:
    """A copy of `model` with another card."""
    data = model.read_bytes()
    path.write_bytes(data[: data.index(b"PK\x03\x04")])  # where the associated files begin
    return put_card(path, card)


def middle(probabilities: np.ndarray) -> float:
    """A threshold that divides probabilities [n] into halves, or nearly, and is as far from all of them as can be."""
    ranked = np.sort(probabilities)
    inner = ranked[len(ranked) // 4 : -len(ranked) // 4]
    place = int(np.diff(inner).argmax())
    return float((inner[place] + inner[place + 1]) / 2)
