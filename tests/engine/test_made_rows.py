"""Rows that imbalanced-learn makes of a table's columns: the very rows, trained on beside the others, of training rows alone."""

from __future__ import annotations

import json

import imblearn.over_sampling
import imblearn.under_sampling
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.base.randomness import generator
from imbalkit.builtin.samplers import Imblearn, TomekLinks
from imbalkit.builtin.samplers.imblearn import told_apart
from imbalkit.builtin.samplers.mixed_columns import MixedColumns
from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.errors import RecipeError
from imbalkit.plan import Plan
from imbalkit.recipe.prepare import prepare
from imbalkit.training.trainer import Trainer
from imbalkit_lite.columns import CategoryColumn, ColumnEncoding, NumberColumn
from tests.engine.test_imblearn_runs import table
from tests.properties import examples

pytestmark = pytest.mark.usefixtures("no_charts")
NUMBERS = {"columns": ["age", "noise"]}


def recipe_of(folder, sampler, spoilt=False, gaps=False, **options):
    """A recipe on patients: two columns of numbers, without gaps, unless `gaps` (then with the column of words, too)."""
    recipe = table(folder, spoilt=spoilt)
    if not gaps:
        frame = pd.read_csv(folder / "table.csv")
        frame["age"] = frame["age"].fillna(60)
        frame.to_csv(folder / "table.csv", index=False)
        recipe |= {"data": recipe["data"] | NUMBERS}
    return recipe | {"samplers": [{"name": "imblearn", "sampler": sampler, "options": options}]}


def made_in(monkeypatch, recipe, folder):
    """What `make` was given and gave in a run: columns, labels of the plan; kept plan, made columns, labels."""
    seen, before = [], Imblearn.make

    def record(self, plan, columns, encoding, rng):
        found = before(self, plan, columns, encoding, rng)
        seen.append((columns.copy(), plan.label.copy(), *found))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Imblearn, "make", record)
        run(recipe, options=RunOptions(folder=folder))
    return seen[0]


def seed_of(recipe):
    return int(generator(recipe.get("seed", 0), "sampler", "imblearn", 0, 0).integers(2**31))


@pytest.mark.parametrize("name", ["SMOTE", "ADASYN", "BorderlineSMOTE"])
def test_they_are_the_rows_of_imbalanced_learn_on_the_encoded_columns(tmp_path, monkeypatch, name):
    recipe = recipe_of(tmp_path / "a", name)
    given_columns, given_labels, kept, made, labels = made_in(monkeypatch, recipe, tmp_path / "run")
    prepared = prepare(recipe)
    train = prepared.split.train
    np.testing.assert_array_equal(given_columns, prepared.columns[train])
    np.testing.assert_array_equal(given_labels, prepared.table.labels[train])
    kind = getattr(imblearn.over_sampling, name)
    rows, codes = kind(random_state=seed_of(recipe)).fit_resample(given_columns, given_labels.astype(int))
    np.testing.assert_array_equal(made, rows[len(train) :])
    np.testing.assert_array_equal(labels, codes[len(train) :])
    assert len(kept) == len(train)
    audit = pd.read_parquet(tmp_path / "run" / "plan.parquet")
    new = audit[audit.added_by == f"samplers[0] imblearn {name}"]
    assert new.source.tolist() == list(range(len(prepared.table), len(prepared.table) + len(made)))
    assert audit.kept.all()
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["class_counts"][1]["counts"] == np.bincount(codes).tolist()
    assert metrics["prior"]["exact"] is False
    assert metrics["test"]["n"] == len(prepared.split.test)
    assert "could not be made" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_the_network_is_trained_on_them(tmp_path, monkeypatch):
    seen, before = [], Trainer.fit

    def record(self, stage, plan, *rest, **named):
        batch = next(iter(self.session.read(plan, [np.arange(len(plan))])))
        seen.append((plan, batch.columns.numpy(), batch.labels.numpy()))
        return before(self, stage, plan, *rest, **named)

    monkeypatch.setattr(Trainer, "fit", record)
    recipe = recipe_of(tmp_path / "a", "SMOTE")
    _, _, kept, made, labels = made_in(monkeypatch, recipe, tmp_path / "run")
    plan, columns, codes = seen[0]
    assert len(plan) == len(kept) + len(made)
    np.testing.assert_array_equal(columns[len(kept) :], made)
    np.testing.assert_array_equal(codes[len(kept) :], labels)


