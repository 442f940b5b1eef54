"""Checks of parts that reach outside the process: data sets, containers and exporters."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.data.table import Table
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import (
    Container,
    DataError,
    Dataset,
    Exportable,
    Exporter,
    Facts,
    FileRuntime,
    Preprocessing,
)
from imbalkit.kinds.containers import as_kind
from imbalkit.testing import Setting
from imbalkit.testing.common import title
from imbalkit_lite.card import LAYOUTS, QUANTIZATIONS, Card, Input, Probabilities
from imbalkit_lite.containers import Address, Opened, opened


def check_dataset(part: Dataset, setting: Setting) -> None:
    """Every rule of kinds.Dataset."""
    who = title(part)
    table = part.load()
    assert isinstance(table, Table), f"{who}: `load` must return an imbalkit.kinds.Table, got {type(table).__name__}"
    frame = table.frame
    assert len(frame), f"{who}: the table has no samples"
    assert list(frame.index) == list(range(len(frame))), f"{who}: the index must be 0..n-1; use Table.build"
    assert "label" in frame, f"{who}: the table has no column 'label'"
    texts = frame["label"].map(lambda value: isinstance(value, str)).all()
    assert texts, f"{who}: labels must be text without gaps; use Table.build"
    unknown = set(frame["label"]) - set(table.classes)
    assert not unknown, f"{who}: labels {sorted(unknown)[:5]} are not among the classes {table.classes}"
    assert len(set(table.classes)) == len(table.classes), f"{who}: a class is listed twice in {table.classes}"
    if table.arrays is None:
        assert "path" in frame, f"{who}: a table without arrays needs a column 'path'"
        texts = frame["path"].map(lambda value: isinstance(value, str)).all()
        assert texts, f"{who}: every path must be text"
    else:
        shape, dtype = table.arrays.shape, table.arrays.dtype
        right = len(shape) == 4 and shape[0] == len(frame)
        assert right, f"{who}: arrays must be [{len(frame)}, H, W, C], got {shape}"
        assert dtype == np.uint8, f"{who}: arrays must be uint8, got {dtype}"
    if "split" in frame:
        unknown = set(frame["split"].dropna()) - {"train", "validation", "test"}
        assert not unknown, f"{who}: column 'split' holds {sorted(unknown)[:5]}; expected train, validation or test"
    _check_left_out(table, who)
    again = part.load()
    same = frame.equals(again.frame) and table.classes == again.classes
    assert same, f"{who}: loaded twice, the tables differ"
    if table.arrays is not None and again.arrays is not None:
        assert np.array_equal(table.arrays, again.arrays), f"{who}: loaded twice, the arrays differ"


def _check_left_out(table: Table, who: str) -> None:
    removed = table.removed
    if removed is not None:
        lacking = {"label", "reason"} - set(removed.columns)
        assert not lacking, f"{who}: the table's `removed` has no column {sorted(lacking)}"
        assert len(removed), f"{who}: `removed` must be None where nothing was left out, not an empty table"
        unreasoned = removed[["label", "reason"]].isna().any(axis=None)
        assert not unreasoned, f"{who}: every row of `removed` needs a label and a reason"
    texts = all(isinstance(problem, str) for problem in table.problems)
    assert texts, f"{who}: `problems` must be texts, got {table.problems!r}"


def check_container(part: Container, setting: Setting) -> None:
    """Every rule of kinds.Container, on the example that it writes."""
    who = title(part)
    assert part.endings or part.schemes, f"{who}: `endings` of its files, or `schemes` of its places, are missing"
    right = all(ending == ending.lower() and ending.startswith(".") for ending in part.endings)
    assert right, f"{who}: `endings` must be such as '.zip', in lower case, got {part.endings}"
    random = generator(setting.seed, "files")
    files = {f"set/{name}.jpg": random.bytes(int(size)) for name, size in zip("cab", (5000, 1, 70000), strict=True)}
    with tempfile.TemporaryDirectory() as folder:
        place, names = part.example(Path(folder), files)
        assert len(set(names)) == len(files), f"{who}: `example` must return a name for each file, got {names}"
        if not part.schemes:
            assert place.lower().endswith(part.endings), (
                f"{who}: the example {place} has none of the endings {part.endings}"
            )
        container = _opened(part, place)
        members = container.members
        assert sorted(members.names()) == sorted(names), f"{who}: `names` must be {names}, got {list(members.names())}"
        ordered = members.in_order(names)
        assert sorted(ordered) == sorted(names), f"{who}: `in_order` must return the same names, got {ordered}"
        assert all(name in members for name in names), f"{who}: a member is not `in` the container"
        assert "no such member" not in members, f"{who}: 'no such member' is `in` the container"
        addresses = [Address(place, name) for name in names]
        for _ in range(2):  # in order, and once more
            _check_bytes(who, list(container.read(addresses)), list(files.values()))
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda address: next(container.read([address])), addresses * 8))
        _check_bytes(who, found, list(files.values()) * 8)
        if not part.schemes:
            _check_cut(who, part, Path(place), names)


def _opened(part: Container, place: str) -> Opened:
    return opened(as_kind(part), place, None if part.schemes else Facts.of(os.stat(place)))


def _check_bytes(who: str, found: Sequence[tuple[bytes, Facts] | DataError], files: Sequence[bytes]) -> None:
    for one, content in zip(found, files, strict=True):
        assert not isinstance(one, DataError), f"{who}: a member cannot be read: {one}"
        assert one[0] == content, f"{who}: a member's bytes are not those of the file that was packed"


def _check_cut(who: str, part: Container, place: Path, names: Sequence[str]) -> None:
    content = place.read_bytes()
    for what, rest in (("cut in the middle", content[: len(content) // 2]), ("of other bytes", b"no container")):
        place.with_stem("cut").write_bytes(rest)
        cut = str(place.with_stem("cut"))
        try:
            found = list(_opened(part, cut).read([Address(cut, name) for name in names]))
        except DataError:
            continue
        except Exception as error:
            raise AssertionError(f"{who}: a file {what} must raise DataError, got {type(error).__name__}") from error
        assert any(isinstance(one, DataError) for one in found), f"{who}: a file {what} is read without an error"


def check_exporter(part: Exporter, setting: Setting) -> None:
    """Every rule of kinds.Exporter, on a network of one layer."""
    import torch

    who, suffix = title(part), getattr(part, "suffix", None)
    right = isinstance(suffix, str) and suffix.startswith(".")
    assert right, f"{who}: `suffix` must be such as '.onnx', got {suffix!r}"
    assert part.layout in LAYOUTS, f"{who}: `layout` must be one of {LAYOUTS}, got {part.layout!r}"
    unknown = set(part.quantizations) - set(QUANTIZATIONS)
    assert not unknown, f"{who}: `quantizations` may hold {QUANTIZATIONS}, got {sorted(unknown)} besides"
    model, inputs = _exportable(part, setting)
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.temporary"
        part.write(model, path)
        assert path.exists(), f"{who}: `write` did not write the path it was given ({path.name})"
        left = sorted(other.name for other in Path(folder).iterdir() if other != path)
        assert not left, f"{who}: `write` left {left} beside the file"
        for name, old in before.items():
            assert torch.equal(old, model.network.state_dict()[name]), f"{who}: `write` changed the network's {name!r}"
        for runtime in part.runtimes(path):
            _check_runtime(f"{who}: {runtime.name}", part, runtime, model, inputs)
        facts = part.facts(path)
        try:
            json.dumps(dict(facts), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"{who}: `facts` must be a mapping of plain values, got {facts!r}") from error


def _exportable(part: Exporter, setting: Setting) -> tuple[Exportable, np.ndarray]:
    """A network of one layer as `part` is given it, and inputs of its file, [8, ...]."""
    import torch

    from imbalkit.export.graph import Deployed
    from imbalkit.training.classifier import Classifier
    from imbalkit_lite.model import input_tensor

    (height, width), classes = setting.image_size, len(setting.classes)
    source = Input(
        height, width, setting.channels, part.layout, part.input, (0, 1) if part.input == "float32" else (0, 255)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(setting.seed)
        body = torch.nn.Sequential(torch.nn.AvgPool2d((height, width)), torch.nn.Flatten())
        plain = Preprocessing((0.4,) * setting.channels, (0.2,) * setting.channels, setting.image_size)
        head = torch.nn.Linear(setting.channels, classes)
        classifier = Classifier(body, head, plain, dropout=0.0)
    network = Deployed(classifier, (np.full(classes, 1.5), np.arange(classes)), source).eval()
    card = Card(
        name="conformance",
        classes=setting.classes,
        input=source,
        probabilities=Probabilities("as trained"),
        quantization=part.quantize,
    )
    strength = np.linspace(0, 255, 8)[:, None, None, None]
    random = generator(setting.seed, "pictures")
    pixels = np.clip(strength + random.normal(0, 20, (8, height, width, setting.channels)), 0, 255).astype(np.uint8)
    inputs = input_tensor(pixels, source)
    return Exportable(network, card, inputs if part.quantize == "int8" else None), inputs


def _check_runtime(who: str, part: Exporter, runtime: FileRuntime, model: Exportable, inputs: np.ndarray) -> None:
    import torch

    with torch.no_grad():
        expected = model.network(torch.from_numpy(inputs)).numpy()
    tolerance = 1e-5 if part.quantize == "none" else 0.05
    answers = np.asarray(runtime.probabilities(inputs))
    assert answers.shape == expected.shape, f"{who}: expected probabilities {expected.shape}, got {answers.shape}"
    apart = np.abs(answers - expected).max()
    assert apart <= tolerance, f"{who}: the probabilities differ from the network's by {apart:.2g}"
    alone = np.asarray(runtime.probabilities(inputs[3:4]))
    assert np.allclose(alone, answers[3:4], atol=1e-6), f"{who}: a row's probabilities depend on the rows beside it"
    if runtime.logits is not None:
        apart = np.abs(softmax(np.asarray(runtime.logits(inputs))) - expected).max()
        assert apart <= tolerance, f"{who}: the softmax of its logits differs from the probabilities by {apart:.2g}"
