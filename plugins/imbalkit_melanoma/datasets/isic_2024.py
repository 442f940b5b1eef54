"""ISIC-2024, the training set of the challenge on lesions cropped from 3D photographs of the body (SLICE-3D)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit_melanoma.datasets.parameters import IsicDataset

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit_melanoma.datasets.table_files import TableFiles

IMAGES = "train-image.hdf5"


class Isic2024(IsicDataset):
    """ISIC-2024 (Kurtansky et al. 2024): 401,059 images of 1,042 patients, 393 of them malignant. Groups are patients.

    Needs train-metadata.csv and train-image.hdf5 (or the folder train-image of photographs), as Kaggle has them for
    `isic-2024-challenge`: they are not downloaded by `imbalkit melanoma fetch`, as Kaggle wants an account. What the
    challenge's test does not have (the diagnosis in parts, mitoses, thickness) is left out; `tbp_lv_...` are kept.
    Classes: benign, malignant.
    """

    name = "isic_2024"

    def rows(self, files: TableFiles) -> tuple[pd.DataFrame, list[str]]:
        from imbalkit_melanoma.datasets.official import read_2024

        rows = read_2024(files)
        return rows.assign(label=rows["melanoma"].map({True: "malignant", False: "benign"})), []

    def image_places(self) -> list[str]:
        """The HDF5 files in the folders, then the folders; a place that is such a file is itself."""
        places = super().image_places()
        return [*(str(file) for place in places for file in sorted(Path(place).expanduser().rglob(IMAGES))), *places]
