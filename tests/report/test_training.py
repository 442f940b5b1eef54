"""What a report says of how a network was trained: order, mixer, deferral, stages, and samplers that train nothing."""

from __future__ import annotations

import pytest

import imbalkit
from imbalkit.kinds import FeatureSampler
from imbalkit.recipe.prepare import prepare
from imbalkit.report import write_report
from imbalkit.report.context import Report
from imbalkit.runs.results import RunData
from tests.report.html import Page
from tests.report.made_up import run_of, scored

EVERYTHING = [
    "data={name: digits, minority: 8, imbalance: 20}",
    "samplers=[]",
    "backbone={name: small_cnn, width: 4}",
    "head=cosine",
    "loss=ldam",
    "order=progressive",
    "mixer={name: mixup, alpha: 0.4, last_epochs_off: 1}",
    "deferred={start: 0.75, loss: {name: ldam, beta: 0.999}, order: balanced}",
    "stages=[{name: retrain, head: linear, loss: {name: focal, gamma: 1}, lr: 0.01, epochs: 2}, tau_normalisation]",
    "training={epochs: 4, monitor: last, threads: 1}",
    "evaluation={resamples: 0}",
]
PICKER = "{name: tomek_links, backbone: {name: timm, model: resnet18, pretrained: true}, epochs: %d}"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The report of a run with everything, without charts of its own."""
    folder = tmp_path_factory.mktemp("everything") / "run"
    imbalkit.run("digits", overrides=EVERYTHING, folder=folder)
    return Page(folder / "report.html")


def test_the_rows_of_the_epochs_are_a_table(page):
    text = page.texts["rows"]
    assert "What an epoch visits" in text
    for words in ("1 to 3 progressive mixup (alpha 0.4) ldam", "4, deferred balanced none ldam (beta 0.999)"):
        assert words in text
    assert "stages[0] retrain: 1 to 2 balanced none focal (gamma 1)" in text
    assert "Ranges go from the first to the last of these epochs." in text
    assert "The last stage, tau_normalisation, stands here for the training before it as well." in text
    assert "The loss is" not in text  # there are three


def test_the_method_says_what_came_after_the_main_training(page):
    text = page.texts["method"]
    assert "the head cosine with 2 outputs and a softmax. The stage retrain replaces the head by linear." in text
    assert "From epoch 4 of 4 on: loss ldam (beta 0.999), order balanced (deferred)." in text
    assert "Then the stage retrain (lr 0.01) trains a new head on the frozen body for 2 epochs, order balanced" in text
    assert "loss focal (gamma 1). Then the stage tau_normalisation finds a head from the features of all rows." in text


def test_curves_say_where_another_loss_begins_and_what_mixed_images_do(page):
    text = page.texts["learning"]
    assert 'From epoch 4 on, marked "deferred", the loss or order is another one' in text
    assert "While a mixer is on, dotted lines count mixed images" in text
    assert "deferred" in page.source.partition('id="learning"')[2].partition("</svg>")[0]


def test_a_run_without_any_of_it_says_the_loss_and_has_no_table_of_epochs(tmp_path):
    labels, logits = scored(100, 30)
    page = Page(write_report(run_of(tmp_path / "run", labels, logits), None))
    assert "validation and test rows stay as they are. The loss is" in page.texts["rows"]
    assert "What an epoch visits" not in page.texts["rows"]


@pytest.mark.parametrize(("epochs", "shown"), [(0, False), (5, True)])
def test_a_sampler_that_trains_nothing_has_no_loss(epochs, shown, tmp_path):
    prepared = prepare("digits", [f"samplers=[{PICKER % epochs}]"])
    (sampler,) = prepared.recipe.samplers
    assert isinstance(sampler, FeatureSampler)
    found = Report(RunData(tmp_path), prepared).part("samplers")
    assert ("loss" in found[0]) == shown
