"""ISIC-2020, the training set of the SIIM-ISIC challenge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit_melanoma.datasets.parameters import IsicDataset

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit_melanoma.datasets.table_files import TableFiles


class Isic2020(IsicDataset):
    """ISIC-2020 (Rotemberg et al. 2021): 33,126 images of 2,056 patients, 584 of them melanomas. Groups are patients.

    Needs ISIC_2020_Training_GroundTruth_v2.csv (with lesions), ISIC_2020_Training_GroundTruth.csv or Kaggle's train.csv: the
    first of these that is there is read. ISIC_2020_Training_Duplicates.csv, where it is there, joins groups.
    Classes: benign, melanoma.
    """

    name = "isic_2020"

    def rows(self, files: TableFiles) -> tuple[pd.DataFrame, list[str]]:
        from imbalkit_melanoma.datasets.official import read_2020

        rows = read_2020(files)
        return rows.assign(label=rows["melanoma"].map({True: "melanoma", False: "benign"})), []
