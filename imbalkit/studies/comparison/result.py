"""The result of a comparison as plain data: metrics with intervals, and the paired tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from imbalkit.studies.comparison.rows import At


@dataclass(frozen=True)
class ComparisonResult:
    """What a comparison of runs found.

    Attributes:
        runs: folder of each run by its name here, the reference first
        reference: the name of the run that the others are compared with
        classes, positive: class names; the positive one, None without
        support: test rows of each class
        at: decisions at the threshold "chosen" on validation, or uncalibrated at one "half"
        unit, units: what is resampled, "row" or "group", and how many of these there are
        level: of intervals, and 1 - level of tests
        resamples: of the bootstrap
        metrics: a row for each run and metric: run, metric, class ("" for a metric of all rows), value, low, high, method
        tests: a row for each other run, metric and test: run, reference, metric, class, value, reference_value, difference
            (run less reference), better (True: in the run's favour, False, None), low, high, test, p, p_holm (corrected for the
            number of runs)
        notes: what a reader must know
        few: classes with so few test rows (or groups) that intervals and tests may be off, and how many
    """

    runs: Mapping[str, Path]
    reference: str
    classes: tuple[str, ...]
    positive: str | None
    support: Mapping[str, int]
    at: At
    unit: str
    units: int
    level: float
    resamples: int
    metrics: pd.DataFrame
    tests: pd.DataFrame
    notes: tuple[str, ...]
    few: Mapping[str, int] = field(default_factory=dict)

    @property
    def deciding(self) -> pd.DataFrame:
        """One test for each run and metric: the exact one or DeLong's where there is one, else the bootstrap."""
        return self.tests.drop_duplicates(["run", "metric", "class"])
