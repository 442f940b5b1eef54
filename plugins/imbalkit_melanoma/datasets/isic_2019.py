"""ISIC-2019."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.kinds import param
from imbalkit_melanoma.datasets.parameters import IsicDataset

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit_melanoma.datasets.table_files import TableFiles


class Isic2019(IsicDataset):
    """ISIC-2019 (BCN_20000, HAM10000, MSK): 25,331 images of 8 diagnoses, 4,522 of them melanomas. Groups are lesions.

    Needs ISIC_2019_Training_GroundTruth.csv and ISIC_2019_Training_Metadata.csv. Classes: other, melanoma; or, with
    `target: diagnosis`, the official codes. `other` holds carcinomas and actinic keratoses: it does not mean benign.
    """

    name = "isic_2019"

    target: Literal["melanoma", "diagnosis"] = param(
        "melanoma", help="melanoma against all other, or a class a diagnosis: MEL, NV, BCC, AK, BKL, DF, VASC, SCC"
    )

    def rows(self, files: TableFiles) -> tuple[pd.DataFrame, list[str]]:
        from imbalkit_melanoma.datasets.official import labelled, read_2019

        return labelled(read_2019(files), self.target), []
