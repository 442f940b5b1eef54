"""Finished runs side by side: metrics with intervals, and paired tests against one of them on the same test rows."""

from imbalkit.studies.comparison.compare import Comparison, compare

__all__ = ["Comparison", "compare"]
