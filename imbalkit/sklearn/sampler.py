"""A sampler of imbalkit as a sampler of imbalanced-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from imblearn.base import BaseSampler
from imblearn.utils import check_target_type
from pydantic import ValidationError
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import _safe_indexing, check_array, check_random_state
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import validate_data

from imbalkit.base.parameters import Part
from imbalkit.base.randomness import generator
from imbalkit.catalogue import default_catalogue
from imbalkit.errors import ImbalkitError, listing, nearest
from imbalkit.functional.features import standardised
from imbalkit.kinds import AnySampler, FeatureSampler, Sampler, ScoredSampler
from imbalkit.plan import Plan

# Where final counts, or the classes to clean, go; and what kind of `sampling_strategy` says them.
STRATEGY = {
    "random_over": ("to", "over-sampling"),
    "random_under": ("to", "under-sampling"),
    "random_drop": ("keep", "under-sampling"),
    "loss_rank": ("keep", "under-sampling"),
    "near_miss": ("sampling_strategy", "under-sampling"),
    "tomek_links": ("sampling_strategy", "clean-sampling"),
    "edited_nearest_neighbours": ("sampling_strategy", "clean-sampling"),
}
_COUNTS = ("to", "keep", "drop", "sampling_strategy", "views")  # parameters that say what goes or comes
_OF_NETWORKS = ("backbone", "epochs", "loss", "order", "scores_from")  # parameters of a training that there is not


class ImbalkitSampler(BaseSampler):
    """A sampler of imbalkit as one of imbalanced-learn: `fit_resample(X, y)`, for its pipelines.

    The rows are those that a recipe with that seed has, of training rows in the order of `X`. A sampler that compares rows takes
    the numbers of `X`, standardised, as features; one that ranks them takes the losses of `estimator`.

    Args:
        sampler: name of a registered sampler, or a mapping with its name and parameters as in a recipe, where classes go by
            `str(label)`; or a sampler of imbalkit
        sampling_strategy: as imbalanced-learn's; auto: as the parameters of `sampler` say, and where they say nothing as
            imbalanced-learn's auto: as many rows as the largest class (over-sampling) or the smallest (under-sampling)
        estimator: classifier with `predict_proba`, fitted anew to the rows of each round of a sampler that ranks rows by their
            loss (`loss_rank`) or margin
        random_state: seed

    Attributes:
        sampling_strategy_: what `sampling_strategy` means for `y`; empty where the parameters of `sampler` say it
        sample_indices_: row of `X` of each row, int [m]; copies follow the others
        n_features_in_, feature_names_in_: of columns

    Raises:
        ValueError: from `fit_resample`, for what cannot be resampled, an unknown sampler or wrong parameters of it
    """

    _parameter_constraints: dict[str, Any] = {
        "sampler": [str, Mapping, Part],
        "sampling_strategy": [StrOptions({"auto", "all", "majority", "minority", "not majority", "not minority"})]
        + [Mapping, float, list, callable],
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        sampler: str | Mapping[str, Any] | AnySampler = "random_over",
        *,
        sampling_strategy: Any = "auto",
        estimator: Any = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.sampler = sampler
        self.estimator = estimator
        self.random_state = random_state

    # --- what the sampler is ------------------------------------------------------------------------------------------

    def _given(self) -> dict[str, Any]:
        """Name and given parameters."""
        if isinstance(self.sampler, Part):
            given = {key: getattr(self.sampler, key) for key in self.sampler.model_fields_set}
            return {"name": self.sampler.name, **given}
        return {"name": self.sampler} if isinstance(self.sampler, str) else dict(self.sampler)

    def _kind(self) -> type[AnySampler]:
        if isinstance(self.sampler, AnySampler):
            return type(self.sampler)
        catalogue, name = default_catalogue(), str(self._given().get("name"))
        known = catalogue.names("sampler")
        if name not in known:
            raise ValueError(f"there is no sampler {name!r}{nearest(name, known)} (installed: {listing(known, 40)})")
        kind = catalogue.get("sampler", name)
        assert issubclass(kind, AnySampler)
        return kind

    @property
    def _sampling_type(self) -> str:
        given = self._given()
        if any(key in given for key in _COUNTS) or given.get("name") not in STRATEGY:
            return "bypass"
        return STRATEGY[given["name"]][1]

    def _built(self, names: Mapping[Any, str]) -> AnySampler:
        """The sampler, with the counts of `sampling_strategy`; `names` of classes by label."""
        given, kind = self._given(), self._kind()
        name = given.pop("name")
        if self._sampling_type == "bypass":
            if not isinstance(self.sampling_strategy, str) or self.sampling_strategy != "auto":
                raise ValueError(
                    f"sampling_strategy={self.sampling_strategy!r} and {name!r} with parameters of its own, {listing(given)}: "
                    "say how many rows of a class there are to be in one of the two"
                )
        else:
            key, how = STRATEGY[name]
            goals = {names[label]: int(rows) for label, rows in self.sampling_strategy_.items()}
            if how == "over-sampling":  # imbalanced-learn's are the rows to add
                goals = {label: rows + self._counts[label] for label, rows in goals.items()}
            given[key] = list(goals) if how == "clean-sampling" else goals
        foreign = [key for key in _OF_NETWORKS if key in given] if not issubclass(kind, Sampler) else []
        if foreign:
            instead = (
                "the numbers of X are its features" if issubclass(kind, FeatureSampler) else "`estimator` is fitted"
            )
            raise ValueError(f"{name!r}: `{foreign[0]}` is of a network's training, and {instead}: leave it out")
        if issubclass(kind, ScoredSampler):
            if given.setdefault("warm_start", False):
                raise ValueError(f"{name!r}: warm_start is of a network, and `estimator` is fitted anew: leave it out")
            given.setdefault("which", "highest")
        try:
            part = kind.model_validate(given, context={"classes": tuple(names.values())})
        except ValidationError as error:
            found = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
            raise ValueError(f"sampler {name!r}: {'; '.join(found)}") from error
        if any(part.check_classes(tuple(names.values()))):
            raise ValueError(f"sampler {name!r}: {part.check_classes(tuple(names.values()))[0][1]}")
        return part

    # --- resampling ---------------------------------------------------------------------------------------------------

    def _check_X_y(self, X: Any, y: Any, accept_sparse: Any = None) -> tuple[Any, np.ndarray, bool]:
        if issubclass(self._kind(), FeatureSampler):
            return super()._check_X_y(X, y)  # numbers without gaps
        y, binarize = check_target_type(y, indicate_one_vs_all=True)
        if not isinstance(X, pd.DataFrame):  # any cells, also gaps: they are moved, not looked at
            X = check_array(X, dtype=None, accept_sparse=["csr", "csc"], ensure_all_finite=False)
        X, y = validate_data(self, X=X, y=y, reset=True, skip_check_array=True)
        return X, np.asarray(y), binarize

    def _fit_resample(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
        labels, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        names = {label: str(label) for label in labels.tolist()}
        self._counts = dict(zip(names.values(), counts.tolist(), strict=True))
        part, seed = self._built(names), self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(np.iinfo(np.int32).max)
        plan = Plan.from_labels(codes, list(names.values()), seed=int(seed))
        try:
            plan = self._resampled(part, plan, X, y, int(seed))
        except ImbalkitError as error:
            raise ValueError(str(error)) from error
        if any(plan.views[1:]):
            raise ValueError(f"{part.name!r} changes pixels, and rows of X have none: leave its operations out")
        self.sample_indices_ = plan.source.astype(np.int64)
        return _safe_indexing(X, self.sample_indices_), _safe_indexing(y, self.sample_indices_)

    def _resampled(self, part: AnySampler, plan: Plan, X: Any, y: np.ndarray, seed: int) -> Plan:
        part.check_requirements()
        if self.estimator is not None and not isinstance(part, ScoredSampler):
            raise ValueError(f"`estimator` is for samplers that rank rows by a score, and {part.name!r} does not")
        for number in range(len(part.stages)):
            rng = generator(seed, "sampler", part.name, 0, number)  # as the samplers of a recipe
            if isinstance(part, Sampler):
                plan = part.resample(plan, rng)
            elif isinstance(part, FeatureSampler):
                dense = X.toarray() if issparse(X) else X
                plan = part.resample(plan, standardised(np.asarray(dense, dtype=np.float32))[plan.source], rng)
            elif isinstance(part, ScoredSampler):
                plan = part.resample(plan, self._scores(part, plan, X, y), rng, number)
        return plan

    def _scores(self, part: ScoredSampler, plan: Plan, X: Any, y: np.ndarray) -> np.ndarray:
        """Of the rows of the plan by `estimator`, fitted to them, float64 [n]."""
        if self.estimator is None:
            raise ValueError(
                f"{part.name!r} ranks rows by the {part.score.name} of a model: give a classifier with predict_proba as "
                "`estimator`, such as LogisticRegression()"
            )
        if part.score.name not in ("loss", "margin"):
            raise ValueError(f"score {part.score.name!r} is a network's: expected loss or margin")
        rows, labels = _safe_indexing(X, plan.source), y[plan.source]
        model = clone(self.estimator).fit(rows, labels)
        probabilities = np.asarray(model.predict_proba(rows), dtype=np.float64)
        logs = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
        own = np.searchsorted(model.classes_, labels)
        each = np.arange(len(labels))
        if part.score.name == "loss":
            return -logs[each, own]
        others = logs.copy()
        others[each, own] = -np.inf
        return np.asarray(others.max(axis=1) - logs[each, own])

    # --- what imbalanced-learn asks -----------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        try:
            any_cells = issubclass(self._kind(), Sampler)
        except ValueError:  # an unknown name: `fit_resample` says so
            any_cells = True
        tags.input_tags.allow_nan = tags.input_tags.string = any_cells
        tags.sampler_tags.sample_indices = True
        return tags
