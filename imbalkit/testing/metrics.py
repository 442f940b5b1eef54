"""Checks of metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.functional.bootstrap import draw_weights
from imbalkit.kinds import Interval, Metric, Predictions
from imbalkit.testing import Setting
from imbalkit.testing.common import title


def _predictions(
    labels: np.ndarray, decisions: np.ndarray, classes: tuple[str, ...], positive: int | None
) -> Predictions:
    probabilities = np.full((len(labels), len(classes)), 0.1 / (len(classes) - 1))
    probabilities[np.arange(len(labels)), decisions] = 0.9
    return Predictions(labels, probabilities, decisions, classes, positive)


def check_metric(part: Metric, setting: Setting) -> None:
    """Every rule of kinds.Metric."""
    assert isinstance(part.higher_is_better, bool), f"{title(part)}: higher_is_better must be True or False"
    for count, positive in ((2, 1), (3, None), (3, 1)):
        classes = tuple(f"class_{index}" for index in range(count))
        labels = np.arange(30) % count
        wrong = (labels + 1) % count
        some = np.where(np.arange(30) % 4 == 0, wrong, labels)
        who = f"{title(part)} with {count} classes" + ("" if positive is None else ", one of them positive")
        best = _values(f"{who}, all right", part, _predictions(labels, labels, classes, positive))
        worst = _values(f"{who}, all wrong", part, _predictions(labels, wrong, classes, positive))
        mixed = _values(f"{who}, some wrong", part, _predictions(labels, some, classes, positive))
        for name in best:
            upwards = part.higher_is_better_of(name)
            high, low = (best[name], worst[name]) if upwards else (worst[name], best[name])
            ordered = math.isnan(high) or math.isnan(low) or high >= low
            assert ordered, (
                f"{who}: all right gives {best[name]:.4g} and all wrong {worst[name]:.4g} {name}, "
                f"against higher_is_better={upwards}"
            )
        rows = np.arange(len(labels))
        for order in (rows[::-1], np.roll(rows, 1), generator(setting.seed, "order").permutation(len(labels))):
            shuffled = _values(who, part, _predictions(labels[order], some[order], classes, positive))
            for name, value in mixed.items():
                same = np.isclose(shuffled[name], value, equal_nan=True)
                assert same, f"{who}: in another order the rows give another value"
        for only in range(count):
            single = np.full(6, only)
            _values(
                f"{who}, only rows of class {only}", part, _predictions(single, np.arange(6) % count, classes, positive)
            )
        _values(f"{who}, one row", part, _predictions(labels[:1], labels[:1], classes, positive))
        _check_resampled(who, part, _predictions(labels, some, classes, positive), setting)
        _check_intervals(who, part, _predictions(labels, some, classes, positive))


def _values(who: str, part: Metric, predictions: Predictions) -> dict[str, float]:
    try:
        value = part.compute(predictions)
    except Exception as error:
        raise AssertionError(
            f"{who}: expected a value, or NaN where undefined; raised {type(error).__name__}: {error}"
        ) from error
    values = value if isinstance(value, dict) else {"": value}
    for name, number in values.items():
        assert isinstance(name, str), f"{who}: a value's name must be text, got {name!r}"
        is_number = isinstance(number, float | int | np.floating | np.integer) and not isinstance(number, bool)
        assert is_number, f"{who}: expected a float or a mapping of floats, got {name} {number!r}"
        assert not math.isinf(number), f"{who}: the value is infinite; NaN says that it is not defined"
    return {name: float(number) for name, number in values.items()}


def _check_resampled(who: str, part: Metric, predictions: Predictions, setting: Setting) -> None:
    """Resamples are what `compute` gives on rows that are really repeated."""
    weights = draw_weights(len(predictions.labels), 5, generator(setting.seed, "resamples"))
    weights[0] = predictions.labels == 0  # and one class alone
    expected, found = (
        _by_name(Metric.resampled(part, predictions, weights)),
        _by_name(part.resampled(predictions, weights)),
    )
    assert set(found) == set(expected), (
        f"{who}: `resampled` gives {sorted(found)}, `compute` on repeated rows {sorted(expected)}"
    )
    for name, values in expected.items():
        shape = np.shape(found[name])
        assert shape == values.shape, f"{who}: expected `resampled` to give {name} {values.shape}, got {shape}"
        assert np.allclose(found[name], values, rtol=1e-6, atol=1e-9, equal_nan=True), (
            f"{who}: `resampled` gives {name} {found[name]}, `compute` on the same rows repeated {values}"
        )


def _check_intervals(who: str, part: Metric, predictions: Predictions) -> None:
    """Closed forms and limits have the names of the values, and hold them."""
    values = _by_name(part.compute(predictions))
    limits = _by_name(part.degenerate_interval(predictions, np.arange(len(predictions.labels)), 0.95))
    closed = part.closed_form(predictions, 0.95)
    found = {} if closed is None else _by_name(closed)
    for what, given in (("degenerate_interval", limits), ("closed_form", found or values)):
        assert set(given) == set(values), f"{who}: `{what}` gives {sorted(given)}, `compute` {sorted(values)}"
    for name, interval in found.items():
        assert isinstance(interval, Interval), f"{who}: `closed_form` must give kinds.Interval, got {interval!r}"
        inside = not interval.low > values[name] and not interval.high < values[name]
        assert inside, f"{who}: {name} {values[name]:.4g} is outside its own {interval}"
    for name, number in values.items():
        bounds = part.bounds_of(name)
        if bounds is not None:
            low, high = bounds
            inside = math.isnan(number) or low <= number <= high
            assert inside, f"{who}: {name} {number:.4g} is outside the metric's bounds, {low} to {high}"


def _by_name(value):
    return dict(value) if isinstance(value, Mapping) else {"": value}
