"""What an ensemble decides by: the rows that no member was trained on, and the decision that is fitted on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.decision.class_prior import Entry, Ledger
from imbalkit.decision.decision import Decision
from imbalkit.decision.fit import fit_decision
from imbalkit.errors import RunError, listing
from imbalkit.functional.prior import shares
from imbalkit.kinds import PriorShift
from imbalkit.runs.held_out import HeldOutRows, held_out_rows
from imbalkit.runs.members import SPLITS, TRAIN, Members

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.decision.settings import DecisionSettings
    from imbalkit.recipe.recipe import Recipe

LEAST = 30  # rows of each class that no member was trained on, from which they alone fit the decision
Predict = Callable[[int, np.ndarray], np.ndarray]  # a member's logits [m, C] of rows [m] of the first member's data


@dataclass(frozen=True, eq=False)
class Pool:
    """The rows of the first member's data, as far as an ensemble may use them.

    Attributes:
        members: the runs
        rows: what each member says of each row
        validation: rows that the decision is fitted on, int64
        test: rows that no member was trained on and none chose anything by, int64
        out_of_fold: whether the decision is fitted on each row's members that were not trained on it: they are folds, or too few
            rows have all of them
        untouched: test rows that are not predicted, as those of a member were not (evaluation.test: false), int64; else none
    """

    members: Members
    rows: HeldOutRows
    validation: np.ndarray
    test: np.ndarray
    out_of_fold: bool
    untouched: np.ndarray

    @property
    def record(self) -> pd.DataFrame:
        """The first member's data, with the splits of the ensemble."""
        splits = np.full(len(self.labels), "train", dtype=object)
        splits[self.validation], splits[self.test], splits[self.untouched] = "validation", "test", "test"
        return self.members.first.record.assign(split=splits)

    @property
    def labels(self) -> np.ndarray:
        """Label codes of every row, int64 [n]."""
        return self.members.first.record["code"].to_numpy(np.int64)

    @cached_property
    def groups(self) -> np.ndarray | None:
        """Codes of what rows belong to, int [n]; a row without a group is one by itself; None without groups."""
        import pandas as pd

        record = self.members.first.record
        if "group" not in record or record["group"].isna().all():
            return None
        groups, names = pd.factorize(record["group"])
        groups[groups < 0] = len(names) + np.arange(int((groups < 0).sum()))
        return groups

    @property
    def trained_on(self) -> np.ndarray:
        """Rows that some member was trained on, int64."""
        return np.flatnonzero((self.rows.seen == TRAIN).any(axis=0))

    @property
    def said_by(self) -> np.ndarray:
        """How many members say something of each row that the decision is fitted on, int [m]."""
        return self.rows.known[:, self.validation].sum(axis=0)

    @property
    def recipe(self) -> Recipe:
        """The first member's recipe, with the decision of the ensemble and its cross-validation whole."""
        from imbalkit.recipe.recipe import PredictSettings

        recipe = self.members.first.recipe
        split = recipe.split if not self.out_of_fold else recipe.split.model_copy(update={"fold": None})
        changed = {
            "decision": self._settings,
            "split": split,
            "predict": PredictSettings(),  # views: each member's
            "export": [],
            "evaluation": recipe.evaluation.model_copy(update={"test": not self.members.untested}),
        }
        return recipe.model_copy(update=changed)

    @property
    def _settings(self) -> DecisionSettings:
        """What is left to fit: no calibrator on rows of fewer members than the ensemble has."""
        settings = self.members.first.recipe.decision
        prior = settings.prior
        restored = any(run.decision.prior != "as_trained" for run in self.members.runs) or bool(self.members.notes)
        if self.members.as_trained:
            prior = "as_trained"
        elif prior == "as_trained" and restored:
            prior = "data"
        calibrator = None if self.out_of_fold else settings.calibrator
        return settings.model_copy(update={"prior": prior, "calibrator": calibrator})

    @property
    def ledger(self) -> Ledger:
        """What is left between the class prior of the data and that of the mean."""
        classes = self.members.classes
        counts = np.bincount(self.labels[self.trained_on], minlength=len(classes))
        entries: tuple[Entry, ...] = ()
        if self.members.as_trained:
            effective = self.members.first.trained.effective
            factors = None if effective is None else tuple(map(float, effective / shares(counts)))
            why = "the members' probabilities are for the class prior of their training"
            entries = (Entry("members", PriorShift(factors, False, why)),)
        return Ledger(classes, tuple(map(int, counts)), entries)

    @cached_property
    def decision(self) -> Decision:
        """The ensemble's own, fitted on `validation`: prevalence, calibrator where all members say something, threshold."""
        groups = None if self.groups is None else self.groups[self.validation]
        return fit_decision(
            self.rows.log_mean[self.validation],
            self.labels[self.validation],
            self._settings,
            self.members.first.run.positive,
            self.ledger,
            groups,
            self.members.classes,
        )

    @property
    def notes(self) -> list[str]:
        """What a reader must know of rows and members."""
        found, count = list(self.members.notes), len(self.members)
        if self.out_of_fold:
            least, most = int(self.said_by.min()), int(self.said_by.max())
            free, by = int((self.said_by == count).sum()), least if least == most else f"{least} to {most}"
            why = (
                f"{free or 'no'} rows were held out by all {count} members, too few to decide on (expected {LEAST} of each "
                "class)"
            )
            if _are_folds(self.rows, self.members.first.record):
                why = "the members are the folds of a cross-validation"
            found.append(
                f"{why}: the decision is fitted on {len(self.validation):,} rows, each predicted by the {by} of {count} members "
                "that were not trained on it. A mean of more members is less extreme than what was seen there: recall and false "
                "alarms at this threshold may differ on new images, and no calibrator was fitted"
            )
        for member, rows in zip(self.members.runs, self.rows.by_group.sum(axis=1), strict=True):
            if rows:
                found.append(
                    f"{member.name} held out {int(rows):,} rows, and was trained on others of their groups (patients, lesions), "
                    "as its split had other groups or none: it says nothing of these rows"
                )
        if self.members.untested:
            found.append(
                f"{listing(self.members.untested)} left the test rows untouched (evaluation.test: false): so does the "
                "ensemble, without test metrics"
            )
        elif not len(self.test):
            found.append(
                "every row was in the training or validation of some member: test metrics of the ensemble are unavailable; those "
                "of its members are in their own folders, and none of them is the ensemble's"
            )
        return found


