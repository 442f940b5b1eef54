"""What charts draw, against scikit-learn and the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import same_color, to_hex
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from imbalkit.errors import RunError
from imbalkit.plots import PLOTS, plots_of, style
from imbalkit.plots.run import drawing
from imbalkit.plots.run.risk_coverage import risk_coverage_of
from imbalkit.runs.results import RunData
from tests.report.made_up import run_of, scored


@pytest.fixture
def run(made_up):
    return RunData.load(made_up)


@pytest.fixture
def digits(finished_run_of_digits):
    return RunData.load(finished_run_of_digits)


def drawn(name, run, **options):
    axes = Figure().subplots()
    PLOTS[name].draw(run, axes, **options)
    return axes


def line(axes, colour):
    """x and y of the thickest line of a colour."""
    return (
        max(
            (item for item in axes.lines if same_color(item.get_color(), colour)), key=lambda item: item.get_linewidth()
        )
        .get_xydata()
        .T
    )


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_roc(run):
    side = run.split_rows()
    x, y = line(drawn("roc", run), drawing.POSITIVE)
    fpr, tpr, _ = roc_curve(side.labels == 1, side.probabilities[:, 1], drop_intermediate=False)
    np.testing.assert_allclose([x, y], [fpr, tpr])


def test_roc_marks_the_decisions_and_has_a_band_around_the_curve(run):
    side, axes = run.split_rows(), drawn("roc", run, resamples=100)
    (dot,) = [item for item in axes.lines if item.get_marker() == "o"]
    predicted = side.decisions == 1
    np.testing.assert_allclose(
        dot.get_xydata(), [[predicted[side.labels == 0].mean(), predicted[side.labels == 1].mean()]]
    )
    (band,) = axes.collections
    x, y = line(axes, drawing.POSITIVE)
    path = band.get_paths()[0]
    inside = [path.contains_point((alarm, recall), radius=0.01) for alarm, recall in zip(x[5:-5], y[5:-5], strict=True)]
    assert np.mean(inside) > 0.95


def test_bands_of_rows_that_come_in_groups_are_wider(tmp_path):
    labels, logits = scored(40, 16, seed=3)
    labels, logits = np.repeat(labels, 10), np.repeat(logits, 10, axis=0)
    areas = []
    for groups in (None, np.repeat(np.arange(40), 10)):
        folder = run_of(tmp_path / str(groups is None), labels, logits, groups=groups)
        (band,) = drawn("roc", RunData.load(folder)).collections
        vertices = band.get_paths()[0].vertices
        x, y = vertices.T
        areas.append(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2)
    assert areas[1] > 2 * areas[0]


def test_precision_recall(run):
    side = run.split_rows()
    x, y = line(drawn("precision_recall", run), drawing.POSITIVE)
    precision, recall, _ = precision_recall_curve(side.labels == 1, side.probabilities[:, 1])
    np.testing.assert_allclose(x, recall[-2::-1])  # ours begins at the highest score, not at recall 0
    np.testing.assert_allclose(y, precision[-2::-1])
    assert "random 15.0%" in texts(drawn("precision_recall", run))


def test_of_many_classes_each_has_a_curve_and_the_rarest_are_named(digits):
    side = digits.split_rows()
    axes = drawn("roc", digits)
    assert len(axes.lines) == 11  # and the diagonal
    said = " ".join(texts(axes))
    rarest = digits.smallest_first[:3]
    for code in rarest:
        area = roc_auc_score(side.labels == code, side.probabilities[:, code])
        assert f"{digits.classes[code]}   AUC {area:.3f}" in said
        x, y = line(axes, drawing.class_colours(digits)[code])
        fpr, tpr, _ = roc_curve(side.labels == code, side.probabilities[:, code], drop_intermediate=False)
        np.testing.assert_allclose([x, y], [fpr, tpr])
    said = " ".join(texts(drawn("precision_recall", digits)))
    assert f"AP {average_precision_score(side.labels == rarest[0], side.probabilities[:, rarest[0]]):.3f}" in said


def test_reliability(tmp_path):
    run = RunData.load(run_of(tmp_path / "run", *scored(500, 80)))  # without ties on the edges of bins
    side = run.split_rows()
    seen, said = calibration_curve(side.labels == 1, side.probabilities[:, 1], n_bins=10)
    np.testing.assert_allclose(line(drawn("reliability", run), drawing.POSITIVE), [said, seen])


def test_reliability_needs_its_figures(run):
    run.metrics["calibration"]["test"] = []
    with pytest.raises(RunError, match="no calibration metrics of its test rows"):
        drawn("reliability", run)


def test_scores(run):
    side, axes = run.split_rows(), drawn("scores", run)
    bars = axes.containers
    assert len(bars) == 2
    for chosen, sign, container in ((side.labels == 1, 1, bars[0]), (side.labels == 0, -1, bars[1])):
        counts, _ = np.histogram(side.probabilities[chosen, 1], np.linspace(0, 1, len(container) + 1))
        np.testing.assert_allclose([bar.get_height() for bar in container], sign * counts / counts.max())
    assert {"melanoma (n = 60)", "other (n = 340)"} <= set(texts(axes))
    assert [0.3, 0.3] in [list(item.get_xdata()) for item in axes.lines]
    assert [0.3, 0.3] not in [list(item.get_xdata()) for item in drawn("scores", run, line=False).lines]


def test_scores_of_many_classes_are_those_of_the_predicted_one(digits):
    rows = digits.split_rows()
    frame = digits.predictions.copy()
    others = (rows.decisions + 1) % len(digits.classes)  # as a rule may decide: not on the highest probability
    frame.loc[frame["split"] == "test", "decision"] = [digits.classes[code] for code in others]
    found = drawn("scores", RunData(digits.folder, predictions=frame)).containers
    right = rows.labels == others
    for chosen, sign, container in ((right, 1, found[0]), (~right, -1, found[1])):
        values = rows.probabilities[np.arange(len(rows)), others][chosen]
        counts, _ = np.histogram(values, np.linspace(0, 1, len(container) + 1))
        np.testing.assert_allclose([bar.get_height() for bar in container], sign * counts / max(1, counts.max()))


def test_confusion(run):
    counts = np.asarray(run.metrics["test"]["confusion_matrix"])
    axes = drawn("confusion", run)
    assert texts(axes) == [f"{n:,}" for n in counts.ravel()]
    np.testing.assert_allclose(axes.images[0].get_array(), counts / counts.sum(axis=1, keepdims=True))


def test_learning_and_loss(run):
    axes = drawn("learning", run)
    np.testing.assert_allclose(line(axes, drawing.POSITIVE), [[1, 2], [0.5, 0.5]])
    dotted = [item for item in axes.lines if item.get_linestyle() == ":"]
    np.testing.assert_allclose([item.get_ydata() for item in dotted], [[0.6, 0.7], [0.6, 0.7]])
    np.testing.assert_allclose(line(drawn("loss", run), style.COLOURS[0]), [[1, 2], [1, 0.5]])
    with pytest.raises(RunError, match="logs no class weights"):
        drawn("class_weights", run)
    with pytest.raises(RunError, match="no epoch of the training 'round'"):
        drawn("learning", run, stage="round")


def test_class_weights(run):
    for entry in run.log:
        entry["class_weights"] = {"other": 0.1 * entry["epoch"], "melanoma": 1.0}
    axes = drawn("class_weights", run)
    np.testing.assert_allclose(line(axes, drawing.OTHER)[1], [0.1, 0.2])
    assert set(texts(axes)) == {"other", "melanoma"}


def test_risk_coverage(run):
    side, axes = run.split_rows(), drawn("risk_coverage", run)
    x, wrong = line(axes, drawing.OTHER)
    assert x[0] == 1
    assert wrong[0] == pytest.approx((side.labels != side.decisions).mean())
    _, back = line(axes, style.COLOURS[2])
    assert back[0] == 0
    assert (np.diff(back) >= 0).all()  # fewer decided, more handed back
    _, missed = line(axes, drawing.POSITIVE)
    assert missed[0] == pytest.approx((side.decisions != 1)[side.labels == 1].mean())


def test_net_benefit(run):
    side, axes = run.split_rows(), drawn("net_benefit", run)
    x, y = line(axes, drawing.POSITIVE)
    share = (side.labels == 1).mean()
    for at in (0, 60, 150):
        predicted = side.probabilities[:, 1] >= x[at]
        expected = (
            (predicted & (side.labels == 1)).sum() - (predicted & (side.labels == 0)).sum() * x[at] / (1 - x[at])
        ) / len(side)
        assert y[at] == pytest.approx(expected)
    everybody = line(axes, drawing.QUIET)[1]
    np.testing.assert_allclose(everybody, share - (1 - share) * x / (1 - x))


def test_cost_curve(run):
    """Against Drummond and Holte's definition, threshold by threshold."""
    side, axes = run.split_rows(), drawn("cost_curve", run)
    positive, scores = side.labels == 1, side.probabilities[:, 1]
    x, best = line(axes, drawing.POSITIVE)
    _, decided = line(axes, drawing.OTHER)
    thresholds = [np.inf, *np.unique(scores)]
    rates = [((scores[positive] < t).mean(), (scores[~positive] >= t).mean()) for t in thresholds]
    expected = np.min([misses * x + alarms * (1 - x) for misses, alarms in rates], axis=0)
    np.testing.assert_allclose(best, expected, atol=1e-12)
    predicted = side.decisions == 1
    np.testing.assert_allclose(decided, (~predicted[positive]).mean() * x + predicted[~positive].mean() * (1 - x))


