"""Which run `--resume` goes on with, and why one may not go on: another recipe, other data, or files that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.base.files import read_json, write_json
from imbalkit.engine.teaching import taught_losses
from imbalkit.errors import RecipeError, RunError
from imbalkit.recipe.difference import AFTER_TRAINING, CHANGES_NO_RESULT, is_below, recipe_difference, show_difference
from imbalkit.recipe.document import read_document, show_place
from imbalkit.recipe.recipe import save_recipe
from imbalkit.recipe.traverse import initial_weights_of, moved_weights
from imbalkit.recipe.validation import refuse_renamed, validate
from imbalkit.runs import folder as run_folder
from imbalkit.runs.data_record import RECORD, difference, read_record, record_of, refuse_other_data

if TYPE_CHECKING:
    from imbalkit.catalogue import Catalogue
    from imbalkit.recipe.prepared import Prepared

Note = Callable[[str], object]
Difference = dict[str, tuple[Any, Any]]
_COMPARED = 20  # runs of the name, latest first, whose recipes are compared


def find_run(prepared: Prepared, runs: Path, note: Note) -> Path | None:
    """The latest run of this recipe below `runs`; None, with a note that says what is nearest, where there is none."""
    known: dict[Path, dict[str, Any]] = {}
    for file in runs.glob(f"*/{run_folder.FACTS}"):
        known[file.parent] = read_json(file)
        if not known[file.parent]:
            note(f"{file} cannot be read: that run is passed over")
    latest = sorted(known, key=lambda folder: (folder / run_folder.FACTS).stat().st_mtime, reverse=True)
    for folder in latest:
        if known[folder].get("recipe_hash") == prepared.recipe.hash:
            return folder
    others: dict[Path, Difference] = {}
    for folder in [folder for folder in latest if known[folder].get("name") == prepared.name][:_COMPARED]:
        try:
            others[folder] = _difference(folder, prepared)
            if not _forbidden(folder, others[folder], prepared):
                return folder
        except RunError as error:
            note(f"{error}: that run is passed over")
    if not others:
        note(f"nothing to resume: there is no run of {prepared.name} below {runs}; a new one starts")
        return None
    unfinished = [folder for folder in others if not run_folder.is_finished(folder)]
    nearest = min(unfinished, key=lambda folder: len(others[folder])) if unfinished else next(iter(others))
    state = "unfinished" if unfinished else "finished"
    note(
        f"nothing to resume: no run of {prepared.name} below {runs} has this recipe; the nearest, {nearest} ({state}), differs "
        f"in {show_difference(others[nearest])}; a new run starts"
    )
    return None


def go_on(prepared: Prepared, folder: Path, resume: bool, note: Note) -> None:
    """Check that the run of a folder can go on with this recipe and these data.

    Where only the place of the data, of weights or of a teacher, or what changes no result, differs from before, the folder
    takes it over.

    Raises:
        RunError: another recipe, other data or weights to start from, no `resume`, run.json and recipe.yaml that cannot be read
    """
    facts = run_folder.read_mapping(folder / run_folder.FACTS)
    changed: Difference = {}
    if facts.get("recipe_hash") != prepared.recipe.hash:
        changed = _difference(folder, prepared)
        forbidden = _forbidden(folder, changed, prepared)
        if forbidden:
            raise RunError(
                f"{folder} was begun with another recipe ({show_difference(forbidden)}); choose another folder, set what "
                "differs as it was, or delete it to start anew"
            )
    if not resume:
        raise RunError(f"{folder} holds a run already; add --resume to go on with it, or choose another folder")
    then, now = read_record(folder / RECORD), record_of(prepared.table, prepared.split)
    if run_folder.is_finished(folder):
        changes = "" if then is None else difference(then, now)
        note(f"{folder} is finished already" + (f"; its data have changed since: {changes}" if changes else ""))
        return
    if then is not None:
        refuse_other_data(then, now, str(folder))
    elif run_folder.read_log(folder):
        note(
            f"{folder} was begun by an older imbalkit, which kept no record of its data: they are taken to be the same"
        )
    _refuse_other_weights(facts.get("initial_weights"), prepared, folder)
    if changed:
        note(f"{folder} goes on with {show_difference(changed)}")
    elif not _readable(folder):
        note(f"{folder / run_folder.RECIPE} could not be read: it is written anew")
    more = {"recipe_hash": prepared.recipe.hash, "directory": os.getcwd()}
    try:
        if changed or not _readable(folder):
            save_recipe(prepared.recipe, folder / run_folder.RECIPE)
        if facts != facts | more:
            write_json(folder / run_folder.FACTS, facts | more)
    except OSError as error:
        raise RunError(f"the run folder {folder} cannot be written: {error}") from error


def _refuse_other_weights(then: dict[str, dict[str, str]] | None, prepared: Prepared, folder: Path) -> None:
    """Raise RunError where the weights to start from are others than before; `then` None: no record of them."""
    now = {} if then is None else initial_weights_of(prepared.recipe)
    for place, weights in (then or {}).items():
        if place in now and now[place]["sha256"] != weights["sha256"]:
            was, found = (f"{entry['source']}, SHA-256 {entry['sha256'][:12]}..." for entry in (weights, now[place]))
            raise RunError(
                f"{folder} was begun with other weights in {place}: {was}; they are now {found}. Put them back as they were, or "
                "start anew in another folder"
            )


def saved_recipe(folder: Path, catalogue: Catalogue) -> dict[str, Any]:
    """A run's recipe as it would be resolved today: a key added since has its default. Raises RunError, RenamedError."""
    path = folder / run_folder.RECIPE
    try:
        document = read_document(path, {})
    except RecipeError as error:
        raise RunError(f"{path} cannot be read ({'; '.join(map(str, error.problems))})") from error
    try:
        return validate(document, catalogue).model_dump(mode="json")
    except RecipeError as error:  # of another version, or of a plugin that is gone
        refuse_renamed(f"{path} has names of an earlier version; write the present ones into it", error)
        return document.data


