"""Where the evidence is thin: what a reader must know before trusting a metric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalkit.base.text import percent, plural, sentence_list
from imbalkit.evaluation.intervals import FEW, few_units
from imbalkit.report.context import Report
from imbalkit_lite.text import printable

FEW_TEST, FEW_VALIDATION = 100, 50  # rows of a class below which a recall, or a threshold, rests on little
MOST_NAMED = 6  # classes
SHIFTED = 0.1  # calibration error from which probabilities mislead


@dataclass(frozen=True)
class Caution:
    """A warning: `head` in a few words, `text` in a sentence or two; `grave` where a metric may mislead altogether."""

    head: str
    text: str
    grave: bool = False


def cautions(report: Report) -> list[Caution]:
    """What limits the metrics of this run, gravest first."""
    found = [
        *_test_rows(report),
        *_few_for_intervals(report),
        *_validation_rows(report),
        *_independence(report),
        *_inputs(report),
        *_teachers(report),
        *_probabilities(report),
        *_rest(report),
    ]
    return sorted(found, key=lambda caution: not caution.grave)


def _counts(report: Report, split: str) -> dict[str, int]:
    labels = report.run.split_rows(split).labels
    return dict(zip(report.classes, np.bincount(labels, minlength=len(report.classes)).tolist(), strict=True))


def _test_rows(report: Report) -> list[Caution]:
    counts = _counts(report, "test")
    if not sum(counts.values()):
        return [Caution("No test rows", "How good this model is on rows that it has not seen is not known.", True)]
    absent = [name for name, n in counts.items() if not n]
    found = []
    if absent:
        found.append(
            Caution(
                f"No test rows of {sentence_list(absent)}", "The metrics of other classes do not hold for it.", True
            )
        )
    few = {name: n for name, n in counts.items() if 0 < n < FEW_TEST}
    if report.positive is not None:
        few = {name: n for name, n in few.items() if name == report.positive}
    if few:
        name, n = min(few.items(), key=lambda item: item[1])
        if len(few) == 1:
            head = f"Only {plural(n, 'test row')} of {name}"
        else:
            head = f"Fewer than {FEW_TEST} test rows of {len(few)} classes, down to {n} of {name}"
        text = (
            f"One row more or less moves the recall of {name} by {100 / n:.1f} percentage points; read the intervals."
        )
        found.append(Caution(head, text, n < 30))
    return found


def _few_for_intervals(report: Report) -> list[Caution]:
    """Classes that intervals know from a few rows, or groups of rows."""
    test_rows = report.run.split_rows()
    few = few_units(test_rows.labels, test_rows.groups, report.classes)
    if not few:
        return []
    unit = "test group" if test_rows.grouped else "test row"
    shown = [f"{plural(n, unit)} of {name}" for n, name in few[:MOST_NAMED]]
    more = [f"fewer than {FEW} of {plural(len(few) - MOST_NAMED, 'other class', 'other classes')}"]
    text = (
        "Every metric that uses such a class (recall, precision, areas under curves, balanced accuracy, F1) has a wide "
        "interval. In simulations with 8 rows of one class, 95 % intervals of ROC AUC, balanced accuracy and recall "
        "contained the true value in 96 of 100 cases, of log loss in 90, of specificity at a sensitivity in 87, of partial AUC "
        "in 82: do not rely on the last three, and collect more test rows of the class."
    )
    return [Caution(f"Intervals rest on {sentence_list(shown + more * (len(few) > MOST_NAMED))}", text)]


def _validation_rows(report: Report) -> list[Caution]:
    counts = _counts(report, "validation")
    if not sum(counts.values()):
        text = "The epoch, the threshold and the calibration were not chosen on rows that training has not seen."
        return [Caution("No validation rows", text, True)]
    chosen = report.run.metrics["decision"].get("rule") not in (None, "fixed")
    if report.positive is None or not chosen:
        return []
    n = counts[report.positive]
    if not 0 < n < FEW_VALIDATION:
        return []
    text = "A threshold chosen on so few rows may give another recall on other data"
    text += f"; on test it gave {_recall(report)}." if report.metric("recall", report.positive) else "."
    return [Caution(f"Threshold chosen on {plural(n, 'row')} of {report.positive}", text)]


def _recall(report: Report) -> str:
    metric = report.metric("recall", report.positive)
    return percent(None if metric is None else metric.value)


def _independence(report: Report) -> list[Caution]:
    test_rows, files = report.run.split_rows(), _shared_files(report)
    if files:
        text = (
            f"{plural(files, 'test row')} of {len(test_rows):,} show an image file that also has training or validation rows: "
            "the network has seen these photographs, and the metrics are optimistic."
        )
        return [Caution("Photographs in several splits", text, True)]
    if not test_rows.names_groups:
        text = (
            "The data name no groups, such as patients. If several rows are of one of them, some may be in training and in the "
            "test: metrics are then optimistic, and intervals too narrow. `imbalkit leaks` looks for near duplicates."
        )
        return [Caution("Independence of rows is unknown", text)]
    shared = _shared_groups(report)
    if shared:
        text = (
            f"{plural(shared, 'group')} of test rows (such as patients) also have training or validation rows: the test is not "
            "independent, and its metrics are likely optimistic."
        )
        return [Caution("Groups in several splits", text, True)]
    return []


def _shared_files(report: Report) -> int:
    """Test rows whose image file is in another split, too."""
    if report.prepared is None or report.prepared.table.files is None:
        return 0
    files, split = report.prepared.table.files, report.prepared.split
    return int(np.isin(files[split.test], files[np.concatenate([split.train, split.validation])]).sum())


def _shared_groups(report: Report) -> int:
    if report.prepared is None or report.prepared.table.groups is None:
        frame = report.run.predictions
        test, validation = (
            set(frame.loc[frame["split"] == split, "group"].dropna()) for split in ("test", "validation")
        )
        return len(test & validation)
    groups, split = report.prepared.table.groups, report.prepared.split
    seen = np.concatenate([groups[split.train], groups[split.validation]])
    return len(np.intersect1d(groups[split.test], seen))


def _inputs(report: Report) -> list[Caution]:
    names = sentence_list(printable(fitted.column.name) for fitted in report.run.columns)
    if not names or not report.run.has_images:
        return []
    text = (
        f"Part of what it predicts comes from {names}, as they go with the classes in these data. How frequent a class is at "
        "each of their values differs elsewhere, as patients and records do, and nothing here tests that; the same picture may "
        "get another answer for another person. The metrics hold where the columns are known as often as in the test rows. "
        "Subgroups by these columns show how the model does within each value, not what it would do without them."
    )
    return [Caution(f"The model uses {names} beside the image", text)]


def _teachers(report: Report) -> list[Caution]:
    """Teachers that trained on rows which the student is judged by."""
    found = []
    for teacher in report.run.metrics.get("teachers", []):
        if leak := teacher["leak"]:
            tested = bool(teacher["trained_on"]["test"])
            head = f"The teacher trained on {'test' if tested else 'validation'} rows"
            found.append(Caution(head, f"{leak[:1].upper()}{leak[1:]}.", tested))
    return found


def _probabilities(report: Report) -> list[Caution]:
    found = [
        Caution("The imbalance is corrected more than once", f"{text[:1].upper()}{text[1:]}.")
        for text in (report.run.metrics.get("prior") or {}).get("warnings", [])
    ]
    metric = report.metric("ece")
    if metric is not None and metric.value is not None and metric.value > SHIFTED:
        text = (
            f"They are off by {percent(metric.value, 0)} on average (calibration error on test): rank rows by them, but do not "
            "read them as risks."
        )
        found.append(Caution("Probabilities are poorly calibrated", text))
    return found


def _rest(report: Report) -> list[Caution]:
    metrics = report.run.metrics
    notes = [("Data", note) for note in report.run.facts.get("data_cautions", [])]
    leaks = [teacher["leak"] for teacher in metrics.get("teachers", [])]  # said above
    notes += [("Note", note) for note in metrics.get("notes", []) if note not in leaks]
    found = [Caution(head, f"{note[:1].upper()}{note[1:]}{'' if note.endswith('.') else '.'}") for head, note in notes]
    bad = metrics.get("bad_images", [])
    if bad:
        names = sentence_list(
            [image["path"].rpartition("/")[2] for image in bad[:3]] + (["others"] if len(bad) > 3 else [])
        )
        found.append(Caution(f"{plural(len(bad), 'image')} left out", f"They could not be read: {names}."))
    return found
