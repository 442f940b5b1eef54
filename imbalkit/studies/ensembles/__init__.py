"""Several finished runs made one run: its folder, its members' copies, and how they differ."""

from imbalkit.studies.ensembles.make import make_ensemble

__all__ = ["make_ensemble"]
