"""Class priors: what a changed class share does to probabilities, and how it is undone.

Where only the shares of the classes differ between two samples, P(image | class) being the same (label shift), the odds of two
classes differ by a constant factor: p_t(c | x) is proportional to p_s(c | x) pi_t(c) / pi_s(c) (Elkan 2001; Saerens et al. 2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from imbalkit.functional.class_draws import effective_number


def shares(weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """Weights of the classes as shares of their sum, float64 [C]; equal shares where the sum is 0."""
    weights = np.asarray(weights, dtype=np.float64)
    total = weights.sum()
    return weights / total if total else np.full(len(weights), 1.0 / max(len(weights), 1))


def log_ratio(target: Sequence[float] | np.ndarray, source: Sequence[float] | np.ndarray) -> np.ndarray:
    """ln(target / source), float64 [C]: what is added to logits; 0 for a class without a share in either."""
    target, source = np.asarray(target, dtype=np.float64), np.asarray(source, dtype=np.float64)
    known = (target > 0) & (source > 0)
    return np.log(np.where(known, target, 1.0)) - np.log(np.where(known, source, 1.0))


def at_prior(
    probabilities: np.ndarray, source: Sequence[float] | np.ndarray, target: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Probabilities [n, C] that hold where the classes have the shares `source` [C], as they are at the shares `target` [C].

    Float64. Saerens et al. 2002, eq. 4.
    """
    moved = np.asarray(probabilities, dtype=np.float64) * np.exp(log_ratio(target, source))
    result: np.ndarray = moved / moved.sum(axis=1, keepdims=True)
    return result


def rows_under(labels: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Rows at the class shares that logits are for which become right when `offset` [C] is added to them, int64 [m].

    Each row of class c counts exp(-offset_c) times, as whole repeats of it: every class has its share to one row, and the row of
    the least count is there once, unless that takes more than 100,000 rows and four times as many as there are.

    Args:
        labels: int [n]
        offset: float [C]
    """
    labels = np.asarray(labels)
    if not len(labels):
        return np.zeros(0, dtype=np.int64)
    counts = np.exp(np.asarray(offset, dtype=np.float64)[labels].max() - np.asarray(offset, dtype=np.float64)[labels])
    counts *= min(1.0, max(100_000, 4 * len(labels)) / counts.sum())
    by_class = np.argsort(labels, kind="stable")
    ends = np.floor(np.cumsum(counts[by_class]) + 0.5)  # systematic resampling: each row its count, rounded up or down
    return np.repeat(by_class, np.diff(ends, prepend=0.0).astype(np.int64))


def stated_prior(stated: Mapping[str, float], classes: Sequence[str], data: Sequence[float] | np.ndarray) -> np.ndarray:
    """A prior that names some classes as shares of all, float64 [C]: the rest goes to the others in proportion to `data` [C].

    Args:
        stated: class name to share; they sum to 1 if every class is named, else to less
        classes: class names
        data: shares of the classes in the data
    """
    named = np.array([name in stated for name in classes])
    result = np.array([stated.get(name, 0.0) for name in classes], dtype=np.float64)
    if not named.all():
        others = np.asarray(data, dtype=np.float64)[~named]
        result[~named] = (1.0 - result[named].sum()) * shares(others)
    return shares(result)


def inverse_frequency(counts: Sequence[int]) -> list[float]:
    """w_c = N / (C N_c), so that every class weighs the same in all; 0 for a class without rows.

    Gilal et al. 2023, eq. 4, with counts of the whole plan instead of a batch's.
    """
    total, classes = sum(counts), len(counts)
    return [total / (classes * count) if count else 0.0 for count in counts]


def log_priors(counts: Sequence[int], tau: float = 1.0) -> list[float]:
    """tau ln(N_c / N), [C]; a class without rows counts as one row. Menon et al. 2021, eq. 10."""
    rows = np.maximum(np.asarray(counts, dtype=np.float64), 1)
    result: list[float] = (tau * np.log(rows / rows.sum())).tolist()
    return result


def class_scales(counts: Sequence[int], gamma: float) -> list[float]:
    """(N_c / N_max)^gamma, [C]: 1 for the largest class; one without rows counts as one row. Kini et al. 2021; Ye et al. 2020."""
    rows = np.maximum(np.asarray(counts, dtype=np.float64), 1)
    result: list[float] = ((rows / rows.max()) ** gamma).tolist()
    return result


def smoothing_by_rows(counts: Sequence[int], head: float, tail: float, shape: str = "concave") -> list[float]:
    """Label smoothing of each class, [C], from `tail` for the rarest to `head` for the largest. Zhong et al. 2021, section 3.2.

    Where all have as many rows, where the formula is 0 / 0, all have `head`.

    Args:
        counts: rows of each class, [C]
        head, tail: of the largest and of the rarest class
        shape: "concave", "linear" or "convex" in the rows
    """
    rows = np.asarray(counts, dtype=np.float64)
    span = rows.max() - rows.min()
    x = (rows - rows.min()) / span if span else np.ones_like(rows)
    rise = {"concave": np.sin(x * np.pi / 2), "linear": x, "convex": 1 - np.cos(x * np.pi / 2)}[shape]
    result: list[float] = (tail + (head - tail) * rise).tolist()
    return result


def balancing_weights(
    counts: Sequence[int], beta: float, power: float | None = None, scale: str = "rows"
) -> list[float]:
    """Weights that raise rare classes, [C]: (1 - beta) / (1 - beta^N_c) (Cui et al. 2019, eq. 4), or N_c^-power.

    Args:
        counts: N_c, [C]; a class without rows counts as one row
        beta: 0 to below 1; 0 weighs all alike
        power: instead of beta
        scale: "rows": sum_c N_c w_c = N, so that the mean weight of a row is 1; "classes": sum_c w_c = C
    """
    rows = np.maximum(np.asarray(counts, dtype=np.float64), 1)
    if power is not None:
        weights = rows**-power
    else:
        weights = 1 / effective_number(rows, beta)
    share = np.asarray(counts, dtype=np.float64) if scale == "rows" and any(counts) else np.ones_like(rows)
    result: list[float] = (weights * share.sum() / (weights * share).sum()).tolist()
    return result


def with_labels_of(factors: Sequence[float] | None, taken: float) -> tuple[float, ...] | None:
    """What mixing does to each class's share of the labels, where a share `taken` of them is of rows drawn otherwise.

    Args:
        factors: how many times as often those rows are of each class, [C]; None where it is not known
        taken: 0..1
    """
    return None if factors is None else tuple(1 - taken + taken * factor for factor in factors)


def same_shares(first: Sequence[int], second: Sequence[int]) -> float:
    """p value of Pearson's chi-squared test that two counts by class, [C] each, above 0, come from the same shares.

    With two classes the differences are brought nearer by 1/2 (Yates 1934). As `scipy.stats.chi2_contingency`, whose import
    takes half a second.
    """
    from scipy.special import chdtrc

    table = np.array([first, second], dtype=np.float64)
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    difference = np.abs(table - expected)
    if table.shape[1] == 2:
        difference = np.maximum(difference - 0.5, 0.0)
    return float(chdtrc(table.shape[1] - 1, (difference**2 / expected).sum()))
