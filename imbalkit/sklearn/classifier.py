"""A recipe as a scikit-learn classifier."""

from __future__ import annotations

import json
import random
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from imbalkit.errors import ImbalkitError
from imbalkit.sklearn.fitted import FittedNetwork
from imbalkit.sklearn.samples import ARRAYS, COLUMNS, FILES, Samples, columns_of, files_of, form_of, images_of

if TYPE_CHECKING:
    from imbalkit.decision.decision import Decision

EXPECTED_FAILED_CHECKS: dict[str, str] = {}
"""Checks of scikit-learn's `check_estimator` that cannot hold, and why."""

DEFAULT: dict[str, Any] = {
    "loss": "ce",
    "training": {"epochs": 40, "optimizer": {"lr": 0.003}, "monitor": "log_loss"},
    "metrics": ["log_loss", "roc_auc"],
}
"""The recipe of an estimator that is given none, beside its network."""
NETWORKS: dict[str, Any] = {COLUMNS: {"name": "mlp", "hidden": [64, 32]}, ARRAYS: "small_cnn", FILES: "small_cnn"}
TWO_CLASSES: dict[str, Any] = {"prior": "data", "threshold": "youden"}


class ImbalkitClassifier(ClassifierMixin, BaseEstimator):
    """A classifier that is trained as a recipe says, with its decision chosen on validation rows out of the training data.

    Args:
        recipe: a file, the name of a registered recipe, or a mapping (default: a dense network on columns, a small one on
            images, cross entropy, and for two classes Youden's threshold at the data's prior). Its `data` and `split.column`,
            folds and test share are not used: samples come from `fit`, all of them are for training and validation
        folder: a new folder that keeps the run (default: none is kept)
        random_state: of the split, the weights and the order of the rows (default: the recipe's seeds)
        verbose: show progress, and what a user should know of the data, on the standard error
        overrides: keys of the recipe in scikit-learn's spelling, such as training__epochs=5 or loss="focal"

    Attributes:
        classes_: labels, sorted
        n_features_in_, feature_names_in_: of columns
        threshold_: the chosen threshold: the positive class is predicted at this probability or more; None where the most
            probable class (or that of least expected cost) is predicted
        positive_: label of the positive class; None with more than two classes unless the recipe names one
        decision_: what was chosen on validation, as metrics.json of a run has it
        notes_: what a user should know of the data and the decision
    """

    def __init__(
        self,
        recipe: str | Path | Mapping[str, Any] | None = None,
        *,
        folder: str | Path | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        **overrides: Any,
    ):
        self.recipe = recipe
        self.folder = folder
        self.random_state = random_state
        self.verbose = verbose
        self._overrides = overrides

    # --- parameters ---------------------------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters and the overrides of the recipe by name."""
        own = {name: getattr(self, name) for name in self._own()}
        return {**own, **self._overrides}

    def set_params(self, **params: Any) -> ImbalkitClassifier:
        """Set parameters, or keys of the recipe. An unknown key is refused by `fit`, when the recipe is checked."""
        own = self._own()
        for name, value in params.items():
            if name in own:
                setattr(self, name, value)
        self._overrides = {**self._overrides, **{name: value for name, value in params.items() if name not in own}}
        return self

    @staticmethod
    def _own() -> tuple[str, ...]:
        return ("recipe", "folder", "random_state", "verbose")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = True
        return tags

    # --- fit ----------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, groups: Any = None) -> ImbalkitClassifier:
        """Train on samples, and choose epoch, calibration and threshold on some of them.

        Args:
            X: columns (a matrix of numbers, or a DataFrame of numbers and categories; gaps are allowed), images (an array [n, h,
                w] or [n, h, w, c], uint8 or floats within 0..1), or a list of image files
            y: a label each
            groups: of each sample, such as the patient: samples of a group are together in training or in validation

        Raises:
            ValueError: samples, labels or groups that cannot be used, and mistakes in the recipe, with the place of each
        """
        samples, labels = self._samples(X, y)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"expected samples of two classes or more to learn from, got 1 class: {self.classes_[0]!r}"
            )
        groups = None if groups is None else _groups(groups, len(samples))
        names = _class_names(self.classes_)
        with tempfile.TemporaryDirectory(prefix="imbalkit-") as place, _as_value_errors(), _undisturbed():
            data = samples.write(Path(place), codes, names, groups)
            folder = Path(place) / "run" if self.folder is None else Path(self.folder)
            self._run(self._document(samples.form, data, names, codes, groups), folder)
            self._network = FittedNetwork(folder)
            metrics = self._network.restored.decision
        self._keep(metrics, names)
        return self

    def _samples(self, x: Any, y: Any) -> tuple[Samples, np.ndarray]:
        """Samples and labels of one length. Raises ValueError, as scikit-learn words it for columns."""
        self._form = form_of(x)
        if self._form == COLUMNS:
            samples, y = self._columns(x, y)
        else:
            samples = files_of(x) if self._form == FILES else images_of(x)
            for name in ("n_features_in_", "feature_names_in_"):  # of an earlier fit
                self.__dict__.pop(name, None)
        labels = column_or_1d(y, warn=True)
        if len(labels) != len(samples):
            raise ValueError(f"expected a label for each of {len(samples)} samples, got {len(labels)}")
        return samples, labels

    def _columns(self, x: Any, y: Any = None) -> tuple[Samples, Any]:
        """Columns as a table, and labels; without labels those of `predict`, which must be as in `fit`."""
        words = isinstance(x, pd.DataFrame) and any(not pd.api.types.is_numeric_dtype(kind) for kind in x.dtypes)
        checks = {"skip_check_array": True} if words else {"dtype": "numeric", "ensure_all_finite": "allow-nan"}
        if y is None:
            x = validate_data(self, x, reset=False, **checks)
        else:
            x, y = validate_data(self, x, y, **checks)
        if not isinstance(x, pd.DataFrame):
            names = getattr(self, "feature_names_in_", [f"x{place}" for place in range(x.shape[1])])
            x = pd.DataFrame(x, columns=list(names))
        return columns_of(x), y

    def _document(
        self, form: str, data: dict[str, Any], names: list[str], codes: np.ndarray, groups: np.ndarray | None
    ) -> dict[str, Any]:
        """The recipe on these samples."""
        from imbalkit.catalogue import default_catalogue
        from imbalkit.recipe.document import read_document

        if self.recipe is None:
            recipe: Any = {**DEFAULT, "backbone": NETWORKS[form]}
            recipe |= {"decision": TWO_CLASSES} if len(names) == 2 else {}
        else:
            recipe = self.recipe
        changes = [f"{name.replace('__', '.')}={_yaml(name, value)}" for name, value in self._overrides.items()]
        found = read_document(recipe, default_catalogue().recipes, changes).data
        given = found.get("split")
        split = given if isinstance(given, dict) else {}
        share = split.get("validation", 0.2)
        split = {"validation": _validation_share(share, codes, groups), "seed": split.get("seed", 0), "test": 0}
        if self.random_state is not None:
            found["seed"] = split["seed"] = int(check_random_state(self.random_state).randint(2**31 - 1))
        if len(names) == 2:
            found.setdefault("positive", names[1])
        if not split["validation"] and self.recipe is None:
            found.pop("decision", None)
        evaluation = {"test": False, "resamples": 0}
        return {**found, "data": data, "split": split, "evaluation": evaluation, "export": []}

    def _run(self, recipe: dict[str, Any], folder: Path) -> None:
        from imbalkit.base.progress import Progress, choose_progress
        from imbalkit.engine.options import RunOptions
        from imbalkit.engine.run import run

        run(recipe, options=RunOptions(folder=folder, progress=choose_progress() if self.verbose else Progress()))

    def _keep(self, decision: Decision, names: list[str]) -> None:
        """What was chosen, as attributes."""
        metrics = json.loads(self._network.files["metrics.json"])
        self.decision_ = metrics["decision"]
        self.threshold_ = decision.threshold if decision.positive is not None else None
        self.positive_ = None if decision.positive is None else self.classes_[decision.positive]
        self.notes_ = list(metrics["notes"])

    # --- predict ------------------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """The decision for each sample, [n]: by `threshold_`, which need not be the most probable class."""
        logits = self._logits(X)
        return self.classes_[self._decision.decide(logits)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities, float64 [n, C] in the order of `classes_`, at the prior that the recipe's decision says."""
        logits = self._logits(X)
        return self._decision.probabilities(logits)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities, float64 [n, C]."""
        return np.log(self.predict_proba(X))

    @property
    def _decision(self) -> Decision:
        return self._network.restored.decision

    def _logits(self, x: Any) -> np.ndarray:
        check_is_fitted(self)
        if self._form == COLUMNS:
            samples, _ = self._columns(x)
        else:
            if form_of(x) != self._form:
                what = {ARRAYS: "images [n, h, w] or [n, h, w, c]", FILES: "paths of image files"}[self._form]
                raise ValueError(f"expected {what}, as in fit")
            samples = files_of(x) if self._form == FILES else images_of(x)
        with _as_value_errors(), _undisturbed():
            return self._network.logits(samples)


def _yaml(name: str, value: Any) -> str:
    """A parameter as a recipe's value. Raises ValueError for what no recipe can hold."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        return json.dumps(value, default=str if isinstance(value, Path) else None)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}: expected text, a number, a list or a mapping, as a recipe can hold, got {type(value).__name__}"
        ) from None


