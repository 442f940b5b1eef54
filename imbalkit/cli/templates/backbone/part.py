"""A network without its last layer, which imbalkit adds for the classes of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Backbone, BuildContext, Preprocessing, param

if TYPE_CHECKING:
    from torch import nn


class Mine(Backbone):
    """Two convolutions and the mean over all places."""

    name = "mine"
    width: int = param(16, help="features", ge=1)

    def preprocessing(self) -> Preprocessing:
        """(image - mean) / std, with the image in 0..1; the size is the default of `images.size`."""
        return Preprocessing(mean=(0.5,), std=(0.5,), size=(32, 32))

    def build(self, context: BuildContext) -> nn.Module:
        from torch import nn

        module = nn.Sequential(
            nn.Conv2d(context.channels, self.width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(self.width, self.width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        module.num_features = self.width  # what the head is made for
        return module
