"""How well frozen features predict a source (a year, a hospital, a camera), and how an ROC AUC depends on it.

A linear probe (Alain and Bengio 2017) is a logistic regression on features of a network that stays as it is. Where classes
differ in their sources, a probe on all rows may read the class in place of the source, so that it has to be repeated among
the rows of each class alone.

Intervals are percentiles of a bootstrap over groups (rows where there are none). Those of a cross-validated probe are widened
by sqrt(1 + K / (K - 1)) for K folds, since its fits share training rows (Nadeau and Bengio 2003): with features without
information, 95 % to 97 % of them then hold 0.5 (300 rows, 20 features, with and without groups), and 84 % to 85 % as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from imbalkit.errors import DataError
from imbalkit.functional.bootstrap import Estimate, bootstrap
from imbalkit.functional.group_split import assign_groups, fill_splits
from imbalkit.functional.metrics import confusion_matrix, recalls
from imbalkit_melanoma.source_probe.pairs import PairCounter, area, fewer_groups, pair_counter

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C, the inverse of the penalty's strength


@dataclass(frozen=True)
class Probe:
    """The result of a linear probe; `-1` and NaN for rows that it did not use.

    Attributes:
        sources: codes of the sources, int64 [S]
        counts: rows of each
        fold: the fold that a row was tested in, int64 [n]
        scores: probability of each source by a probe that saw neither the row nor its group, float64 [n, S]
        auc: probability that a row of a source scores higher for it than a row of another; mean over the sources. 0.5: guessing
        balanced_accuracy: mean recall over the sources; 1 / S: guessing
    """

    sources: np.ndarray
    counts: tuple[int, ...]
    fold: np.ndarray
    scores: np.ndarray
    auc: Estimate
    balanced_accuracy: Estimate

    @property
    def guessing(self) -> float:
        """Balanced accuracy of guessing."""
        return 1 / len(self.sources)


def linear_probe(
    features: np.ndarray, sources: np.ndarray, groups: np.ndarray | None = None, folds: int = 5, seed: int = 0
) -> Probe:
    """Predict the source of rows from their features, each by a probe fitted on the rows of other folds.

    Features are standardised; every source has the same weight; the penalty is the best one on the next fold, without the
    fold that is tested. AUC counts pairs of one fold only, since scores of different fits do not compare (Forman and Scholz
    2010). Sources with fewer groups than folds are left out.

    Args:
        features: float [n, F]
        sources: source codes, int [n]
        groups: group codes, int [n]; rows of a group share a fold (default: each row for itself)
        folds: 3 or more
        seed: of folds and bootstrap

    Raises:
        DataError: fewer than two sources with enough groups, shapes that do not fit, features that are not finite
    """
    features, sources = np.asarray(features), np.asarray(sources, dtype=np.int64)
    unit = "rows" if groups is None else "groups"
    groups = np.arange(len(sources)) if groups is None else np.asarray(groups, dtype=np.int64)
    if features.ndim != 2 or sources.shape != features.shape[:1] or groups.shape != sources.shape:
        raise DataError(
            f"expected features [n, F], sources [n] and groups [n], got {list(features.shape)}, {list(sources.shape)} and "
            f"{list(groups.shape)}"
        )
    if not np.isfinite(features).all():
        raise DataError("the features are not finite: training diverged")
    if folds < 3:
        raise DataError(f"expected 3 folds or more (one to test, one to choose the penalty by), got {folds}")
    codes, of_pair = np.unique(np.unique(np.stack([sources, groups]), axis=1)[0], return_counts=True)
    usable = codes[of_pair >= folds]
    rows = np.flatnonzero(np.isin(sources, usable))
    if len(usable) < 2:
        found = f"{len(usable)} of {len(codes)} have" if len(codes) > 1 else "there is one source"
        raise DataError(f"expected two sources or more with {folds} {unit} each, one for each fold; {found}")
    targets = np.searchsorted(usable, sources[rows])
    assigned = assign_groups(targets, groups[rows], np.full(folds, 1 / folds), seed)
    if fill_splits(assigned, targets, groups[rows], np.ones(folds, dtype=np.int64)) is not None:
        raise DataError(f"the groups cannot be assigned to {folds} folds so that each has every source")
    fold = np.full(len(sources), -1, dtype=np.int64)
    fold[rows] = assigned
    scores = np.full((len(sources), len(usable)), np.nan)
    scores[rows] = _out_of_fold(features[rows], targets, assigned, folds)
    auc = _auc_of([_Scored(rows, sources[rows], assigned, scores[rows], usable)])
    predicted = scores[rows].argmax(axis=1)

    def statistic(weights: np.ndarray) -> np.ndarray:
        of_source = recalls(confusion_matrix(targets, predicted, len(usable), weights[:, rows]))
        return np.stack([auc(weights), of_source.mean(axis=1)], axis=1)  # NaN where a source is absent from a resample

    counts = tuple(int(count) for count in np.bincount(targets))
    least = int(of_pair[of_pair >= folds].min())
    return Probe(usable, counts, fold, scores, *bootstrap(statistic, groups, [least, least], _widening(folds), seed))


def within_classes(
    probes: Mapping[int, Probe],
    sources: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Estimate:
    """AUC of the source over pairs of rows of one class (and one fold), which no difference between classes explains.

    Args:
        probes: label code -> the probe of that class's rows alone, in their order
        sources, labels: int [n]
        groups: int [n]
    """
    sources = np.asarray(sources, dtype=np.int64)
    parts = []
    for label, probe in probes.items():
        rows = np.flatnonzero(labels == label)
        used = probe.fold >= 0
        of = sources[rows[used]]
        parts.append(_Scored(rows[used], of, probe.fold[used], probe.scores[used], probe.sources))
    if not parts:
        return Estimate(float("nan"))
    auc = _auc_of(parts)
    groups = np.arange(len(sources)) if groups is None else groups
    folds = max(int(probe.fold.max()) + 1 for probe in probes.values())
    used = np.concatenate([part.rows for part in parts])
    behind = min(fewer_groups(sources[used] == code, groups[used]) for code in np.unique(sources[used]))
    return bootstrap(lambda weights: auc(weights)[:, None], groups, [behind], _widening(folds), seed)[0]


def auc_by_source(
    labels: np.ndarray,
    probabilities: np.ndarray,
    sources: np.ndarray,
    groups: np.ndarray | None = None,
    positive: int | None = None,
    seed: int = 0,
) -> dict[str | int, Estimate]:
    """A classifier's ROC AUC on all rows, on the rows of each source, and on pairs of rows of one source or of two.

    The AUC of all rows is a mean over pairs of a positive and a negative row. Pairs of two sources can be ranked by the
    source alone; pairs of one source cannot.

    Args:
        labels: int [n]
        probabilities: float [n, C]
        sources: int [n]
        groups: int [n]
        positive: the positive class of two; without it, the mean over the classes, each against the rest

    Returns:
        "all", "one source", "two sources", and every source code
    """
    labels, sources = np.asarray(labels), np.asarray(sources, dtype=np.int64)
    classes = range(probabilities.shape[1]) if positive is None else [positive]
    codes = np.unique(sources)
    counters = [
        (pair_counter(labels == c, probabilities[:, c]), pair_counter(labels == c, probabilities[:, c], sources))
        for c in classes
    ]

    def statistic(weights: np.ndarray) -> np.ndarray:
        areas = []
        for every, inside in counters:
            (wins, pairs), (each_wins, each_pairs) = every(weights), inside(weights)
            inside_wins, inside_pairs = each_wins.sum(axis=1, keepdims=True), each_pairs.sum(axis=1, keepdims=True)
            together = np.hstack([wins, inside_wins, wins - inside_wins, each_wins])
            of = np.hstack([pairs, inside_pairs, pairs - inside_pairs, each_pairs])
            areas.append(area(together, of))
        return _mean_known(np.array(areas))

    groups = np.arange(len(labels)) if groups is None else groups

    def smallest(rows: np.ndarray) -> int:
        return min(fewer_groups(labels[rows] == c, groups[rows]) for c in classes)

    every, each = smallest(labels >= 0), [smallest(sources == code) for code in codes]
    names: list[str | int] = ["all", "one source", "two sources", *(int(code) for code in codes)]
    return dict(zip(names, bootstrap(statistic, groups, [every, sum(each), every, *each], seed=seed), strict=True))


def score_by_source(
    scores: np.ndarray, sources: np.ndarray, groups: np.ndarray | None = None, seed: int = 0
) -> dict[int, Estimate]:
    """For each source, the probability that a row of it has a higher score than a row of another source, ties half.

    Args:
        scores: float [n], such as the probability of the positive class, of rows of one class
        sources: int [n]
        groups: int [n]
    """
    sources = np.asarray(sources, dtype=np.int64)
    codes = np.unique(sources)
    counters = [pair_counter(sources == code, scores) for code in codes]
    groups = np.arange(len(sources)) if groups is None else groups
    behind = [fewer_groups(sources == code, groups) for code in codes]
    found = bootstrap(lambda w: np.hstack([area(*counter(w)) for counter in counters]), groups, behind, seed=seed)
    return dict(zip(codes.tolist(), found, strict=True))


def _widening(folds: int) -> float:
    return float(np.sqrt(1 + folds / (folds - 1)))


def _out_of_fold(features: np.ndarray, targets: np.ndarray, fold: np.ndarray, folds: int) -> np.ndarray:
    """Probabilities of each source, float64 [n, S], each by a fit on other folds."""
    scores = np.empty((len(targets), targets.max() + 1))
    for number in range(folds):
        test, inner = fold == number, fold == (number + 1) % folds
        others = features[~test & ~inner], targets[~test & ~inner]
        aucs = [_fold_auc(targets[inner], _fit(*others, penalty)(features[inner])) for penalty in PENALTIES]
        best = PENALTIES[int(np.argmax(aucs))]  # the strongest of equals
        scores[test] = _fit(features[~test], targets[~test], best)(features[test])
    return scores


def _fit(features: np.ndarray, targets: np.ndarray, penalty: float) -> Callable[[np.ndarray], np.ndarray]:
    """Standardised logistic regression; returns features [m, F] to probabilities [m, S]."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=penalty, class_weight="balanced", max_iter=300, tol=1e-3)
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # stopping early is one more penalty, compared like the others
        return model.fit(features, targets).predict_proba


