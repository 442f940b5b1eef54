"""Optuna behind a search: its study in a journal file, how values are drawn, when trials end early."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.base.randomness import derive_seed
from imbalkit.errors import MissingExtraError
from imbalkit.studies.search.file import SearchFile, SearchSettings
from imbalkit.studies.search.space import Choices, Node, Picks, Value, filled

if TYPE_CHECKING:
    import optuna

    from imbalkit.studies.search.checks import Checked

JOURNAL = "study.journal"  # Optuna's; it may lie on a network disk, where SQLite would be damaged
RETRIES = "retries"  # of a trial: the number of the failed one that it tries again


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's log lines and its warnings of features that may change. Raises MissingExtraError without Optuna."""
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("a search needs Optuna: pip install 'imbalkit[search]'") from error
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def open_study(folder: Path, found: SearchFile, checked: Checked) -> optuna.Study:
    """The study of a search folder; a new one begins with the base recipe."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
        study_name="search",
        directions=["maximize" if higher else "minimize" for higher in checked.maximised],
        pruner=pruner_of(found.search),
        load_if_exists=True,
    )
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(checked.base_picks)
    return study


def ask(study: optuna.Study, found: SearchFile, checked: Checked, at_once: int) -> optuna.Trial:
    """The next trial, its parameters drawn; the same one whether or not the search was stopped before it.

    A sampler of its own for each trial, seeded by the trial's number, so that nothing but the trials so far decides.
    """

    study.sampler = sampler_of(found.search, len(study.get_trials(deepcopy=False)), at_once)
    trial: optuna.Trial = study.ask()
    draw(trial, found, checked)
    return trial


def draw(trial: optuna.Trial, found: SearchFile, checked: Checked) -> Picks:
    """The trial's values of all ranges and choices that apply."""
    picks: Picks = {}

    def pick(node: Node) -> Value:
        picks[node.name] = _suggested(trial, node, node.name in checked.whole)
        return picks[node.name]

    for entry in found.space.entries:
        filled(entry.node, pick)
    return picks


def sampler_of(search: SearchSettings, number: int, at_once: int) -> optuna.samplers.BaseSampler:
    """The sampler of one trial.

    TPE (Bergstra et al. 2011) over all values together (Falkner et al. 2018), those that belong to a choice in groups of
    their own; with several trials at once, those at work count as bad, so that the next ones are drawn elsewhere.
    """
    import optuna

    seed = derive_seed(search.seed, "search", number) % 2**32
    if search.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(
        seed=seed,
        n_startup_trials=search.startup_trials,
        multivariate=True,
        group=True,
        constant_liar=at_once > 1,
    )


def pruner_of(search: SearchSettings) -> optuna.pruners.BasePruner:
    """What ends trials early: behind the median of finished trials, or not in the best quarter (Jamieson and Talwalkar 2016)."""
    import optuna

    if search.pruner == "median":
        return optuna.pruners.MedianPruner(search.startup_trials, n_warmup_steps=search.warmup_epochs + 1)
    if search.pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=4)
    return optuna.pruners.NopPruner()


def counting(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that count: begun, and not failed with another one in their place."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    again = {trial.user_attrs.get(RETRIES) for trial in trials}
    return [trial for trial in trials if trial.state != TrialState.WAITING and trial.number not in again]


def retry_failed(study: optuna.Study) -> int:
    """Put the parameters of failed trials in line again; returns how many."""
    from optuna.trial import TrialState

    failed = [trial for trial in counting(study) if trial.state == TrialState.FAIL]
    for trial in failed:
        study.enqueue_trial(trial.params, user_attrs={RETRIES: trial.number})
    return len(failed)


def again(
    study: optuna.Study, frozen: optuna.trial.FrozenTrial, found: SearchFile, checked: Checked, at_once: int
) -> optuna.Trial:
    """A trial that was at work when the search was stopped, as it was asked for."""
    import optuna

    study.sampler = sampler_of(found.search, frozen.number, at_once)
    trial = optuna.Trial(study, frozen._trial_id)
    draw(trial, found, checked)  # what was drawn stays
    return trial


def _suggested(trial: optuna.Trial, node: Node, whole: bool) -> Value:
    if isinstance(node, Choices):
        return str(trial.suggest_categorical(node.name, list(node.options)))
    given: dict[str, Any] = {"log": node.settings.log}
    low, high, step = node.settings.low, node.settings.high, node.settings.step
    if whole:
        return trial.suggest_int(node.name, int(low), int(high), step=int(step or 1), **given)
    return trial.suggest_float(node.name, float(low), float(high), step=None if step is None else float(step), **given)
