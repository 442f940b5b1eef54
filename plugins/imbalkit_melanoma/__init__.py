"""The melanoma plugin set: what a system for phones needs beside the built-in parts."""

from __future__ import annotations

from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import Backbone


@hookimpl
def register_backbones() -> list[type[Backbone]]:
    from imbalkit_melanoma.mobilenet import MobileNetV1

    return [MobileNetV1]
