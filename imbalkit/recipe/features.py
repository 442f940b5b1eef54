"""Recipes on tables without images: which columns the network takes, what cannot be put together, what a user should know."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from imbalkit.data.column_inputs import STANDS_IN, FittedColumn, is_id, names_groups, separation
from imbalkit.data.features import Features
from imbalkit.data.table import Table
from imbalkit.kinds import Augmentation, Backbone, Exporter, Mixer, Op, Part
from imbalkit.recipe.document import Place
from imbalkit.recipe.inputs import fitted
from imbalkit.recipe.recipe import ImageSettings, Recipe
from imbalkit.recipe.traverse import parts_of
from imbalkit_lite.columns import NUMBER

_NO_IMAGES = "the data are columns of a table (`features`), without images"


def fitted_features(features: Features, table: Table, train: np.ndarray) -> dict[str, FittedColumn | str]:
    """Each column's encoding as training rows alone give it, or why it is left out; rows int [n]."""
    frame, groups, found = table.frame.iloc[train], table.groups, fitted(features, table, train)
    for name, column in found.items():
        if isinstance(column, str):
            continue
        if column.column.kind == NUMBER and name not in features.numeric and is_id(frame[name]):
            found[name] = "is another whole number in every training row, as an id is (name it in `numeric` to keep it)"
        elif groups is not None and names_groups(frame[name], groups[train]):
            found[name] = "names the groups, which no new row shares"
    return found


def feature_notes(features: Features, table: Table, train: np.ndarray) -> list[str]:
    """Columns that are left out, and those that may stand in for the label, a note each."""
    frame, labels, notes = table.frame.iloc[train], table.labels[train].astype(np.int64), []
    for name, column in fitted_features(features, table, train).items():
        if isinstance(column, str):
            notes.append(f"column {name!r} is left out: it {column}")
        elif (area := separation(frame[name], labels, column.column.kind)) >= STANDS_IN:
            notes.append(
                f"column {name!r} alone ranks a class of the training rows with an AUC of {area:.3f}: leave it out of `columns` "
                "unless it is known, in the same way, before the label is"
            )
    return notes


def feature_problems(recipe: Recipe, table: Table) -> Iterable[tuple[Place, str]]:
    """What cannot be put together with rows of columns, or with images, as (place, message)."""
    if table.features is None:
        for place, part in parts_of(recipe):
            if isinstance(part, Backbone) and part.reads == "columns":
                yield (
                    place,
                    (
                        f"{part.name!r} takes columns of a table, and the data are images: take a network for images, such as "
                        "{name: timm, model: tf_efficientnet_lite0, pretrained: true}, or `data: {name: features, file: ...}`"
                    ),
                )
        return
    if recipe.inputs is not None:
        yield ("inputs",), f"names columns beside an image; {_NO_IMAGES}: name them in `columns` of `data`"
    if recipe.images != ImageSettings():
        yield ("images",), f"says how files become pixels; {_NO_IMAGES}: leave it out"
    if recipe.predict.views != "none":
        yield ("predict", "views"), f"averages mirrored images; {_NO_IMAGES}: leave it out"
    for place, part in parts_of(recipe):
        why = _needs_images(part)
        if why:
            yield place, why


def _needs_images(part: Part) -> str:
    """Why a part cannot work on rows of columns; "" if it can."""
    if isinstance(part, Backbone) and part.reads != "columns":
        return f"{part.name!r} takes images; {_NO_IMAGES}: take `backbone: mlp`"
    if isinstance(part, Augmentation):
        return f"{part.name!r} changes pixels; {_NO_IMAGES}: leave it out"
    if isinstance(part, Op):
        return f"{part.name!r} changes pixels; {_NO_IMAGES}: take random_over, random_under or loss_rank instead"
    if isinstance(part, Exporter) and (part.quantize != "none" or part.input != "float32"):
        return (
            f"{part.name!r} writes networks on rows of a table in float32 alone, as they are small and rows are no pixels: leave "
            "out `quantize` and `input`"
        )
    if isinstance(part, Mixer) and part.needs_images:
        return f"{part.name!r} pastes a part of one image over another; {_NO_IMAGES}: take mixup, or leave it out"
    return ""
