"""Small tables in the official forms, and images as people have them on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


class Archive:
    """A folder that tests fill."""

    def __init__(self, root: Path):
        self.root = root
        self.tables = str(root)

    def write(self, name: str, header: str, *rows: str, separator: str = ",") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *rows]).replace(",", separator) + "\n")
        return path

    def isic_2020(self, *rows: str, name: str = "ISIC_2020_Training_GroundTruth.csv", lesions: bool = False) -> Path:
        """Rows such as "ISIC_1,P1,0", or "ISIC_1,P1,0,L1" with lesions."""
        header = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target"
        lines = []
        for row in rows:
            image, patient, target, *lesion = row.split(",")
            word = {"0": "benign", "1": "malignant"}.get(target, "")
            diagnosis = {"1": "melanoma"}.get(target, "unknown")
            lines.append(",".join([image, patient, "male", "45.0", "torso", diagnosis, word, target, *lesion]))
        return self.write(name, header + (",lesion_id" if lesions else ""), *lines)

    def isic_2019(self, *rows: str, metadata: list[str] | None = None) -> None:
        """Rows such as "ISIC_1,NV,L1" (image, diagnosis, lesion); `metadata` replaces the images of that table."""
        codes = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"]
        parts = [row.split(",") for row in rows]
        truth = [",".join([image, *("1.0" if code == it else "0.0" for code in codes)]) for image, it, _ in parts]
        self.write("ISIC_2019_Training_GroundTruth.csv", f"image,{','.join(codes)}", *truth)
        about = [f"{image},30.0,anterior torso,{lesion},female" for image, _, lesion in parts]
        self.write(
            "ISIC_2019_Training_Metadata.csv",
            "image,age_approx,anatom_site_general,lesion_id,sex",
            *(about if metadata is None else metadata),
        )

    def ham10000(self, *rows: str, name: str = "HAM10000_metadata.csv", separator: str = ",") -> Path:
        """Rows such as "ISIC_1,nv,L1" (image, dx, lesion)."""
        parts = [row.split(",") for row in rows]
        lines = [f"{lesion},{image},{dx},histo,80.0,unknown,scalp" for image, dx, lesion in parts]
        return self.write(name, "lesion_id,image_id,dx,dx_type,age,sex,localization", *lines, separator=separator)

    def duplicates(self, *pairs: str) -> Path:
        return self.write("ISIC_2020_Training_Duplicates.csv", "image_name_1,image_name_2", *pairs)

    def published(self, *entries: str) -> Path:
        """Entries such as "2019/train/ISIC_1"."""
        path = self.root / "lists" / "06 - all_train_duplicates_deleted_(all but newest).txt"
        path.parent.mkdir(exist_ok=True)
        lines = []
        for entry in entries:
            folder, _, image = entry.rpartition("/")
            lines.append(f"/home/someone/ISIC (B)/{folder}/ISIC_Input/{image}.jpg")
        path.write_text("\n".join(lines) + "\n")
        return path

    def picture(self, name: str, seed: int = 0, side: int = 96) -> Path:
        """A picture of noise, the same for the same seed at any size."""
        from PIL import Image

        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(seed).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(path)
        return path


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setenv("IMBALKIT_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "isic"
    root.mkdir()
    return Archive(root)