def pool(members: Members, predict: Predict | None = None) -> Pool:
    """Which rows of the first member's data the ensemble is decided and tested on.

    A row that every member has in its test, or not at all, is a test row; it is not predicted where a member left its test rows
    untouched. One that no member was trained on, and some member has in its validation, is a validation row. Where these are few
    (fewer than LEAST of a class, and not all that the members have), or the members are the folds of a cross-validation, the
    decision is fitted instead on every other row that some member was not trained on, by those members.

    Args:
        members: the runs
        predict: gives logits of members for rows that are not in their own data (default: these stay unknown)

    Raises RunError where no row is left to decide on, or as `held_out_rows`.
    """
    record, first = members.first.record, members.first
    rows = held_out_rows(members, record)
    free = np.all(rows.seen < TRAIN, axis=0)
    if "content" in record:
        free &= (record["content"] != 0).to_numpy()  # 0: an image that cannot be read
    chosen_by = (rows.seen == SPLITS.index("validation")).any(axis=0)
    untouched = np.flatnonzero(free & ~chosen_by & bool(members.untested))
    free[untouched] = False
    if predict is not None:
        for member in range(len(members)):
            wanted = np.flatnonzero(free & ~rows.known[member] & (rows.places[member] < 0))
            if len(wanted):
                rows = rows.completed(member, wanted, predict(member, wanted))
    free &= rows.known.all(axis=0)
    validation, test = np.flatnonzero(free & chosen_by), np.flatnonzero(free & ~chosen_by)
    counts = np.bincount(record["code"].to_numpy(np.int64)[validation], minlength=len(members.classes))
    shared = bool((rows.seen == rows.seen[0]).all())
    if shared or (counts.min() >= LEAST and not _are_folds(rows, record)):
        return Pool(members, rows, validation, test, False, untouched)
    some = np.any(rows.known, axis=0)
    some[test] = some[untouched] = False
    if not some.any():
        raise RunError(
            f"no row of the data of {first.name} is free of the training of any member: there is nothing to decide on"
        )
    return Pool(members, rows, np.flatnonzero(some), test, True, untouched)


def _are_folds(rows: HeldOutRows, record: pd.DataFrame) -> bool:
    """Whether the members are the folds of a cross-validation: each has test rows, and every row is tested by one of them."""
    tested = rows.seen == SPLITS.index("test")
    used = (record["split"] != "").to_numpy()
    return bool(tested.any(axis=1).all() and (tested.sum(axis=0)[used] == 1).all())
