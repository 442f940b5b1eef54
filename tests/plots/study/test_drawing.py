"""What is drawn: marks where the numbers are, one look a method, legends without a mark left out, sizes."""

import itertools

import matplotlib
import numpy as np
import pytest

from imbalkit.plots import style
from imbalkit.plots.study import balance, by_loss, marks, rates
from imbalkit.plots.study.records import find_runs

DROP = {"name": "random_drop", "drop": 10}


@pytest.fixture
def frame_of(tmp_path, write_run):
    def frame(module, *recipes, **options):
        number = itertools.count()
        folders = [write_run(tmp_path / str(next(number)), **recipe) for recipe in recipes]
        return module.data(find_runs(folders).runs, **options)

    return frame


FOUR = (
    {"chosen": (2, 8), "split__folds": 2, "split__fold": 0},
    {"chosen": (6, 16), "split__folds": 2, "split__fold": 1, "tested": range(100, 200)},
    {"chosen": (3, 24), "split__folds": 2, "split__fold": 0, "loss__name": "focal"},
    {
        "chosen": (9, 4),
        "split__folds": 2,
        "split__fold": 0,
        "loss__name": "focal",
        "samplers": [DROP],
        "counts": (30, 20),
    },
)


def points(axes):
    """Position and colour of every mark."""
    return [
        (line.get_xdata()[0], line.get_ydata()[0], line.get_color())
        for line in axes.lines
        if line.get_marker() != "None"
    ]


def small_print(figure):
    return figure._supxlabel.get_text().replace("\n", " ")


def test_rates(frame_of):
    frame = frame_of(rates, *FOUR)
    figure = rates.draw(frame, ["A note."])
    (axes,) = figure.axes
    blue, orange = style.COLOURS[:2]
    found = points(axes)
    assert len(found) == 5  # three methods, two of them single runs
    np.testing.assert_allclose(
        [point[:2] for point in found], [[0.15, 0.2], [0.1, 0.1], [0.2, 0.3], [0.3, 0.15], [0.05, 0.45]]
    )
    assert [point[2] for point in found] == [blue, blue, blue, orange, orange]
    assert axes.get_xlim() == (0, pytest.approx(frame["false_alarm_high"].max() * 1.08))
    assert axes.get_xlabel() == "false alarm rate, FPR (common predicted as rare)"
    assert axes.get_ylabel() == "miss rate, FNR (rare predicted as common)"
    text = small_print(figure)
    assert "at the threshold chosen on validation" in text
    assert "200 test samples, 40 of them rare" in text
    assert "not tested on the same folds, and so not on the same samples: 2: 1 of 2; 3: 1 of 2" in text
    assert text.endswith("A note.")


def test_crosses_are_the_intervals(frame_of):
    frame = frame_of(rates, {"chosen": (2, 8)})
    (axes,) = rates.draw(frame).axes
    across, along = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_color() == style.COLOURS[0]]
    row = frame.iloc[0]
    assert tuple(across.get_xdata()) == (row["false_alarm_low"], row["false_alarm_high"])
    assert tuple(along.get_ydata()) == (row["miss_low"], row["miss_high"])


def test_guides_are_lines_of_equal_balanced_accuracy(frame_of):
    (axes,) = rates.draw(frame_of(rates, *FOUR)).axes
    guides = [line for line in axes.lines if line.get_color() == style.GUIDE]
    labels = [text for text in axes.texts if text.get_text().endswith("%")]
    assert len(guides) == len(labels) > 3
    for line, label in zip(guides, labels, strict=True):
        accuracy = float(label.get_text().rstrip("%")) / 100
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        np.testing.assert_allclose(1 - (x + y) / 2, accuracy)
        assert 1 - sum(label.get_position()) / 2 == pytest.approx(accuracy)  # the label stands on its line
        inside = axes.get_xlim()[1] + 1e-9, axes.get_ylim()[1] + 1e-9
        assert 0 <= x.min() <= x.max() <= inside[0]
        assert 0 <= y.min() <= y.max() <= inside[1]


def test_methods_look_the_same_in_every_figure(frame_of):
    others = ({"samplers": [DROP | {"drop": drop}]} for drop in (9, 10, 100))
    frame = frame_of(by_loss, {"loss__name": "rce"}, {}, *others)
    found = marks.Marks.of(frame)
    assert found == marks.Marks.of(frame.iloc[::-1])
    assert list(found.markers.items()) == [
        ("no sampler", "o"), ("random drop", "s"), ("random drop (2)", "^"), ("random drop (3)", "D"),
    ]  # fmt: skip
    assert found.colours == {"ce": style.COLOURS[0], "rce": style.COLOURS[1]}