def _fold_auc(targets: np.ndarray, scores: np.ndarray) -> float:
    weights = np.ones(len(targets))
    counted = [pair_counter(targets == code, scores[:, code])(weights) for code in range(scores.shape[1])]
    return float(np.mean([wins[0] / pairs[0] for wins, pairs in counted]))


class _Scored(NamedTuple):
    """Rows that a probe scored: their positions, sources and folds, [m]; scores [m, S] of the sources `codes` [S]."""

    rows: np.ndarray
    sources: np.ndarray
    fold: np.ndarray
    scores: np.ndarray
    codes: np.ndarray


def _auc_of(parts: Sequence[_Scored]) -> Callable[[np.ndarray], np.ndarray]:
    """AUC of several probes together, [r], as a function of the weights of all rows, [r, n]."""
    counters: dict[int, list[tuple[np.ndarray, PairCounter]]] = {}
    for part in parts:
        for index, code in enumerate(part.codes.tolist()):
            counter = pair_counter(part.sources == code, part.scores[:, index], part.fold)
            counters.setdefault(code, []).append((part.rows, counter))

    def auc(weights: np.ndarray) -> np.ndarray:
        areas = []
        for of_source in counters.values():
            counted = [counter(weights[:, rows]) for rows, counter in of_source]
            areas.append(area(*(sum(part.sum(axis=-1) for part in parts) for parts in zip(*counted, strict=True))))
        return np.mean(areas, axis=0)

    return auc


def _mean_known(values: np.ndarray) -> np.ndarray:
    """Mean over axis 0 of what is not NaN; NaN where nothing is known."""
    known = np.isfinite(values)
    return area(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))
