"""`imbalkit audit`: which labels of a data set are likely wrong, which pictures contradict each other, which stand alone."""

from imbalkit.studies.audit.run import audit

__all__ = ["audit"]
