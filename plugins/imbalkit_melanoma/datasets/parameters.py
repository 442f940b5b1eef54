"""What the ISIC data sets share: where their files are, and what is cleaned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from imbalkit.kinds import Dataset, PathText, param
from imbalkit_melanoma.cleaning import Step

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.data.table import Table
    from imbalkit_melanoma.datasets.table_files import TableFiles


class IsicDataset(Dataset):
    """Parameters and loading that every ISIC data set has."""

    tables: PathText = param(
        help="folder that holds the official tables under their official names, at any depth: the ISIC-2019 and ISIC-2020 "
        "ground truth, metadata and duplicates, HAM10000_metadata, and the published lists of duplicates"
    )
    images: PathText | Annotated[list[PathText], Field(min_length=1)] | None = param(
        None,
        help="folder or folders (or HDF5, zip or tar files) that hold the images, at any depth, with or without `_downsampled` "
        "in their names "
        "(default: the folder of the tables)",
    )
    clean: list[Step] = param(
        [],
        help="what to leave out, always in this order: conflicting_labels (every row of a picture or lesion with two labels), "
        "repeated_names, official_duplicates (the list of ISIC-2020), published_lists (Cassidy et al. 2021), near_duplicates "
        "(found in the images, which must be there). A run lists what went in removed.csv",
    )
    near_distance: int = param(
        10,
        help="up to how many of 64 bits the perceptual hashes of near_duplicates may differ",
        unit="bits",
        ge=0,
        le=32,
    )

    def rows(self, files: TableFiles) -> tuple[pd.DataFrame, list[str]]:
        """The set's rows, as imbalkit_melanoma.datasets.official reads them, with a column `label`; and notes."""
        raise NotImplementedError  # each subclass writes its own

    def load(self) -> Table:
        """All samples but those that cleaning leaves out.

        Raises DataError for a table that is not there, lacks a column or contradicts itself. Images that are not there
        are noted, and prevent a run.
        """
        from imbalkit_melanoma.datasets.loading import to_table
        from imbalkit_melanoma.datasets.table_files import TableFiles

        files = TableFiles(self.tables)
        rows, notes = self.rows(files)
        return to_table(rows, notes, files, self.image_places(), self.clean, self.near_distance)

    def image_places(self) -> list[str]:
        """The folders, or containers such as an HDF5 file, that hold the images."""
        return self.images if isinstance(self.images, list) else [self.images or self.tables]
