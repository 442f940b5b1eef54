"""Recipes as scikit-learn estimators: `from imbalkit.sklearn import ImbalkitClassifier`."""

from imbalkit.sklearn.classifier import EXPECTED_FAILED_CHECKS, ImbalkitClassifier

__all__ = ["EXPECTED_FAILED_CHECKS", "ImbalkitClassifier"]
