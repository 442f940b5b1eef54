"""Exporters: files that other programs run."""

from imbalkit.exporters.onnx import Onnx

EXPORTERS = [Onnx]
