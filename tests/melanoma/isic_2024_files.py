"""Made-up files of the form of ISIC 2024: train-metadata.csv, train-image.hdf5 with a JPEG a dataset."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

HEADER = (
    "isic_id,target,patient_id,age_approx,sex,anatom_site_general,clin_size_long_diam_mm,image_type,tbp_tile_type,tbp_lv_A,"
    "tbp_lv_dnn_lesion_confidence,attribution,copyright_license,lesion_id,iddx_full,iddx_1,mel_mitotic_index,mel_thick_mm"
)


def jpeg(seed, bright):
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 156, (24, 24, 3)) + 90 * bright
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


def write_isic_2024(folder: Path) -> Path:
    """120 rows of 40 patients, 24 of them malignant, as Kaggle's zip unpacks."""
    import h5py

    rows = []
    for number in range(120):
        bad = number % 5 == 0
        rows.append(
            f"ISIC_{number:07d},{int(bad)},IP_{number // 3:07d},{'' if number == 1 else 60.0},male,lower extremity,3.04,"
            f"TBP tile: close-up,3D: white,{number / 10},97.5,MSKCC,CC-BY,{f'IL_{number:07d}' if bad else ''},"
            f"{'Malignant::Melanoma' if bad else 'Benign'},{'Malignant' if bad else 'Benign'},,{0.4 if bad else ''}"
        )
    (folder / "train-metadata.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    with h5py.File(folder / "train-image.hdf5", "w") as file:
        for number in range(120):
            file[f"ISIC_{number:07d}"] = np.void(jpeg(number, number % 5 == 0))
    return folder
