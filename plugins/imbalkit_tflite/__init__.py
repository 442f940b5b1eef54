"""The TFLite exporter: a file that runs on a phone."""

from __future__ import annotations

from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import Exporter


@hookimpl
def register_exporters() -> list[type[Exporter]]:
    from imbalkit_tflite.exporter import TFLite

    return [TFLite]
