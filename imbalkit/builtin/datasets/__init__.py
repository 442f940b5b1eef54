"""Readers of a user's data, one file a format."""

from imbalkit.builtin.datasets.arrays import Arrays
from imbalkit.builtin.datasets.digits import Digits
from imbalkit.builtin.datasets.features import FeatureTable
from imbalkit.builtin.datasets.image_folder import ImageFolder
from imbalkit.builtin.datasets.table import TableDataset
from imbalkit.kinds import Dataset

DATASETS: list[type[Dataset]] = [Arrays, Digits, FeatureTable, ImageFolder, TableDataset]
