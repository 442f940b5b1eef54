"""CIFAR-10-LT from torchvision's CIFAR-10: the published counts and draws, and a folder that the recipes read."""

from __future__ import annotations

import pickle

import imbalkit_longtail
import numpy as np
import pytest
from click.testing import CliRunner
from imbalkit_longtail import cifar10_lt
from torchvision.datasets import CIFAR10

from imbalkit.recipe.prepare import prepare
from tests.longtail.conftest import CLASSES


@pytest.mark.parametrize("imbalance, rows, rarest", [(100, 12_406, 50), (10, 20_431, 500)])
def test_counts_are_the_published_ones(imbalance, rows, rarest):
    counts = cifar10_lt.class_counts(imbalance, 5000, 10)
    assert (sum(counts), counts[0], counts[-1]) == (rows, 5000, rarest)
    assert counts == sorted(counts, reverse=True)


def test_draws_are_those_of_the_published_code():
    """imbalance_cifar.py of LDAM-DRW: np.random.seed(0), then a shuffle of each class's positions in turn."""
    labels = np.random.default_rng(1).integers(0, 4, 400)
    counts = [60, 20, 8, 2]
    np.random.seed(0)
    expected = []
    for label, count in enumerate(counts):
        positions = np.where(labels == label)[0]
        np.random.shuffle(positions)
        expected.extend(positions[:count])
    assert cifar10_lt.chosen_rows(labels, counts).tolist() == expected


def test_a_folder_that_the_recipes_read(tmp_path, monkeypatch):
    source = tmp_path / "source"
    folder = source / CIFAR10.base_folder
    folder.mkdir(parents=True)
    draws = np.random.default_rng(0)
    for name, rows in [(f"data_batch_{n}", 60) for n in range(1, 6)] + [("test_batch", 20)]:
        batch = {"data": draws.integers(0, 256, (rows, 3072)).astype(np.uint8), "labels": [n % 10 for n in range(rows)]}
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": CLASSES}))
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *given: True)
    monkeypatch.setattr(cifar10_lt, "LARGEST", 30)
    monkeypatch.setattr(cifar10_lt, "IMBALANCES", (100, 10))
    monkeypatch.setattr(cifar10_lt, "class_counts", lambda imbalance, largest, classes: [30] * 9 + [300 // imbalance])
    target = tmp_path / "made"
    result = CliRunner().invoke(cifar10_lt.main, [str(target), "--source", str(source), "--no-download"])
    assert result.exit_code == 0, result.output
    assert "imbalance_100.csv: 273 training rows, 20 of the test" in result.output
    monkeypatch.setenv("CIFAR10_LT", str(target))
    prepared = prepare(imbalkit_longtail.register_recipes()["longtail/cifar10-10/ce"])
    assert prepared.table.counts(np.arange(len(prepared.table))) == (32,) * 10
    assert len(prepared.split.test) == 20


def test_without_cifar10_it_says_so(tmp_path):
    result = CliRunner().invoke(cifar10_lt.main, [str(tmp_path / "a"), "--no-download"])
    assert result.exit_code == 1
    assert f"Error: CIFAR-10 is not in {tmp_path / 'a'}: Dataset not found" in result.output
