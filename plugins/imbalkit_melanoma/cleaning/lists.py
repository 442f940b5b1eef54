"""Lists of duplicates that others published."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from imbalkit.kinds import DataError, check_columns, read_table
from imbalkit_melanoma.datasets.table_files import TableFiles

OFFICIAL = "ISIC_2020_Training_Duplicates.csv"
PUBLISHED = "all_train_duplicates_deleted"
_ENTRY = re.compile(r"[/\\](20\d\d)[/\\]train[/\\].*?(ISIC_\d+)(?:_downsampled)?\.\w+\s*$", re.IGNORECASE)


def read_official(files: TableFiles, requested: bool) -> np.ndarray:
    """Pairs of ISIC-2020 names that are one picture, [m, 2]; none where the list is not there.

    Raises DataError if the list is requested and not there, or lacks a column.
    """
    file = files.need(OFFICIAL) if requested else files.find(OFFICIAL)
    if file is None:
        return np.empty((0, 2), dtype=object)
    columns = ["image_name_1", "image_name_2"]
    raw = read_table(file, text=columns)
    check_columns(raw, columns, file)
    return raw[columns].dropna().to_numpy(dtype=object)


def read_published(files: TableFiles) -> pd.DataFrame:
    """Files of a training set that are byte-identical to a newer one of some training set: columns year (int), isic_id.

    Of the lists of Cassidy et al. 2021 (Medical Image Analysis 75:102305, github.com/mmu-dermatology-research/
    isic_duplicate_removal_strategy) this is 'all train duplicates deleted (all but newest)': within each set of
    identical files among the training sets of 2016 to 2020, all but the newest. The twin that stays is not named: of
    the 433 rows of 2020, 425 are in the official list too; of the 49 of 2019, another image of the lesion stays for 44.
    The other lists are of no use here: they name images of 2019 that are also in the sets of 2016 and 2017 (01 to 05,
    10, 11), which these data do not hold, so that leaving them out would lose the picture, and files of other years and
    of test sets (07 to 09, 12).

    Raises DataError if the list is not there or holds no such line.
    """
    file = files.find_like(PUBLISHED)
    if file is None:
        raise DataError(
            f"published_lists needs the list '06 - {PUBLISHED}_(all but newest).txt' below {files.folder.absolute()}: take it "
            "from the folder file_lists of github.com/mmu-dermatology-research/isic_duplicate_removal_strategy"
        )
    return pd.DataFrame(_entries(file), columns=["year", "isic_id"])


def _entries(file: Path) -> list[tuple[int, str]]:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [match for line in lines if (match := _ENTRY.search(line))]
    if not found:
        raise DataError(f"{file.absolute()} has no line such as '.../2019/train/.../ISIC_0000000.jpg'")
    return [(int(match[1]), match[2].upper()) for match in found]
