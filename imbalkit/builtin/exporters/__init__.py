"""Exporters: files that other programs run."""

from imbalkit.builtin.exporters.onnx import Onnx

EXPORTERS = [Onnx]
