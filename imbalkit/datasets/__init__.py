"""Readers of a user's data, one file a format."""

from imbalkit.datasets.arrays import Arrays
from imbalkit.datasets.digits import Digits
from imbalkit.datasets.image_folder import ImageFolder
from imbalkit.datasets.table import TableDataset

DATASETS = [Arrays, Digits, ImageFolder, TableDataset]
