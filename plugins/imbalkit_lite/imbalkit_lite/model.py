"""An exported file at work: `open_model(path)` gives its card, its probabilities and its decisions."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np

from imbalkit_lite.card import Card, Input
from imbalkit_lite.columns import ColumnCodes, ColumnEncoding
from imbalkit_lite.decisions import abstains, decide
from imbalkit_lite.errors import DataError, ModelError, listing
from imbalkit_lite.images import ImageRule, read_pixels
from imbalkit_lite.predictor import BatchPrediction
from imbalkit_lite.runtimes import SUFFIXES, Runtime, open_runtime

NO_IMAGE = ((1, 1), 0)  # size and channels
BATCH = 8  # pictures at once, where the file takes any number; on a CPU more are no faster, but take memory


class Model:
    """An exported file, ready to predict. Not for several threads at once.

    Attributes:
        path: the file
        card: its metadata
        rule: how a picture gets the size that it takes
        classes: names, in the order of the output
        positive: place of the positive class in them, None without one
        channels: 3 (RGB) or 1 (grey); 0 for a file that takes rows of a table (its pictures are uint8 [n, 1, 1, 0])
        batch_size: pictures at once
        encoding: how it takes table columns beside the picture; None for pictures alone
    """

    def __init__(self, path: Path, card: Card, runtime: Runtime):
        self.path, self.card, self._runtime = path, card, runtime
        size, channels = (
            NO_IMAGE if card.input is None else ((card.input.height, card.input.width), card.input.channels)
        )
        self.rule = ImageRule(size, card.resize, card.interpolation, card.exif, card.bits)
        self.classes, self.positive, self.channels = card.classes, card.positive_index, channels
        self.batch_size = BATCH
        self.encoding = _columns_taken(card)
        self._abstaining = card  # at another threshold still that of the file

    def at(self, threshold: float) -> Model:
        """The same at another threshold and without costs; it abstains on the same pictures.

        Raises ModelError without a positive class, or outside 0..1.
        """
        if self.positive is None:
            raise ModelError(
                f"{self.path} has no positive class to put a threshold to: of {listing(self.classes)} the most probable "
                "one is predicted"
            )
        if not 0 <= threshold <= 1:
            raise ModelError(f"expected a threshold from 0 to 1, got {threshold:g}")
        other = copy(self)
        rule = self.card.abstain
        abstain = None if rule is not None and rule.expected_cost is not None else rule
        other.card = replace(self.card, threshold=float(threshold), costs=None, abstain=abstain)
        return other

    def read(self, picture: str | os.PathLike[str] | bytes) -> np.ndarray:
        """A picture as the file takes it, uint8 [H, W, C]: a path, an address in a container, or its bytes.

        Raises DataError where it cannot be read, or the file takes none.
        """
        if not self.channels:
            raise DataError(
                f"{self.path} takes rows of a table and no pictures: `encoding.encode([{{...}}])` makes them"
            )
        return read_pixels(picture, self.rule, self.channels)

    def probabilities(self, pixels: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        """Probabilities, float32 [n, classes], of pictures uint8 [n, H, W, C] of the size that the file takes.

        `columns`, float32 [n, W], are for a file that takes some beside the picture: `encoding.encode([{"age": 45}, ...])`, or
        `encoding.missing(n)` where nothing is known.

        Raises DataError for pixels or columns of another type or shape, ModelError where the file's output is not finite.
        """
        pixels = np.asarray(pixels)
        shape = (*self.rule.size, self.channels)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != shape:
            raise DataError(
                f"{self.path} takes pictures uint8 [n, {', '.join(map(str, shape))}] (height, width, channels), got "
                f"{pixels.dtype} {list(pixels.shape)}; `read` makes them"
            )
        beside = self._beside(len(pixels), columns)
        outputs = np.empty((len(pixels), len(self.classes)), dtype=np.float32)
        step = self.batch_size if self._runtime.any_batch else 1
        for start in range(0, len(pixels), step):
            part = slice(start, start + step)
            source = self.card.input
            images = None if source is None else input_tensor(pixels[part], source)
            outputs[part] = self._runtime.run(images, *(each[part] for each in beside))
        if not np.isfinite(outputs).all():
            raise ModelError(f"{self.path} outputs probabilities that are not finite")
        return outputs

    def _beside(self, pictures: int, columns: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """The columns as the file takes them, or nothing. Raises DataError."""
        found = None if columns is None else np.shape(columns)
        expected = None if self.encoding is None else (pictures, self.encoding.width)
        if found == expected:
            return () if columns is None else (np.ascontiguousarray(columns, dtype=np.float32),)
        if self.encoding is None:
            raise DataError(f"{self.path} takes pictures alone, got columns {list(found or ())}")
        raise DataError(
            f"{self.path} takes {listing(self.encoding.names)} beside the picture: expected columns {list(expected or ())}, "
            f"got {'none' if found is None else list(found)}; `encoding.encode([{{...}}])` makes them, `encoding.missing(n)` "
            "where nothing is known"
        )

    def predict(self, pixels: np.ndarray, columns: np.ndarray | None = None) -> BatchPrediction:
        """Probabilities, forced decisions (class codes) and abstentions. Arguments and errors as for `probabilities`."""
        probabilities = self.probabilities(pixels, columns)
        return BatchPrediction(
            probabilities, decide(probabilities, self.card), abstains(probabilities, self._abstaining)
        )


def _columns_taken(card: Card) -> ColumnEncoding | None:
    """The columns as a file takes them: encoded beside images, as they are without."""
    return card.columns if card.columns is None or card.input is not None else ColumnCodes(card.columns.columns)


def input_tensor(pixels: np.ndarray, source: Input) -> np.ndarray:
    """Pictures uint8 [n, H, W, C] as a file's input tensor, [n, ...]."""
    if source.layout == "NCHW":
        pixels = pixels.transpose(0, 3, 1, 2)
    if source.type == "float32":
        pixels = pixels.astype(np.float32)
        if source.range == (0, 1):
            pixels /= 255
    return np.ascontiguousarray(pixels)


