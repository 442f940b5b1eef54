"""`imbalkit embed`: the features of a frozen network, a row each, as a Parquet file; what is computed is kept while it works."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.files import read_json, write_json, write_parquet
from imbalkit.engine.embedding import Embedding
from imbalkit.errors import RunError, listing
from imbalkit.runs import folder as run_folder
from imbalkit.runs.data_record import content_of, record_of
from imbalkit_lite.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

PART = 1024  # rows kept at once: what an interrupted call loses at most
KEY, FACTS = "facts.json", "imbalkit"
FEATURE = "feature_"  # before the number of a column

Note = Callable[[str], object]


def embed(
    embedding: Embedding,
    out: Path,
    note: Note = lambda text: None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Path:
    """Write the features of every row that can be read; a call that was interrupted goes on where it was.

    Columns: source (index into the table), path (where samples are files), label, group (where there are some), split, and
    feature_0000 and so on, float32. Its facts (the network, its weights) are in the file's metadata, and in `attrs` of the
    DataFrame that pandas reads.

    Args:
        embedding: the network and the data
        out: a Parquet file; while it works, what is computed lies in a folder of that name and `.parts`
        note: called with what a user should know
        progress: called with (rows done, rows in all)

    Raises:
        RunError: another ending, a file of something else, another process at work on it
        WriteError: no room
    """
    check_out(out)
    facts = _facts(embedding)
    if out.exists() and _facts_of(out) == facts:
        note(f"{out} holds these features already")
        return out
    parts = out.with_name(f"{out.name}.parts")
    if parts.exists() and not (parts / KEY).exists() and any(parts.iterdir()):
        raise RunError(f"{parts} is not empty and holds no features; choose another file for --out")
    parts.mkdir(parents=True, exist_ok=True)
    with run_folder.locked(parts):
        if read_json(parts / KEY) != facts:
            _empty(parts)
            write_json(parts / KEY, facts)
        features = _computed(embedding, parts, note, progress)
        frame = _table(embedding, features)
        frame.attrs[FACTS] = facts
        write_parquet(out, frame)
    shutil.rmtree(parts, ignore_errors=True)
    for image in embedding.bad[:10]:
        note(f"left out, cannot be read: {image.path} ({image.reason})")
    if len(embedding.bad) > 10:
        note(f"left out, cannot be read: {len(embedding.bad) - 10} more")
    return out


def check_out(out: Path) -> None:
    """Raise RunError unless features can be written there: a .parquet file that is new, or holds features."""
    if out.suffix != ".parquet":
        raise RunError(f"expected a file that ends in .parquet for the features, got {out}")
    if not out.absolute().parent.is_dir():
        raise RunError(f"there is no folder {out.absolute().parent} to write {out.name} into")
    if out.exists() and not _facts_of(out):
        raise RunError(f"{out} is there and holds something else than features; choose another file for --out")


def _facts(embedding: Embedding) -> dict[str, Any]:
    """What decides the features, so that another call recognises them."""
    prepared, images = embedding.prepared, embedding.images
    content = images.content if prepared.table.arrays is None else content_of(prepared.table.arrays)
    record = record_of(prepared.table, prepared.split)
    if content is not None:
        record["content"] = content
    import hashlib

    from pandas.util import hash_pandas_object

    def digest(rows: pd.DataFrame | pd.Series) -> str:
        return hashlib.blake2b(hash_pandas_object(rows).to_numpy().tobytes(), digest_size=16).hexdigest()

    rule = prepared.recipe.images.model_dump(mode="json", include={"resize", "interpolation", "exif", "bits"})
    facts = {
        "network": embedding.network,
        "width": embedding.width,
        "images": {"shape": list(images.shape), **rule},
        "data": digest(record.drop(columns="split")),
        "split": digest(record["split"]),
        "batch_size": prepared.recipe.training.batch_size,
        "device": embedding.device.type,
    }
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


def features_in(file: Path, embedding: Embedding) -> np.ndarray:
    """The features of `embedding.rows` in a file that `embed` wrote of the same network and data, whatever the split.

    Raises RunError for a file of something else.
    """
    import pandas as pd

    known, facts = _facts_of(file), _facts(embedding)
    differs = [key for key in facts if key != "split" and known.get(key) != facts[key]]
    if differs:
        what = f"differs in {listing(differs)}" if known else "holds something else than features"
        raise RunError(
            f"{file} does not hold the features of this recipe's data and network ({what}): name another file"
        )
    frame = pd.read_parquet(file)
    return frame[[name for name in frame if str(name).startswith(FEATURE)]].to_numpy(np.float32)


def _facts_of(file: Path) -> dict[str, Any]:
    """The facts in the metadata of a file of features, {} of any other."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(file).metadata or {}
        found = json.loads(metadata.get(b"PANDAS_ATTRS", b"{}")).get(FACTS)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _empty(parts: Path) -> None:
    for file in parts.glob("*.npy"):
        file.unlink()


def _computed(embedding: Embedding, parts: Path, note: Note, progress: Callable[[int, int], object]) -> np.ndarray:
    """The features of all rows, float32 [n, F], part by part; those that are there are read."""
    rows = embedding.rows
    pieces = [rows[start : start + PART] for start in range(0, len(rows), PART)]
    files = [parts / f"{number:05}.npy" for number in range(len(pieces))]
    before = sum(len(piece) for piece, file in zip(pieces, files, strict=True) if file.exists())
    if before:
        note(f"{before:,} of {len(rows):,} rows were computed before")
    found, done, started = [], 0, time.perf_counter()
    for piece, file in zip(pieces, files, strict=True):
        if file.exists():
            found.append(np.load(file))
        else:
            features = embedding.features(piece, lambda some, done=done: progress(done + some, len(rows)))  # type: ignore[misc]
            _keep(file, features)
            found.append(features)
        done += len(piece)
        progress(done, len(rows))
    if before < len(rows):
        seconds = time.perf_counter() - started
        note(
            f"features of {len(rows) - before:,} rows in {seconds:.1f} s ({(len(rows) - before) / seconds:.0f} rows/s)"
        )
    return np.concatenate(found) if found else np.empty((0, embedding.width), dtype=np.float32)


def _keep(file: Path, features: np.ndarray) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.save(stream, features)

    write_atomic(file, write, features.nbytes)


def _table(embedding: Embedding, features: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    prepared = embedding.prepared
    record = record_of(prepared.table, prepared.split).iloc[embedding.rows]
    columns = {"source": embedding.rows}
    columns |= {name: record[name].to_numpy() for name in ("path", "label", "group", "split") if name in record}
    digits = max(4, len(str(features.shape[1] - 1)))
    names = [f"{FEATURE}{number:0{digits}}" for number in range(features.shape[1])]
    wide = pd.DataFrame(features, columns=names)
    return pd.concat([pd.DataFrame(columns), wide], axis=1)