def _difference(folder: Path, prepared: Prepared) -> Difference:
    return recipe_difference(saved_recipe(folder, prepared.catalogue), prepared.recipe.model_dump(mode="json"))


def _forbidden(folder: Path, changed: Difference, prepared: Prepared) -> Difference:
    """The differences that a run cannot go on with. Data, weights and teachers may have other names if they are the same."""
    free = CHANGES_NO_RESULT if run_folder.is_finished(folder) else (*CHANGES_NO_RESULT, *AFTER_TRAINING)
    remaining = {key: pair for key, pair in changed.items() if not is_below(key, free)}
    if remaining:
        moved = (*_moved_weights(folder, prepared), *_teachers(folder, prepared))
        remaining = {key: pair for key, pair in remaining.items() if not is_below(key, moved)}
    if remaining and all(key.startswith("data.") for key in remaining):
        then = read_record(folder / RECORD)
        if then is None:  # nothing was read, so nothing is lost
            return remaining if run_folder.read_log(folder) or run_folder.is_finished(folder) else {}
        if not difference(then, record_of(prepared.table, prepared.split)):
            return {}
    return remaining


def _moved_weights(folder: Path, prepared: Prepared) -> tuple[str, ...]:
    known = run_folder.read_mapping(folder / run_folder.FACTS).get("initial_weights") or {}
    try:
        before = validate(read_document(folder / run_folder.RECIPE, {}), prepared.catalogue)
    except RecipeError:  # of a plugin that is gone
        return ()
    return moved_weights(before, prepared.recipe, known)


def _teachers(folder: Path, prepared: Prepared) -> tuple[str, ...]:
    """Places that name a teacher, in a run that goes on: before it trains, it compares what the teacher says by content."""
    if run_folder.is_finished(folder):
        return ()
    return tuple(
        show_place((*place, key))
        for place, loss, *_ in taught_losses(prepared.recipe)
        for key in type(loss).model_fields
        if loss.taught_by is not None and getattr(loss, key) == loss.taught_by.run
    )


def _readable(folder: Path) -> bool:
    try:
        read_document(folder / run_folder.RECIPE, {})
    except RecipeError:
        return False
    return True
