"""Checks of parts that reach outside the process: data sets, exporters, launchers."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.data.table import Table
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import Dataset, Exportable, Exporter, FileRuntime, Launcher, Preprocessing
from imbalkit.testing import Setting
from imbalkit.testing.common import title
from imbalkit_lite.card import LAYOUTS, QUANTIZATIONS, Card, Input, Probabilities


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


def check_launcher(part: Launcher, setting: Setting) -> None:
    """Every rule of kinds.Launcher, with commands that end at once."""
    who = title(part)
    assert part.launch([]) == [], f"{who}: without commands, expected []"
    codes = [3, 0, 1]
    got = part.launch([[sys.executable, "-c", f"raise SystemExit({code})"] for code in codes])
    assert got == codes, f"{who}: expected the exit codes {codes} in order, got {got}"
