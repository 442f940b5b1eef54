"""Rates by method, against values worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from imbalkit.functional.proportions import wilson
from imbalkit.plots.study import balance, by_loss, methods, rates
from imbalkit.plots.study.records import find_runs


@pytest.fixture
def folds_and_seeds(tmp_path, write_run):
    """One method on two folds, the first with two seeds: misses 2 and 4 of 20, then 5 of 25; alarms 8, 16 of 80, 15 of 75."""
    run = {"split__folds": 2}
    write_run(tmp_path / "a", (2, 8), split__fold=0, seed=0, counts=(60, 20), threshold=0.2, **run)
    write_run(tmp_path / "b", (4, 16), split__fold=0, seed=1, counts=(60, 22), threshold=0.4, **run)
    write_run(tmp_path / "c", (5, 15), split__fold=1, rare=25, counts=(70, 18), threshold=0.3, **run)
    return find_runs([tmp_path / name for name in "abc"]).runs


def test_folds_are_pooled_and_seeds_averaged(folds_and_seeds):
    frame = methods.data(folds_and_seeds)
    assert frame["mark"].tolist() == ["method", "run", "run", "run"]
    method = frame.iloc[0]
    # Fold 0: a mean of 3 misses and 12 alarms; and so 8 of 45 and 27 of 155.
    assert (method["positives"], method["misses"]) == (45, 8)
    assert (method["negatives"], method["false_alarms"]) == (155, 27)
    assert method["miss_rate"] == pytest.approx(8 / 45)
    assert method["false_alarm_rate"] == pytest.approx(27 / 155)
    assert (method["miss_low"], method["miss_high"]) == pytest.approx(tuple(map(float, wilson(8, 45))))
    assert (method["false_alarm_low"], method["false_alarm_high"]) == pytest.approx(tuple(map(float, wilson(27, 155))))
    assert method["balance_ratio"] == pytest.approx(60 / 190)
    assert method["threshold"] == pytest.approx(0.3)
    assert (method["folds"], method["folds_of"], method["seeds"]) == ("0 1", 2, 1.5)
    assert (method["positive_class"], method["negative_class"]) == ("rare", "common")
    singles = frame.iloc[1:]
    assert singles["run"].tolist() == ["a", "b", "c"]
    assert singles["fold"].tolist() == [0, 0, 1]
    assert singles["seed"].tolist() == [0, 1, 0]
    np.testing.assert_allclose(singles["miss_rate"], [0.1, 0.2, 0.2])
    np.testing.assert_allclose(singles["false_alarm_rate"], [0.1, 0.2, 0.2])
    np.testing.assert_allclose(singles["balance_ratio"], [1 / 3, 22 / 60, 18 / 70])


def test_at_one_half(tmp_path, write_run):
    run = find_runs([write_run(tmp_path / "a", (2, 8), half=(10, 1))]).runs
    chosen, half = (rates.data(run, at) for at in ("chosen", "half"))
    assert (chosen["miss_rate"].item(), chosen["false_alarm_rate"].item(), chosen["threshold"].item()) == (
        0.1,
        0.1,
        0.3,
    )
    assert (half["miss_rate"].item(), half["false_alarm_rate"].item(), half["threshold"].item()) == (0.5, 1 / 80, 0.5)
    assert half["at"].item() == "half"
    assert half["run"].item() == "a"  # a method of one run has no row for the run besides


def test_only_seed_and_fold_make_repeats(tmp_path, write_run):
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", seed=1, description="again", data__how_to_get="x")
    write_run(tmp_path / "c", training__epochs=5)
    write_run(tmp_path / "d", loss__label_smoothing=0.1)
    runs = find_runs([tmp_path / name for name in "abcd"]).runs
    assert [[run.name for run in group] for group in methods.group(runs)] == [["a", "b"], ["c"], ["d"]]


def test_lines_of_the_balance_figure(tmp_path, write_run):
    # Two methods of one ratio (a fold's rows apart), and one of another.
    write_run(tmp_path / "a", (2, 8), counts=(1000, 500))
    write_run(tmp_path / "b", (4, 8), counts=(1000, 501), training__epochs=5)
    write_run(tmp_path / "c", (8, 8), counts=(1000, 100), training__epochs=6)
    write_run(tmp_path / "d", (1, 8), counts=(1000, 100), loss__name="focal")
    frame = balance.data(find_runs([tmp_path / name for name in "abcd"]).runs)
    lines = balance.lines(frame, "miss_rate")
    assert list(lines) == ["ce", "focal"]
    np.testing.assert_allclose(lines["ce"].index, [0.1, 0.5005])
    np.testing.assert_allclose(lines["ce"], [0.4, 0.15])
    np.testing.assert_allclose(lines["focal"], [0.05])


def test_losses_stand_side_by_side_around_their_ratio(tmp_path, write_run):
    write_run(tmp_path / "a", counts=(1000, 500))
    write_run(tmp_path / "b", counts=(1000, 500), loss__name="focal")
    write_run(tmp_path / "c", counts=(1000, 510), training__epochs=5)
    frame = balance.data(find_runs([tmp_path / name for name in "abc"]).runs)
    aside = balance.sideways(frame)
    assert aside["ce"] < 1 < aside["focal"]
    assert aside["ce"] * aside["focal"] == pytest.approx(1)
    assert aside["focal"] / aside["ce"] < np.sqrt(0.51 / 0.5)  # nearer to their own ratio than to the next
    alone = frame[frame["loss"] == "focal"]
    assert balance.sideways(alone) == {"focal": 1.0}


def test_order_of_by_loss(tmp_path, write_run):
    write_run(tmp_path / "a", counts=(100, 90), loss__name="focal", loss__gamma=10.0)
    write_run(tmp_path / "b", counts=(100, 90))
    write_run(tmp_path / "b2", counts=(100, 90), seed=1)
    write_run(tmp_path / "c", counts=(100, 10), training__epochs=5)
    write_run(tmp_path / "d", counts=(100, 90), loss__name="focal", loss__gamma=9.0)
    frame = by_loss.data(find_runs([tmp_path / name for name in ("a", "b", "b2", "c", "d")]).runs)
    lines = frame[frame["mark"] == "method"]
    assert lines["line"].tolist() == [0, 1, 2, 3]
    assert lines["loss"].tolist() == ["ce", "ce", "focal, gamma 9", "focal, gamma 10"]
    assert lines["balance_ratio"].tolist() == [0.1, 0.9, 0.9, 0.9]
    assert frame[frame["run"].isin(["b", "b2"])]["line"].tolist() == [1, 1]


def test_a_run_that_decides_by_costs_has_no_threshold(tmp_path, write_run):
    (run,) = find_runs([write_run(tmp_path / "costs")]).runs
    frame = rates.data([replace(run, chosen=replace(run.chosen, threshold=None))])
    assert frame["threshold"].isna().all()
    assert rates.draw(frame).axes
