"""Launchers: what runs independent pieces of work."""

from imbalkit.builtin.launchers.local import Local
from imbalkit.kinds import Launcher

LAUNCHERS: list[type[Launcher]] = [Local]
