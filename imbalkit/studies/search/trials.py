"""The trials of a search as they are run: each a cell of the sweep folder, watched by its log, ended early or told."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.base.files import read_json, write_json
from imbalkit.base.progress import Progress
from imbalkit.base.text import fixed
from imbalkit.catalogue import Catalogue
from imbalkit.engine.pool import Ended, Pool
from imbalkit.engine.run import MAIN
from imbalkit.engine.validation import DECIDED
from imbalkit.errors import RecipeError, RunError
from imbalkit.recipe.document import read_document
from imbalkit.recipe.prepare import Loaded, prepare_document
from imbalkit.runs import folder as run_folder
from imbalkit.studies.search.checks import Checked
from imbalkit.studies.search.file import SearchFile
from imbalkit.studies.search.study import again, ask, counting
from imbalkit.studies.search.words import short
from imbalkit.studies.sweeps.cell import CELLS, DONE, ERRORS
from imbalkit.studies.sweeps.results import flat_metrics
from imbalkit.studies.sweeps.run_cells import cell_work

if TYPE_CHECKING:
    import optuna

LOOK = 0.2  # seconds between two looks at the logs of trials at work
BULKY = (run_folder.WEIGHTS, run_folder.PLAN, run_folder.PREDICTIONS)


@dataclass
class AtWork:
    """A trial at work: how far its log was read, and the epoch after which it was ended, if it was."""

    trial: optuna.Trial
    budget: int
    reported: int = 0
    pruned: int | None = None


@dataclass
class Trials:
    """Runs trials until there are as many as asked for.

    Attributes:
        folder: of the search
        found, checked: the search
        catalogue: the installed parts
        study: Optuna's
        pool: what runs them
        at_once: how many run at once
        without: plugins to leave out
        progress: is given every trial that ends
    """

    folder: Path
    found: SearchFile
    checked: Checked
    catalogue: Catalogue
    study: optuna.Study
    pool: Pool
    at_once: int
    without: Sequence[str]
    progress: Progress
    at_work: dict[str, AtWork] = field(default_factory=dict)
    loaded: Loaded = field(default_factory=Loaded)

    def run(self) -> None:
        """Raises RunError if the base recipe itself fails, as then nothing can be compared."""
        from optuna.trial import TrialState

        for frozen in self.study.get_trials(states=(TrialState.RUNNING,)):
            trial = again(self.study, frozen, self.found, self.checked, self.at_once)
            self._begin(trial, frozen.intermediate_values)
        while True:
            while len(self.at_work) < self.at_once and len(counting(self.study)) < self.found.search.trials:
                self._begin(ask(self.study, self.found, self.checked, self.at_once))
            if not self.at_work:
                return
            for ended in self.pool.wait(LOOK):
                self._conclude(ended)
            for name in list(self.at_work):
                self._watch(name)

    def _begin(self, trial: optuna.Trial, reported: Mapping[int, float] | None = None) -> None:
        """Hand in a trial; one that an earlier start had begun goes on."""
        name, overrides = trial_name(trial.number), self.found.trial_overrides(trial.params)
        try:
            document = read_document(self.found.base, self.catalogue.recipes, overrides)
            training = prepare_document(document, self.catalogue, loaded=self.loaded).recipe.training
        except RecipeError as error:  # of three choices together, say
            self._fail(trial, name, str(error))
            return
        facts = read_json(self.folder / CELLS)
        facts["cells"] = facts.get("cells", {}) | {name: {"labels": dict(trial.params), "overrides": overrides}}
        write_json(self.folder / CELLS, facts | {"base": self.found.base, "without": list(self.without)})
        (self.folder / ERRORS / f"{name}.json").unlink(missing_ok=True)
        self.at_work[name] = AtWork(trial, training.epochs, max(reported or {0: 0.0}))
        self.pool.submit(cell_work(self.folder, name, training))
        self._watch(name)

    def _watch(self, name: str) -> None:
        """Report the epochs that the log has by now, in order; end the trial where it falls behind."""
        work = self.at_work[name]
        if len(self.found.search.metrics) > 1 or work.pruned is not None:
            return
        for entry in run_folder.read_log(self.folder / DONE / name):
            if entry.get("stage") != MAIN or entry["epoch"] <= work.reported or DECIDED not in entry["validation"]:
                continue
            work.reported = entry["epoch"]
            value = flat_metrics(entry["validation"][DECIDED]).get(self.found.search.metrics[0])
            if value is None or math.isnan(value):
                continue
            work.trial.report(value, work.reported)
            if work.trial.should_prune():
                work.pruned = work.reported
                (self.folder / DONE / name / run_folder.STOP).touch()  # where the launcher cannot end it at once
                if name in self.pool.at_work:
                    self.pool.cancel(name)
                return

    def _conclude(self, ended: Ended) -> None:
        """Tell Optuna how a trial ended. One that fell behind counts as ended early even if it was done meanwhile, so that the
        search does not depend on how fast it is watched."""
        from optuna.trial import TrialState

        name = ended.work.name
        self._watch(name)
        work, cell = self.at_work[name], self.folder / DONE / name
        log = run_folder.read_log(cell)
        work.trial.set_user_attr("epochs", sum(entry.get("stage") == MAIN for entry in log))
        work.trial.set_user_attr("budget", work.budget)
        work.trial.set_user_attr("seconds", round(sum(entry.get("seconds", 0.0) for entry in log), 2))
        if work.pruned is not None:
            (self.folder / ERRORS / f"{name}.json").unlink(missing_ok=True)
            shutil.rmtree(cell / run_folder.CHECKPOINTS, ignore_errors=True)
            self._told(work.trial, f"ended early, after epoch {work.pruned}", state=TrialState.PRUNED)
        elif run_folder.is_finished(cell):
            validation = flat_metrics(run_folder.read_mapping(cell / run_folder.METRICS)["validation"])
            values = [validation.get(metric) for metric in self.found.search.metrics]
            known = [value for value in values if value is not None and not math.isnan(value)]
            if len(known) < len(values):
                self._fail(work.trial, name, "its metric is not defined on these validation rows")
                return
            shown = "  ".join(f"{m} {fixed(v, 4)}" for m, v in zip(self.found.search.metrics, known, strict=True))
            self._told(work.trial, shown, values=known)
        else:
            error = read_json(self.folder / ERRORS / f"{name}.json").get("error") or ended.why
            self._fail(work.trial, name, error)
            return
        if self.found.settings.keep == "results":
            for file in BULKY:
                (cell / file).unlink(missing_ok=True)
        del self.at_work[name]

    def _fail(self, trial: optuna.Trial, name: str, error: str) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr("error", error)
        write_json(self.folder / ERRORS / f"{name}.json", {"error": error})
        self._told(trial, f"failed: {error.splitlines()[0]}", state=TrialState.FAIL)
        self.at_work.pop(name, None)
        if trial.number == 0 or dict(trial.params) == self.checked.base_picks:
            raise RunError(f"the base recipe failed, so that there is nothing to compare with: {error}")

    def _told(self, trial: optuna.Trial, words: str, **result: Any) -> None:
        self.study.tell(trial, **result)
        done = len(counting(self.study)) - len(self.at_work) + (trial_name(trial.number) in self.at_work)
        picks = ", ".join(f"{name} {short(value)}" for name, value in trial.params.items())
        self.progress.note(
            f"{done} of {self.found.search.trials} trials: {trial_name(trial.number)}  {words}  ({picks})"
        )


def trial_name(number: int) -> str:
    """Names the trial's run folder."""
    return f"trial-{number:04}"
