"""Stratified group split: rows and whole groups are assigned to splits so that each gets its share of every class.

scikit-learn's StratifiedGroupKFold does this for equal folds, in time that grows with groups, folds and classes (2.5 s
for ISIC-2019's 13,931 lesions). Here shares may differ, and groups of one sample are assigned all at once.
"""

from __future__ import annotations

import math

import numpy as np

from imbalkit.functional.distinct import distinct


def stratified(labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """`size` rows at random, of each class its share to the row: those that scikit-learn takes for the test.

    The same rows as `train_test_split(test_size=size, stratify=labels, random_state=seed)`, which a test compares. Written
    here since importing scikit-learn takes longer than all else of `imbalkit plan`.

    Args:
        labels: label codes, int64 [n]; no class of a single row
        size: how many rows, at least one a class and so many remaining
        seed: below 2**32

    Returns:
        bool [n]
    """
    rng = np.random.RandomState(seed)
    counts = np.bincount(labels)
    present = np.flatnonzero(counts)
    remaining = _most_likely(counts[present], len(labels) - size, rng)
    _most_likely(counts[present] - remaining, size, rng)  # all the rest, but scikit-learn may draw to find that out
    taken = np.zeros(len(labels), dtype=np.bool_)
    for label, keep in zip(present, remaining, strict=True):
        taken[np.flatnonzero(labels == label)[rng.permutation(counts[label])[keep:]]] = True
    return taken


def _most_likely(counts: np.ndarray, draws: int, rng: np.random.RandomState) -> np.ndarray:
    """How many of each class `draws` draws have: whole numbers next to the shares, ties at random, as scikit-learn does."""
    expected = counts / counts.sum() * draws
    number = np.floor(expected)
    rest = int(draws - number.sum())
    for value in np.unique(expected - number)[::-1]:
        if rest <= 0:
            break
        ties = np.flatnonzero(expected - np.floor(expected) == value)
        more = min(len(ties), rest)
        number[rng.choice(ties, size=more, replace=False)] += 1
        rest -= more
    result: np.ndarray = number.astype(np.int64)
    return result


def assign_groups(labels: np.ndarray, groups: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray:
    """The split of each row; rows of a group share one.

    Groups of several rows go first, the weighty ones before the light ones (with some shuffling, so that the seed and
    not the size decides where the largest group goes), each to the split s that keeps sum_s,c w_c F_sc^2 / p_s least,
    where F_sc counts the rows of class c in split s, p_s is the split's share and w_c = 1 / N_c^2: all splits fill in
    proportion, rare classes weigh as much as common ones, and none ends with the small groups. Groups of one row
    then fill what each split still lacks of each class.

    Args:
        labels: label codes, int64 [n]
        groups: group codes, int64 [n], any numbers
        shares: share of each split, [S], sum 1
        seed: breaks ties and shuffles

    Returns:
        int64 [n], each in 0..S-1
    """
    rng = np.random.default_rng(seed)
    classes = int(labels.max()) + 1
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    split = np.zeros(len(size), dtype=np.int64)  # of each group
    total = np.bincount(labels, minlength=classes)
    weight = 1.0 / np.maximum(total, 1) ** 2  # [C]
    fill = np.zeros((classes, len(shares)))  # rows so far

    pairs, counts = np.unique(group * classes + labels, return_counts=True)
    of_group, of_class = np.divmod(pairs, classes)
    starts = np.searchsorted(of_group, np.arange(len(size) + 1))
    weights = np.bincount(of_group, weights=weight[of_class] * counts.astype(np.float64) ** 2, minlength=len(size))
    several = np.flatnonzero(size > 1)
    order = several[np.argsort(-weights[several] * rng.uniform(0.25, 1.0, len(several)), kind="stable")]
    # Each group is placed by what is filled so far, one after the other: plain numbers for groups of one class, which are most.
    rows, weighs, parts = fill.tolist(), weight.tolist(), list(enumerate(shares.tolist()))
    first, codes, numbers = starts.tolist(), of_class.tolist(), counts.tolist()
    for number in order.tolist():
        begin, end = first[number], first[number + 1]
        if end == begin + 1:
            held, more, least, best = rows[codes[begin]], numbers[begin], math.inf, 0
            for part, share in parts:
                cost = weighs[codes[begin]] * (more * (2 * held[part] + more)) / share
                if cost < least:
                    least, best = cost, part
        else:
            label, count = of_class[begin:end], counts[begin:end, None]  # [k], [k, 1]
            filled = np.array([rows[code] for code in codes[begin:end]])
            best = int(
                (weight[label] @ (count * (2 * filled + count)) / shares).argmin()
            )  # growth of the sum above, [S]
        split[number] = best
        for pair in range(begin, end):
            rows[codes[pair]][best] += numbers[pair]
    fill = np.array(rows)

    alone = of_group[size[of_group] == 1]
    label_alone = of_class[size[of_group] == 1]
    by_class = np.split(
        alone[np.argsort(label_alone, kind="stable")], np.cumsum(np.bincount(label_alone, minlength=classes))
    )
    for code, singles in enumerate(by_class[:classes]):
        lack = np.maximum(shares * total[code] - fill[code], 0.0)  # [S]; its sum is at least len(singles)
        quota = largest_remainder(len(singles) * lack / max(lack.sum(), 1e-12), len(singles), rng)
        split[rng.permutation(singles)] = np.repeat(np.arange(len(shares)), quota)
    return split[group]


def largest_remainder(expected: np.ndarray, total: int, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers next to `expected` [S] with the sum `total`; ties go at random."""
    quota = np.floor(expected + 1e-9).astype(np.int64)
    rest = total - int(quota.sum())
    order = np.lexsort((rng.random(len(expected)), -(expected - quota).round(9)))
    quota[order[:rest]] += 1
    return quota


def fill_splits(split: np.ndarray, labels: np.ndarray, groups: np.ndarray, least: np.ndarray) -> int | None:
    """Move groups, in place, until each split has `least[split]` groups of each class that occurs.

    Args:
        split: int64 [n], changed in place
        labels: int64 [n]
        groups: int64 [n]
        least: int [S]

    Returns:
        None, or a class for which no group can be moved without taking it from a split that needs it
    """
    classes = int(labels.max()) + 1
    _, first, group, size = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    of_group, of_class = np.divmod(distinct(group * classes + labels), classes)
    place = split[first]  # of each group
    have = np.bincount(of_class * len(least) + place[of_group], minlength=classes * len(least)).reshape(classes, -1)
    present = have.sum(axis=1) > 0
    for label, target in np.argwhere((have < least) & present[:, None]):
        while have[label, target] < least[target]:
            candidates = of_group[of_class == label]
            candidates = candidates[place[candidates] != target]
            for number in candidates[np.argsort(size[candidates], kind="stable")]:
                held, origin = of_class[of_group == number], place[number]
                if (have[held, origin] > least[origin]).all():
                    break
            else:
                return int(label)
            have[held, origin] -= 1
            have[held, target] += 1
            place[number] = target
    split[:] = place[group]
    return None
