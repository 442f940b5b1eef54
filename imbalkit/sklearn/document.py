"""The recipe of an estimator: what a user gave, less what `fit` decides."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.sklearn.samples import ARRAYS, COLUMNS, FILES

DEFAULT: dict[str, Any] = {
    "loss": "ce",
    "training": {"epochs": 40, "optimizer": {"lr": 0.003}, "monitor": "log_loss"},
    "metrics": ["log_loss", "roc_auc"],
}
"""The recipe of an estimator that is given none, beside its network."""
NETWORKS: dict[str, Any] = {COLUMNS: {"name": "mlp", "hidden": [64, 32]}, ARRAYS: "small_cnn", FILES: "small_cnn"}
TWO_CLASSES: dict[str, Any] = {"prior": "data", "threshold": "youden"}

_ALL_TRAIN = (
    "every sample that fit is given is for training or validation; test rows are those that you hold back yourself"
)
NOT_USED = {
    "data": "samples come from fit(X, y)",
    "split.test": _ALL_TRAIN,
    "split.column": _ALL_TRAIN,
    "split.folds": f"{_ALL_TRAIN}, such as with cross_val_score",
    "split.fold": _ALL_TRAIN,
    "evaluation": f"{_ALL_TRAIN}; scikit-learn's metrics evaluate them",
    "export": "`imbalkit export FOLDER` writes model files of a run that was kept with folder=FOLDER",
    "launcher": "fit trains in this process; scikit-learn's n_jobs starts several",
}
"""Keys of a recipe that an estimator has no use for, and why. A recipe may hold them, an override may not."""


def recipe_of(
    recipe: str | Path | Mapping[str, Any] | None, overrides: Mapping[str, Any], form: str, classes: int
) -> dict[str, Any]:
    """The recipe as plain data without what `NOT_USED` lists; its mistakes are found when it is checked.

    Args:
        recipe: a file, the name of a registered recipe, a mapping, or None for the default
        overrides: keys of the recipe with two underscores for a dot
        form: of the samples: COLUMNS, ARRAYS or FILES
        classes: how many there are

    Raises:
        RecipeError: a file that is not there or no YAML, an override that cannot be applied
        ValueError: an override of what is not used, or of a type that no recipe can hold
    """
    from imbalkit.catalogue import default_catalogue
    from imbalkit.recipe.document import read_document

    for name, value in overrides.items():
        for place in _places(name.replace("__", "."), value):
            why = next((why for key, why in NOT_USED.items() if f"{place}.".startswith(f"{key}.")), None)
            if why is not None:
                raise ValueError(f"{name}: an estimator has no use for `{place}`: {why}")
    if recipe is None:
        recipe = {**DEFAULT, "backbone": NETWORKS[form], **({"decision": TWO_CLASSES} if classes == 2 else {})}
    # A part before its parameters, however the overrides were ordered: loss, then loss__gamma.
    ordered = sorted(overrides, key=lambda name: name.count("__"))
    changes = [f"{name.replace('__', '.')}={_yaml(name, overrides[name])}" for name in ordered]
    found = read_document(recipe, default_catalogue().recipes, changes).data
    found = {key: value for key, value in found.items() if key not in NOT_USED}
    if isinstance(found.get("split"), dict):
        found["split"] = {key: value for key, value in found["split"].items() if f"split.{key}" not in NOT_USED}
    return found


def _places(place: str, value: Any) -> Iterator[str]:
    """The keys of a recipe that an override sets."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _places(f"{place}.{key}", item)
    else:
        yield place


def _yaml(name: str, value: Any) -> str:
    """A parameter as a recipe's value. Raises ValueError for what no recipe can hold."""
    try:
        return json.dumps(value, default=_plain)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}: expected text, a number, a list or a mapping, as a recipe can hold, got {type(value).__name__}"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)


def validation_share(share: Any, codes: np.ndarray, groups: np.ndarray | None) -> Any:
    """The share for validation; 0, with a warning, where there are too few samples for some of each class."""
    if not isinstance(share, int | float) or not 0 < share < 1:
        return share  # the recipe's check has a word on it
    units = codes
    if groups is not None:  # a missing group is one of its own
        pairs = pd.DataFrame({"group": groups, "code": codes})
        units = pairs[pairs["group"].isna() | ~pairs.duplicated()]["code"].to_numpy()
    counts = np.bincount(units)
    size = ceil(share * len(codes) - 1e-6)
    if counts.min() >= 2 and len(counts) <= size <= len(codes) - len(counts):
        return share
    warnings.warn(
        f"{len(codes)} samples are too few for a validation share of {share:g} with some of each class: the last epoch is kept, "
        "and the most probable class is predicted",
        stacklevel=4,
    )
    return 0
