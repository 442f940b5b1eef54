"""How well a finished run's features predict a source (a year, a hospital, a camera): maths and report section."""

from imbalkit_melanoma.source_probe.section import examine

__all__ = ["examine"]
