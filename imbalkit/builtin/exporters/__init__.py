"""Exporters: files that other programs run."""

from imbalkit.builtin.exporters.onnx import Onnx
from imbalkit.kinds import Exporter

EXPORTERS: list[type[Exporter]] = [Onnx]
