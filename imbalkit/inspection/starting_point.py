"""What the recipe of `imbalkit init` trains: a pretrained network where its weights are here; settings by the number of rows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imbalkit.errors import DataError
from imbalkit.pretrained.packages import package_of
from imbalkit.pretrained.sources import find_source

if TYPE_CHECKING:
    from imbalkit.inspection.findings import Findings

PRETRAINED, PRETRAINED_SIZE = "tf_efficientnet_lite0", 224  # px, its own
SMALL = "small_cnn"
DENSE = "mlp"  # for rows of a table


@dataclass(frozen=True)
class Settings:
    """How to train with up to `rows` training rows."""

    rows: float
    epochs: int
    batch_size: int
    lr: float


# About as many steps as a good first model takes; more rows need fewer passes. The last line is for all above.
SETTINGS = {
    PRETRAINED: (
        Settings(300, epochs=30, batch_size=16, lr=0.0005),
        Settings(2_000, epochs=15, batch_size=32, lr=0.001),
        Settings(10_000, epochs=10, batch_size=64, lr=0.001),
        Settings(50_000, epochs=6, batch_size=64, lr=0.001),
        Settings(float("inf"), epochs=4, batch_size=128, lr=0.001),
    ),
    DENSE: (
        Settings(2_000, epochs=40, batch_size=64, lr=0.003),
        Settings(20_000, epochs=30, batch_size=128, lr=0.003),
        Settings(float("inf"), epochs=15, batch_size=512, lr=0.003),
    ),
    SMALL: (
        Settings(300, epochs=40, batch_size=16, lr=0.001),
        Settings(2_000, epochs=25, batch_size=32, lr=0.001),
        Settings(10_000, epochs=15, batch_size=64, lr=0.001),
        Settings(float("inf"), epochs=10, batch_size=128, lr=0.001),
    ),
}
# Shares of the rows for validation, and for test: the first that leaves so many rows of the class that matters in each.
# A recall of .9 on 70 rows is known to about .07; what is not held out trains the network.
HELD_OUT, HELD_OUT_ROWS = (0.1, 0.15, 0.2), 70
BALANCED = 0.5  # balance ratio from which no loss needs weights
PHOTOGRAPH = 64  # px: the shorter side from which a picture is taken for a photograph, not for an icon or a digit

# Pictures of what has no up. For others a picture upside down, or turned by a quarter, is none that will be met.
_NO_UP = re.compile(
    r"melanoma|n(a)?ev(us|i)\b|dermo|dermato|skin|lesion|isic|ham10000|microscop|histolog|satellite|aerial", re.I
)
_SKIN = {"mel", "nv", "bcc", "scc", "ak", "akiec", "bkl", "df", "vasc"}  # how skin lesions are coded, as in HAM10000


@dataclass(frozen=True)
class StartingPoint:
    """What a first recipe trains.

    Attributes:
        network: PRETRAINED or SMALL
        size: px
        settings: epochs, batch, learning rate
        loss: its name
        augment: lines of the recipe's list
        said: why this network, in a sentence
        install: the command that brings the pretrained weights; "" where they are here, or would not help
    """

    network: str
    size: int
    settings: Settings
    loss: str
    augment: tuple[str, ...]
    said: str
    install: str = ""


def starting_point(found: Findings) -> StartingPoint:
    """The network, size and settings for what was found."""
    if found.table.features is not None:
        said = "dense layers over the columns"
        return StartingPoint(DENSE, 0, settings_for(DENSE, training_rows(found)), "ce", (), said)
    photographs = is_photographs(found)
    network, size, said, install = SMALL, found.image_size, "a small one, which fits small pictures", ""
    if photographs:
        package, why = (
            package_of(PRETRAINED),
            "its weights are neither in an installed package nor in the cache of timm's hub",
        )
        command = package.command if package else ""
        try:
            source = find_source(PRETRAINED)
        except DataError as error:  # of a package whose file is damaged
            source, why = None, str(error).partition("; install it anew")[0]
            command = package.reinstall if package else ""
        if source is not None:
            network, size, said = PRETRAINED, PRETRAINED_SIZE, f"{PRETRAINED} with ImageNet weights ({source.name})"
        elif package is not None:
            install = command
            said = f"a small one from random weights; {PRETRAINED} with ImageNet weights would be far better, but {why}"
    counts = found.table.counts()
    return StartingPoint(
        network,
        size,
        settings_for(network, training_rows(found)),
        loss_for(network, min(counts) / max(counts)),
        augmentation(found),
        said,
        install,
    )


def is_photographs(found: Findings) -> bool:
    """Whether the pictures are large enough for a network that was trained on photographs."""
    sides = sorted(min(size) for size in found.sizes.elements())
    return bool(sides) and sides[len(sides) // 2] >= PHOTOGRAPH


def training_rows(found: Findings) -> int:
    """About how many rows there will be to train on."""
    frame = found.table.frame
    given = "split" in frame and (frame["split"] == "test").any()  # else it is drawn anew
    return int((frame["split"] == "train").sum()) if given else round((1 - 2 * held_out(found)) * len(frame))


def held_out(found: Findings) -> float:
    """The share of the rows that is validation, and that is test, where the data have no splits."""
    counts = dict(zip(found.table.classes, found.table.counts(), strict=True))
    rest = {name: sum(counts.values()) - count for name, count in counts.items()}
    rows = min(counts.values()) if found.positive is None else min(counts[found.positive], rest[found.positive])
    return next((share for share in HELD_OUT if share * rows >= HELD_OUT_ROWS), HELD_OUT[-1])


def settings_for(network: str, rows: int) -> Settings:
    """The line of the table for that many training rows."""
    return next(line for line in SETTINGS[network] if rows <= line.rows)


def loss_for(network: str, balance: float) -> str:
    """Cross entropy for a pretrained network: weights ranked worse in each comparison (docs/best.md, docs/longtail.md)."""
    return "ce" if network == PRETRAINED or balance >= BALANCED else "inverse_ce"


def augmentation(found: Findings) -> tuple[str, ...]:
    """What leaves a picture one of its class: nothing of a character, whose mirror image is none; little of a small one."""
    flip = "- {name: kornia, transform: RandomHorizontalFlip, options: {p: 0.5}}  # not where left and right matter"
    if is_characters(found):
        return ()
    if not is_photographs(found):
        return (flip,) if is_coloured(found) else ()
    if has_no_up(found):
        return ("- dermoscopy  # every flip and quarter turn, colour, blur, cutout: these pictures seem to have no up",)
    return (
        flip,
        "- trivial_augment  # or dermoscopy, for pictures that have no up, such as of skin, from above, of cells",
    )


def is_characters(found: Findings) -> bool:
    """Whether the classes are named as letters or digits are, of which there are several."""
    return len(found.table.classes) > 4 and all(len(name) == 1 for name in found.table.classes)


def is_coloured(found: Findings) -> bool:
    """Whether most of the pictures have colours."""
    grey = sum(count for mode, count in found.modes.items() if mode.startswith(("1", "L", "I", "F")))
    return grey < found.modes.total() / 2


def has_no_up(found: Findings) -> bool:
    """Whether names of classes, columns, the folder or most files speak of what is photographed from any side."""
    table = found.table
    words = [*table.classes, *map(str, table.frame.columns), str(getattr(found.part, "root", None) or "")]
    files = [] if "path" not in table.frame else [os.path.basename(path) for path in table.frame["path"]]
    named = sum(bool(_NO_UP.search(name)) for name in files) > len(files) / 2
    coded = len(_SKIN.intersection(name.lower() for name in table.classes)) > 1
    return is_photographs(found) and (named or coded or any(_NO_UP.search(word) for word in words))
