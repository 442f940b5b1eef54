"""The built-in mixers, one file each."""

from imbalkit.builtin.mixers.mixup import Mixup
from imbalkit.kinds import Mixer

MIXERS: list[type[Mixer]] = [Mixup]
