"""TFLite's standard metadata, which Android Studio and MediaPipe read: its input, its output, the names of the classes.

It is a FlatBuffer of its own. Only what a classifier of images needs is written here, by the numbers of the fields in
tensorflow/tflite-support's `metadata_schema.fbs` (in MediaPipe's wheel as mediapipe/tasks/metadata/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import flatbuffers

from imbalkit_lite.card import Card, Input
from imbalkit_lite.columns import ColumnEncoding

IDENTIFIER = b"M001"
PARSER = "1.0.0"  # the oldest reader that understands it
_FEATURES, _IMAGE, _NORMALISATION = 1, 2, 1  # members of unions
_RGB, _GREY = 1, 2
_AXIS_LABELS = 2  # type of an associated file


def model_metadata(card: Card, labels: str, document: str) -> bytes:
    """The metadata of a file.

    Args:
        card: of the file
        labels: name of the associated file with a class name a line
        document: name of the associated file with the card itself
    """
    writer = _Writer()
    text = writer.text
    sources = [] if card.input is None else [_source(writer, card.input)]
    target = writer.table(
        name=(0, text("probability")),
        description=(1, text("Probability of each class.")),
        content=(3, _content(writer, _FEATURES, writer.table())),
        stats=(5, _stats(writer, 1, 0, 1)),
        associated_files=(6, writer.tables([_file(writer, labels, "Names of the classes.", _AXIS_LABELS)])),
    )
    sources += [] if card.columns is None else [_columns(writer, card.columns, card.input is not None)]
    graph = writer.table(
        input_tensor_metadata=(2, writer.tables(sources)), output_tensor_metadata=(3, writer.tables([target]))
    )
    whole = writer.table(
        name=(0, text(card.name)),
        description=(1, text(card.description)),
        version=(2, text(card.run.imbalkit or "")),
        subgraph_metadata=(3, writer.tables([graph])),
        associated_files=(6, writer.tables([_file(writer, document, "How the model is to be used.")])),
        min_parser_version=(7, text(PARSER)),
    )
    return writer.finish(whole)


def _source(writer: _Writer, images: Input) -> int:
    """The input of images. What a reader does to pixels 0..255 before they go in; the network's own mean and deviation are in the
    graph."""
    smallest, largest = images.range
    size = f"{images.height} x {images.width} pixels, RGB" if images.channels == 3 else ""
    return writer.table(
        name=(0, writer.text("image")),
        description=(1, writer.text(size)),
        content=(3, _content(writer, _IMAGE, _image(writer, images))),
        process_units=(4, writer.tables([_normalisation(writer, 255 / (largest - smallest), images.channels)])),
        stats=(5, _stats(writer, largest, smallest, images.channels)),
    )


def _columns(writer: _Writer, columns: ColumnEncoding, encoded: bool) -> int:
    """The input of a table's row: what the card's `columns` make of it, or numbers and codes that the graph encodes."""
    return writer.table(
        name=(0, writer.text("columns")),
        description=(
            1,
            writer.text(f"{', '.join(columns.names)}, {'encoded' if encoded else 'a number each,'} as the card says."),
        ),
        content=(3, _content(writer, _FEATURES, writer.table())),
    )


def _image(writer: _Writer, images: Input) -> int:
    size = writer.numbers("Uint32", width=(0, images.width), height=(1, images.height))
    return writer.table(default_size=(1, size), color_space=(0, _RGB if images.channels == 3 else _GREY, "Int8"))


def _content(writer: _Writer, kind: int, properties: int) -> int:
    return writer.table(content_properties=(1, properties), content_properties_type=(0, kind, "Uint8"))


def _normalisation(writer: _Writer, by: float, channels: int) -> int:
    options = writer.table(mean=(0, writer.floats([0.0] * channels)), std=(1, writer.floats([by] * channels)))
    return writer.table(options=(1, options), options_type=(0, _NORMALISATION, "Uint8"))


def _stats(writer: _Writer, largest: float, smallest: float, count: int) -> int:
    return writer.table(max=(0, writer.floats([largest] * count)), min=(1, writer.floats([smallest] * count)))


def _file(writer: _Writer, name: str, description: str, kind: int = 0) -> int:
    return writer.table(name=(0, writer.text(name)), description=(1, writer.text(description)), type=(2, kind, "Int8"))


class _Writer:
    """FlatBuffers' builder with one call for each table. A field is (its number, the offset of its value), or for a plain number
    (its number, the number, its type). Names of fields are for the reader of this file."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)

    def text(self, value: str) -> int:
        return self._builder.CreateString(value)

    def floats(self, values: Sequence[float]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return self._builder.EndVector()

    def tables(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return self._builder.EndVector()

    def numbers(self, kind: str, **fields: tuple[int, int]) -> int:
        return self.table(**{name: (*field, kind) for name, field in fields.items()})

    def table(self, **fields: tuple[int, int] | tuple[int, int, str]) -> int:
        self._builder.StartObject(max((field[0] for field in fields.values()), default=-1) + 1)
        for number, value, *kind in fields.values():
            if kind:
                getattr(self._builder, f"Prepend{kind[0]}Slot")(number, value, 0)
            else:
                self._builder.PrependUOffsetTRelativeSlot(number, value, 0)
        return self._builder.EndObject()

    def finish(self, root: int) -> bytes:
        self._builder.Finish(root, file_identifier=IDENTIFIER)
        return bytes(self._builder.Output())


def label_lines(classes: Iterable[str]) -> str:
    """labels.txt, one line a class: line breaks and other controls in a name are blanks, as readers count lines."""
    return "".join(" ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", name).split()) + "\n" for name in classes)
