"""Size and resize rule of a run's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit_lite.images import ImageRule

if TYPE_CHECKING:
    from imbalkit.data.table import Table
    from imbalkit.recipe.recipe import Recipe


def image_rule(recipe: Recipe, table: Table) -> ImageRule:
    """Size and resize rule of a run: the recipe's size, else the arrays' own, else the backbone's."""
    settings, arrays = recipe.images, table.arrays
    own = tuple(arrays.shape[1:3]) if arrays is not None else None
    size = settings.shape or own or recipe.backbone.preprocessing().size
    return ImageRule(size, settings.resize, settings.interpolation, settings.exif, settings.bits)
