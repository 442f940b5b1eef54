"""What ending trials early saves on the digits, at what loss.

python -m tests.benchmarks search [--seeds 0 1 2] [--trials 16] [--epochs 8]

Trials are drawn at random, so that they are the same with and without pruning: each is trained in full once, and what the median
rule and successive halving would have ended is read from its log, epoch by epoch, as a search does.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from imbalkit.catalogue import default_catalogue
from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.runs.results import RunData
from imbalkit.studies.search.checks import check_search
from imbalkit.studies.search.file import SearchFile, read_search
from imbalkit.studies.search.study import ask, open_study, pruner_of, quiet

FILE = """\
base: digits
set: {{positive: '9', backbone.width: 8, training.epochs: {epochs}, training.threads: 1, evaluation.resamples: 0}}
search: {{metric: false_alarm_rate, at: target_recall, trials: {trials}, sampler: random, startup_trials: 4, seed: {seed}}}
space:
  training.optimizer.lr: {{low: 0.0005, high: 0.02, log: true}}
  training.batch_size: {{low: 32, high: 128, step: 32}}
  loss: {{choices: {{plain: ce, focal: {{name: focal, gamma: {{low: 0.5, high: 4}}}}}}}}
"""


def main(arguments: list[str]) -> None:
    """Print a line for each seed and rule."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks search")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args(arguments)
    with quiet(), tempfile.TemporaryDirectory() as name:
        for seed in options.seeds:
            file = Path(name) / f"seed{seed}.yaml"
            file.write_text(FILE.format(epochs=options.epochs, trials=options.trials, seed=seed))
            catalogue = default_catalogue()
            found = read_search(file, catalogue)
            drawn, curves = _in_full(Path(name) / str(seed), found, catalogue)
            for rule in ("none", "median", "halving"):
                _replay(seed, rule, found, drawn, curves)


def _in_full(folder: Path, found: SearchFile, catalogue) -> tuple[list, list]:
    """The parameters of every trial, and its metric after each epoch with the one at the end."""
    folder.mkdir()
    checked = check_search(found, catalogue)
    study = open_study(folder, found, checked)
    drawn, curves = [], []
    for number in range(found.search.trials):
        trial = ask(study, found, checked, 1)
        cell = run(found.base, found.trial_overrides(trial.params), RunOptions(folder=folder / f"trial-{number}"))
        done, metric = RunData(cell), found.search.metrics[0]
        curves.append(
            ([entry["validation"]["decided"][metric] for entry in done.log], done.metrics["validation"][metric])
        )
        drawn.append((trial.params, trial.distributions))
        study.tell(trial, curves[-1][1])
    return drawn, curves


def _replay(seed: int, rule: str, found: SearchFile, drawn: list, curves: list) -> None:
    import optuna

    search = found.search.model_copy(update={"prune": rule})
    study = optuna.create_study(direction="minimize", pruner=pruner_of(search))
    trained, finished, best = 0, 0, []
    for (params, distributions), (curve, end) in zip(drawn, curves, strict=True):
        study.enqueue_trial(params)
        trial = study.ask(distributions)
        for epoch, value in enumerate(curve, 1):
            trained += 1
            trial.report(value, epoch)
            if trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, end)
            finished += 1
            best.append((end, trial.number))
    full = sum(len(curve) for curve, _ in curves)
    value, number = min(best)
    sys.stdout.write(
        f"seed {seed}  {rule:8s} trials {len(drawn)}, finished {finished:3d}  epochs {trained} of {full}, {trained / full:.0%}  "
        f"best {value:.4f} of trial {number}\n"
    )
    sys.stdout.flush()
