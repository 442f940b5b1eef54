"""Checks of metrics, calibrators and thresholds."""

from __future__ import annotations

import math

import numpy as np

from imbalkit.errors import ImbalkitError
from imbalkit.kinds import Calibrator, Metric, Predictions, Threshold
from imbalkit.randomness import generator
from imbalkit.testing import Setting
from imbalkit.testing.common import title


def _predictions(labels: np.ndarray, decisions: np.ndarray, classes: tuple[str, ...]) -> Predictions:
    probabilities = np.full((len(labels), len(classes)), 0.1 / (len(classes) - 1))
    probabilities[np.arange(len(labels)), decisions] = 0.9
    return Predictions(labels, probabilities, decisions, classes, 1 if len(classes) == 2 else None)


def check_metric(part: Metric, setting: Setting) -> None:
    """Every rule of kinds.Metric."""
    assert isinstance(part.higher_is_better, bool), f"{title(part)}: higher_is_better must be True or False"
    for count in (2, 3):
        classes = tuple(f"class_{index}" for index in range(count))
        labels = np.arange(30) % count
        wrong = (labels + 1) % count
        some = np.where(np.arange(30) % 4 == 0, wrong, labels)
        who = f"{title(part)} with {count} classes"
        best = _figures(f"{who}, all right", part, _predictions(labels, labels, classes))
        worst = _figures(f"{who}, all wrong", part, _predictions(labels, wrong, classes))
        mixed = _figures(f"{who}, some wrong", part, _predictions(labels, some, classes))
        for name in best:
            high, low = (best[name], worst[name]) if part.higher_is_better else (worst[name], best[name])
            ordered = math.isnan(high) or math.isnan(low) or high >= low
            assert ordered, (
                f"{who}: all right gives {best[name]:.4g} and all wrong {worst[name]:.4g} {name}, "
                f"against higher_is_better={part.higher_is_better}"
            )
        rows = np.arange(len(labels))
        for order in (rows[::-1], np.roll(rows, 1), generator(setting.seed, "order").permutation(len(labels))):
            shuffled = _figures(who, part, _predictions(labels[order], some[order], classes))
            for name, value in mixed.items():
                same = np.isclose(shuffled[name], value, equal_nan=True)
                assert same, f"{who}: in another order the rows give another figure"
        for only in range(count):
            single = np.full(6, only)
            _figures(f"{who}, only rows of class {only}", part, _predictions(single, np.arange(6) % count, classes))
        _figures(f"{who}, one row", part, _predictions(labels[:1], labels[:1], classes))


def _figures(who: str, part: Metric, predictions: Predictions) -> dict[str, float]:
    try:
        value = part.compute(predictions)
    except Exception as error:
        raise AssertionError(
            f"{who}: expected a figure, or NaN where undefined; raised {type(error).__name__}: {error}"
        ) from error
    figures = value if isinstance(value, dict) else {"": value}
    for name, figure in figures.items():
        assert isinstance(name, str), f"{who}: a figure's name must be text, got {name!r}"
        is_number = isinstance(figure, float | int | np.floating | np.integer) and not isinstance(figure, bool)
        assert is_number, f"{who}: expected a float or a mapping of floats, got {name} {figure!r}"
        assert not math.isinf(figure), f"{who}: the figure is infinite; NaN says that it is not defined"
    return {name: float(figure) for name, figure in figures.items()}


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


def check_threshold(part: Threshold, setting: Setting) -> None:
    """Every rule of kinds.Threshold. It may refuse rows of one class only with an ImbalkitError."""
    rng = generator(setting.seed, "threshold")
    positives = np.arange(40) % 5 == 0
    probabilities = np.clip(rng.random(40) * 0.6 + 0.4 * positives, 0, 1)
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
            chosen = part.choose(truth, values)
        except ImbalkitError:
            assert what in single, f"{who}: refuses rows of both classes"
            continue
        assert isinstance(chosen, float | int), f"{who}: expected a float, got {type(chosen).__name__}"
        assert 0 <= chosen <= 1, f"{who}: expected a threshold in 0..1, got {chosen} (NaN and inf are none)"
        order = rng.permutation(len(truth))
        assert math.isclose(chosen, part.choose(truth[order], values[order])), f"{who}: depends on the order of rows"
