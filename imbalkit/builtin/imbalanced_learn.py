"""imbalanced-learn's samplers by class name, with options as a recipe gives them: for the sampler and the stage `imblearn`."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from imbalkit.kinds import Counts, PlanError, as_text, listing, nearest

OPTIONS_HELP = (
    "its options by name, such as {sampling_strategy: {benign: 500}}, classes by their names; without random_state"
)


def known_samplers() -> dict[str, Any]:
    """imbalanced-learn's samplers by class name; none where it is not installed."""
    if importlib.util.find_spec("imblearn") is None:
        return {}
    from imblearn import combine, over_sampling, under_sampling

    modules = (under_sampling, over_sampling, combine)
    return {name: getattr(module, name) for module in modules for name in module.__all__}


def makes_rows(kind: Any) -> bool:
    """Whether a class of imbalanced-learn makes rows that are not there, with its default options."""
    over = kind._sampling_type == "over-sampling" and kind.__name__ != "RandomOverSampler"
    return over or kind.__name__ == "ClusterCentroids"


def class_problems(options: Mapping[str, Any], classes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Names in `sampling_strategy` that are no classes of the data, as (parameter, message)."""
    strategy = options.get("sampling_strategy")
    named = [as_text(name) for name in strategy] if isinstance(strategy, dict | list) else []
    return [
        (
            "options",
            f"sampling_strategy: the data have no class {name!r}{nearest(str(name), classes)} (classes: {listing(classes)})",
        )
        for name in named
        if name not in classes
    ]


def built(part: str, name: str, options: Mapping[str, Any], classes: tuple[str, ...], seed: int | None = None) -> Any:
    """imbalanced-learn's sampler `name` for class codes, with `seed` as its random state.

    Raises:
        PlanError: a class, or options, that imbalanced-learn does not know or take; `part` is named in the message
    """
    known = known_samplers()
    if name not in known:
        raise PlanError(
            f"{part}: imbalanced-learn has no sampler {name!r}{nearest(name, known)} (known: {listing(sorted(known), 40)})"
        )
    parameters = inspect.signature(known[name]).parameters
    if "random_state" in options:
        raise PlanError(f"{part}: `random_state` of {name} follows from the recipe's `seed`: leave it out")
    own = [key for key in parameters if key != "random_state"]
    unknown = [option for option in options if option not in own]
    if unknown:
        hint = nearest(unknown[0], own)
        raise PlanError(f"{part}: {name} has no option {unknown[0]!r}{hint} (options: {listing(own, 40)})")
    missing = [key for key, value in parameters.items() if value.default is value.empty and key not in options]
    if missing:
        raise PlanError(f"{part}: {name} needs the options {listing(missing)}")
    sampler = known[name](**_with_codes(options, classes))
    if "random_state" in parameters:
        sampler.set_params(random_state=seed)
    try:
        sampler._validate_params()
    except ValueError as error:
        raise PlanError(f"{part}: {error}") from error
    return sampler


def final_counts(part: str, sampler: Any, counts: Sequence[int]) -> dict[int, int]:
    """Rows that each class is to have by `sampling_strategy`, by class code, of those that it names; a sampler that cleans has
    no such counts: those of before.

    Raises:
        PlanError: as imbalanced-learn refuses the strategy for these counts, rows of each class; `part` is named in the message
    """
    from imblearn.utils import check_sampling_strategy

    rows = np.repeat(np.arange(len(counts)), counts)
    try:
        found = check_sampling_strategy(sampler.sampling_strategy, rows, sampler._sampling_type)
    except (ValueError, TypeError) as error:
        raise PlanError(f"{part}: {type(sampler).__name__} refuses these class counts: {error}") from error
    if sampler._sampling_type == "clean-sampling":
        return {int(label): counts[label] for label in found}
    added = sampler._sampling_type == "over-sampling"
    return {int(label): int(number) + (counts[label] if added else 0) for label, number in found.items()}


def neighbours_problem(sampler: Any, goals: Mapping[int, int], counts: Counts) -> str:
    """Why a sampler that makes rows between a class's neighbours cannot, "" if it can; `goals` are its final counts."""
    neighbours = getattr(sampler, "k_neighbors", None)
    if not isinstance(neighbours, int) or sampler._sampling_type != "over-sampling":
        return ""
    filled = [(counts.low[label], counts.classes[label]) for label, goal in goals.items() if goal > counts.low[label]]
    least, name = min(filled, default=(neighbours + 1, ""))
    if least > neighbours:
        return ""
    way = f"set k_neighbors to {least - 1}" if least > 1 else "leave the class out of sampling_strategy"
    kind = type(sampler).__name__
    return f"{kind} needs more rows of a class than its {neighbours} neighbours, and {name!r} has {least}: {way}"


def _with_codes(options: Mapping[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """Options with class codes in place of the names in `sampling_strategy`."""
    strategy, codes = options.get("sampling_strategy"), {name: code for code, name in enumerate(classes)}
    if isinstance(strategy, dict):
        return {**options, "sampling_strategy": {codes.get(as_text(key), key): n for key, n in strategy.items()}}
    if isinstance(strategy, list):
        return {**options, "sampling_strategy": [codes.get(as_text(key), key) for key in strategy]}
    return dict(options)
