"""The small network as exported files with cards, made once a session and only read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imbalkit_lite.card import Card
from tests.lite.small_network import CARD, Network, put_card
from tests.made_once import made_once


@pytest.fixture(scope="session")
def network():
    return Network()


@pytest.fixture(scope="session")
def bare_files(tmp_path_factory, network):
    """The network as bare.tflite and bare.onnx, without cards."""
    pytest.importorskip("litert_torch", reason="needs litert-torch: pip install 'imbalkit[tflite]'")
    pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'imbalkit[onnx]'")
    return made_once(tmp_path_factory, "lite", lambda folder: convert(network.torch(), folder))


def convert(module, folder: Path) -> None:
    import litert_torch
    import torch

    last = litert_torch.to_channel_last_io(module, args=[0]).eval()
    litert_torch.convert(last, (torch.rand(1, 20, 16, 3),)).export(str(folder / "bare.tflite"))
    torch.onnx.export(
        module,
        (torch.rand(2, 3, 20, 16),),
        str(folder / "bare.onnx"),
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


@pytest.fixture
def exported(tmp_path, bare_files):
    """`exported("tflite", card)`: a fresh file with a card (a Card, text, or None for none)."""

    def make(kind: str, card: Card | str | None = CARD, name: str = "model") -> Path:
        path = tmp_path / f"{name}.{kind}"
        path.write_bytes((bare_files / f"bare.{kind}").read_bytes())
        if isinstance(card, Card):
            layout = "NHWC" if kind == "tflite" else "NCHW"
            card = replace(card, input=replace(card.input, layout=layout)).to_text()
        return put_card(path, card)

    return make


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of nine PNGs of several shapes."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(1)
    for index in range(9):
        tint = np.eye(3)[index % 3] * 90
        pixels = np.clip(random.integers(40, 160, (18 + 3 * index, 30 - index, 3)) + tint, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder
