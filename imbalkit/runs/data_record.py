"""What a run's data were: written to its folder when they are first read, and compared whenever they are read again.

`data.parquet` has a row for each sample, in the order of the table: path (where samples are files), label and its code,
group, split (train, validation or test), and a hash of the content. The folder of the data may move; names below it, order
and content may not.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.base.files import write_parquet
from imbalkit.base.parameters import parameters_text
from imbalkit.data.row_hashes import hashes_of, texts_of
from imbalkit.errors import DataError, RunError, listing
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import RunData

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.data.split import Split
    from imbalkit.data.table import Table
    from imbalkit.kinds import Dataset
    from imbalkit.recipe.recipe import Recipe

RECORD = "data.parquet"
_INPUT = "input_"  # before the name of a column that the network takes beside the image


def record_of(
    table: Table, split: Split | None = None, content: np.ndarray | None = None, inputs: Iterable[str] = ()
) -> pd.DataFrame:
    """What a table's samples are.

    Args:
        table: the data as they are read now
        split: which of train, validation and test each sample is in
        content: hashes of the files, uint64 [n], 0 for one that cannot be read; of arrays they are computed here
        inputs: columns that the network takes beside the image

    Returns:
        a row a sample: label, code and, where they are known, path, group, split, content, input_<column>; label_before, where
        labels were corrected
    """
    import pandas as pd

    from imbalkit.data.table import UNCORRECTED

    columns = {"label": table.frame["label"], "code": table.labels}
    for name in ("path", "group"):
        if name in table.frame:
            columns[name] = table.frame[name].astype(object).where(table.frame[name].notna(), None)
    if UNCORRECTED in table.frame:
        columns["label_before"] = table.frame[UNCORRECTED]
    if split is not None:
        splits = np.full(len(table), "", dtype=object)
        for name in ("train", "validation", "test"):
            splits[getattr(split, name)] = name
        columns["split"] = splits
    texts = {name: texts_of(table.frame[name]) for name in inputs}
    columns |= {f"{_INPUT}{name}": text for name, text in texts.items()}
    if table.arrays is not None:
        content = content_in_memory(table, texts)
    if content is not None:
        columns["content"] = content
    return pd.DataFrame(columns)


def input_columns(record: pd.DataFrame) -> dict[str, str]:
    """Columns that the network takes: their names in the data by those in a record."""
    return {str(name): str(name).removeprefix(_INPUT) for name in record if str(name).startswith(_INPUT)}


def copies_notes(record: pd.DataFrame | None, seen: np.ndarray | None = None) -> list[str]:
    """A note where test rows have the content of training or validation rows: copies under other names, or equal rows.

    Args:
        record: of `record_of`
        seen: hashes of what the network is given of each row, uint64 [n], where that is not all of its content
    """
    if record is not None and seen is not None:
        record = record.assign(content=seen)
    if record is None or "content" not in record or "split" not in record:
        return []
    known = record[record["content"] != 0]
    test = known["split"] == "test"
    equal = int(known.loc[test, "content"].isin(known.loc[~test & (known["split"] != ""), "content"]).sum())
    if not equal:
        return []
    rows = int((record["split"] == "test").sum())
    what = "the same image" if "path" in record or not input_columns(record) else "the same values"
    return [
        f"{equal:,} of {rows:,} test rows have {what} as a training or validation row: where these are copies, metrics are too "
        "good; `imbalkit leaks` names them"
    ]


def content_in_memory(table: Table, texts: Mapping[str, list[str]] | None = None) -> np.ndarray | None:
    """A hash of each sample that is in memory, uint64 [n]: of its pixels, or of its columns; None for files.

    Args:
        table: the data
        texts: what `texts_of` said of some of its columns
    """
    if table.features is None:
        return None if table.arrays is None else content_of(table.arrays)
    known = texts or {}
    return hashes_of([known[name] if name in known else texts_of(table.frame[name]) for name in table.features.columns])


def content_of(arrays: np.ndarray) -> np.ndarray:
    """A hash of each image's pixels, uint64 [n]."""
    start = hashlib.blake2b(repr(arrays.shape[1:]).encode(), digest_size=8)
    found = np.empty(len(arrays), dtype=np.uint64)
    for row, pixels in enumerate(arrays):
        digest = start.copy()
        digest.update(np.ascontiguousarray(pixels).data)
        found[row] = int.from_bytes(digest.digest(), "little")
    return found


def read_record(file: Path) -> pd.DataFrame | None:
    """A record, None where there is none. Raises RunError for a file that is no record."""
    import pandas as pd

    if not file.exists():
        return None
    try:
        record = pd.read_parquet(file)
        record[["label", "code"]]
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{file} cannot be read ({error}): expected the record of a run's data") from error
    return record


def known_record(folder: Path) -> pd.DataFrame | None:
    """The record of a run; of a finished run without one (older versions) its predicted samples, by index.

    Raises RunError for a file that cannot be read.
    """
    record = read_record(folder / RECORD)
    if record is None and (folder / run_folder.PREDICTIONS).exists():
        predicted = RunData(folder).predictions.set_index("source").sort_index()
        record = predicted[[name for name in ("label", "path", "group", "split") if name in predicted]]
    return record


def shared_record(folder: Path, recipe: Recipe) -> tuple[Path, str] | None:
    """Where runs that belong together (folds; the cells of a sweep on one data set) share one record, and whose it is.

    None for a single run. A fold lies in the folder of its cross-validation, a cell in `cells` of its sweep.
    """
    above = folder.absolute().parent
    if recipe.split.fold is not None and (above / "run.json").exists():
        return above / RECORD, str(folder.parent)
    if above.name == "cells" and (above.parent / "cells.json").exists():
        return sweep_record(above.parent, recipe.data), str(folder.parent.parent)
    return None


def sweep_record(sweep: Path, dataset: Dataset) -> Path:
    """The record that a sweep's cells on a data set share."""
    name = hashlib.blake2b(parameters_text(dataset).encode(), digest_size=6).hexdigest()
    return sweep / "data" / f"{name}.parquet"


def remember(folder: Path, recipe: Recipe, record: pd.DataFrame) -> None:
    """Write what a run's data are, or compare it with what this run, or those that it belongs to, wrote before.

    Raises RunError where the data are not the same.
    """
    shared = shared_record(folder, recipe)
    if shared is not None:  # the splits differ from fold to fold
        write_or_compare(shared[0], record.drop(columns="split"), shared[1])
    write_or_compare(folder / RECORD, record, str(folder))


