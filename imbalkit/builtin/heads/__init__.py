"""The built-in heads, one file each."""

from imbalkit.builtin.heads.cosine import Cosine
from imbalkit.builtin.heads.linear import Linear
from imbalkit.kinds import Head

HEADS: list[type[Head]] = [Cosine, Linear]
