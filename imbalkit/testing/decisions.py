"""Checks of calibrators and thresholds."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.errors import ImbalkitError
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import Calibrator, CostRows, Threshold, ThresholdRows
from imbalkit.testing import Setting
from imbalkit.testing.common import title
from imbalkit_lite.card import NEVER


def check_calibrator(part: Calibrator, setting: Setting) -> None:
    """Every rule of kinds.Calibrator."""
    rng = generator(setting.seed, "calibrator")
    for classes in (2, 3):
        labels = np.arange(60) % classes
        noisy = rng.normal(size=(60, classes)) + 2.0 * np.eye(classes)[labels]
        cases = {
            "noisy logits": (noisy, labels),
            "separable logits": (20.0 * np.eye(classes)[labels], labels),
            "rows of one class": (noisy, np.zeros(60, dtype=int)),
            "one row": (noisy[:1], labels[:1]),
            "equal logits": (np.zeros((60, classes)), labels),
        }
        for what, (logits, targets) in cases.items():
            who = f"{title(part)} with {classes} classes, {what}"
            given = logits.copy()
            apply = part.fit(logits, targets)
            assert callable(apply), f"{who}: `fit` must return a function, got {type(apply).__name__}"
            out = np.asarray(apply(noisy))
            assert out.shape == noisy.shape, f"{who}: expected logits {noisy.shape}, got {out.shape}"
            assert np.isfinite(out).all(), f"{who}: calibrated logits are not finite"
            assert np.array_equal(given, logits), f"{who}: `fit` changed the logits it was given"
            assert np.allclose(out, part.fit(logits, targets)(noisy)), (
                f"{who}: fitted again on the same rows, it differs"
            )
            assert np.allclose(out[:2], apply(noisy[:2])), f"{who}: a row's logits depend on the rows beside it"
            _check_kept(who, part, apply, noisy, out)


def _check_kept(who: str, part: Calibrator, apply: Any, logits: np.ndarray, out: np.ndarray) -> None:
    """What a run folder and a model file keep of a calibrator does the same."""
    fitted = dict(getattr(apply, "fitted", {}))
    try:
        saved = json.loads(json.dumps(fitted, allow_nan=False))
        again = np.asarray(part.restore(saved)(logits))
    except NotImplementedError:
        raise AssertionError(f"{who}: has no `restore`; a run folder keeps `fitted` alone") from None
    except (TypeError, ValueError, KeyError) as error:
        raise AssertionError(f"{who}: `restore` does not read {fitted} back from JSON: {error!r}") from error
    assert np.allclose(again, out), f"{who}: restored from {saved}, it differs from what `fit` returned"
    affine = getattr(apply, "affine", None)
    assert (affine is not None) == part.is_affine, (
        f"{who}: is_affine is {part.is_affine}, and what `fit` returns has {'an' if affine is not None else 'no'} `affine`"
    )
    if affine is not None:
        scale, bias = affine
        same = np.allclose(softmax(logits * scale + bias), softmax(out))
        assert same, f"{who}: `affine` (scale, bias) gives other probabilities than the function"


def check_threshold(part: Threshold, setting: Setting) -> None:
    """Every rule of kinds.Threshold. It may refuse rows of one class only with an ImbalkitError."""
    rng = generator(setting.seed, "threshold")
    positives = np.arange(40) % 5 == 0
    probabilities = np.clip(rng.random(40) * 0.6 + 0.4 * positives, 0, 1)
    if part.fits_costs:
        return _check_fitted_costs(part, setting, rng)
    part = part.for_classes(setting.classes, 1)
    both = {
        "mixed rows": (positives, probabilities),
        "separable rows": (positives, np.where(positives, 0.9, 0.1)),
        "equal probabilities": (positives, np.full(40, 0.3)),
        "probabilities of 0 and 1": (positives, positives.astype(float)),
        "all wrong": (positives, 1.0 - positives),
    }
    single = {
        "no positive": (np.zeros(6, dtype=bool), probabilities[:6]),
        "positives only": (np.ones(6, dtype=bool), probabilities[:6]),
        "one row": (np.ones(1, dtype=bool), probabilities[:1]),
    }
    for what, (truth, values) in {**both, **single}.items():
        who = f"{title(part)}, {what}"
        try:
            chosen = part.choose(ThresholdRows(truth, values))
            weighted = part.choose(ThresholdRows(truth, values, np.full(len(truth), 3.0), np.arange(len(truth))))
        except ImbalkitError:
            assert what in single, f"{who}: refuses rows of both classes"
            continue
        assert isinstance(chosen, float | int), f"{who}: expected a float, got {type(chosen).__name__}"
        assert 0 <= chosen <= NEVER, f"{who}: expected a threshold in 0..1, got {chosen} (NaN and inf are none)"
        order = rng.permutation(len(truth))
        assert math.isclose(chosen, part.choose(ThresholdRows(truth[order], values[order]))), (
            f"{who}: depends on the order of rows"
        )
        assert math.isclose(chosen, weighted), f"{who}: equal weights, and groups of one row each, must change nothing"
    if not part.needs_rows:
        none = np.zeros(0)
        chosen = part.choose(ThresholdRows(none.astype(bool), none))
        assert 0 <= chosen <= 1, f"{title(part)}: needs_rows is False, and without rows it chooses {chosen}"
    for count in ((1, 1), (40, 900)):
        shortage = part.check_rows(*count)
        assert shortage is None or isinstance(shortage, str), (
            f"{title(part)}: check_rows must return text or None, got {shortage!r}"
        )
    for classes in (setting.classes, (*setting.classes, "another")):
        costs = part.cost_matrix(classes)
        shape = (len(classes), len(classes))
        fits = costs is None or (np.shape(costs) == shape and np.isfinite(costs).all() and np.min(costs) >= 0)
        assert fits, f"{title(part)}: cost_matrix must be None or {shape} costs of 0 or more, got {costs}"


def _check_fitted_costs(part: Threshold, setting: Setting, rng: np.random.Generator) -> None:
    """A rule that fits its costs. It may refuse rows of one class only with an ImbalkitError."""
    for classes in (len(setting.classes), len(setting.classes) + 1):
        prior = np.arange(classes, 0.0, -1) / np.arange(classes, 0.0, -1).sum()
        labels = np.arange(60) % classes
        mixed = softmax(rng.normal(size=(60, classes)) + np.log(prior) + np.eye(classes)[labels])
        some = labels < classes - 1 if classes > 2 else labels >= 0
        both = {
            "mixed rows": (labels, mixed),
            "separable rows": (labels, np.eye(classes)[labels]),
            "equal probabilities": (labels, np.full((60, classes), 1 / classes)),
            "a class without rows": (labels[some], mixed[some]),
        }
        single = {"rows of one class": (labels * 0, mixed), "no rows": (labels[:0], mixed[:0])}
        for what, (truth, values) in {**both, **single}.items():
            who = f"{title(part)} with {classes} classes, {what}"
            order = rng.permutation(len(truth))
            try:
                costs, fitted = part.fit_costs(CostRows(truth, values, prior))
                mixed_up, _ = part.fit_costs(CostRows(truth[order], values[order], prior))
                weighted, _ = part.fit_costs(CostRows(truth, values, prior, np.full(len(truth), 3.0)))
            except ImbalkitError:
                assert what in single, f"{who}: refuses rows of several classes"
                continue
            fits = np.shape(costs) == (classes, classes) and np.isfinite(costs).all() and np.min(costs) >= 0
            assert fits, f"{who}: fit_costs must give ({classes}, {classes}) costs of 0 or more, got {costs}"
            least = np.asarray(costs) >= np.diag(costs)[:, None]
            assert least.all(), f"{who}: a mistake must cost at least as much as being right, got {costs}"
            assert np.allclose(costs, mixed_up), f"{who}: depends on the order of rows"
            assert np.allclose(costs, weighted), f"{who}: equal weights must change nothing"
            plain = all(isinstance(value, float | int) and math.isfinite(value) for value in fitted.values())
            assert plain, f"{who}: what is fitted must be finite numbers by name, got {dict(fitted)}"