def write_or_compare(file: Path, record: pd.DataFrame, whose: str) -> None:
    """Write a record, or compare it with the one that is there already, which may be that of other runs beside this one.

    Raises RunError where the data are not the same.
    """
    from filelock import FileLock

    try:
        file.parent.mkdir(exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock")):
            then = read_record(file)
            if then is None:
                write_parquet(file, record)
    except OSError as error:
        raise RunError(f"{file} cannot be written: {error}") from error
    if then is not None:
        refuse_other_data(then, record, whose)


def refuse_other_data(then: pd.DataFrame, now: pd.DataFrame, whose: str) -> None:
    """Raise RunError that says what changed, unless the data are the same."""
    changed = difference(then, now)
    if changed:
        raise RunError(
            f"the data of {whose} have changed since it began: {changed}. Put them back as they were, or start anew "
            "in another folder"
        )


def difference(then: pd.DataFrame, now: pd.DataFrame) -> str:
    """What changed from one record to another, with numbers and an example of each; "" if nothing did.

    Columns that one of them lacks are ignored. `then` may hold some samples only, by index (no column `code`).
    """
    whole = "code" in then
    was, found = _keys(then, now)
    place = found.get_indexer(was)
    missing = place < 0
    changes = []
    if missing.any():
        changes.append(_some(missing.sum(), "row is missing", "rows are missing", _name(then, int(np.argmax(missing)))))
    if whole and (new := ~found.isin(was)).any():
        changes.append(_some(new.sum(), "row is new", "rows are new", _name(now, int(np.argmax(new)))))
    before, after = then[~missing], now.iloc[place[~missing]]
    words = {
        "label": ("label has changed", "labels have changed"),
        "group": ("group has changed", "groups have changed"),
        "split": ("row is in another split", "rows are in another split"),
        "content": ("file has other content", "files have other content"),
    }
    for column, name in input_columns(then).items():
        words[column] = (f"value of {name} has changed", f"values of {name} have changed")
    if "path" not in then:
        what = "sample has other content", "samples have other content"  # of which the columns are a part
        words["content"] = what if len(words) > 4 else ("image has other pixels", "images have other pixels")
    for column, (one, many) in words.items():
        if column in before and column in after:
            old, new = (_plain(frame[column]) for frame in (before, after))
            other = old != new
            if other.any():
                row = int(np.argmax(other))
                change = "" if column == "content" else f": {old[row] or 'none'}, now {new[row] or 'none'}"
                changes.append(_some(other.sum(), one, many, _name(before, row) + change))
    if whole and (classes := _classes(then)) != _classes(now):
        changes.append(f"the classes were {listing(classes)} and are {listing(_classes(now))}")
    places = place[~missing]
    moved = (np.diff(places) < 0).any() if whole else (places != before.index.to_numpy()).any()
    if moved:
        changes.append("the rows are in another order")
    return ", ".join(changes)


def _keys(then: pd.DataFrame, now: pd.DataFrame) -> tuple[pd.Index, pd.Index]:
    """What identifies a row in both records: paths, else pixels, else places."""
    import pandas as pd

    if "path" in then and "path" in now:
        was, found = pd.Index(then["path"]), pd.Index(now["path"])
        if not found.isin(was).any():  # the folder may have moved
            was, found = below(was), below(found)
        return _numbered(was, found)
    if "content" in then and "content" in now:
        was, found = then["content"].to_numpy(), now["content"].to_numpy()
        if len(was) != len(found) or np.array_equal(np.sort(was), np.sort(found)):
            return _numbered(pd.Index(was), pd.Index(found))
    return then.index, now.index


def below(paths: pd.Index) -> pd.Index:
    """Paths below the folder that holds all of them."""
    if not len(paths):
        return paths
    start = os.path.commonprefix([paths.min(), paths.max()])
    return paths.str.slice(start.rfind(os.sep) + 1)


def largest_of(keys: pd.Series | pd.Index, codes: np.ndarray, asked: pd.Series | pd.Index) -> np.ndarray:
    """The largest code of each key that is asked for, int8 [n]; 0 for one that is missing or not there."""
    import pandas as pd

    known = pd.Series(codes).groupby(np.asarray(keys)).max()
    result: np.ndarray = known.reindex(np.asarray(asked)).fillna(0).to_numpy(np.int8)
    return result


def _numbered(was: pd.Index, found: pd.Index) -> tuple[pd.Index, pd.Index]:
    """Keys as they are, or with a number each where one stands for several rows."""
    import pandas as pd

    if was.is_unique and found.is_unique:
        return was, found

    def numbered(keys: pd.Index) -> pd.Index:
        series = pd.Series(keys)
        return pd.MultiIndex.from_arrays([series, series.groupby(series).cumcount()])

    return numbered(was), numbered(found)


def _plain(column: pd.Series) -> np.ndarray:
    return column.to_numpy() if column.dtype.kind in "iuf" else column.fillna("").astype(str).to_numpy(object)


def _classes(record: pd.DataFrame) -> list[str]:
    """Class names by their codes."""
    return record.drop_duplicates("code").sort_values("code")["label"].tolist()


def _name(record: pd.DataFrame, row: int) -> str:
    """What a person finds a row by."""
    return str(record["path"].iloc[row]) if "path" in record else f"sample {record.index[row]}"


def _some(count: int, one: str, many: str, example: str) -> str:
    return f"1 {one} ({example})" if count == 1 else f"{count:,} {many} (such as {example})"


def refuse_changed_data(folder: Path, now: pd.DataFrame) -> None:
    """Raise DataError where a finished run's data are not what they were."""
    then = known_record(folder)
    changed = "" if then is None else difference(then, now)
    if changed:
        raise DataError(f"the data of {folder} have changed since the run: {changed}")
