"""Checks of parts that reach outside the process: data sets, exporters, launchers."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from imbalkit.kinds import BuildContext, Dataset, Exporter, Launcher
from imbalkit.table import Table
from imbalkit.testing import Setting
from imbalkit.testing.common import title


def check_dataset(part: Dataset, setting: Setting) -> None:
    """Every rule of kinds.Dataset."""
    who = title(part)
    table = part.load()
    assert isinstance(table, Table), f"{who}: `load` must return an imbalkit.table.Table, got {type(table).__name__}"
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
    if table.arrays is not None:
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
    height, width = setting.image_size
    torch.manual_seed(setting.seed)
    network = torch.nn.Sequential(
        torch.nn.AvgPool2d((height, width)),
        torch.nn.Flatten(),
        torch.nn.Linear(setting.channels, len(setting.classes)),
        torch.nn.Softmax(1),
    ).eval()
    context = BuildContext(
        setting.classes, setting.counts, image_size=setting.image_size, channels=setting.channels, seed=setting.seed
    )
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{suffix}"
        facts = part.export(network, context, path)
        assert isinstance(facts, Mapping), f"{who}: `export` must return a mapping of facts, got {type(facts).__name__}"
        assert path.exists(), f"{who}: `export` did not write the path it was given ({path.name})"
        left = sorted(other.name for other in Path(folder).iterdir() if other != path)
        assert not left, f"{who}: `export` left {left} beside the file"
    for name, old in before.items():
        assert torch.equal(old, network.state_dict()[name]), f"{who}: `export` changed the network's {name!r}"


def check_launcher(part: Launcher, setting: Setting) -> None:
    """Every rule of kinds.Launcher, with commands that end at once."""
    who = title(part)
    assert part.launch([]) == [], f"{who}: without commands, expected []"
    codes = [3, 0, 1]
    got = part.launch([[sys.executable, "-c", f"raise SystemExit({code})"] for code in codes])
    assert got == codes, f"{who}: expected the exit codes {codes} in order, got {got}"
