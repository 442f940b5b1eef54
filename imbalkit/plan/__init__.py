"""The plan: a table of rows to train on, and what is known of their counts before training."""

from imbalkit.plan.counts import Counts, balance_ratio
from imbalkit.plan.plan import Plan, View

__all__ = ["Counts", "Plan", "View", "balance_ratio"]
