"""Recipes and samplers for scikit-learn and imbalanced-learn: `from imbalkit.sklearn import ImbalkitClassifier`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from imbalkit.errors import MissingExtraError

if TYPE_CHECKING:
    from imbalkit.sklearn.classifier import EXPECTED_FAILED_CHECKS, ImbalkitClassifier
    from imbalkit.sklearn.sampler import ImbalkitSampler

__all__ = ["EXPECTED_FAILED_CHECKS", "ImbalkitClassifier", "ImbalkitSampler"]

_MODULES = {"EXPECTED_FAILED_CHECKS": "classifier", "ImbalkitClassifier": "classifier", "ImbalkitSampler": "sampler"}


def __getattr__(name: str) -> Any:
    """Each name imported when it is used: the sampler needs imbalanced-learn, and no torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"imbalkit.sklearn.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "imblearn":
            raise
        raise MissingExtraError(f"{name} needs imbalanced-learn: pip install 'imbalkit[imblearn]'") from error
