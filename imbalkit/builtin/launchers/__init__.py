"""Launchers: what runs independent pieces of work."""

from imbalkit.builtin.launchers.local import Local

LAUNCHERS = [Local]
