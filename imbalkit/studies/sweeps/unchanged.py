"""Whether what a sweep or a search has run can stand beside what is asked for now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imbalkit.base.files import write_parquet
from imbalkit.errors import RecipeError
from imbalkit.recipe.difference import CHANGES_NO_RESULT, is_below, recipe_difference
from imbalkit.recipe.document import Document
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.recipe import Recipe
from imbalkit.recipe.traverse import moved_weights
from imbalkit.recipe.validation import refuse_renamed, validate
from imbalkit.runs.data_record import difference, read_record, record_of, sweep_record


def changed_keys(
    folder: Path, then: Mapping[str, Any], now: Prepared, known: Mapping[str, Mapping[str, str]], renamed: str
) -> dict[str, tuple[Any, Any]]:
    """Keys of a recipe that would give other results than those in the folder, with their values then and now.

    Data and weights may have moved: keys of `data` may differ where the samples are those of the runs in the folder, and
    keys of a backbone where its weights have the checksum of before.

    Args:
        folder: of the sweep or the search
        then: the resolved recipe of what it has run
        now: the recipe that is asked for
        known: the initial weights of `then`, as `initial_weights_of` gave them
        renamed: what to say if `then` has names of an earlier version

    Raises:
        RunError: `then` has names of an earlier version
        DataError: weights of `now` that cannot be had
    """
    resolved, checked = now.recipe.model_dump(mode="json"), None
    try:
        # Checked anew, so that a parameter added since, with its default, changes nothing.
        checked = validate(Document(dict(then)), now.catalogue)
    except RecipeError as error:
        refuse_renamed(renamed, error)
        changed = recipe_difference(then, resolved)
    else:
        changed = recipe_difference(checked.model_dump(mode="json"), resolved)
    same: tuple[str, ...] = CHANGES_NO_RESULT
    if changed and checked is not None:
        same += moved_weights(checked, now.recipe, known)
    changed = {key: pair for key, pair in changed.items() if not is_below(key, same)}
    if changed and checked is not None and all(key.startswith("data.") for key in changed):
        return {} if _are_the_same_samples(folder, checked, now) else changed
    return changed


def _are_the_same_samples(folder: Path, then: Recipe, now: Prepared) -> bool:
    """Whether data that are named otherwise are the same samples; their record then goes by the new name, too."""
    old, new = (sweep_record(folder, recipe.data) for recipe in (then, now.recipe))
    record = read_record(old)
    if record is None or difference(record, record_of(now.table)):
        return False
    if not new.exists():
        write_parquet(new, record)
    return True