def is_model(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name ends as an exported file's does: .tflite or .onnx."""
    return Path(path).suffix.lower() in SUFFIXES


def open_model(path: str | os.PathLike[str], threads: int | None = None) -> Model:
    """A .tflite or .onnx file that imbalkit exported.

    Args:
        path: the file; nothing beside it is read
        threads: of the runtime (default: its own choice)

    Raises:
        ModelError: no such file, a damaged one, tensors that are not those of the card
        CardError: a file without a card, or with one that cannot be true
        MissingExtraError: the file's runtime is not installed
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ModelError(
            f"there is no file {path}" if not path.is_dir() else f"expected a model file, {path} is a folder"
        )
    if not is_model(path):
        raise ModelError(f"expected a file whose name ends in {' or '.join(SUFFIXES)}, got {path}")
    if threads is not None and threads < 1:
        raise ModelError(f"expected at least 1 thread, got {threads}")
    text, runtime = open_runtime(path, threads)
    card = Card.from_text(text, f"the card in {path}")
    _check_tensors(path, card, runtime)
    return Model(path, card, runtime)


def _check_tensors(path: Path, card: Card, runtime: Runtime) -> None:
    """Raise ModelError where the file's tensors are not those of its card."""
    columns, source = _columns_taken(card), card.input
    for what, card_says, file_has in (
        ("takes images of shape", None if source is None else source.shape, runtime.input_shape),
        ("takes values of type", "float32" if source is None else source.type, runtime.input_type),
        ("takes columns of shape", None if columns is None else (columns.width,), runtime.columns_shape),
        ("outputs a shape of", (len(card.classes),), runtime.output_shape),
        ("outputs values of type", "float32", runtime.output_type),
    ):
        if card_says != file_has:
            stated, has = (list(v) if isinstance(v, tuple) else v for v in (card_says, file_has))
            raise ModelError(f"{path} does not fit its card: it {what} {has}, the card says {stated}")
