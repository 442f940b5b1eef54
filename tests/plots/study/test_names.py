"""Names of methods."""

import itertools

import pytest

from imbalkit.plots.study.gallery import makes_copies
from imbalkit.plots.study.methods import group
from imbalkit.plots.study.names import describe
from imbalkit.plots.study.records import find_runs

BLUR = {
    "name": "oversample",
    "views": {"rare": [[{"name": "rotate90", "degrees": 90}, {"name": "radial_blur", "rho": [0.005, 0.02]}]]},
    "to": None,
}
STRONG = {
    "name": "oversample",
    "views": {"rare": [[{"name": "rotate90", "degrees": 90}, {"name": "radial_blur", "rho": [0.02, 0.04]}]]},
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


def test_runs_without_labels_have_the_names_of_their_folders(named):
    found = named({}, {"samplers": [BLUR]}, {"training__epochs": 9, "loss__name": "focal"})
    assert column(found, "label") == column(found, "method") == ["0", "1", "2"]


def test_folders_of_one_name_are_told_apart_by_those_above_them(tmp_path, write_run):
    folders = [
        write_run(tmp_path / "a" / "run"),
        write_run(tmp_path / "b" / "run", loss__name="focal"),
        *(
            write_run(tmp_path / "c" / f"fold-{fold}", loss__name="rce", split__folds=2, split__fold=fold)
            for fold in (0, 1)
        ),
    ]
    found = describe(group(find_runs(folders).runs))
    assert column(found, "method") == ["a/run", "b/run", f"{tmp_path.name}/c"]  # folds are one method


def test_treatments_are_what_differs_besides_the_loss(named):
    found = named(
        {},
        {"samplers": [BLUR]},
        {"samplers": [BLUR, DROP]},
        {"samplers": [STRONG]},
        {"training__epochs": 9},
        {"samplers": [BLUR], "loss__name": "focal"},
    )
    assert column(found, "treatment") == [
        "no sampler", "oversample", "oversample + random drop", "oversample (2)", "no sampler (2)", "oversample",
    ]  # fmt: skip


def test_losses(named):
    rce = {"name": "gamma_rce", "estimator": "batch", "floor": 1.0, "decay": 0.9, "label_smoothing": 0.0, "costs": None}
    found = named(
        {},
        {"loss": rce | {"gamma": 1.0}},
        {"loss": rce | {"gamma": 10.0}},
        {"loss": rce | {"gamma": None, "costs": {"rare": 3.0}}},
        {"loss": {"name": "focal", "gamma": 2.0, "alpha": None}},
        {"loss": {"name": "third_party", "x": 1}},
    )
    assert column(found, "loss") == [
        "ce", "gamma rce, gamma 1", "gamma rce, gamma 10", "gamma rce, costs rare 3", "focal", "third party",
    ]  # fmt: skip


def test_backbones(named):
    found = named({}, {"backbone__width": 32}, {"backbone": {"name": "timm", "model": "efficientnet_b0"}})
    assert column(found, "backbone") == ["small cnn, width 8", "small cnn, width 32", "timm"]


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
    assert column(found, "treatment")[1] == "oversample"


def test_one_axis_for_everything_keeps_its_labels(tmp_path, write_sweep):
    cells = [
        ({"method": name}, None, 0, {"loss__name": loss, "samplers": samplers})
        for name, loss, samplers in (("BL", "ce", []), ("BL + F", "focal", []), ("BL + BLUR + F", "focal", [BLUR]))
    ]
    found = describe(group(find_runs([write_sweep(tmp_path / "s", cells)]).runs))
    assert column(found, "label") == ["BL", "BL + F", "BL + BLUR + F"]


def test_sweeps_with_other_axes_are_named_by_their_folders(tmp_path, write_sweep, write_run):
    sweep = write_sweep(tmp_path / "s", [({"method": "mine"}, None, 0, {})])
    other = write_run(tmp_path / "r", loss__name="focal")
    found = describe(group(find_runs([sweep, other]).runs))
    assert column(found, "method") == ["mine--seed-0", "r"]


def test_makes_copies():
    assert makes_copies([DROP, BLUR])
    assert not makes_copies([DROP])
    assert not makes_copies([])
