"""Help of the parameters that several data sets have."""

from __future__ import annotations

MISSING_LABELS = "raw labels that mean 'not known', such as nan: their rows are left out"
MISSING_GROUPS = "groups that mean 'not known', such as unknown: each such row is a group of its own"
HOW_TO_GET = "what the error says when the data are not there"
