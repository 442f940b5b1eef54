"""What is on the page, without a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from imbalkit.data.image_store import ImageStore
from imbalkit.errors import RunError, WriteError
from imbalkit.report import page as pages
from imbalkit.report import write_report
from imbalkit.report.sections import curves, metrics
from tests.report.html import Page
from tests.report.made_up import run_of, scored

POSITIVE = {"summary", "threshold", "metrics", "curves", "probabilities", "net_benefit", "abstention", "errors"}
ALWAYS = {"rows", "learning", "data", "method", "limitations", "intended_use", "reproducibility"}


@pytest.fixture
def page(made_up):
    return Page(write_report(made_up, None))


def test_it_stands_alone(page, finished_run, finished_run_of_digits):
    for each in (page, Page(finished_run / "report.html"), Page(finished_run_of_digits / "report.html")):
        assert each.outside == []
        assert "@import" not in each.source
        assert not re.findall(r"url\((?!#)", each.source)
        script = re.findall(r"<script>(.*?)</script>", each.source, re.DOTALL)
        assert len(script) == 1
        digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
        assert (
            f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in each.source
        )


def test_it_is_sound(page, finished_run, finished_run_of_digits):
    for each in (page, Page(finished_run / "report.html"), Page(finished_run_of_digits / "report.html")):
        assert len(each.ids) == len(set(each.ids))
        assert {link[1:] for link in each.links if link.startswith("#")} <= set(each.ids)
        assert each.bare == 0
        assert "None" not in re.sub(
            r"None, as far as|None\.", "", " ".join(each.texts.values()).partition("The resolved recipe")[0]
        )
        assert " nan" not in " ".join(each.texts.values()).lower()
        assert "could not be made" not in each.source


def test_sections(page, finished_run, finished_run_of_digits):
    assert set(page.texts) == POSITIVE | ALWAYS
    assert set(Page(finished_run / "report.html").texts) == POSITIVE | ALWAYS | {"subgroups"}
    ten = set(Page(finished_run_of_digits / "report.html").texts)
    assert ten == (POSITIVE | ALWAYS) - {"threshold", "net_benefit"}
    assert set(pages.TEMPLATES.glob("*.html")) >= {pages.TEMPLATES / f"{name}.html" for name in POSITIVE}


def test_the_headline_is_that_of_the_metrics(made_up, page):
    metrics = json.loads((made_up / "metrics.json").read_text())
    counts = np.array(metrics["test"]["confusion_matrix"])
    limits = metrics["intervals"]["test"]["recall"]["melanoma"]
    text = page.texts["summary"]
    interval = f"{100 * limits['low']:.1f} to {100 * limits['high']:.1f} %"
    assert f"sensitivity (recall of melanoma) {100 * counts[1, 1] / 60:.1f} % {interval}" in text
    assert f"{counts[1, 1]} of 60; {counts[1, 0]} missed" in text
    alarms = metrics["intervals"]["test"]["false_alarm_rate"]
    low, high = 100 * (1 - alarms["high"]), 100 * (1 - alarms["low"])
    assert (
        f"specificity (other not predicted melanoma) {100 * counts[0, 0] / 340:.1f} % {low:.1f} to {high:.1f} %" in text
    )
    assert (
        "A row is predicted melanoma at a probability of 0.3 or more (chosen on validation rows by youden), and other below"
        in text
    )
    assert "Only 60 test rows of melanoma." in text


def test_every_figure_of_the_metrics_is_there(made_up, page):
    metrics = json.loads((made_up / "metrics.json").read_text())
    text = page.texts["metrics"]
    for name in ("roc_auc", "pr_auc", "brier", "log_loss", "mcc", "macro_f1"):
        limits = metrics["intervals"]["test"][name]
        assert f"{metrics['test'][name]:.3f} {limits['low']:.3f} to {limits['high']:.3f}" in text
    assert "2,000" not in text
    assert "100 resamples of 400 rows" in text
    assert f"{metrics['test']['roc_auc']:.3f} (" in page.texts["curves"]


def test_what_is_not_stated_says_so_and_what_is_is_there(tmp_path):
    labels, logits = scored(100, 30)
    card = {"intended_use": "For <tests> & alone.", "ethics": "Not needed."}
    page = Page(write_report(run_of(tmp_path / "run", labels, logits, card=card), None))
    assert "Intended use CLEAR Derm: Application" in page.texts["intended_use"]
    assert "For <tests> & alone." in page.texts["intended_use"]
    assert page.texts["intended_use"].count("not stated") == 13
    assert "Not needed." in page.texts["data"]
    assert "intended_use: ..." not in page.texts["intended_use"]
    assert "not_for: ..." in page.texts["intended_use"]


def test_the_card_of_a_recipe_is_checked(tmp_path):
    from imbalkit.recipe.card import ModelCardSettings
    from imbalkit.report import statements
    from imbalkit.report.context import gather
    from imbalkit.report.sections import data, intended_use, limitations, method

    labels, logits = scored(100, 30)
    report = gather(run_of(tmp_path / "run", labels, logits), None, None)
    asked = [entry for module in (data, method, limitations, intended_use) for entry in module.statements(report)]
    assert {entry.field for entry in asked if entry.field} == set(ModelCardSettings.model_fields)
    assert all(
        any(name in entry.references for name in (statements.CLEAR, statements.TRIPOD, statements.CARD))
        for entry in asked
    )


def test_a_section_that_fails_says_why_and_the_others_stand(made_up, monkeypatch):
    def broken(report):
        raise ZeroDivisionError("by zero")

    def lacking(report):
        raise RunError("a file is gone")

    monkeypatch.setattr(metrics, "values", broken)
    monkeypatch.setattr(curves, "values", lacking)
    page = Page(write_report(made_up, None))
    assert "This section could not be made: ZeroDivisionError: by zero" in page.texts["metrics"]
    assert "This section could not be made: a file is gone" in page.texts["curves"]
    assert "sensitivity (recall of melanoma)" in page.texts["summary"]


class Noise(ImageStore):
    """Pictures that no codec can make small."""

    shape, dtype = (320, 320, 3), np.dtype(np.uint8)

    def __len__(self):
        return 10_000

    def take(self, indices):
        random = np.random.default_rng(0)
        return random.integers(0, 256, (len(indices), *self.shape), dtype=np.uint8)


def test_a_large_test_set_stays_small(tmp_path):
    labels, logits = scored(7530, 1021)
    folder = run_of(tmp_path / "run", labels, logits, groups=np.arange(7530) // 2)
    out = write_report(folder, None)
    assert out.stat().st_size < 600_000
    out = write_report(folder, None, images=Noise())
    page = Page(out)
    assert page.pictures["errors"] == 24
    assert out.stat().st_size < 2_000_000


def test_pictures_have_a_budget_that_keeps_any_report_below_five_megabytes():
    from imbalkit.report.pictures import picture_uri
    from imbalkit.report.sections import copies, dropped, errors

    noise = np.random.default_rng(0).integers(0, 256, (320, 320, 3), dtype=np.uint8)
    sizes = {side: len(picture_uri(noise, side)) for side in (dropped.SIDE, 140, 160)}
    most = 2 * max(2 * errors.MOST, errors.MOST_CLASSES * errors.MOST // 2) * sizes[160]
    most += copies.MOST * sizes[140] + dropped.MOST_PICTURES * sizes[dropped.SIDE]
    assert most + 600_000 < 5_000_000


def test_the_file_is_whole_or_not_there(made_up, tmp_path):
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(WriteError, match="taken.* cannot be written"):
        write_report(made_up, None, out=tmp_path / "taken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "taken"]
    first = write_report(made_up, None).read_bytes()
    assert write_report(made_up, None, out=tmp_path / "other.html").read_bytes() == first  # the same bytes again


def test_a_run_of_an_older_version_has_a_report(tmp_path):
    """Before intervals, calibration figures, ledgers and corrections."""
    labels, logits = scored(200, 60)
    folder = run_of(tmp_path / "run", labels, logits)
    metrics = json.loads((folder / "metrics.json").read_text())
    decision = {
        "threshold": 0.3,
        "rule": "youden",
        "calibrator": "temperature",
        "fitted": {"temperature": 1.2},
        "positive": 1,
    }
    old = {key: metrics[key] for key in ("test", "validation", "class_counts", "bad_images", "notes")}
    for name in ("ece", "net_benefit", "predictive_values", "partial_auc"):
        del old["test"][name]
    (folder / "metrics.json").write_text(json.dumps(old | {"decision": decision | {"rows": [1, 1], "notes": []}}))
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text())
    del recipe["card"]
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    page = Page(write_report(folder, None))
    assert "could not be made" not in page.source
    assert set(page.texts) == (POSITIVE | ALWAYS) - {"probabilities"}
    assert "This run has no intervals" in page.texts["metrics"]
    assert "calibrated (temperature" in page.texts["summary"]


def test_one_class_alone_in_the_test(tmp_path):
    labels, logits = scored(50, 0)
    page = Page(write_report(run_of(tmp_path / "run", labels, logits, validation=0), None))
    assert "could not be made" not in page.source
    assert not {"threshold", "curves", "net_benefit"} & set(page.texts)
    assert "No test rows of melanoma." in page.texts["summary"]
    assert "the sensitivity would be n/a and the specificity" in page.texts["summary"]


@pytest.mark.parametrize("positives, bands", [(1, False), (2, False), (3, True), (9, True)])
def test_bands_are_spoken_of_where_there_are_some(tmp_path, positives, bands):
    labels, logits = scored(120, positives)
    page = Page(write_report(run_of(tmp_path / "run", labels, logits), None))
    assert ("pointwise 95 % intervals from 500 resamples" in page.texts["curves"]) == bands
    assert ("There are no bands" in page.texts["curves"]) != bands


def test_a_class_without_test_rows_is_not_in_the_mean_recall(tmp_path):
    labels = np.repeat([0, 1, 2], 20)
    logits = np.random.default_rng(0).normal(size=(60, 4)) + 2 * np.eye(4)[labels]
    folder = run_of(tmp_path / "run", labels, logits, ("a", "b", "c", "d"), positive=None, threshold=None)
    page = Page(write_report(folder, None))
    assert "mean recall of 3 classes; 1 without test rows" in page.texts["summary"]


def test_abstention_is_counted_by_class(tmp_path):
    labels, logits = scored(200, 50)
    folder = run_of(
        tmp_path / "run", labels, logits, abstention={"rule": "probability of 0.2 to 0.5", "test": {"coverage": 0.8}}
    )
    frame = pd.read_parquet(folder / "predictions.parquet")
    frame["abstained"] = frame["probability_melanoma"].between(0.2, 0.5)
    frame.to_parquet(folder / "predictions.parquet")
    test = frame[frame["split"] == "test"]
    left = test[test["abstained"]]
    text = Page(write_report(folder, None)).texts["abstention"]
    assert f"probability of 0.2 to 0.5: {len(left)} of 200 test rows" in text
    assert f"melanoma {(left['label'] == 'melanoma').sum()} of 50" in text
    wrong = (test["label"] != test["decision"])[~test["abstained"]].mean()
    assert f"{100 * wrong:.1f} % are wrong" in text


def test_subgroups_with_their_rows_and_those_withheld(tmp_path):
    labels, logits = scored(200, 50)
    entry = {"column": "sex", "n": 120, "support": {"other": 90, "melanoma": 30}, "withheld": None}
    seen = {
        "miss_rate": {"value": 0.25, "low": 0.125, "high": 0.5},
        "roc_auc": {"value": 0.9, "low": None, "high": None},
    }
    groups = [
        entry | {"value": "female", "metrics": seen},
        entry | {"value": "male", "n": 9, "withheld": "fewer than 10 rows of melanoma", "metrics": {}},
    ]
    page = Page(write_report(run_of(tmp_path / "run", labels, logits, subgroups=groups), None))
    text = page.texts["subgroups"]
    assert "female" in text
    assert "25.0 % 12.5 to 50.0 %" in text
    assert "0.900" in text
    assert "withheld: fewer than 10 rows of melanoma" in text
    assert "left: 12.5%; width: 37.5%" in page.source


def test_what_began_elsewhere_is_still_told(finished_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished_run, folder)
    page = Page(write_report(folder, None, why="the data have moved"))
    assert "the data have moved" in page.texts["errors"]
    assert page.pictures["errors"] == 0
    assert ".png" in page.texts["errors"] or "sample" in page.texts["errors"]


def test_a_positive_class_among_three(tmp_path):
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat([0, 1, 2], [200, 60, 40]))
    logits = random.normal(size=(300, 3)) + 2 * np.eye(3)[labels]
    folder = run_of(tmp_path / "run", labels, logits, classes=("nevus", "melanoma", "wart"), positive=1)
    page = Page(write_report(folder, None))
    assert "could not be made" not in page.source
    assert set(page.texts) == POSITIVE | ALWAYS
    assert "predicted melanoma at a probability of 0.3 or more" in page.texts["summary"]
    assert "the most probable of the other classes below that" in page.texts["summary"]
    assert "specificity (other classes not predicted melanoma)" in page.texts["summary"]
    data = json.loads(re.search(r'id="threshold-data">(.*?)</script>', page.source)[1])
    assert (data["positives"], data["others"], data["other"]) == (60, 240, "other classes")


def test_a_line_break_in_a_class_name_is_an_escape_everywhere(tmp_path):
    labels, logits = scored(120, 30)
    folder = run_of(tmp_path / "run", labels, logits, classes=("other\nkind", "mel\nanoma"))
    page = Page(write_report(folder, None))
    assert "could not be made" not in page.source
    assert r"recall of mel\nanoma" in page.texts["summary"]
    assert r"other\nkind" in page.texts["rows"]
    assert not re.search(r"mel\s+anoma|other\s+kind", page.source.partition("The resolved recipe")[0])


def test_the_method_names_head_order_mixer_deferral_and_sam(tmp_path):
    labels, logits = scored(100, 30)
    recipe = {
        "head": {"name": "cosine", "scale": 16.0},
        "loss": "ce",
        "order": {"name": "power", "q": 0.25},
        "mixer": {"name": "mixup", "alpha": 0.4},
        "deferred": {"start": 0.6, "loss": {"name": "class_balanced", "beta": 0.99}},
        "augment": [{"name": "rand_augment", "magnitude": 5}],
        "training": {
            "sam": {"radius": 0.7},
            "ema": 0.99,
            "freeze_epochs": 1,
            "optimizer": {"layer_decay": 0.8},
            "schedule": {"name": "cosine", "options": {"warmup_epochs": 1}},
        },
    }
    text = Page(write_report(run_of(tmp_path / "run", labels, logits, recipe=recipe), None)).texts["method"]
    assert "the head cosine (scale 16) with 2 outputs" in text
    assert "dense layer" not in text
    assert "Order in which epochs visit rows: power (" in text
    assert "q 0.25" in text
    assert "Rows are mixed in pairs: mixup (" in text
    assert "alpha 0.4" in text
    assert "From epoch 7 of 10 on: loss class_balanced (" in text
    assert "beta 0.99" in text
    assert "Sharpness-aware steps (SAM), radius 0.7." in text
    assert "moving average of the weights (EMA, decay 0.99) was evaluated and kept" in text
    assert "The head alone was trained first, for 1 epoch." in text
    assert "layer decay 0.8" in text
    assert "schedule cosine (options warmup_epochs: 1)" in text
    assert "rand_augment (" in text
    plain = Page(write_report(run_of(tmp_path / "plain", labels, logits), None)).texts["method"]
    assert "a dense layer with 2 outputs" in plain
    assert "Order in which" not in plain
