"""The programs that run exported files, behind one interface; each is imported when a file needs it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from imbalkit_lite import card
from imbalkit_lite.errors import CardError, MissingExtraError, ModelError
from imbalkit_lite.external_data import has_external_data
from imbalkit_lite.seals import check_seal

_LARGEST_CARD = 2**24  # bytes; a card is a few kB


class Runtime(Protocol):
    """One loaded file with one output, and with images, table columns or both as inputs. Shapes are without the batch."""

    input_shape: tuple[int, ...] | None  # of images; None without
    input_type: str
    output_shape: tuple[int, ...]
    output_type: str
    columns_shape: tuple[int, ...] | None  # of the columns; None without
    any_batch: bool  # else one image at a time

    def run(self, images: np.ndarray | None, columns: np.ndarray | None = None) -> np.ndarray:
        """Images [n, ...], and columns [n, W] where it takes some, to the output [n, ...]."""
        ...


class LiteRT:
    """A TFLite file in LiteRT's interpreter, an image at a time."""

    any_batch = False

    def __init__(self, path: Path, threads: int | None):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise _missing(path, "ai-edge-litert", "tflite", error) from None
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
            sources, targets = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise _unreadable(path, "TFLite", error) from None
        source, beside, target = _images_first(path, sources, targets, [len(each["shape"]) for each in sources])
        self._target = target["index"]
        self._source, self._beside = (None if each is None else each["index"] for each in (source, beside))
        self.input_shape, self.columns_shape = (
            None if each is None else _one_image(path, each["shape"].tolist()) for each in (source, beside)
        )
        self.output_shape = _one_image(path, target["shape"].tolist())
        self.input_type, self.output_type = (np.dtype(each["dtype"]).name for each in (source or beside, target))

    def run(self, images: np.ndarray | None, columns: np.ndarray | None = None) -> np.ndarray:
        if self._source is not None:
            self._interpreter.set_tensor(self._source, images)
        if self._beside is not None:
            self._interpreter.set_tensor(self._beside, columns)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._target)


class OnnxRuntime:
    """The content of an ONNX file in ONNX Runtime, on the CPU."""

    def __init__(self, path: Path, content: bytes, threads: int | None):
        try:
            import onnxruntime
        except ImportError as error:
            raise _missing(path, "onnxruntime", "onnx", error) from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors, which are raised as exceptions too
        options.add_session_config_entry("session.load_model_format", "ONNX")  # whatever else its bytes look like
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            sources, targets = self._session.get_inputs(), self._session.get_outputs()
        except Exception as error:  # of types that ONNX Runtime makes up at import
            raise _unreadable(path, "ONNX", error) from None
        source, beside, target = _images_first(path, sources, targets, [len(each.shape) for each in sources])
        self._names = [None if each is None else each.name for each in (source, beside)]
        self.input_shape, self.columns_shape = (
            None if each is None else _one_image(path, each.shape) for each in (source, beside)
        )
        first = source or beside
        self.any_batch = not isinstance(first.shape[0], int) if first.shape else False
        self.output_shape = _one_image(path, target.shape)
        self.input_type, self.output_type = (_ONNX_TYPES.get(each.type, each.type) for each in (first, target))

    @property
    def metadata(self) -> dict[str, str]:
        return self._session.get_modelmeta().custom_metadata_map

    def run(self, images: np.ndarray | None, columns: np.ndarray | None = None) -> np.ndarray:
        given = {name: values for name, values in zip(self._names, (images, columns), strict=True) if name is not None}
        return self._session.run(None, given)[0]


_ONNX_TYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}


def _open_tflite(path: Path, threads: int | None) -> tuple[bytes, Runtime]:
    with path.open("rb") as file:
        if file.read(8)[4:] != b"TFL3":
            raise ModelError(f"{path} is not a TFLite file, or it is damaged")
    text = _associated_card(path)  # first: a file that was cut off has lost it
    check_seal(path, path.read_bytes())
    return text, LiteRT(path, threads)


def _open_onnx(path: Path, threads: int | None) -> tuple[str, Runtime]:
    content = path.read_bytes()
    check_seal(
        path, content, needed=False
    )  # before it is loaded: ONNX Runtime prints its complaints about a damaged file
    _check_whole(path, content)
    runtime = OnnxRuntime(path, content, threads)
    text = runtime.metadata.get(card.KEY)
    if text is None:
        raise _no_card(path, f"no entry {card.KEY!r} in metadata_props")
    check_seal(path, content)
    return text, runtime


def _check_whole(path: Path, content: bytes) -> None:
    """Raise ModelError for an ONNX file of which a part lies in another file: the checksum does not cover that one."""
    try:
        outside = has_external_data(content)
    except ValueError as error:
        raise _unreadable(path, "ONNX", error) from None
    if outside:
        raise ModelError(
            f"{path} keeps weights in another file, which its checksum does not cover: expected one file that holds all, as "
            "`imbalkit export` writes it"
        )


_OPENERS: dict[str, Any] = {".tflite": _open_tflite, ".onnx": _open_onnx}
SUFFIXES = tuple(_OPENERS)


def open_runtime(path: Path, threads: int | None) -> tuple[str | bytes, Runtime]:
    """The text of a file's card, and the file loaded. Raises CardError, ModelError, MissingExtraError."""
    return _OPENERS[path.suffix.lower()](path, threads)


def _associated_card(path: Path) -> bytes:
    """TFLite's associated files are a ZIP archive behind the flatbuffer."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(card.FILE).file_size > _LARGEST_CARD:
                raise CardError(f"the card in {path} is larger than {_LARGEST_CARD // 2**20} MB: it is damaged")
            return archive.read(card.FILE)
    except zipfile.BadZipFile as error:
        if zipfile.is_zipfile(path):
            raise ModelError(f"{path} is damaged: {error}") from None
        raise _no_card(path, "no associated files; a file that was cut off has lost them too") from None
    except KeyError:
        raise _no_card(path, f"no associated file {card.FILE}") from None


def _no_card(path: Path, what: str) -> CardError:
    return CardError(f"{path} has no card ({what}): expected a file that `imbalkit export` wrote")


def _missing(path: Path, package: str, extra: str, error: ImportError) -> MissingExtraError:
    return MissingExtraError(
        f"{path.name} needs {package}: pip install {package} (or 'imbalkit-lite[{extra}]', 'imbalkit[{extra}]'): {error}"
    )


def _unreadable(path: Path, kind: str, error: Exception) -> ModelError:
    return ModelError(
        f"{path} cannot be loaded as {kind} (damaged, or of another version): {' '.join(str(error).split())}"
    )


def _images_first(path: Path, sources: Any, targets: Any, axes: list[int]) -> tuple[Any, Any, Any]:
    """The inputs of images and of table columns (None without), and the output; of the inputs' `axes` images have 4."""
    if len(targets) != 1 or len(sources) not in (1, 2) or (len(sources) == 2 and sorted(axes) != [2, 4]):
        raise ModelError(
            f"expected one output, and one input of images or that and one of columns; {path} has {len(targets)} and "
            f"{len(sources)}"
        )
    if axes == [2]:
        return None, sources[0], targets[0]
    if len(sources) == 1:
        return sources[0], None, targets[0]
    return sources[axes.index(4)], sources[axes.index(2)], targets[0]


def _one_image(path: Path, shape: list[Any]) -> tuple[int, ...]:
    """A tensor's shape without the batch, which is 1 or free."""
    if not shape or (isinstance(shape[0], int) and shape[0] != 1):
        raise ModelError(f"expected tensors of one image or of any number, {path} has one of shape {shape}")
    return tuple(shape[1:])
