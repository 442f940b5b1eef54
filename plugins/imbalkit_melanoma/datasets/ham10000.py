"""HAM10000."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.kinds import param
from imbalkit_melanoma.datasets.parameters import IsicDataset

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit_melanoma.datasets.table_files import TableFiles


class Ham10000(IsicDataset):
    """HAM10000 (Tschandl et al. 2018): 10,015 images of 7,470 lesions and 7 diagnoses, 1,113 of them melanomas.

    It was the ISIC-2018 training set and is part of ISIC-2019, under the same names. Groups are lesions. Needs
    HAM10000_metadata (.csv, .tab or without an ending). Classes: other, melanoma; or, with `target: diagnosis`, the
    official codes. `other` holds carcinomas and actinic keratoses: it does not mean benign.
    """

    name = "ham10000"

    target: Literal["melanoma", "diagnosis"] = param(
        "melanoma", help="melanoma against all other, or a class a diagnosis: akiec, bcc, bkl, df, mel, nv, vasc"
    )

    def rows(self, files: TableFiles) -> tuple[pd.DataFrame, list[str]]:
        from imbalkit_melanoma.datasets.official import labelled, read_ham10000

        return labelled(read_ham10000(files), self.target), []
