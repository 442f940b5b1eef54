"""Mixers: images of two rows made one, with a share of each row's label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from imbalkit.base.parameters import Part, param, part_of
from imbalkit.kinds.common import BuildContext, PriorShift
from imbalkit.kinds.orders import Order

if TYPE_CHECKING:
    from torch import nn


class Mixer(Part):
    """Mixes each row of a batch with a partner. `build` returns a module, called after the augmentation:

    `module(images [n, C, H, W], labels int64 [n], partners [n, C, H, W], partner_labels int64 [n], rng) -> (mixed, share)`, with
    `mixed` of the images' shape and `share` float32 [n], each row's share of its own label (0..1). `rng` is a
    numpy.random.Generator, so that nothing waits for a GPU. The loss of a row is share L(z, y) + (1 - share) L(z, y_partner).
    """

    kind = "mixer"
    shares_labels_as_images: ClassVar[bool] = (
        True  # whether the share of a label is that of its image; False: no columns beside it
    )
    needs_images: ClassVar[bool] = (
        False  # whether it moves pixels about, so that rows without images have nothing to mix
    )

    first_epochs_off: int = param(0, help="first epochs that train on unmixed images", unit="epochs", ge=0)
    last_epochs_off: int = param(0, help="last epochs that train on unmixed images", unit="epochs", ge=0)

    @property
    def partners(self) -> Order | None:
        """The order of a second stream of rows, from which each row's partner comes; None: another row of its batch."""
        return None

    def mixes(self, epoch: int, epochs: int) -> bool:
        """Whether epoch `epoch` (from 0) of `epochs` is mixed."""
        return self.first_epochs_off <= epoch < epochs - self.last_epochs_off

    def prior_shift(self, context: BuildContext) -> PriorShift:
        """What it does to the class prior: the expected share of each class's label / its share of the rows. To override."""
        return PriorShift(None, False, "it does not say what share of the labels each class has after mixing")

    def build(self, context: BuildContext) -> nn.Module:
        raise NotImplementedError  # each part of this kind writes its own


MixerRef = Annotated[Mixer, part_of("mixer")]
