"""A recipe as a scikit-learn classifier."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from imbalkit.runs import folder as run_folder
from imbalkit.sklearn.calling import as_value_errors, undisturbed
from imbalkit.sklearn.columns import columns_to_fit, columns_to_predict
from imbalkit.sklearn.document import TWO_CLASSES, recipe_of, validation_share
from imbalkit.sklearn.fitted import FittedNetwork
from imbalkit.sklearn.samples import (
    ARRAYS,
    COLUMNS,
    FILES,
    Samples,
    files_of,
    form_of,
    groups_of,
    images_of,
)

if TYPE_CHECKING:
    from imbalkit.decision.decision import Decision

EXPECTED_FAILED_CHECKS: dict[str, str] = {}
"""Checks of scikit-learn's `check_estimator` that cannot hold, and why."""


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

    def fit(self, X: Any, y: Any, groups: Any = None, **not_taken: Any) -> ImbalkitClassifier:
        """Train on samples, and choose epoch, calibration and threshold on some of them.

        Args:
            X: columns (a matrix of numbers, or a DataFrame of numbers and categories; gaps are allowed), images (an array [n, h,
                w] or [n, h, w, c], uint8 or floats within 0..1), or a list of image files
            y: a label each
            groups: of each sample, such as the patient: samples of a group are together in training or in validation

        Raises:
            ValueError: samples, labels or groups that cannot be used, and mistakes in the recipe, with the place of each
            TypeError: `sample_weight`, or another argument that is none of these
        """
        _refuse(not_taken)
        samples, labels = self._samples(X, y)
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"expected samples of two classes or more to learn from, got 1 class: {classes[0]!r}")
        groups = None if groups is None else groups_of(groups, len(samples))
        names = _class_names(classes)
        with tempfile.TemporaryDirectory(prefix="imbalkit-") as place, as_value_errors(), undisturbed():
            recipe = self._recipe(samples.form, names, codes, groups)
            folder = Path(place) / "run" if self.folder is None else _new(Path(self.folder))
            self._run(recipe, folder, samples, codes, names, groups)
            network = FittedNetwork(folder)
            decision = network.restored.decision
        metrics = json.loads(network.files[run_folder.METRICS])
        self._network, self._form = network, samples.form
        self._columns = {name: name in samples.numeric for name in samples.values} if samples.form == COLUMNS else {}
        self.classes_ = classes
        self.threshold_ = decision.threshold if decision.positive is not None else None
        self.positive_ = None if decision.positive is None else classes[decision.positive]
        facts = json.loads(network.files[run_folder.FACTS])
        notes = (*facts["data_notes"], *facts["data_cautions"], *metrics["notes"])
        self.decision_, self.notes_ = metrics["decision"], list(dict.fromkeys(notes))
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_network")

    def _samples(self, x: Any, y: Any) -> tuple[Samples, np.ndarray]:
        """Samples and labels of one length. Raises ValueError, as scikit-learn words it for columns."""
        form = form_of(x)
        if form == COLUMNS:
            samples, y = columns_to_fit(self, x, y)
        else:
            samples = files_of(x) if form == FILES else images_of(x)
            for name in ("n_features_in_", "feature_names_in_"):  # of an earlier fit
                self.__dict__.pop(name, None)
        labels = column_or_1d(y, warn=True)
        if len(labels) != len(samples):
            raise ValueError(f"expected a label for each of {len(samples)} samples, got {len(labels)}")
        return samples, labels

    def _recipe(self, form: str, names: list[str], codes: np.ndarray, groups: np.ndarray | None) -> dict[str, Any]:
        """The recipe of these samples, but for its data."""
        found = recipe_of(self.recipe, self._overrides, form, len(names))
        if self.random_state is not None:
            found["seed"] = int(check_random_state(self.random_state).randint(2**31 - 1))
        split = found.get("split")
        if isinstance(split, dict | None):  # the recipe's check has a word on others
            split = dict(split or {})
            share = validation_share(split.get("validation", 0.2), codes, groups)
            found["split"] = {**split, "validation": share, "test": 0}
            if self.random_state is not None:
                found["split"]["seed"] = found["seed"]
            if share == 0 and self.recipe is None and found.get("decision") == TWO_CLASSES:
                del found["decision"]  # of the default, which needs validation rows
        if len(names) == 2:
            found.setdefault("positive", names[1])
        return {**found, "evaluation": {"test": False, "resamples": 0}}

    def _run(
        self,
        recipe: dict[str, Any],
        folder: Path,
        samples: Samples,
        codes: np.ndarray,
        names: list[str],
        groups: np.ndarray | None,
    ) -> None:
        """Train in a folder. Images in memory stay there, unless the run is kept or processes of its own have to read them."""
        from imbalkit.base.parameters import parameters_text
        from imbalkit.base.progress import Progress, choose_progress
        from imbalkit.catalogue import default_catalogue
        from imbalkit.engine.options import RunOptions
        from imbalkit.engine.run import run
        from imbalkit.recipe.prepare import Loaded

        place = (folder if self.folder is not None else folder.parent) / run_folder.SAMPLES
        data, loaded = samples.data(place.absolute(), names, groups), Loaded()
        training = recipe.get("training")
        alone = not isinstance(training, dict) or training.get("devices", 1) == 1
        if samples.form == ARRAYS and self.folder is None and alone:
            kind = default_catalogue().get("dataset", data["name"])
            key = parameters_text(kind.model_validate({name: value for name, value in data.items() if name != "name"}))
            loaded.tables[key] = samples.table(codes, names, groups)
        else:
            place.mkdir(parents=True)
            samples.write(place, codes, groups)
        progress = choose_progress() if self.verbose else Progress()
        run({**recipe, "data": data}, options=RunOptions(folder=folder, progress=progress), loaded=loaded)

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
            samples = columns_to_predict(self, x, self._columns)
        else:
            if form_of(x) != self._form:
                what = {ARRAYS: "images [n, h, w] or [n, h, w, c]", FILES: "paths of image files"}[self._form]
                raise ValueError(f"expected {what}, as in fit")
            samples = files_of(x) if self._form == FILES else images_of(x)
        with as_value_errors(), undisturbed():
            return self._network.logits(samples)


def _refuse(arguments: Mapping[str, Any]) -> None:
    """Raise TypeError for arguments that `fit` does not take, with what to do instead of weights."""
    if "sample_weight" in arguments:
        raise TypeError(
            "fit takes no sample_weight: a recipe weighs classes, and corrects its class prior for that; weights of single rows "
            'would move the prior in a way that no recipe states. Use a loss or a sampler by class (loss="class_balanced", '
            'samplers=["random_over"]), or repeat rows'
        )
    if arguments:
        raise TypeError(f"fit takes X, y and groups, got {next(iter(arguments))!r}")


def _new(folder: Path) -> Path:
    """A folder for a run. Raises ValueError for one that holds something."""
    if folder.exists() and (not folder.is_dir() or os.listdir(folder)):
        raise ValueError(
            f"folder: expected a new or an empty folder, got {str(folder)!r}: name another one, and none where many fits share "
            "it, as in a search or a cross-validation"
        )
    return folder


def _class_names(classes: np.ndarray) -> list[str]:
    """Labels as names of classes; numbered where two of them are the same text, or one has none."""
    names = [str(label) for label in classes]
    fit = len(set(names)) == len(names) and all(name.strip() == name and name for name in names)
    return names if fit else [f"class {code}" for code in range(len(names))]