def test_colours_tell_what_matters(run, digits):
    assert drawing.class_colours(run) == {0: drawing.OTHER, 1: drawing.POSITIVE}
    colours = drawing.class_colours(digits)
    loud = [code for code, colour in colours.items() if colour != drawing.QUIET]
    assert sorted(loud) == sorted(digits.smallest_first[:3])
    assert len({to_hex(colours[code]) for code in loud}) == 3


def test_labels_at_the_ends_do_not_lie_on_one_another():
    axes = Figure().subplots()
    axes.set_ylim(0, 1)
    drawing.end_labels(
        axes, [(0.5, "a", "k"), (0.51, "b", "k"), (0.505, "c", "k"), (0.99, "d", "k"), (1.0, "e", "k")], gap=0.08
    )
    places = sorted((text.xy[1], text.get_text()) for text in axes.texts)
    assert [name for _, name in places] == ["a", "c", "b", "d", "e"]
    assert (np.diff([place for place, _ in places]) >= 0.08 - 1e-9).all()
    assert places[-1][0] <= 1.0 + 1e-9
    assert places[0][0] == pytest.approx(0.5, abs=0.08)


def test_every_chart_of_a_real_run_is_drawn_or_says_why_not(finished_run, finished_run_of_digits):
    for folder, lacking in (
        (finished_run, {"class_weights"}),
        (finished_run_of_digits, {"class_weights", "net_benefit", "cost_curve"}),
    ):
        found = set()
        for name in plots_of("run"):
            try:
                drawn(name, RunData.load(folder))
            except RunError:
                found.add(name)
        assert found == lacking


def test_with_costs_the_uncertainty_is_the_expected_cost(run):
    """A row is as uncertain as its decision may be dear, so costs change which rows are left first."""
    costs = np.array([[0.0, 1.0], [20.0, 0.0]])
    run.metrics["decision"] |= {"threshold": None, "costs": costs.tolist()}
    side = run.split_rows()
    expected = (side.probabilities @ costs).min(axis=1)
    found = risk_coverage_of(run)
    for place in (0, len(found.decided) // 2, -1):
        first = np.argsort(expected, kind="stable")[: found.decided[place]]
        assert found.error[place] == pytest.approx((side.labels != side.decisions)[first].mean())
