"""A search: trials until there are enough, the winner on fresh seeds beside the base recipe, and a report."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from imbalkit.base.files import write_json
from imbalkit.base.processes import launched
from imbalkit.base.progress import Progress
from imbalkit.base.yaml_text import yaml_text
from imbalkit.catalogue import Catalogue, default_catalogue
from imbalkit.engine.observers import Observers
from imbalkit.engine.pool import open_pool, with_jobs
from imbalkit.errors import RunError
from imbalkit.kinds import Launcher
from imbalkit.recipe.difference import recipe_difference, show_difference
from imbalkit.recipe.document import read_document
from imbalkit.recipe.traverse import initial_weights_of
from imbalkit.recipe.validation import validate
from imbalkit.runs import folder as run_folder
from imbalkit.runs.data_record import read_record, record_of, refuse_other_data, sweep_record
from imbalkit.studies.search.checks import Checked, check_search
from imbalkit.studies.search.file import SearchFile, read_search
from imbalkit.studies.search.fresh import REFITS
from imbalkit.studies.search.outcome import Outcome, read_outcome, write_tables
from imbalkit.studies.search.study import open_study, quiet, retry_failed
from imbalkit.studies.search.trials import Trials
from imbalkit.studies.sweeps.cell import DONE, ERRORS, LOGS, ROUNDS
from imbalkit.studies.sweeps.file import as_override, read_launcher
from imbalkit.studies.sweeps.run import SWEEP, data_notes, open_sweep_folder, sweep
from imbalkit.studies.sweeps.unchanged import changed_keys
from imbalkit_lite.files import write_text

SEARCH = "search.json"  # what may not change between starts
WINNER = "winner.yaml"
IN_QUEUE = 4  # trials at once for a launcher that has a queue of its own
MAY_CHANGE = ("trials", "fresh_seeds", "at_once")  # of `search`, between starts


def search(
    file: str | Path,
    folder: str | Path | None = None,
    jobs: int | None = None,
    resume: bool = False,
    without: tuple[str, ...] = (),
    progress: Progress | None = None,
    launcher: str | None = None,
) -> Path:
    """Run a search file.

    Args:
        file: a search file, or the name of a registered one
        folder: the search folder (default: sweeps/NAME)
        jobs: how many trials run at once (default: as the file, or the launcher, says)
        resume: go on with the folder: finished trials stay, failed and unfinished ones run
        without: plugins to leave out
        progress: is given every trial that ends
        launcher: what runs the trials, as a file may say it (default: as the file)

    Returns:
        the search folder, with report.html, trials.csv, winner.yaml and refits/

    Raises:
        RecipeError: every mistake of the file, before anything runs
        RunError: torchrun or srun started this process with others; the folder holds another search; the base recipe failed
        MissingExtraError: Optuna is not installed
    """
    progress = progress or Progress()
    launch = launched()
    if launch is not None and launch.processes > 1:
        raise RunError(f"a search starts processes of its own: start it without {launch.launcher}")
    catalogue = default_catalogue(tuple(without))
    found = read_search(file, catalogue)
    if launcher is not None:
        changed = found.settings.model_copy(update={"launcher": read_launcher(launcher, catalogue)})
        found = replace(found, settings=changed)
    place, at_once = _places(found, jobs)
    with quiet():
        checked = check_search(found, catalogue)
        folder = Path(folder) if folder else Path("sweeps") / found.name
        open_sweep_folder(folder, resume)
        for note in data_notes([checked.base]):
            progress.note(f"note: {note}")
        with run_folder.locked(folder, others_below=True):
            _check_same(folder, found, checked)
            _write_begin(folder, found, checked)
            outcome = _run_trials(folder, found, checked, catalogue, place, at_once, without, progress)
            _refit(folder, found, checked, outcome, at_once if jobs is None else jobs, without, progress)
            _report(folder, found, checked)
    return folder


def _places(found: SearchFile, jobs: int | None) -> tuple[Launcher, int]:
    """The launcher with its jobs, and how many trials run at once."""
    launcher, at_once = found.settings.launcher, jobs or found.search.at_once
    if jobs is not None or (at_once is not None and "jobs" in type(launcher).model_fields):
        launcher = with_jobs(launcher, at_once)
    return launcher, at_once or launcher.at_once() or IN_QUEUE


def _run_trials(
    folder: Path,
    found: SearchFile,
    checked: Checked,
    catalogue: Catalogue,
    launcher: Launcher,
    at_once: int,
    without: tuple[str, ...],
    progress: Progress,
) -> Outcome:
    study = open_study(folder, found, checked)
    again = retry_failed(study)
    progress.note(
        f"search folder {folder}: {found.search.trials} trials" + (f", {again} of them failed before" if again else "")
    )
    observers = Observers(folder, catalogue, progress.note)
    observers.sweep_started(checked.base.recipe)

    def is_done(name: str) -> bool:
        return run_folder.is_finished(folder / DONE / name)

    trials: Trials | None = None
    try:
        with open_pool(launcher, folder, is_done, found.search.trials, progress.note) as pool:
            trials = Trials(folder, found, checked, catalogue, study, pool, at_once, without, progress)
            trials.run()
    finally:
        observers.sweep_finished(list(trials.at_work) if trials is not None else [])
        outcome = read_outcome(study, found, checked)
        write_tables(folder, outcome)
        _report(folder, found, checked)
    shutil.rmtree(folder / ROUNDS, ignore_errors=True)
    return outcome


def _refit(
    folder: Path,
    found: SearchFile,
    checked: Checked,
    outcome: Outcome,
    jobs: int,
    without: tuple[str, ...],
    progress: Progress,
) -> None:
    """Run the winner and the base recipe with fresh seeds, each tested once: a sweep of its own in the folder."""
    catalogue = checked.base.catalogue
    base = found.base if found.base in catalogue.recipes else str(Path(found.base).absolute())
    common, winner = found.overrides(), outcome.winner
    picked = {key: value for key, value in found.overrides(winner.picks).items() if common.get(key) != value}
    document = read_document(base, catalogue.recipes, [as_override(*item) for item in (common | picked).items()])
    said = f"# trial {winner.number} of the search {found.name}: the best of {outcome.count} on validation\n"
    recipe = validate(document, catalogue, checked.base.classes)
    write_text(folder / WINNER, said + recipe.to_yaml())
    if recipe.hash == checked.base.recipe.hash:  # by other words; a sweep refuses one recipe under two names
        picked["description"] = f"trial {winner.number} of {found.name}"
    recipes: dict[str, dict[str, Any]] = {"base": {}} | (
        {outcome.winner_label: picked} if outcome.winner_label != "base" else {}
    )
    seed = checked.base.recipe.seed
    columns = list(
        dict.fromkeys([*found.search.metrics, "miss_rate", "false_alarm_rate", "roc_auc", "balanced_accuracy"])
    )
    refits = {
        "description": f"the winner of {found.name} and its base recipe, with seeds that the search did not use",
        "base": base,
        "set": {key: value for key, value in common.items() if key != "seed"},  # which `seeds` gives
        "axes": {"candidate": recipes},
        "seeds": list(range(seed + 1, seed + 1 + found.search.fresh_seeds)),
        "launcher": found.settings.launcher.model_dump(mode="json"),
        "tables": {
            "fresh_seeds": {"metrics": [name for name in columns if name in outcome.known_metrics], "counts": False}
        },
    }
    write_text(folder / f"{REFITS}.yaml", yaml_text(refits))
    tried = jobs if "jobs" in type(found.settings.launcher).model_fields else None
    sweep(folder / f"{REFITS}.yaml", folder / REFITS, tried, (folder / REFITS).exists(), without, progress)


def _report(folder: Path, found: SearchFile, checked: Checked) -> None:
    from imbalkit.studies.search.report import write_search_report

    write_search_report(folder, found, checked, open_study(folder, found, checked))


def _write_begin(folder: Path, found: SearchFile, checked: Checked) -> None:
    facts = _fixed(found, checked) | {"initial_weights": initial_weights_of(checked.base.recipe)}
    try:
        for name in (DONE, LOGS, ERRORS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_json(folder / SEARCH, facts)
        write_text(folder / SWEEP, found.text)
    except OSError as error:
        raise RunError(f"the search folder {folder} cannot be written: {error}") from error


def _fixed(found: SearchFile, checked: Checked) -> dict[str, Any]:
    """What decides the trials: one study cannot mix others with them."""
    asked = found.search.model_dump(mode="json", exclude=set(MAY_CHANGE))
    made: dict[str, Any] = {
        "search": asked,
        "space": found.settings.space,
        "base": checked.base.recipe.model_dump(mode="json"),
    }
    return json.loads(json.dumps(made))


def _check_same(folder: Path, found: SearchFile, checked: Checked) -> None:
    """Raise RunError if the folder's trials are of another search, or of other data."""
    if not (folder / SEARCH).exists():
        if (folder / SWEEP).exists():
            raise RunError(f"{folder} holds a sweep, and {found.name} is a search: choose another --folder")
        return
    then, now = run_folder.read_mapping(folder / SEARCH), _fixed(found, checked)
    base, weights = then.pop("base", {}), then.pop("initial_weights", {})
    del now["base"]
    renamed = (
        f"the trials of {folder} were run by an earlier version, with names that are others now; choose another --folder, "
        f"or delete {folder} to begin anew"
    )
    of_base = changed_keys(folder, base, checked.base, weights, renamed)
    changed = recipe_difference(then, now) | {f"base.{key}": pair for key, pair in of_base.items()}
    if changed:
        raise RunError(
            f"the trials of {folder} are of another search than the file has now ({show_difference(changed)}): choose another "
            f"--folder, or delete {folder} to begin anew; {', '.join(MAY_CHANGE)} may change"
        )
    known = read_record(sweep_record(folder, checked.base.recipe.data))
    if known is not None:
        refuse_other_data(known, record_of(checked.base.table), str(folder))
