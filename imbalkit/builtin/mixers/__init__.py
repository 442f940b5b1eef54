"""The built-in mixers, one file each."""

from imbalkit.builtin.mixers.balanced_mixup import BalancedMixup
from imbalkit.builtin.mixers.cmo import CMO
from imbalkit.builtin.mixers.cutmix import CutMix
from imbalkit.builtin.mixers.mixup import Mixup
from imbalkit.builtin.mixers.remix import Remix
from imbalkit.kinds import Mixer

MIXERS: list[type[Mixer]] = [CMO, BalancedMixup, CutMix, Mixup, Remix]
