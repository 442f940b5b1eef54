"""What an estimator says of its data."""

import numpy as np
from PIL import Image

from imbalkit.sklearn import ImbalkitClassifier


def test_notes_hold_those_of_the_data(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
    paths = [tmp_path / f"{place}.png" for place in range(60)]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image).save(path)
    labels = np.arange(60) % 3 == 0
    found = ImbalkitClassifier(training__epochs=1, training__accelerator="cpu", images__size=8)
    found.fit(paths + paths, np.concatenate([labels, ~labels]))
    assert any("60 files have rows of different labels" in note for note in found.notes_)
    assert len(set(found.notes_)) == len(found.notes_)
