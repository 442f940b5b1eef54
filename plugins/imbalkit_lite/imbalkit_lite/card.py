"""The card: the metadata of an exported file, one JSON document inside the file and beside it.

In ONNX it is the entry "imbalkit" of `metadata_props`, in TFLite the associated file `imbalkit.json`, and beside either
`<file>.json`. Writers and readers share these classes; everything is checked when a card is made, by a writer or a reader.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from imbalkit_lite.card_parts import LAYOUTS, Abstain, Input, Normalisation, Origin, Probabilities, set_field
from imbalkit_lite.checks import check_choice, check_mapping, check_text, exactly, is_list, number, numbers
from imbalkit_lite.columns import ColumnEncoding
from imbalkit_lite.errors import CardError, listing, nearest
from imbalkit_lite.text import json_text

__all__ = [
    "FILE",
    "INTERPOLATIONS",
    "KEY",
    "LAYOUTS",
    "NEVER",
    "QUANTIZATIONS",
    "RESIZES",
    "Abstain",
    "Card",
    "Input",
    "Normalisation",
    "Origin",
    "Probabilities",
]

FORMAT = 1  # raise it when a reader of the old one would misunderstand a card
WITH_COLUMNS = 2  # the format of a card with `columns`, which a reader of format 1 would not feed
OF_ROWS = 3  # the format of a card without `input`: the file takes rows of a table and encodes them itself
KEY = "imbalkit"  # of ONNX's metadata_props
FILE = "imbalkit.json"  # TFLite's associated file

NEVER = 1 + 2.0**-23  # a threshold that no probability reaches, not even 1: the next number of float32
RESIZES = ("stretch", "crop", "pad")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")
QUANTIZATIONS = ("none", "fp16", "dynamic", "int8")


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything that is needed to use an exported file as its run would. Raises CardError for what cannot be true.

    Attributes:
        name, description: of the model
        classes: names, in the order of the output
        positive: the class that the threshold and a band are about; None without one
        threshold: the positive class is predicted from this probability on (NEVER: no row), else the most probable of the
            others; None: the most probable class (or by `costs`)
        costs: [C, C], costs[i][j] of predicting class j for class i: the class of least expected cost is predicted
        abstain: when the model abstains; None: never
        input: the tensor of images; None for a file that takes rows of a table alone
        columns: how table columns become the second input tensor, float32 [n, W]; None for a file that takes images alone.
            Without images they are the only input, float32 [n, K], a number for each column in this order
            (columns.ColumnCodes): scaling and categories are inside the file
        resize, interpolation, exif, bits: how a picture gets the input's size and its 256 grey levels
            (imbalkit_lite.images.ImageRule)
        normalisation: done by the graph, None for none
        probabilities: done by the graph
        quantization: none | fp16 | dynamic | int8
        card: intended use and the like, as the recipe states them
        run: the run that it was exported from
    """

    name: str
    description: str = ""
    classes: tuple[str, ...]
    positive: str | None = None
    threshold: float | None = None
    costs: tuple[tuple[float, ...], ...] | None = None
    abstain: Abstain | None = None
    input: Input | None
    resize: str = "stretch"
    interpolation: str = "bilinear"
    exif: bool = True
    bits: int = 16
    normalisation: Normalisation | None = None
    probabilities: Probabilities
    quantization: str = "none"
    card: Mapping[str, Any] = field(default_factory=dict)
    run: Origin = field(default_factory=Origin)
    columns: ColumnEncoding | None = None

    def __post_init__(self) -> None:
        check_text(self.name, "name")
        check_text(self.description, "description")
        set_field(self, "classes", _class_names(self.classes))
        if self.positive is not None and self.positive not in self.classes:
            raise CardError(
                f"positive: expected one of the classes {listing(self.classes)}, got {self.positive!r}"
                f"{nearest(str(self.positive), self.classes)}"
            )
        if self.threshold not in (None, NEVER):
            set_field(self, "threshold", number(self.threshold, "threshold", 0, 1))
        if self.costs is not None:
            set_field(self, "costs", self._checked_costs())
        if self.positive is None and (self.threshold is not None or (self.abstain and self.abstain.band)):
            raise CardError("positive: expected a class, as there is a threshold or a band of its probability")
        if self.threshold is not None and self.costs is not None:
            raise CardError("expected a threshold or costs, got both")
        if self.costs is None and self.abstain and self.abstain.expected_cost is not None:
            raise CardError("costs: expected, as abstain.expected_cost is about them")
        check_choice(self.resize, RESIZES, "resize")
        check_choice(self.interpolation, INTERPOLATIONS, "interpolation")
        check_choice(self.quantization, QUANTIZATIONS, "quantization")
        if not isinstance(self.exif, bool):
            raise CardError(f"exif: expected true or false, got {self.exif!r}")
        if type(self.bits) is not int or not 8 <= self.bits <= 16:
            raise CardError(f"bits: expected 8 to 16, got {self.bits!r}")
        if self.input is None and (self.columns is None or self.normalisation is not None):
            raise CardError("input: expected one, as there are no columns, or there is a normalisation of images")
        if self.normalisation is not None and self.input is not None:
            for name in ("mean", "std"):
                if len(getattr(self.normalisation, name)) != self.input.channels:
                    raise CardError(f"normalisation.{name}: expected a number for each channel ({self.input.channels})")
        check_mapping(self.card, "card")

    def _checked_costs(self) -> tuple[tuple[float, ...], ...]:
        count = len(self.classes)
        rows = self.costs if is_list(self.costs) else ()
        costs = tuple(numbers(row, f"costs[{index}]", least=0) for index, row in enumerate(rows))
        if len(costs) != count or any(len(row) != count for row in costs):
            raise CardError(f"costs: expected a row and a column for each of the {count} classes")
        return costs

    @property
    def positive_index(self) -> int | None:
        """Place of the positive class in `classes`, None without one."""
        return None if self.positive is None else self.classes.index(self.positive)

    def to_json(self) -> dict[str, Any]:
        """The document, of plain values."""
        facts = asdict(self)
        if self.abstain is not None:  # the one that is meant, alone
            facts["abstain"] = {name: value for name, value in facts["abstain"].items() if value is not None}
        del facts["columns"]
        if self.columns is not None:  # written, with a format of its own, only where there are some
            facts["columns"] = self.columns.to_json()
        if self.bits == 16:  # written only where it is not 16: a reader that does not know it then refuses the card
            del facts["bits"]
        return {"format": self._format, **_plain(facts)}

    @property
    def _format(self) -> int:
        if self.input is None:
            return OF_ROWS
        return FORMAT if self.columns is None else WITH_COLUMNS

    def to_text(self) -> str:
        """The document as text. Raises CardError where `card` holds what JSON cannot."""
        try:
            return json_text(self.to_json(), indent=2, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise CardError(f"the card cannot be written as JSON: {error}") from None

    @classmethod
    def from_json(cls, document: Any, where: str = "the card") -> Card:
        """A card of a document that was read; `where` is named in errors. Raises CardError."""
        try:
            return _read_card(document)
        except CardError as error:
            raise CardError(f"{where}: {error}") from None

    @classmethod
    def from_text(cls, text: str | bytes, where: str = "the card") -> Card:
        """A card of JSON text (UTF-8). Raises CardError."""
        try:
            document = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is one
            raise CardError(f"{where} is not JSON: {error}") from None
        return cls.from_json(document, where)


_PARTS = {"input": Input, "normalisation": Normalisation, "probabilities": Probabilities, "run": Origin}


def _read_card(document: Any) -> Card:
    if not isinstance(document, Mapping):
        raise CardError(f"expected keys and values, got {type(document).__name__}")
    found = document.get("format")
    if found not in (FORMAT, WITH_COLUMNS, OF_ROWS) or found is True:
        newer = "; a newer imbalkit wrote it: update this one" if type(found) is int and found > OF_ROWS else ""
        raise CardError(f"format: expected {FORMAT}, {WITH_COLUMNS} or {OF_ROWS}, got {found!r}{newer}")
    of_rows = found == OF_ROWS
    if (found != FORMAT) != ("columns" in document) or (of_rows and document.get("input") is not None):
        raise CardError(
            f"format: expected {WITH_COLUMNS} for a file that takes columns, {OF_ROWS} for one without images, and {FORMAT} for "
            f"others, got {found}"
        )
    document = {"bits": 16, "columns": None, **document}
    if document.get("resize") == "squash":  # its name in files of earlier versions
        document["resize"] = "stretch"
    names = ["format", *(each.name for each in fields(Card))]
    values = {name: document[name] for name in exactly(document, names, "") if name != "format"}
    for name, part in _PARTS.items():
        if values[name] is not None or name not in (("normalisation", "input") if of_rows else ("normalisation",)):
            names = [each.name for each in fields(part)]
            check_mapping(values[name], name)
            values[name] = part(**{key: values[name][key] for key in exactly(values[name], names, f"{name}.")})
    if values["columns"] is not None:
        values["columns"] = ColumnEncoding.from_json(values["columns"])
    if values["abstain"] is not None:
        check_mapping(values["abstain"], "abstain")
        names = [each.name for each in fields(Abstain)]
        exactly({**dict.fromkeys(names), **values["abstain"]}, names, "abstain.")
        values["abstain"] = Abstain(**values["abstain"])
    return Card(**values)


def _class_names(names: Any) -> tuple[str, ...]:
    if not is_list(names) or len(names) < 2 or not all(isinstance(name, str) and name for name in names):
        raise CardError(f"classes: expected at least two names, got {names!r}")
    twice = next((name for name in names if list(names).count(name) > 1), None)
    if twice is not None:
        raise CardError(f"classes: {twice!r} is named twice")
    return tuple(names)


def _plain(value: Any) -> Any:
    """Tuples as lists, also within."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
