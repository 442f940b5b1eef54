"""Pictures that show nothing are reported by init and run; 16-bit pictures of fewer bits are scaled by `images.bits`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from PIL import Image

from imbalkit.data.dark_images import bits_held, darkness_of_files
from imbalkit_lite.images import Probe, read_image
from imbalkit_lite.inputs import find_inputs
from imbalkit_lite.model import open_model
from imbalkit_lite.predicting import predict_rows
from tests.command_line import imbalkit

pytestmark = pytest.mark.usefixtures("no_charts")

QUICK = [
    *("--set", "training.epochs=1", "--set", "training.accelerator=cpu", "--set", "training.threads=1"),
    *("--set", "evaluation.resamples=0"),
]


def save(folder, top: int, kind=np.uint16, count: int = 10) -> None:
    for name in ("ill", "well"):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            values = np.random.default_rng(index).integers(0, top + 1, (16, 16), dtype=kind)
            values[0, 0] = top
            Image.fromarray(values).save(folder / name / f"{index}.png")


@pytest.mark.slow
def test_init_proposes_bits_and_run_uses_them(tmp_path):
    pytest.importorskip("onnxruntime")
    save(tmp_path / "photos", 4095)
    shown = imbalkit("init", "photos", "--out", "r.yaml", cwd=tmp_path).stdout
    assert "20 of 20 pictures have 16 bits and no value above 4,095 (of 65,535), as of 12 bits" in shown
    assert "nearly black; `images: {bits: 12}`" in shown
    assert yaml.safe_load((tmp_path / "r.yaml").read_text())["images"]["bits"] == 12
    done = imbalkit("run", "r.yaml", "--folder", "run", *QUICK, "--set", "export=[onnx]", cwd=tmp_path)
    assert "nearly black" not in done.stderr
    pixels = next((tmp_path / "cache").glob("*12bit*")) / "pixels.bin"
    stored = np.fromfile(pixels, dtype=np.uint8)
    assert (stored.min(), stored.max()) == (0, 255)
    found = imbalkit("predict", "run", "photos", "--json", cwd=tmp_path).stdout
    first = json.loads(found.splitlines()[0])
    model = open_model(next((tmp_path / "run").rglob("*.onnx")))
    assert model.card.bits == 12
    (row, *_) = predict_rows(find_inputs([tmp_path / "photos"]), model)
    assert row["probability_ill"] == pytest.approx(first["probability_ill"], abs=1e-4)
    np.testing.assert_array_equal(read_image(tmp_path / "photos/ill/0.png", model.rule)[0, 0], 255)
    other = imbalkit("run", "r.yaml", "--folder", "run16", *QUICK, "--set", "images.bits=16", cwd=tmp_path)
    assert "note: 20 of 20 pictures have 16 bits and no value above 4,095" in other.stderr
    refused = imbalkit("run", "r.yaml", *QUICK, "--set", "images.bits=10", cwd=tmp_path, check=False)
    assert "at most 10 bits (0 to 1023), got values from 0 to 4095" in refused.stderr


def test_dark_and_flat_pictures_are_told(tmp_path):
    save(tmp_path / "photos", 15, np.uint8)
    for index in range(3):
        Image.new("RGB", (16, 16), (9, 9, 9)).save(tmp_path / "photos" / "ill" / f"flat{index}.png")
    notes = [
        "3 of 23 pictures have one value in all pixels: they show nothing",
        "20 of 23 pictures are nearly black (no level above 15 of 255)",
    ]
    shown = imbalkit("init", "photos", "--out", "r.yaml", cwd=tmp_path).stdout
    assert all(note in shown for note in notes)
    assert "bits" not in (tmp_path / "r.yaml").read_text()
    done = imbalkit("run", "r.yaml", *QUICK, cwd=tmp_path)
    assert all(f"note: {note}" in done.stderr for note in notes)


@pytest.mark.parametrize(
    "tops, bits",
    [
        ([1023], 10),
        ([1024], 11),
        ([100, 4095], 12),
        ([100, 4096], 13),
        ([16383], 14),
        ([16384], None),
        ([90, 65535], None),
        ([0], None),
    ],
)
def test_bits_are_those_of_the_largest_value(tops, bits):
    assert bits_held([Probe(8, 8, "I;16", 0, top) for top in tops]) == bits
    assert bits_held([Probe(8, 8, "L", 0, 9)]) is None


def test_ordinary_pictures_have_no_notes():
    assert darkness_of_files([Probe(8, 8, "L", 0, 16), Probe(8, 8, "RGB", 200, 255), Probe(8, 8, "F", 0.0, 0.5)]) == []
    assert darkness_of_files([Probe(8, 8, "I;16", 0, 40000), Probe(8, 8, "I", 0, 5000)]) == []
    assert (
        "1 of 2 pictures are nearly black"
        in darkness_of_files([Probe(8, 8, "I;16", 0, 40000), Probe(8, 8, "I;16", 0, 90)])[0]
    )
