"""Finding finished runs below folders, and which of them compare."""

import json
import shutil

import pandas as pd
import pytest

from imbalkit.errors import RunError
from imbalkit.plots.study.comparable import difference, require_same_tests, require_two_classes
from imbalkit.plots.study.records import find_runs


def test_a_run_folder(tmp_path, write_run):
    (run,) = find_runs([write_run(tmp_path / "a", (2, 8), half=(10, 1))]).runs
    assert run.name == "a"
    assert run.classes == ("common", "rare")
    assert run.positive == 1
    assert run.counts == (60, 20)  # after the last stage
    assert (run.chosen.support, run.chosen.wrong, run.chosen.threshold) == ((80, 20), (8, 2), 0.3)
    assert (run.half.support, run.half.wrong, run.half.threshold) == ((80, 20), (1, 10), 0.5)
    assert run.outcome("half") is run.half
    assert run.fold is None
    assert run.recipe["training"]["epochs"] == 4


def test_without_figures_at_one_half_the_threshold_was_one_half(tmp_path, write_run):
    (run,) = find_runs([write_run(tmp_path / "a", (2, 8), threshold=0.5)]).runs
    assert run.half == run.chosen


def test_folders_of_runs_and_folds(tmp_path, write_run):
    write_run(tmp_path / "runs" / "one")
    cross = tmp_path / "runs" / "two"
    for fold in range(11):
        write_run(cross / f"fold-{fold}", split__folds=11, split__fold=fold, finished=fold != 3)
    (cross / "run.json").write_text("{}")
    (tmp_path / "runs" / "notes").mkdir()
    found = find_runs([tmp_path / "runs"])
    assert [run.name for run in found.runs] == ["one", *(f"fold-{fold}" for fold in range(11) if fold != 3)]
    assert [run.fold for run in found.runs][-1] == 10
    assert len(found.unfinished) == 1


def test_a_run_named_twice_counts_once(tmp_path, write_run):
    write_run(tmp_path / "runs" / "a")
    found = find_runs([tmp_path / "runs", tmp_path / "runs" / "a", tmp_path / "runs" / ".." / "runs" / "a"])
    assert len(found.runs) == 1


def test_a_sweep_folder_skips_and_counts_unfinished_cells(tmp_path, write_sweep):
    sweep = write_sweep(
        tmp_path / "s",
        [
            ({"method": "b"}, 0, 0, {}),
            ({"method": "b"}, 1, 0, {"finished": False}),
            ({"method": "a"}, 0, 0, {}),
        ],
    )
    shutil.rmtree(sweep / "cells" / "b--fold-1--seed-0")  # not begun
    found = find_runs([sweep])
    assert [run.name for run in found.runs] == ["b--fold-0--seed-0", "a--fold-0--seed-0"]  # as the sweep has them
    assert [dict(run.labels) for run in found.runs] == [{"method": "b"}, {"method": "a"}]
    assert found.unfinished == ("b--fold-1--seed-0",)


def row_of(folder, name, labels, fold, seed):
    """A cell's row of sweep.parquet, as imbalkit.sweep_results makes it."""
    import yaml

    metrics = json.loads((folder / "metrics.json").read_text())
    (common, alarms), (misses, rare) = metrics["test"]["confusion_matrix"]
    half = metrics.get("test_at_one_half", metrics["test"])["confusion_matrix"]
    return {
        "cell": name, **labels, "fold": fold, "seed": seed, "state": "finished", "error": None,
        "trained_common": metrics["class_counts"][-1]["counts"][0], "trained_rare": metrics["class_counts"][-1]["counts"][1],
        "balance_ratio": 0.5, "threshold": metrics["decision"]["threshold"],
        "support_common": common + alarms, "support_rare": misses + rare,
        "recall_common": common / (common + alarms), "recall_rare": rare / (misses + rare),
        "one_half.recall_common": half[0][0] / sum(half[0]), "one_half.recall_rare": half[1][1] / sum(half[1]),
        "recipe": json.dumps(yaml.safe_load((folder / "recipe.yaml").read_text())),
    }  # fmt: skip


