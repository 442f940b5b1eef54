"""What a comparison says, as words, tables, figure and files."""

import json
from dataclasses import replace

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

from imbalkit.errors import RunError, WriteError
from imbalkit.studies.comparison import compare, scatter
from imbalkit.studies.comparison.text import p_text, small_print, statements, table, to_facts, to_html, to_markdown


@pytest.fixture
def found(two_runs):
    return compare(two_runs, resamples=200)


def test_what_differs_is_said_with_its_side(found):
    (line,) = statements(found)
    area = found.tests[found.tests["metric"] == "roc_auc"].iloc[0]
    assert line.startswith("better against plain: better in ")
    assert f"roc auc ({area['difference']:+.3f}, p < 0.001)" in line
    assert "worse in" not in line
    turned = replace(found, tests=found.tests.assign(better=[not side for side in found.tests["better"]]))
    assert statements(turned)[0].startswith("better against plain: worse in ")
    quiet = replace(found, tests=found.tests.assign(p=0.2))
    assert statements(quiet) == [
        "better does not differ from plain by more than noise in any of these metrics.",
        "better against plain: within noise in miss rate, false alarm rate, balanced accuracy, roc auc, pr auc, log loss "
        "(smallest p = 0.200).",
    ]


def test_of_several_runs_the_corrected_p_decides(tmp_path, make_run, found):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(200) < 60).astype(int)
    for name, apart in (("a", 1.0), ("b", 1.0), ("c", 1.1)):
        make_run(tmp_path / name, labels, apart * labels + rng.normal(size=200))
    three = compare([tmp_path / name for name in "abc"], metrics=["roc_auc"], resamples=200)
    three = replace(three, tests=three.tests.assign(p=0.03, p_holm=0.06))
    assert statements(three) == [
        "No run differs from a by more than noise in any of these metrics.",
        "b against a: within noise in roc auc (smallest p = 0.060).",
        "c against a: within noise in roc auc (smallest p = 0.060).",
    ]
    assert "state beforehand which metric decides" in " ".join(small_print(three))
    assert "p (Holm)" in table(three)
    assert "p (Holm)" not in table(found)
    assert "Holm" not in " ".join(small_print(found))


def test_the_table_has_every_metric_of_every_run(found):
    frame = table(found)
    assert list(frame) == ["metric", "run", "value (95 %)", "difference (95 %)", "p", "test", "p (bootstrap)"]
    assert frame["run"].tolist() == ["plain", "better"] * 6
    assert frame["metric"].tolist()[:4] == ["miss rate", "", "false alarm rate", ""]
    assert (frame["difference (95 %)"] == "reference").tolist() == [True, False] * 6
    area = found.metrics[(found.metrics["metric"] == "roc_auc") & (found.metrics["run"] == "plain")].iloc[0]
    shown = frame[frame["metric"] == "roc auc"].iloc[0]
    assert shown["value (95 %)"] == f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"
    assert frame["test"].tolist()[7] == "DeLong"


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "<0.001"), (0.0004, "<0.001"), (0.0126, "0.013"), (1, "1.000"), (np.nan, "-")]
)
def test_p_values_are_short(p, text):
    assert p_text(p) == text


def test_small_print_tells_rows_from_groups(found, tmp_path, make_run):
    assert small_print(found)[0].startswith(
        "200 test rows (benign: 140, melanoma: 60). Decisions at the threshold that each"
    )
    for name in ("a", "b"):
        make_run(tmp_path / name, [0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0], groups=["p", "p", "q", "q"])
    grouped = compare([tmp_path / "a", tmp_path / "b"], at="half", resamples=100)
    assert "of 2 groups, which are resampled whole. Decisions uncalibrated at one half" in small_print(grouped)[0]


def test_facts_are_json(found):
    facts = json.loads(json.dumps(to_facts(found), allow_nan=False))
    assert facts["reference"] == "plain"
    assert facts["statements"] == statements(found)
    first = facts["tests"][0]
    assert (first["metric"], first["class"], first["test"]) == ("miss_rate", "", "McNemar")
    assert isinstance(first["better"], bool | None)


def test_markdown_and_html_say_the_same(found):
    page, html = to_markdown(found), to_html(found)
    assert page.startswith("# Comparison\n")
    for text in (*statements(found), *small_print(found)):
        assert text in page
        assert text.replace("<", "&lt;") in html
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 12
    assert {line.count("|") for line in rows} == {8}
    assert found._repr_html_() == html
    named = replace(found, reference="<b>")
    assert "<b>" not in to_html(named)


# --- figure and files ---------------------------------------------------------------------------------------------------


def test_the_scatter_shows_what_the_metrics_say(found):
    frame = scatter.data(found)
    values = found.metrics.set_index(["run", "metric"])
    for _, row in frame.iterrows():
        for rate in ("miss_rate", "false_alarm_rate"):
            own = values.loc[(row["run"], rate)]
            assert [row[rate], row[f"{rate}_low"], row[f"{rate}_high"]] == own[["value", "low", "high"]].tolist()
    figure = found.figure()
    assert isinstance(figure, matplotlib.figure.Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    (axes,) = figure.axes
    assert axes.get_ylabel() == "miss rate, FNR (melanoma predicted as benign)"
    marks = {line.get_label(): line.get_xydata()[0] for line in axes.lines if line.get_linestyle() == "None"}
    assert marks.keys() == {"plain", "better"}
    assert marks["plain"].tolist() == frame.loc[0, ["false_alarm_rate", "miss_rate"]].tolist()
    assert "(Wilson)" in figure._supxlabel.get_text()


def test_without_both_rates_there_is_no_scatter(two_runs, tmp_path):
    found = compare(two_runs, metrics=["roc_auc"], resamples=100)
    with pytest.raises(RunError, match="needs a positive class, and the metrics miss_rate"):
        found.figure()
    assert [path.name for path in found.write(tmp_path / "out")] == ["comparison.md", "metrics.csv", "tests.csv"]


def test_files_hold_every_number(found, tmp_path):
    written = found.write(tmp_path / "out")
    names = ["comparison.md", "metrics.csv", "tests.csv", "rates.png", "rates.svg", "rates.csv"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)
    assert (tmp_path / "out/comparison.md").read_text() == to_markdown(found)
    tests = pd.read_csv(tmp_path / "out/tests.csv", keep_default_na=False)
    assert tests["p"].astype(float).tolist() == pytest.approx(found.tests["p"].tolist())
    assert pd.read_csv(tmp_path / "out/metrics.csv")["value"].tolist() == pytest.approx(found.metrics["value"].tolist())


def test_a_place_that_cannot_be_written_is_said(found, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be written"):
        found.write(tmp_path / "file" / "out")