def legend_of(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_legend_of_losses_and_treatments(tmp_path, write_sweep):
    # Apart, as the rows have the same label with every loss.
    cells = [
        ({"loss": loss, "rows": rows}, None, 0, {"loss__name": loss, "samplers": samplers})
        for loss in ("ce", "focal")
        for rows, samplers in (("all", []), ("fewer", [DROP]))
    ]
    frame = rates.data(find_runs([write_sweep(tmp_path / "s", cells)]).runs)
    assert legend_of(rates.draw(frame)) == ["loss", "ce", "focal", "", "training rows", "all", "fewer"]


def test_legend_of_runs_without_labels(frame_of):
    frame = frame_of(rates, {}, {"loss__name": "focal"})
    figure = rates.draw(frame)
    assert legend_of(figure) == ["ce", "0", "", "focal", "1"]  # the names of their folders
    markers = {line.get_marker() for line in figure.axes[0].lines} - {"None"}
    assert markers == {"o", "s"}  # told apart without colour


def test_no_legend_for_one_method(frame_of):
    assert rates.draw(frame_of(rates, {})).legends == []


def test_legend_of_methods_with_names_of_their_own(tmp_path, write_sweep):
    cells = [
        ({"method": name}, None, 0, {"loss__name": loss, "samplers": samplers})
        for name, loss, samplers in (("BL", "ce", []), ("BL + F", "focal", []), ("BL + DROP + F", "focal", [DROP]))
    ]
    frame = rates.data(find_runs([write_sweep(tmp_path / "s", cells)]).runs)
    assert legend_of(rates.draw(frame)) == ["ce", "BL", "", "focal", "BL + F", "BL + DROP + F"]


def test_a_long_legend_fits(frame_of):
    frame = frame_of(rates, *({"samplers": [DROP | {"drop": drop}]} for drop in range(40)))
    figure = rates.draw(frame)
    figure.canvas.draw()
    (legend,) = figure.legends
    box, whole = legend.get_window_extent(), figure.bbox
    assert box.y0 >= 0
    assert box.y1 <= whole.y1
    looks = [tuple(sorted(marks.Marks.of(frame).look(row).items(), key=str)) for _, row in frame.iterrows()]
    assert len(set(looks)) == len(style.MARKERS) + 1  # the last ones share a dot


def test_one_panel_a_backbone(frame_of):
    recipes = [{"backbone__width": width, "chosen": (width // 8, 8)} for width in (8, 16, 24)]
    figure = rates.draw(frame_of(rates, *recipes))
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == ["small cnn, width 8", "small cnn, width 16", "small cnn, width 24"]
    assert [points(axes)[0][1] for axes in shown] == [0.05, 0.1, 0.15]
    assert len({axes.get_ylim() for axes in shown}) == 1


def test_balance(frame_of):
    frame = frame_of(balance, *FOUR)
    figure = balance.draw(frame)
    miss, alarm = figure.axes
    aside = balance.sideways(frame)
    assert aside["ce"] < aside["focal"]
    ratios = frame["balance_ratio"] * frame["loss"].map(aside)
    np.testing.assert_allclose([point[0] for point in points(miss)], ratios)
    np.testing.assert_allclose([point[1] for point in points(miss)], frame["miss_rate"])
    np.testing.assert_allclose([point[1] for point in points(alarm)], frame["false_alarm_rate"])
    assert miss.get_xscale() == "log"
    assert alarm.get_xlabel() == "balance ratio of the training rows (rare / common)"
    joined = next(line for line in miss.lines if line.get_color() == style.COLOURS[1] and line.get_marker() == "None")
    np.testing.assert_allclose(joined.get_ydata(), [0.15, 0.45])


def test_balance_of_a_plan_without_positives(frame_of):
    figure = balance.draw(frame_of(balance, {"counts": (60, 0)}, {"loss__name": "focal"}))
    assert len(points(figure.axes[0])) == 1  # no place on a log axis


def test_by_loss(frame_of):
    frame = frame_of(by_loss, *FOUR)
    figure = by_loss.draw(frame)
    miss, _ = figure.axes
    assert [tick.get_text() for tick in miss.get_yticklabels()] == [
        "ce",
        "0",
        "focal",
        "2",
        "3",
    ]
    assert [tick.get_fontweight() for tick in miss.get_yticklabels()] == ["bold", "normal", "bold", "normal", "normal"]
    assert miss.yaxis_inverted()
    heights = [point[1] for point in points(miss)]
    assert heights == sorted(heights)
    assert heights[0] == heights[1] == heights[2]  # a method and its runs


def test_mixed_data_have_plain_labels(frame_of):
    frame = frame_of(rates, {}, {"loss__name": "focal"})
    frame.loc[1, "positive_class"] = "other"
    assert marks.rate_labels(frame) == ("miss rate, FNR", "false alarm rate, FPR")


def test_the_users_settings_change_nothing_and_stay(frame_of):
    frame = frame_of(rates, *FOUR)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        figure = rates.draw(frame)
        assert matplotlib.rcParams["font.size"] == 30
    assert figure.axes[0].get_facecolor() == (1, 1, 1, 1)
    assert figure.axes[0].xaxis.label.get_size() == 8


@pytest.mark.slow
def test_nothing_of_pyplot():
    import subprocess
    import sys

    draw = "psf.draw(psf.data(size=40, radii=(0, 9)), 40)"
    code = f"import sys; from imbalkit.plots.study import psf; {draw}; print('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_assign():
    assert style.assign("abca", ["1", "2"], "x") == {"a": "1", "b": "2", "c": "x"}


def test_ordered():
    assert marks.ordered(["rce, gamma 10", "ce", "rce, gamma 2", "rce", "ce"]) == [
        "ce",
        "rce",
        "rce, gamma 2",
        "rce, gamma 10",
    ]