@pytest.fixture
def results_alone(tmp_path, write_sweep):
    """A sweep that kept its results alone, and the same with its cells."""
    labels = [{"method": "A b", "size": "1"}, {"method": "c", "size": "1"}]
    cells = [
        (entry, fold, 0, {"chosen": (2 + fold, 7), "half": (9, 1), "tested": range(fold * 100, fold * 100 + 100)})
        for entry in labels
        for fold in (0, 1)
    ]
    whole = write_sweep(tmp_path / "whole", cells)
    rows, alone = [], tmp_path / "alone"
    (alone / "predictions").mkdir(parents=True)
    for index, (entry, fold, seed, _) in enumerate(cells):
        name = f"{entry['method']}--1--fold-{fold}--seed-0"
        folder = whole / "cells" / name
        rows.append(row_of(folder, name, entry, fold, seed))
        tested = pd.read_parquet(folder / "predictions.parquet").query("split == 'test'").assign(seed=0, fold=fold)
        path = alone / "predictions" / ("a-b--1.parquet" if index < 2 else "c--1.parquet")
        if path.exists():
            tested = pd.concat([pd.read_parquet(path), tested])
        tested.drop(columns="split").to_parquet(path)
    rows.append({"cell": "c--1--fold-1--seed-1", "method": "c", "size": "1", "fold": 1, "seed": 1, "state": "failed"})
    pd.DataFrame(rows).to_parquet(alone / "sweep.parquet")
    return whole, alone


def test_a_sweep_that_kept_its_results_alone(results_alone):
    whole, alone = (find_runs([folder]) for folder in results_alone)
    assert alone.unfinished == ("c--1--fold-1--seed-1",)
    for one, other in zip(alone.runs, whole.runs, strict=True):
        for name in ("name", "recipe", "classes", "positive", "counts", "chosen", "half", "labels", "tested"):
            assert getattr(one, name) == getattr(other, name), name
        assert one.folder is None
    assert len({run.tested for run in alone.runs}) == 2  # two folds


def test_what_a_sweep_itself_writes(real_runs, tmp_path):
    from imbalkit.catalogue import default_catalogue
    from imbalkit.studies.sweeps.file import read_sweep
    from imbalkit.studies.sweeps.results import Results

    (tmp_path / "s.yaml").write_text(f"""\
base: {real_runs}/r.yaml
axes: {{method: {{Cross entropy: {{loss: ce}}, Focal loss: {{loss: focal}}, to come: {{loss: rce}}}}}}
keep: results
""")
    folder, found = tmp_path / "sweep", read_sweep(tmp_path / "s.yaml", default_catalogue())
    for cell, loss in zip(found.cells, ("ce", "focal"), strict=False):
        shutil.copytree(real_runs / "runs" / loss, folder / "cells" / cell.id)
    Results(folder, found, default_catalogue()).write_tables()
    assert not any((folder / "cells").iterdir())
    swept, real = find_runs([folder]), find_runs([real_runs / "runs"])
    assert [dict(run.labels) for run in swept.runs] == [{"method": "Cross entropy"}, {"method": "Focal loss"}]
    assert len(swept.unfinished) == 1
    for one, other in zip(swept.runs, real.runs, strict=True):
        for name in ("recipe", "classes", "positive", "counts", "chosen", "half", "tested"):
            assert getattr(one, name) == getattr(other, name), name


def test_rows_that_lack_a_figure(results_alone):
    _, alone = results_alone
    frame = pd.read_parquet(alone / "sweep.parquet")
    frame.drop(columns="recall_rare").to_parquet(alone / "sweep.parquet")
    with pytest.raises(RunError, match=r"sweep\.parquet: the row of .* lacks 'recall_rare'"):
        find_runs([alone])


# --- mistakes -----------------------------------------------------------------------------------------------------------


def test_nothing_there(tmp_path):
    with pytest.raises(RunError, match="there is no folder .*nowhere"):
        find_runs([tmp_path / "nowhere"])


