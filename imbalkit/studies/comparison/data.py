"""The data of compared runs, from their records: test rows at other places, content and training rows that differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from imbalkit.data.row_hashes import hashes_of
from imbalkit.errors import RunError, listing
from imbalkit.runs.data_record import RECORD, below, difference, input_columns, read_record
from imbalkit.runs.results import RunData


def align(runs: Mapping[str, RunData]) -> tuple[dict[str, RunData], list[str]]:
    """The runs with the test rows of each at the places that they have in the first, and notes on those that were moved.

    Rows are found by the path below the folder of all test rows, or by their content where there are no files. A run whose test
    files or content are not those of the first stays as it is.
    """
    records = _records(runs)
    (name, first), *others = {name: _with_content(run, records[name]) for name, run in runs.items()}.items()
    known, notes, aligned = _by_name(first), [], {name: first}
    for other, run in others:
        found = _by_name(run)
        if known is not None and found is not None and not known.equals(found) and set(known) == set(found):
            place = pd.Series(known.index, index=known.to_numpy())
            predictions, rows = run.predictions.copy(), run.predictions["split"] == "test"
            predictions.loc[rows, "source"] = found.map(place).loc[predictions.loc[rows, "source"]].to_numpy()
            run = RunData(run.folder, predictions=predictions)
            notes.append(
                f"The test rows of {other} stand at other places in its data; they were found by their content."
            )
        aligned[other] = run
    return aligned, notes


def data_notes(runs: Mapping[str, RunData]) -> list[str]:
    """What differs in the data of aligned runs with the same test rows: columns, test rows' content, and training rows.

    Raises RunError where samples without files have the content of other samples: these are not the same rows.
    """
    records = _records(runs)
    (name, first), *others = runs.items()
    notes = []
    for other, run in others:
        was, found = records[name], records[other]
        if was is None or found is None:
            counts = [each.metrics["class_counts"][0]["counts"] for each in (first, run)]
            if counts[0] != counts[1]:
                notes.append(f"Training rows of each class: {counts[0]} in {name}, {counts[1]} in {other}.")
            continue
        before, after = (list(input_columns(record).values()) for record in (was, found))
        if set(before) != set(after):
            own = [
                listing(column for column in here if column not in there)
                for here, there in ((before, after), (after, before))
            ]
            sides = " and ".join(
                f"{columns} in {run}" for columns, run in zip(own, (name, other), strict=True) if columns
            )
            notes.append(f"The networks are given different columns: only {sides}.")
        notes += _content_notes(name, first, other, run)
        changed = difference(*(each[each["split"] == "train"].reset_index(drop=True) for each in (was, found)))
        if changed:
            notes.append(f"The training rows of {other} are not those of {name}: {changed}.")
    return notes


def _content_notes(name: str, first: RunData, other: str, run: RunData) -> list[str]:
    was, found = _content(first), _content(run)
    if was is None or found is None:
        return []
    differs = was.to_numpy() != found.to_numpy()
    if not differs.any():
        return []
    images, files = first.has_images, "path" in first.split_rows().frame
    what = "content" if files else "pixels" if images else "values"
    if not files and found[differs].isin(was).any():
        raise RunError(
            f"{name} and {other} were not tested on the same rows, and their metrics do not compare: {int(differs.sum()):,} of "
            f"{len(was):,} test samples have the {what} of others, such as sample {was.index[int(np.argmax(differs))]}"
        )
    return [
        f"{int(differs.sum()):,} of {len(was):,} test {'images' if images else 'rows'} have different {what} in {other} than in "
        f"{name}, under the same names or places."
    ]


def _by_name(run: RunData) -> pd.Series | None:
    """What each test row is known by, by its place in the data, in order; None where that is not known or not unique."""
    frame = run.split_rows().frame.sort_values("source")
    names: pd.Series | None
    if "path" in frame and frame["path"].notna().all():
        names = pd.Series(below(pd.Index(frame["path"])), index=frame["source"].to_numpy())
    else:
        names = _content(run)
    return names if names is not None and names.is_unique else None


def _content(run: RunData) -> pd.Series | None:
    """A hash of each test row's content by its place in the data, in order; None where it is not known."""
    frame = run.split_rows().frame.sort_values("source")
    return frame.set_index("source")["content"] if "content" in frame else None


def _with_content(run: RunData, record: pd.DataFrame | None) -> RunData:
    """The run with a column `content` in its predictions, where its record knows it."""
    if record is None or "content" not in record:
        return run
    content = record["content"].reindex(run.predictions["source"], fill_value=0).to_numpy()
    return RunData(run.folder, predictions=run.predictions.assign(content=content))


def _records(runs: Mapping[str, RunData]) -> dict[str, pd.DataFrame | None]:
    """What is known of each run's data. Rows of tables are known by the columns that all of these runs have."""
    found: dict[str, pd.DataFrame | None] = {}
    for name, run in runs.items():
        record = read_record(run.folder / RECORD)
        found[name] = record if record is not None and "split" in record else None
    tables = [record for name, record in found.items() if record is not None and not runs[name].has_images]
    if len({tuple(input_columns(record)) for record in tables}) < 2:  # in another order, hashes differ, too
        return found
    shared = sorted(set.intersection(*(set(input_columns(record)) for record in tables)))
    for name, record in found.items():
        if record is not None and not runs[name].has_images:
            rest = record.drop(columns="content", errors="ignore")
            found[name] = (
                rest.assign(content=hashes_of([rest[column].tolist() for column in shared])) if shared else rest
            )
    return found