def _class_names(classes: np.ndarray) -> list[str]:
    """Labels as names of classes; numbered where two of them are the same text, or one has none."""
    names = [str(label) for label in classes]
    fit = len(set(names)) == len(names) and all(name.strip() == name and name for name in names)
    return names if fit else [f"class {code}" for code in range(len(names))]


def _groups(groups: Any, rows: int) -> np.ndarray:
    found = np.asarray(groups)
    if found.shape != (rows,):
        raise ValueError(f"expected a group for each of {rows} samples, got groups of shape {list(found.shape)}")
    return pd.Series(found).astype(str).to_numpy()


def _validation_share(share: Any, codes: np.ndarray, groups: np.ndarray | None) -> Any:
    """The share for validation; 0, with a warning, where there are too few samples for some of each class."""
    if not isinstance(share, int | float) or not 0 < share < 1:
        return share  # the recipe's check has a word on it
    units = codes if groups is None else pd.DataFrame({"group": groups, "code": codes}).drop_duplicates()["code"]
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


@contextmanager
def _as_value_errors() -> Iterator[None]:
    """imbalkit's errors as scikit-learn's users expect them."""
    try:
        yield
    except ImbalkitError as error:
        raise ValueError(str(error)) from error


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Leave the random numbers and threads of the process as they were."""
    import torch

    of_python, of_numpy, threads = random.getstate(), np.random.get_state(), torch.get_num_threads()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)
            torch.set_num_threads(threads)
