"""Reads the official tables into one form.

Every reader returns a frame with these columns, missing where the table does not know:

    isic_id     the archive's name, without `_downsampled`
    name        the name as the table has it, and the image file as people have it
    year        of the challenge: 2018 (HAM10000), 2019, 2020, 2024
    melanoma    bool (2024: malignant)
    diagnosis   the table's own word (2019: MEL, NV, ...; HAM10000: mel, nv, ...; 2020: nevus, melanoma, ...)
    patient_id, lesion_id, age (years), sex, site (as in the table)

In messages row 1 is the one below the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from imbalkit.kinds import DataError, check_columns, listing, read_table
from imbalkit_melanoma.datasets.table_files import TableFiles, isic_id

CODES_2019 = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC")
CODES_HAM10000 = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
METADATA = ("isic_id", "year", "patient_id", "lesion_id", "age", "sex", "site", "diagnosis")
_KEPT_2024 = r"image_type|tbp_tile_type|clin_size_long_diam_mm|tbp_lv_.*"
_SHOWN = 5  # rows named in a message


def read_2020(files: TableFiles) -> pd.DataFrame:
    """ISIC-2020. Raises DataError for a table, a column, a name or a target (0 or 1) that is not there."""
    file = files.need("ISIC_2020_Training_GroundTruth_v2.csv", "ISIC_2020_Training_GroundTruth.csv", "train.csv")
    site = "anatom_site_general_challenge"
    raw = _read(
        file, ["image_name", "patient_id", "sex", "age_approx", site, "diagnosis", "target"], extra=["lesion_id"]
    )
    target = pd.to_numeric(raw["target"], errors="coerce")
    _refuse(~target.isin([0, 1]), raw["image_name"], file, "have no target of 0 or 1")
    return _frame(
        raw["image_name"],
        year=2020,
        melanoma=target == 1,
        diagnosis=raw["diagnosis"],
        patient_id=raw["patient_id"],
        lesion_id=raw.get("lesion_id"),
        age=raw["age_approx"],
        sex=raw["sex"],
        site=raw[site],
    )


def read_2019(files: TableFiles) -> pd.DataFrame:
    """ISIC-2019. Raises DataError as `read_2020`, and for a row with no or several diagnoses, or without metadata."""
    file = files.need("ISIC_2019_Training_GroundTruth.csv")
    truth = _read(file, ["image", *CODES_2019], extra=["UNK"])
    codes = [code for code in (*CODES_2019, "UNK") if code in truth]
    hot = truth[codes].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    wrong = ~np.isin(hot, [0, 1]).all(axis=1) | (hot.sum(axis=1) != 1)
    marked = ["+".join(np.array(codes)[row != 0]) or "none" for row in hot[wrong]]
    _refuse(wrong, truth["image"], file, f"do not have a single 1 among {', '.join(codes)}, the rest 0", marked)

    about = files.need("ISIC_2019_Training_Metadata.csv")
    metadata = _read(about, ["image", "age_approx", "anatom_site_general", "lesion_id", "sex"])
    twice = metadata["image"].duplicated() & ~metadata.duplicated()
    _refuse(twice, metadata["image"], about, "name an image again with other values")
    place = _match(truth["image"], metadata["image"])
    _refuse(place < 0, truth["image"], file, f"have no row in {about.absolute()}")
    metadata = metadata.iloc[place].reset_index(drop=True)
    diagnosis = pd.Series(np.array(codes, dtype=object)[hot.argmax(axis=1)])
    return _frame(
        truth["image"],
        year=2019,
        melanoma=diagnosis == "MEL",
        diagnosis=diagnosis,
        patient_id=None,
        lesion_id=metadata["lesion_id"],
        age=metadata["age_approx"],
        sex=metadata["sex"],
        site=metadata["anatom_site_general"],
    )


def read_2024(files: TableFiles) -> pd.DataFrame:
    """ISIC-2024, with columns of its own beside: `image_type`, `tbp_tile_type`, `clin_size_long_diam_mm`, `tbp_lv_...`.

    What the test of the challenge does not have is left out, as it comes after the diagnosis: `iddx_1` to `iddx_5`,
    `mel_...`, and the confidence of a network in the lesion. Raises DataError as `read_2020`.
    """
    file = files.need("train-metadata.csv")
    columns = ["isic_id", "target", "patient_id", "age_approx", "sex", "anatom_site_general"]
    raw = read_table(file, text=["isic_id"], ids=["patient_id", "lesion_id", "sex", "iddx_full"])
    check_columns(raw, columns, file)
    _refuse(raw["isic_id"].isna(), raw["isic_id"], file, "have no isic_id")
    target = pd.to_numeric(raw["target"], errors="coerce")
    _refuse(~target.isin([0, 1]), raw["isic_id"], file, "have no target of 0 or 1")
    more = [name for name in map(str, raw) if re.fullmatch(_KEPT_2024, name)]
    nothing = pd.Series(None, index=raw.index, dtype=object)
    rows = _frame(
        raw["isic_id"],
        year=2024,
        melanoma=target == 1,
        diagnosis=raw.get("iddx_full", nothing),
        patient_id=raw["patient_id"],
        lesion_id=raw.get("lesion_id", nothing),
        age=raw["age_approx"],
        sex=raw["sex"],
        site=raw["anatom_site_general"],
    )
    return rows.join(raw[[name for name in more if name != "tbp_lv_dnn_lesion_confidence"]])


def read_ham10000(files: TableFiles) -> pd.DataFrame:
    """HAM10000. Raises DataError as `read_2020`, and for a dx that is none of its seven."""
    file = files.need("HAM10000_metadata.csv", "HAM10000_metadata.tab", "HAM10000_metadata")
    raw = _read(file, ["image_id", "lesion_id", "dx", "age", "sex", "localization"])
    known = raw["dx"].isin(CODES_HAM10000)
    _refuse(~known, raw["image_id"], file, f"have a dx that is none of {', '.join(CODES_HAM10000)}", raw["dx"][~known])
    return _frame(
        raw["image_id"],
        year=2018,
        melanoma=raw["dx"] == "mel",
        diagnosis=raw["dx"],
        patient_id=None,
        lesion_id=raw["lesion_id"],
        age=raw["age"],
        sex=raw["sex"],
        site=raw["localization"],
    )


def labelled(rows: pd.DataFrame, target: str) -> pd.DataFrame:
    """The rows with a label: the diagnosis, or melanoma and other."""
    label = rows["diagnosis"] if target == "diagnosis" else rows["melanoma"].map({True: "melanoma", False: "other"})
    return rows.assign(label=label)


def _read(file: Path, columns: list[str], extra: list[str] | None = None) -> pd.DataFrame:
    """A table with these columns, names as text. Raises DataError for one that is not there, or a row without a name."""
    name = next(column for column in columns if column.startswith("image"))
    raw = read_table(file, text=[name], ids=["patient_id", "lesion_id", "sex", "diagnosis", "dx"])
    check_columns(raw, columns, file)
    if not len(raw):
        raise DataError(f"{file.absolute()} has no rows")
    _refuse(raw[name].isna(), raw[name], file, f"have no {name}")
    return raw[[*columns, *(column for column in extra or [] if column in raw)]]


def _frame(names: pd.Series, year: int, **columns: object) -> pd.DataFrame:
    names = names.str.strip()
    frame = pd.DataFrame({"isic_id": names.map(isic_id), "name": names, "year": year, **columns})
    for column in ("patient_id", "lesion_id", "sex", "site", "diagnosis"):
        text = frame[column].astype(object)
        frame[column] = text.mask(text.isna() | (text == "unknown"), None)
    frame["age"] = pd.to_numeric(frame["age"], errors="coerce")
    return frame


def _match(names: pd.Series, known: pd.Series) -> np.ndarray:
    """Where each name is among the known, int64 [n], -1 if nowhere: as it is, else without `_downsampled`."""
    found = _places(names, known)
    if (found < 0).any():
        found = np.where(found >= 0, found, _places(names.map(isic_id), known.map(isic_id)))
    return found


def _places(names: pd.Series, known: pd.Series) -> np.ndarray:
    first = np.flatnonzero(~known.duplicated())
    at = pd.Index(known.iloc[first]).get_indexer(names)
    return np.where(at >= 0, first[at], -1)


def _refuse(wrong: object, names: pd.Series, file: Path, what: str, marks: Iterable[object] | None = None) -> None:
    """Raise DataError that counts the wrong rows and names the first."""
    rows = np.flatnonzero(np.asarray(wrong, dtype=bool))
    if not len(rows):
        return
    texts = [""] * len(rows) if marks is None else [f": {mark}" for mark in marks]
    first = [
        f"row {row + 1} ({names.iloc[row]}{text})" for row, text in zip(rows[:_SHOWN], texts[:_SHOWN], strict=True)
    ]
    more = f", ... ({len(rows)} in all)" if len(rows) > _SHOWN else ""
    raise DataError(f"{len(rows)} of {len(names)} rows of {file.absolute()} {what}: {listing(first)}{more}")
