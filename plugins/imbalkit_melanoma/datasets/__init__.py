"""The ISIC data sets, read from their official tables and a folder of images."""

from imbalkit.kinds import Dataset
from imbalkit_melanoma.datasets.ham10000 import Ham10000
from imbalkit_melanoma.datasets.isic_2019 import Isic2019
from imbalkit_melanoma.datasets.isic_2020 import Isic2020
from imbalkit_melanoma.datasets.isic_2024 import Isic2024
from imbalkit_melanoma.datasets.isic_merge import IsicMerge

DATASETS: list[type[Dataset]] = [Ham10000, Isic2019, Isic2020, Isic2024, IsicMerge]