def test_held_out_rows_are_never_given_to_it(tmp_path, monkeypatch):
    whole = made_in(monkeypatch, recipe_of(tmp_path / "a", "SMOTE"), tmp_path / "run")
    spoilt = made_in(monkeypatch, recipe_of(tmp_path / "b", "SMOTE", spoilt=True), tmp_path / "spoilt")
    for one, other in zip((*whole[:2], *whole[3:]), (*spoilt[:2], *spoilt[3:]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_killed_run_goes_on_with_the_same_rows(tmp_path, monkeypatch):
    recipe = recipe_of(tmp_path / "a", "SMOTETomek")
    whole = run(recipe, options=RunOptions(folder=tmp_path / "whole"))
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "predict", lambda *given, **named: (_ for _ in ()).throw(RuntimeError("power cut")))
        with pytest.raises(RuntimeError, match="power cut"):
            run(recipe, options=RunOptions(folder=tmp_path / "cut"))
    cut = run(recipe, options=RunOptions(folder=tmp_path / "cut", resume=True, rounds=tmp_path / "rounds"))
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_categories_and_gaps_stay_whole_with_smotenc(tmp_path, monkeypatch):
    recipe = recipe_of(tmp_path / "a", "SMOTENC", gaps=True)
    columns, _, kept, made, _ = made_in(monkeypatch, recipe, tmp_path / "run")
    encoding = prepare(recipe).encoding
    mixed = MixedColumns.of(encoding, columns)
    assert len(made) > 0
    for start, width in mixed.categories:
        block = made[:, start : start + width]
        assert set(np.unique(block)) <= {0, 1}
        if width > 1:
            assert (block.sum(axis=1) == 1).all()
    flag = encoding.names.index("age") * 2 + 1
    assert made[:, flag].any()
    assert not made[made[:, flag] == 1, flag - 1].any()


def test_centroids_take_the_place_of_rows(tmp_path, monkeypatch):
    recipe = recipe_of(tmp_path / "a", "ClusterCentroids")
    _, codes, kept, made, labels = made_in(monkeypatch, recipe, tmp_path / "run")
    rare = int(np.bincount(codes).argmin())
    assert set(kept.label.tolist()) <= {rare, 1 - rare}
    assert (np.bincount(kept.label, minlength=2) + np.bincount(labels, minlength=2) == np.bincount(codes).min()).all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"samplers": [{"name": "imblearn", "sampler": "SMOTE"}]}, "there is nothing .site, gaps of age.: take SMOTENC"),
        ({"samplers": [{"name": "imblearn", "sampler": "SMOTEN"}]}, "takes every column for categories, and age, noise are"),
        ({"samplers": [{"name": "imblearn", "sampler": "SMOTENC"}, "random_under"]}, "no other sampler can be given"),
        ({"samplers": [{"name": "imblearn", "sampler": "SMOTENC"}], "loss": {"name": "distill", "teacher": "x"}}, "teacher says"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_place(tmp_path, change, message):
    with pytest.raises(RecipeError, match=message):
        prepare(table(tmp_path / "a") | change)


def test_without_categories_there_is_no_smotenc(tmp_path):
    with pytest.raises(RecipeError, match="SMOTENC is for categories, and there are none: take SMOTE"):
        prepare(recipe_of(tmp_path / "a", "SMOTENC"))


def test_of_pictures_rows_are_made_under_the_head():
    with pytest.raises(
        RecipeError, match=r"samplers\[0\].*imblearn SMOTE makes new rows, which would be no images: .*stages: "
    ):
        prepare("digits", ["samplers=[{name: imblearn, sampler: SMOTE}]"])


ENCODING = ColumnEncoding((NumberColumn("a", 0.0, 1.0), CategoryColumn("b", ("x", "y")), NumberColumn("c", 2.0, 3.0)))


@examples(60)
@given(
    st.lists(
        st.tuples(st.floats(-5, 5), st.sampled_from(["x", "y", "z", None]), st.one_of(st.none(), st.floats(-5, 5))),
        min_size=1,
    )
)
def test_encoded_rows_are_the_same_there_and_back(cells):
    rows = ENCODING.encode([dict(zip("abc", row, strict=True)) for row in cells])
    mixed = MixedColumns.of(ENCODING, rows)
    np.testing.assert_array_equal(mixed.columns(mixed.rows(rows)), rows)
    assert len(mixed.categorical) == 1 + any(row[2] is None for row in cells)


@examples(60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=30), st.data())
def test_kept_rows_are_told_from_made_ones(cells, data):
    rows, labels = np.float32([[a] for a, _ in cells]), np.array([b for _, b in cells])
    picked = np.array(sorted(data.draw(st.sets(st.integers(0, len(cells) - 1)))), dtype=int)
    made = np.float32([[7.5]] * data.draw(st.integers(0, 3))).reshape(-1, 1)
    found = np.concatenate([rows[picked], made])
    found_labels = np.concatenate([labels[picked], np.zeros(len(made), dtype=int)])
    kept, new = told_apart(rows, labels, found, found_labels)
    assert sorted(zip(rows[kept, 0], labels[kept], strict=True)) == sorted(
        zip(rows[picked, 0], labels[picked], strict=True)
    )
    np.testing.assert_array_equal(new, np.arange(len(picked), len(found)))


def test_a_sampler_makes_no_rows_unless_it_says_so():
    assert not TomekLinks().makes_rows
    assert Imblearn(sampler="SMOTE").makes_rows
    assert not Imblearn(sampler="TomekLinks").makes_rows
    plan = Plan.from_labels([0, 0, 1], ["a", "b"]).add_samples(np.array([7, 8]), np.array([1, 1]))
    assert plan.source.tolist() == [0, 1, 2, 7, 8]
    assert plan.counts() == (2, 3)
    assert len(set(plan.key.tolist())) == 5
