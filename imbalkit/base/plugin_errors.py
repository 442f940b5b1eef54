"""Whose error it is, when one comes from the code of a plugin: its traceback runs through imbalkit's, which is not to blame."""

from __future__ import annotations

import traceback
from importlib.metadata import entry_points

ENTRY_POINTS = "imbalkit.plugins"  # of plugins
_OWN = "imbalkit"


def plugin_note(error: BaseException) -> str:
    """A sentence that names the plugin whose code an error comes from, "" for one of no plugin or of imbalkit's own."""
    plugins = {
        entry.module.partition(".")[0]: f"{entry.dist.name} {entry.dist.version}"
        for entry in entry_points(group=ENTRY_POINTS)
        if entry.dist and entry.dist.name != _OWN
    }
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__", ""))
        if plugin := plugins.get(module.partition(".")[0]):
            return f"This error comes from the plugin {plugin} ({module}, line {line}): its author can mend it."
    return ""
