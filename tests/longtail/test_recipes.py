"""The registered recipes: what they are built on, and that the published protocol is what their names promise."""

from __future__ import annotations

from pathlib import Path

import imbalkit_longtail
import pytest
import torch
import yaml

from imbalkit import run
from imbalkit.base.files import read_json
from imbalkit.catalogue import default_catalogue
from imbalkit.recipe.prepare import prepare
from imbalkit.studies.sweeps.file import read_sweep
from imbalkit.training.optimization import build_optimizer, build_schedule

RECIPES = dict(imbalkit_longtail.register_recipes())
CIFAR = {name: path for name, path in RECIPES.items() if "/cifar10-" in name}
SIZES = ("cifar10-10", "cifar10-10/quick", "cifar10-100", "cifar10-100/quick")
PROTOCOL = {"training", "images", "augment", "split", "evaluation", "backbone"}


@pytest.fixture(autouse=True)
def data(cifar10_lt, monkeypatch):
    monkeypatch.setenv("CIFAR10_LT", str(cifar10_lt))


def methods(size: str) -> set[str]:
    return {path.stem for name, path in CIFAR.items() if name.removeprefix("longtail/").rpartition("/")[0] == size}


def test_every_method_has_a_recipe_of_each_size():
    assert methods("cifar10-100") >= {"ce"}
    assert all(methods(size) == methods("cifar10-100") for size in SIZES)


@pytest.mark.parametrize("name", CIFAR)
def test_every_recipe_can_be_planned_with_validation_from_training_rows(name):
    prepared = prepare(CIFAR[name])
    assert prepared.recipe.description
    imbalance = name.split("/")[1].removeprefix("cifar10-")
    assert Path(prepared.recipe.data.file).name == f"imbalance_{imbalance}.csv"
    assert len(prepared.split.test) == 20
    frame = prepared.table.frame
    assert set(frame["split"].iloc[prepared.split.validation]) == {"train"}


@pytest.mark.parametrize("method", sorted(methods("cifar10-100")))
def test_sizes_of_a_method_differ_in_data_and_protocol_alone(method):
    loaded = [prepare(CIFAR[f"longtail/{size}/{method}"]).recipe.model_dump(mode="json") for size in SIZES]
    for recipe in loaded:
        del recipe["data"], recipe["description"]
        settings = recipe.pop("training")
        assert (settings["epochs"], settings["precision"], settings["schedule"]["name"]) in (
            (200, "fp32", "multistep"),
            (40, "bf16", "one_cycle"),
        )
        assert settings["monitor"] == "last"
        assert {key: settings["optimizer"][key] for key in ("name", "lr", "weight_decay")} == {
            "name": "momentum", "lr": 0.1, "weight_decay": 2e-4,
        }  # fmt: skip
    assert all(recipe == loaded[0] for recipe in loaded)


@pytest.mark.parametrize("name", CIFAR)
def test_a_method_changes_no_protocol(name):
    path = CIFAR[name]
    if path.stem == "ce":
        return
    assert not set(yaml.safe_load(path.read_text())) & PROTOCOL


def test_the_schedule_is_that_of_the_published_code():
    """LDAM-DRW, `adjust_learning_rate`: a warm-up of 5 epochs, then 0.1, 0.001 after 160 epochs and 0.00001 after 180."""
    settings = prepare(CIFAR["longtail/cifar10-100/ce"]).recipe.training
    network, steps = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)), 88
    optimizer = build_optimizer(network, settings.optimizer)
    assert type(optimizer) is torch.optim.SGD
    for group in optimizer.param_groups:  # one decay of all, no Nesterov
        assert (group["weight_decay"], group["momentum"], group["nesterov"]) == (2e-4, 0.9, False)
    schedule = build_schedule(optimizer, settings.schedule, [(200, steps)])
    rates = []
    for step in range(200 * steps):
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step(step + 1)
    middles = rates[steps // 2 :: steps]
    assert middles[:5] == pytest.approx([0.028, 0.044, 0.06, 0.076, 0.092])
    assert middles[5:160] == pytest.approx([0.1] * 155)
    assert middles[160:180] == pytest.approx([1e-3] * 20)
    assert middles[180:] == pytest.approx([1e-5] * 20)


HAM = {name: path for name, path in RECIPES.items() if "/ham10000/" in name}


@pytest.mark.parametrize("name", HAM)
def test_recipes_of_diagnoses_can_be_planned(name, ham10000, monkeypatch):
    monkeypatch.setenv("HAM10000", str(ham10000))
    prepared = prepare(HAM[name], ["split.fold=4"])
    assert prepared.classes == ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
    assert prepared.recipe.description
    assert prepared.split.shared_groups == 0
    assert (prepared.recipe.training.epochs, prepared.recipe.training.monitor) == (3, "last")


@pytest.mark.parametrize("name", sorted(imbalkit_longtail.register_sweeps()))
def test_a_sweep_has_the_recipes_of_its_name(name, ham10000, monkeypatch):
    monkeypatch.setenv("HAM10000", str(ham10000))
    sweep = read_sweep(imbalkit_longtail.register_sweeps()[name], default_catalogue())
    study = name.removesuffix("-quick") + ("/quick" if name.endswith("-quick") else "")
    known = {recipe.rpartition("/")[2]: path for recipe, path in RECIPES.items() if recipe.rpartition("/")[0] == study}
    assert {cell.labels["method"] for cell in sweep.cells} == set(known)
    for cell in sweep.cells:
        swept = prepare(sweep.base, cell.overrides).recipe.model_dump(mode="json")
        registered = prepare(known[cell.labels["method"]]).recipe.model_dump(mode="json")
        for recipe in (swept, registered):
            del recipe["description"], recipe["split"]["fold"]
        assert swept == registered


@pytest.mark.usefixtures("no_charts")
def test_a_short_run(tmp_path):
    overrides = ["training.epochs=1", "backbone.depth=20", "training.monitor=balanced_accuracy"]
    folder = run(CIFAR["longtail/cifar10-100/quick/ce"], overrides, runs=tmp_path)
    assert read_json(folder / "metrics.json")["test"]["n"] == 20
