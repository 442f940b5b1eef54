"""Baselines beside the network, or beside each other."""

from __future__ import annotations

from imbalkit.base.text import metric_text
from imbalkit.cli.tables.frames import print_frame
from imbalkit.cli.tables.results import print_results
from imbalkit.runs.results import RunData
from imbalkit.studies.baselines import Baselines
from imbalkit_lite.command_line import say


def print_baselines(made: Baselines) -> None:
    """One table of all, paired where they can be, then where the runs are."""
    from imbalkit.studies.comparison import compare
    from imbalkit.studies.comparison.text import small_print, statements, table

    folders = [*([] if made.reference is None else [made.reference]), *made.folders.values()]
    if made.folds:
        _print_folds(made)
    elif len(folders) > 1 and RunData(folders[0]).is_tested:
        found = compare(folders)
        print_frame(table(found), f"against {found.reference}")
        for line in [*statements(found), "", *small_print(found)]:
            say(line)
    else:
        for folder in made.folders.values():
            print_results(folder)
        return
    for folder in made.folders.values():
        say(f"run folder: {folder}")


def _print_folds(made: Baselines) -> None:
    """Mean and standard deviation over folds of each, and the mean difference from the network where there is one."""
    import pandas as pd

    reference = None if made.reference is None else RunData(made.reference).metrics["test"]
    known = {} if reference is None else {"network": reference}
    known |= {method: RunData(folder).metrics["test"] for method, folder in made.folders.items()}
    first = next(iter(known.values()))
    rows = []
    for metric in ("roc_auc", "pr_auc", "balanced_accuracy", "log_loss", "brier"):
        if not {"mean", "values"} <= set(first.get(metric) or ()):
            continue
        row = {"metric": metric.replace("_", " ")}
        for name, metrics in known.items():
            row[name] = f"{metric_text(metrics[metric])}"
        if reference is not None:
            for method in made.folders:
                pairs = zip(known[method][metric]["values"], reference[metric]["values"], strict=True)
                gaps = [own - network for own, network in pairs if own is not None and network is not None]
                if gaps:
                    row[f"{method} - network"] = f"{sum(gaps) / len(gaps):+.3f} ({min(gaps):+.3f} to {max(gaps):+.3f})"
        rows.append(row)
    print_frame(pd.DataFrame(rows), f"over {made.folds} folds")
    say("Mean and standard deviation over folds.")
    if reference is not None:
        say("Differences are means over folds, in brackets the least and the largest of a fold: no interval.")
