"""How well a source (a year, a hospital, a camera) can be told from a finished run's features: maths, and report section."""

from imbalkit_melanoma.source_probe.section import examine

__all__ = ["examine"]
