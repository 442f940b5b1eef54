"""What a network is worth: scikit-learn's models with a recipe's split, decision and metrics, as runs."""

from imbalkit.studies.baselines.make import Baselines, make_baselines
from imbalkit.studies.baselines.models import METHODS

__all__ = ["METHODS", "Baselines", "make_baselines"]
