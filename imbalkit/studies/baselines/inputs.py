"""What a baseline is fitted on: the columns of a table, or frozen features of pictures and the columns beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.base.progress import Progress
from imbalkit.data.column_inputs import codes_of_frame
from imbalkit.errors import RunError
from imbalkit.kinds import Backbone
from imbalkit_lite.columns import CategoryColumn

if TYPE_CHECKING:
    from imbalkit.data.image_store import BadImage
    from imbalkit.recipe.prepared import Prepared


@dataclass(frozen=True)
class Pictures:
    """Frozen features of every picture; of a table without pictures there are none.

    Attributes:
        features: float32 [samples, F]; NaN for a picture that cannot be read
        shape: height, width, channels
        content: hashes of the files, as `record_of` takes them
        bad: pictures that cannot be read
        words: whose features they are
        notes: what a reader must know of them
    """

    features: np.ndarray
    shape: tuple[int, ...]
    content: np.ndarray | None = None
    bad: tuple[BadImage, ...] = ()
    words: str = ""
    notes: tuple[str, ...] = ()

    @property
    def unreadable(self) -> np.ndarray:
        """Samples without features, int64 [n]."""
        return np.array([image.index for image in self.bad], dtype=np.int64)


def pictures_of(prepared: Prepared, file: Path | None, progress: Progress) -> Pictures:
    """The features of the recipe's backbone with the weights that it starts from.

    Args:
        file: where `imbalkit embed` left them, or where they are to be kept for the next call; None: computed anew

    Raises RunError for a file of other features, and where the data are a table.
    """
    table = prepared.table
    if table.features is not None:
        if file is not None:
            raise RunError("the data are columns of a table, which has no features of pictures: leave out --features")
        if prepared.encoding is None:
            raise RunError("no column of the table can be learnt from: there is nothing to fit a baseline on")
        assert table.arrays is not None
        return Pictures(np.empty((len(table), 0), dtype=np.float32), table.arrays.shape[1:])
    from imbalkit.engine.embedding import of_recipe, random_weights
    from imbalkit.studies.embed import embed, features_in

    embedding = of_recipe(prepared, progress, random=True)
    if file is not None:
        known = features_in(file, embedding) if file.exists() else None
        if known is None:
            embed(embedding, file, progress.note)
            known = features_in(file, embedding)
        assert known is not None
    else:
        known = embedding.features(embedding.rows)
    features = np.full((len(table), embedding.width), np.nan, dtype=np.float32)
    features[embedding.rows] = known
    notes = () if not random_weights(prepared.recipe.backbone) else (_random(prepared.recipe.backbone),)
    for note in notes:
        progress.note(f"warning: {note}")
    words = f"frozen features of {prepared.recipe.backbone.name} with the weights that it starts from"
    return Pictures(features, tuple(embedding.images.shape), embedding.images.content, embedding.bad, words, notes)


def _random(backbone: Backbone) -> str:
    return (
        f"the features are those of {backbone.name!r} with random weights, which say little of a picture: this baseline is no "
        "measure of what the network is worth; a backbone with pretrained weights gives one"
    )


def matrix(prepared: Prepared, pictures: Pictures, method: str) -> tuple[np.ndarray, np.ndarray]:
    """What a method takes of every sample, float64 [samples, W], and which columns hold category codes, bool [W].

    Features first, then columns as training rows alone encode them: for logistic regression as a network takes them (numbers
    standardised, categories one-hot, flags for what is missing); for boosting one a column, gaps as NaN.
    """
    parts, categories = [pictures.features.astype(np.float64)], [np.zeros(pictures.features.shape[1], dtype=np.bool_)]
    encoding = prepared.encoding
    if encoding is not None and method == "boosting":
        parts.append(codes_of_frame(encoding, prepared.table.frame))
        categories.append(np.array([isinstance(column, CategoryColumn) for column in encoding.columns]))
    elif prepared.columns is not None:
        parts.append(prepared.columns.astype(np.float64))
        categories.append(np.zeros(prepared.columns.shape[1], dtype=np.bool_))
    return np.concatenate(parts, axis=1), np.concatenate(categories)
