"""Tables over cells, against means and spreads worked out by hand."""

import statistics

import pandas as pd
import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RunError
from imbalkit.studies.sweeps.file import TableSettings, read_sweep
from imbalkit.studies.sweeps.results import Results
from imbalkit.studies.sweeps.tables import make_table, to_markdown

# accuracy by (method, fold, seed)
VALUES = {
    ("A", 0, 0): 0.80, ("A", 0, 1): 0.84, ("A", 1, 0): 0.90, ("A", 1, 1): 0.86,
    ("B", 0, 0): 0.50, ("B", 0, 1): 0.54, ("B", 1, 0): 0.60, ("B", 1, 1): 0.60,
}  # fmt: skip


def cells(**more):
    return pd.DataFrame(
        [
            {
                **{"method": method, "fold": fold, "seed": seed, "trained_no": 90.0, "trained_yes": 10.0 + fold},
                **{"accuracy": value, "one_half.accuracy": value / 2, "recall_no": 0.9, "recall_yes": value},
                **more,
            }
            for (method, fold, seed), value in VALUES.items()
        ]
    )


def test_means_and_spreads_over_folds_and_seeds_apart():
    table = make_table(cells(), ["method"], TableSettings(metrics=["accuracy", "recall"]))
    row = table[table["method"] == "A"].iloc[0]
    assert row["cells"] == 4
    assert (row["trained_no"], row["trained_yes"]) == (90, 10.5)
    assert row["accuracy"] == pytest.approx(0.85)
    assert row["accuracy sd folds"] == pytest.approx(statistics.stdev([0.82, 0.88]))
    assert row["accuracy sd seeds"] == pytest.approx(statistics.stdev([0.85, 0.85]), abs=1e-12)
    assert row["recall_yes"] == pytest.approx(0.85)
    assert table["method"].tolist() == ["A", "B"]


def test_one_half_takes_the_metrics_at_one_half():
    table = make_table(cells(), ["method"], TableSettings(metrics=["accuracy"], at="one_half", counts=False))
    assert table["accuracy"].tolist() == pytest.approx([0.425, 0.28])
    assert "trained_no" not in table


def test_rows_below_a_minimum_are_left_out():
    settings = TableSettings(metrics=["recall"], minimum={"accuracy": 0.7})
    assert make_table(cells(), ["method"], settings)["method"].tolist() == ["A"]
    settings = TableSettings(metrics=["recall"], minimum={"accuracy": 0.99})
    assert make_table(cells(), ["method"], settings).empty


def test_one_cell_has_no_spread():
    table = make_table(cells().iloc[:1], ["method"], TableSettings(metrics=["accuracy"]))
    assert list(table) == ["method", "cells", "trained_no", "trained_yes", "accuracy"]


def test_markdown_shows_the_mean_and_each_spread():
    table = make_table(cells(), ["method"], TableSettings(metrics=["accuracy"]))
    lines = to_markdown(table, ["method"]).splitlines()
    assert lines[0] == "| method | cells | trained_no | trained_yes | accuracy |"
    assert lines[2] == "| A | 4 | 90 | 10 | 0.850 ± 0.042 (folds) ± 0.000 (seeds) |"


def test_cells_that_leave_a_metric_undefined_are_counted():
    frame = cells()
    frame.loc[(frame["method"] == "A") & (frame["fold"] == 0), "accuracy"] = float("nan")
    settings = TableSettings(metrics=["accuracy", "recall"], counts=False)
    table = make_table(frame, ["method"], settings)
    assert table["accuracy cells"].tolist() == [2, 4]
    assert "recall_yes cells" not in table
    lines = to_markdown(table, ["method"]).splitlines()
    assert lines[0] == "| method | cells | accuracy | recall_no | recall_yes |"
    assert "| A | 4 | 0.880 ± 0.028 (seeds) (2 of 4 cells) |" in lines[2]
    frame["accuracy"] = frame["accuracy"].where(frame["method"] != "A")
    assert make_table(frame, ["method"], TableSettings(metrics=["recall"], minimum={"accuracy": 0.1}))[
        "method"
    ].tolist() == ["B"]


def test_a_table_that_cannot_be_made_leaves_the_others(tmp_path):
    (tmp_path / "s.yaml").write_text("base: digits\ntables: {bad: {metrics: [x]}, good: {metrics: [accuracy]}}")
    results = Results(tmp_path, read_sweep(tmp_path / "s.yaml", default_catalogue()), default_catalogue())
    results.rows = {"seed-0": {"cell": "seed-0", "fold": None, "seed": 0, "one_half.accuracy": 0.5, "accuracy": 0.6}}
    assert results.write_tables() == ["tables.bad: the cells have no metric 'x' (metrics: accuracy)"]
    assert [file.name for file in sorted((tmp_path / "tables").iterdir())] == ["good.csv", "good.md"]


def test_validation_is_named():
    frame = cells(**{"validation.accuracy": 0.7, "n": 0})
    table = make_table(frame, ["method"], TableSettings(metrics=["accuracy"], counts=False))
    assert [name for name in table if " sd " not in name] == ["method", "cells", "validation.accuracy"]
    chosen = TableSettings(metrics=["accuracy"], counts=False, of="validation")
    assert list(make_table(frame.assign(n=9), ["method"], chosen)) == list(table)


def test_an_unknown_metric_is_named_with_those_there_are():
    with pytest.raises(RunError, match="no metric 'acuracy'; did you mean 'accuracy'"):
        make_table(cells(), ["method"], TableSettings(metrics=["acuracy"]))
    by_class = {"one_half.recall_no": 0.9, "one_half.recall_yes": 0.5}
    with pytest.raises(RunError, match=r"no metric 'recal'; did you mean 'recall'\? \(metrics: accuracy, recall\)"):
        make_table(cells(**by_class), ["method"], TableSettings(metrics=["recal"]))