def test_a_folder_that_is_no_run(tmp_path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(RunError, match="pictures is no run: expected a run folder"):
        find_runs([tmp_path / "pictures"])


def test_a_file(tmp_path):
    (tmp_path / "r.yaml").write_text("base: digits")
    with pytest.raises(RunError, match=r"r\.yaml is a file"):
        find_runs([tmp_path / "r.yaml"])


def test_an_unfinished_run(tmp_path, write_run):
    write_run(tmp_path / "a", finished=False)
    with pytest.raises(RunError, match=r"holds no finished run; not finished: .*a\. Go on with .*--resume"):
        find_runs([tmp_path / "a"])


def test_files_that_cannot_be_read(tmp_path, write_run):
    for name in ("run.json", "recipe.yaml", "predictions.parquet"):
        folder = write_run(tmp_path / name)
        (folder / name).write_text("{")
        with pytest.raises(RunError, match=f"{name} (is missing or )?cannot be read"):
            find_runs([folder])
    folder = write_run(tmp_path / "m")
    (folder / "metrics.json").write_text('{"test": {}, "decision": {"threshold": 0.5}}')
    with pytest.raises(RunError, match=r"m is no complete run: metrics\.json lacks"):
        find_runs([folder])


# --- comparing ----------------------------------------------------------------------------------------------------------


def test_the_same_samples_compare(tmp_path, write_run):
    a, b = write_run(tmp_path / "a"), write_run(tmp_path / "b", loss__name="focal")
    runs = find_runs([a, b]).runs
    assert difference(runs) is None
    require_same_tests(runs)


def test_different_samples_do_not(tmp_path, write_run):
    a, b = write_run(tmp_path / "a"), write_run(tmp_path / "b", tested=range(1, 101))
    with pytest.raises(RunError, match="a and b were tested on different samples: their rates do not compare.*--mix"):
        require_same_tests(find_runs([a, b]).runs)


def test_other_labels_of_the_same_samples_do_not(tmp_path, write_run):
    a, b = write_run(tmp_path / "a"), write_run(tmp_path / "b", rare=21)
    assert "a and b were tested on different samples" in difference(find_runs([a, b]).runs)


def test_folds_are_compared_with_their_like(tmp_path, write_run):
    folds = [
        write_run(
            tmp_path / f"{method}{fold}",
            tested=range(fold, fold + 100),
            split__folds=2,
            split__fold=fold,
            loss__name=method,
        )
        for method in ("ce", "focal")
        for fold in (0, 1)
    ]
    assert difference(find_runs(folds).runs) is None
    other = write_run(tmp_path / "other", tested=range(7, 107), split__folds=2, split__fold=1)
    assert "ce1 and other were tested" in difference(find_runs([*folds, other]).runs)
    whole = write_run(tmp_path / "whole")
    assert "ce0 and whole divide the data into folds differently" in difference(find_runs([*folds, whole]).runs)


def test_unknown_samples_are_not_compared(tmp_path, write_run):
    a, b = write_run(tmp_path / "a"), write_run(tmp_path / "b", tested=range(1, 101))
    (b / "predictions.parquet").unlink()
    runs = find_runs([a, b]).runs
    assert runs[1].tested is None
    assert difference(runs) is None


def test_another_positive_class(tmp_path, write_run):
    a, b = write_run(tmp_path / "a"), write_run(tmp_path / "b")
    facts = json.loads((b / "run.json").read_text())
    (b / "run.json").write_text(json.dumps(facts | {"positive": "common"}))
    assert "another positive class" in difference(find_runs([a, b]).runs)


def test_more_than_two_classes(tmp_path, write_run):
    folder = write_run(tmp_path / "a")
    (folder / "run.json").write_text(json.dumps({"classes": list("abcdef"), "positive": None}))
    with pytest.raises(RunError, match=r"rates: miss rate and .* need two classes; a has 6: a, b, c, d, \.\.\."):
        require_two_classes(find_runs([folder]).runs, "rates")
    with pytest.raises(RunError, match="rates: give one finished run or more"):
        require_two_classes([], "rates")
