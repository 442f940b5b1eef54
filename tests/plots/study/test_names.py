"""What methods are called."""

import itertools

import pytest

from imbalkit.plots.study.methods import group
from imbalkit.plots.study.names import describe, makes_views
from imbalkit.plots.study.records import find_runs

BLUR = {
    "name": "oversample",
    "views": {"rare": [[{"name": "turn", "degrees": 90}, {"name": "radial_blur", "rho": [0.005, 0.02]}]]},
    "to": None,
}
STRONG = {
    "name": "oversample",
    "views": {"rare": [[{"name": "turn", "degrees": 90}, {"name": "radial_blur", "rho": [0.02, 0.04]}]]},
    "to": None,
}
DROP = {"name": "random_drop", "drop": 10, "score": {"name": "loss"}}


@pytest.fixture
def named(tmp_path, write_run):
    number = itertools.count()

    def names(*recipes):
        folders = [write_run(tmp_path / str(next(number)), **recipe) for recipe in recipes]
        return describe(group(find_runs(folders).runs))

    return names


def column(described, name):
    return [entry[name] for entry in described]


def test_samplers_and_what_differs(named):
    found = named(
        {},
        {"samplers": [BLUR]},
        {"samplers": [BLUR, DROP]},
        {"samplers": [DROP | {"drop": 20}]},
        {"training__epochs": 9},
    )
    assert column(found, "treatment") == [
        "no sampler",
        "oversample (turn, radial blur)",
        "oversample (turn, radial blur) + random drop, drop 10",
        "random drop, drop 20",
        "no sampler, epochs 9",
    ]
    assert column(found, "label") == column(found, "treatment")
    assert set(column(found, "loss")) == {"ce"}
    assert column(found, "method")[0] == "no sampler, ce"


def test_what_half_of_the_methods_have_is_said(named):
    assert column(named({}, {"training__epochs": 9}), "label") == ["no sampler, epochs 4", "no sampler, epochs 9"]


def test_parameters_of_operations_that_differ(named):
    found = named({"samplers": [BLUR]}, {"samplers": [STRONG]})
    assert column(found, "label") == [
        "oversample (turn, radial blur), rho 0.005 0.02",
        "oversample (turn, radial blur), rho 0.02 0.04",
    ]


def test_words_that_do_not_tell_everything_are_numbered(named):
    swapped = {"name": "oversample", "views": {"common": BLUR["views"]["rare"]}, "to": None}
    other = {"name": "oversample", "views": {"rare": BLUR["views"]["rare"] * 2}, "to": None}
    labels = column(named({"samplers": [BLUR]}, {"samplers": [swapped]}, {"samplers": [other]}), "label")
    assert len(set(labels)) == 3


def test_losses(named):
    rce = {"name": "gamma_rce", "estimator": "batch", "floor": 1.0, "decay": 0.9, "label_smoothing": 0.0, "costs": None}
    found = named(
        {},
        {"loss": rce | {"gamma": 1.0}},
        {"loss": rce | {"gamma": 10.0}},
        {"loss": rce | {"gamma": None, "costs": {"rare": 3.0}}},
        {"loss": {"name": "focal", "delta": 2.0, "alpha": None}},
        {"loss": {"name": "of_a_stranger", "x": 1}},
    )
    assert column(found, "loss") == [
        "ce", "gamma rce, gamma 1", "gamma rce, gamma 10", "gamma rce, costs rare 3", "focal", "of a stranger",
    ]  # fmt: skip
    # A cost is said even where nothing else differs: it is no default.
    assert column(named({"loss": rce | {"gamma": 10.0}, "seed": 5}), "loss") == ["gamma rce, gamma 10"]


def test_backbones(named):
    found = named({}, {"backbone__width": 32}, {"backbone": {"name": "timm", "model": "efficientnet_b0"}})
    assert column(found, "backbone") == ["small cnn, width 8", "small cnn, width 32", "timm"]
    assert column(found, "method")[1] == "no sampler, ce, small cnn, width 32"


def test_labels_of_a_sweep(tmp_path, write_sweep):
    cells = [
        (
            {"network": network, "loss": loss, "rows": rows},
            None,
            0,
            {"backbone__width": width, "loss__name": name, "samplers": samplers},
        )
        for network, width in (("small", 8), ("large", 32))
        for loss, name in (("cross entropy", "ce"), ("focal!", "focal"))
        for rows, samplers in (("all", []), ("copies", [BLUR]))
    ]
    found = describe(group(find_runs([write_sweep(tmp_path / "s", cells)]).runs))
    assert column(found, "method")[0] == "small, cross entropy, all"
    assert column(found, "label") == ["all", "copies"] * 4  # network and loss are said by panel and colour
    assert column(found, "treatment")[1] == "oversample (turn, radial blur)"


def test_one_axis_for_everything_keeps_its_labels(tmp_path, write_sweep):
    cells = [
        ({"method": name}, None, 0, {"loss__name": loss, "samplers": samplers})
        for name, loss, samplers in (("BL", "ce", []), ("BL + F", "focal", []), ("BL + BLUR + F", "focal", [BLUR]))
    ]
    found = describe(group(find_runs([write_sweep(tmp_path / "s", cells)]).runs))
    assert column(found, "label") == ["BL", "BL + F", "BL + BLUR + F"]


def test_sweeps_with_other_axes_are_named_by_what_differs(tmp_path, write_sweep, write_run):
    sweep = write_sweep(tmp_path / "s", [({"method": "mine"}, None, 0, {})])
    other = write_run(tmp_path / "r", loss__name="focal")
    found = describe(group(find_runs([sweep, other]).runs))
    assert column(found, "method") == ["no sampler, ce", "no sampler, focal"]


def test_makes_views():
    assert makes_views({"samplers": [DROP, BLUR]})
    assert not makes_views({"samplers": [DROP]})
    assert not makes_views({"samplers": []})
