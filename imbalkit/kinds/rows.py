"""Samples and rows: data sets, operations, and the scores that samplers rank by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import model_serializer

from imbalkit.base.parameters import Part, PathText, param, part_of
from imbalkit.errors import DataError
from imbalkit.kinds.common import BuildContext

if TYPE_CHECKING:
    import numpy as np
    import torch

    from imbalkit.data.table import Table


class Dataset(Part):
    """Reads a user's data: `load()` returns a Table (imbalkit.data.table) of every sample, without decoding an image."""

    kind = "dataset"

    sample: float | None = param(
        None,
        help="share of the samples for a trial, such as 0.01: of each class its share (20 rows or groups at least), groups whole "
        "(default: all samples)",
        gt=0,
        lt=1,
    )
    corrections: PathText | None = param(
        None,
        help="CSV file of corrected labels and rows to leave out, as `imbalkit audit` writes one to fill in (default: none)",
    )

    @model_serializer(mode="wrap")
    def _with_name(self, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """With keys of every data set only where they are given, so that recipes without them keep their text and hash."""
        found = {"name": self.name, **handler(self)}
        return {key: value for key, value in found.items() if key not in ("sample", "corrections") or value is not None}

    def read(self) -> Table:
        """What `load` gives, corrected as `corrections` says, or the share of it that `sample` asks for.

        Raises DataError as `load` does, and for corrections that do not fit.
        """
        from imbalkit.data.corrections import corrected_table
        from imbalkit.data.sample import sample_table
        from imbalkit.data.table import Table

        table = self.load()
        if not isinstance(table, Table):
            who = f"the data set {self.name!r} ({type(self).__module__})"
            raise DataError(f"{who} must load a Table, got {type(table).__name__}")
        if self.corrections is not None:
            table = corrected_table(table, Path(self.corrections))
        return table if self.sample is None else sample_table(table, self.sample)

    def load(self) -> Table:
        """All samples. Raises DataError with the file and row for what cannot be read."""
        raise NotImplementedError  # each part of this kind writes its own


DatasetRef = Annotated[Dataset, part_of("dataset")]


class Op(Part):
    """An operation of a view: turns, flips, blurs. Random numbers become parameters first, pixels change later."""

    kind = "op"
    parameters: ClassVar[tuple[str, ...]] = ()  # names of what `decide` draws for each row
    square_only: ClassVar[bool] = False  # swaps height and width

    def decide(self, uniforms: np.ndarray) -> np.ndarray:
        """Uniform numbers, float64 [n, len(parameters)], to the parameters of n rows, float64 of the same shape."""
        return uniforms

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Images, float [n, C, H, W] in 0..1, and their float32 [n, len(parameters)], to images of the same shape."""
        raise NotImplementedError  # each part of this kind writes its own

    @property
    def label(self) -> str:
        """The operation as a person reads it in a table or a gallery."""
        return self.name.replace("_", " ")


OpRef = Annotated[Op, part_of("op")]


class Score(Part):
    """What a model says of a row. `build` returns `f(logits [n, C], targets int64 [n]) -> float [n]`."""

    kind = "score"

    def build(self, context: BuildContext) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        raise NotImplementedError  # each part of this kind writes its own


ScoreRef = Annotated[Score, part_of("score")]
