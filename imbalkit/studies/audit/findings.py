"""What is suspect of each row: its label against out-of-fold probabilities, its duplicates, its group, its features."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.errors import MissingExtraError

if TYPE_CHECKING:
    from imbalkit.data.table import Table

OUTLIERS = 0.01  # share of the rows that is listed as standing alone
LEAST_NEIGHBOURS = 10  # rows that an outlier's distance is to

Progress = Callable[[int, int], None]


def check_cleanlab() -> None:
    """Raise MissingExtraError where cleanlab is not installed."""
    if importlib.util.find_spec("cleanlab") is None:
        raise MissingExtraError(
            "the audit needs the module 'cleanlab', which is not installed: pip install 'imbalkit[audit]'"
        )


@dataclass(frozen=True)
class LabelIssues:
    """What cleanlab says of n rows.

    Attributes:
        flagged: rows whose label is likely wrong, bool [n]
        quality: of each label, 0 (surely wrong) to 1, float [n]
        suggested: code of the most probable other class, int64 [n]
    """

    flagged: np.ndarray
    quality: np.ndarray
    suggested: np.ndarray


def label_issues(labels: np.ndarray, probabilities: np.ndarray) -> LabelIssues:
    """Confident learning (Northcutt et al. 2021, J. Artif. Intell. Res. 70), as cleanlab does it: prune by noise rate.

    How many labels of each pair of classes are wrong follows from counts of rows whose probability of another class reaches
    that class's own mean; the least sure so many are flagged. Quality is the probability of the given label.

    Args:
        labels: class codes, int [n]
        probabilities: out-of-fold, float64 [n, C]; classes without a row are left out
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    present = np.unique(labels)
    codes = np.searchsorted(present, labels)
    given = probabilities[:, present]
    given = given / given.sum(axis=1, keepdims=True)
    flagged = find_label_issues(codes, given, filter_by="prune_by_noise_rate", n_jobs=1)
    quality = get_label_quality_scores(codes, given, method="self_confidence")
    others = given.copy()
    others[np.arange(len(codes)), codes] = -1
    return LabelIssues(np.asarray(flagged, dtype=bool), np.asarray(quality), present[others.argmax(axis=1)])


def has_pictures(table: Table) -> bool:
    """Whether rows are pictures: of a table without images the pixels have no channels."""
    return table.arrays is None or table.arrays.shape[-1] > 0


def contradicting_pairs(table: Table, rows: np.ndarray, progress: Progress | None = None) -> np.ndarray:
    """Near-duplicate pictures with different labels among rows int64 [n]: int64 [pairs, 3] of two samples and bits."""
    from imbalkit.inspection.near_duplicates import fingerprints

    pictures = table.frame["path"] if table.arrays is None else table.arrays
    pairs = fingerprints([pictures[row] for row in rows], progress).pairs()
    pairs[:, :2] = rows[pairs[:, :2]]
    labels = table.labels
    return pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]


def mixed_groups(table: Table) -> list[np.ndarray]:
    """Samples of each group (a lesion, a patient, a file) whose rows have different labels, int64 [k] each; largest first."""
    if table.groups is None:
        return []
    order = np.argsort(table.groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(table.groups[order])) + 1)
    found = [part for part in parts if len(np.unique(table.labels[part])) > 1]
    return sorted(found, key=len, reverse=True)


def outlier_scores(features: np.ndarray) -> np.ndarray:
    """How much each row stands alone, float [n]: 1 less cleanlab's score, by the cosine distance to its 10 nearest rows."""
    from cleanlab.outlier import OutOfDistribution

    neighbours = min(LEAST_NEIGHBOURS, len(features) - 1)
    if neighbours < 1:
        return np.zeros(len(features))
    scores = OutOfDistribution({"k": neighbours}).fit_score(features=features, verbose=False)
    return 1 - np.asarray(scores, dtype=np.float64)


def highest(scores: np.ndarray, count: int) -> np.ndarray:
    """Mask bool [n] of the `count` highest, of equal ones the first."""
    found = np.zeros(len(scores), dtype=bool)
    found[np.argsort(-scores, kind="stable")[:count]] = True
    return found


def agreement(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """How two masks bool [n] overlap: counts of both, of each alone, and what chance alone would give of both."""
    return {
        "both": int((one & other).sum()),
        "first": int((one & ~other).sum()),
        "second": int((~one & other).sum()),
        "by_chance": float(one.sum() * other.sum() / max(1, len(one))),
    }


def names(table: Table, samples: Sequence[int]) -> list[str]:
    """What a person finds samples by."""
    if "path" in table.frame:
        return [str(table.frame["path"].iloc[sample]) for sample in samples]
    return [f"sample {sample}" for sample in table.origins[list(samples)]]
