"""Launchers: what runs independent pieces of work."""

from imbalkit.launchers.local import Local

LAUNCHERS = [Local]
