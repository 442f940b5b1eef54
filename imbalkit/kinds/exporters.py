"""Model files that other programs run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import model_validator

from imbalkit.base.parameters import Part, Settings, param, part_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from imbalkit_lite.card import Card


class ExportLimits(Settings):
    """How far a quantised file may be from the network, on the rows that they are compared on. Otherwise it is not written."""

    auc: float = param(0.01, help="largest change of the area under the ROC curve", ge=0, le=1)
    sensitivity: float = param(
        0.03, help="largest change of the positive class's recall (without one: of the mean recall)", ge=0, le=1
    )
    ece: float = param(0.03, help="largest change of the expected calibration error", ge=0, le=1)
    flips: float = param(0.05, help="largest share of rows that are decided otherwise", ge=0, le=1)


@dataclass(frozen=True)
class Exportable:
    """What an exporter writes.

    Attributes:
        network: in eval mode on the CPU: a tensor of the type, layout and range of `card.input`, [n, ...], to probabilities
            float32 [n, classes]; normalisation and calibration are inside. Where `card.columns` says so it takes those, too:
            float32 [n, W], named `columns`; without `card.input` nothing else, float32 [n, K]
        card: the card that the file holds (imbalkit_lite.card)
        calibration: inputs of the network to fit int8 ranges on, [n, ...]; None unless `quantize` is int8
        calibration_columns: the columns that belong to them, float32 [n, W]; None for a network of images alone
    """

    network: nn.Module
    card: Card
    calibration: np.ndarray | None = None
    calibration_columns: np.ndarray | None = None

    def example(self, rows: int = 1) -> torch.Tensor:
        """An input of the network to trace it with, [rows, ...]."""
        import torch

        assert self.card.input is not None  # `examples` asks for images only where there are some
        shape, kind = (rows, *self.card.input.shape), self.card.input.type
        return torch.zeros(shape, dtype=torch.uint8) if kind == "uint8" else torch.full(shape, 0.5)

    def examples(self, rows: int = 1) -> dict[str, torch.Tensor]:
        """All inputs of the network by their names: `images`, and `columns` where it takes some."""
        import torch

        columns = self.card.columns
        if self.card.input is None and columns is not None:
            return {"columns": torch.zeros(rows, len(columns.columns))}
        found = {"images": self.example(rows)}
        return found if columns is None else found | {"columns": torch.from_numpy(columns.missing(rows))}


@dataclass(frozen=True)
class FileRuntime:
    """A program that has loaded a file: what the network is compared with.

    Attributes:
        name: of the program
        probabilities: inputs of the file [n, ...], and the columns [n, W] where it takes some, to its probabilities, float
            [n, classes]
        logits: inputs to what the file's softmax is given, float [n, classes]; None where that cannot be seen
        most: the most rows that it should be given, where it is slow; None: any number
    """

    name: str
    probabilities: Callable[..., np.ndarray]
    logits: Callable[..., np.ndarray] | None = None
    most: int | None = None


class Exporter(Part):
    """Writes a finished run's model to a file that another program runs.

    The file is compared with the run's network, on rows of the run's data, before it gets its name (imbalkit.export). What it
    holds is fixed by the class; how, by the recipe.
    """

    kind = "exporter"
    suffix: ClassVar[str]
    layout: ClassVar[Literal["NHWC", "NCHW"]] = "NCHW"  # of the file's input
    quantizations: ClassVar[tuple[str, ...]] = ("none",)  # what `quantize` may be
    takes_columns: ClassVar[bool] = False  # whether it writes a network that takes table columns beside the image

    file: str | None = param(
        None, help="name of the file (default: model, what is unlike the defaults, and the suffix)"
    )
    quantize: Literal["none", "fp16", "dynamic", "int8"] = param(
        "none",
        help="numbers in the file: float32; float16 weights; int8 weights; int8 weights and layers, fitted on validation rows",
    )
    input: Literal["float32", "uint8"] = param("float32", help="what the file takes: values 0..1, or pixels 0..255")
    views: bool = param(
        True, help="average the views of the recipe's `predict` inside the file; false: it sees the plain picture alone"
    )
    limits: ExportLimits = param(ExportLimits(), help="how far a quantised file may be from the network")
    rows: int = param(1000, help="most validation rows to compare on", unit="rows", ge=1)
    calibration_rows: int = param(
        200, help="validation rows that int8 is fitted on, evenly over classes", unit="rows", ge=1
    )

    @model_validator(mode="after")
    def _check(self) -> Exporter:
        if self.quantize not in self.quantizations:
            known = ", ".join(self.quantizations)
            raise ValueError(f"quantize: the exporter {self.name!r} writes {known}, got {self.quantize!r}")
        if self.file is not None and (Path(self.file).name != self.file or not self.file.endswith(self.suffix)):
            raise ValueError(f"file: expected a name that ends in {self.suffix}, without a folder, got {self.file!r}")
        return self

    @property
    def file_name(self) -> str:
        """The file's name in a run folder."""
        parts = ["model", *(word for word in (self.quantize, self.input) if word not in ("none", "float32"))]
        return self.file or "-".join([*parts, *([] if self.views else ["plain"])]) + self.suffix

    def write(self, model: Exportable, path: Path) -> None:
        """Write `path` (a temporary name, of any suffix), the card inside, and leave nothing else behind."""
        raise NotImplementedError  # each part of this kind writes its own

    def runtimes(self, path: Path, threads: int | None = None) -> Sequence[FileRuntime]:
        """Programs here that run the file, first the one that its users run; none: it cannot be compared, which is reported."""
        raise NotImplementedError  # each part of this kind writes its own

    def facts(self, path: Path) -> Mapping[str, Any]:
        """What else to report of the file, as plain values."""
        return {}


ExporterRef = Annotated[Exporter, part_of("exporter")]
