"""The copies that samplers make: a few samples of each class, each with every view of it, as training sees them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.errors import RunError
from imbalkit.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from imbalkit.plan import Plan
    from imbalkit.recipe.prepared import Prepared

MOST_CLASSES, MOST_VIEWS = 8, 8
_NO_OPERATIONS = ("score", "loss", "backbone")  # parameters of samplers that name other parts


def makes_copies(samplers: Sequence[Any]) -> bool:
    """Whether some sampler of a recipe names operations: it may make changed copies."""
    return any(
        _names_operations(value) for sampler in samplers for key, value in sampler.items() if key not in _NO_OPERATIONS
    )


def _names_operations(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "name" in value or any(map(_names_operations, value.values()))
    return isinstance(value, list) and any(map(_names_operations, value))


def data(prepared: Prepared, plan: Plan, samples: int = 2) -> pd.DataFrame:
    """One row a picture: for each class the first `samples` samples that have the most views in the plan.

    Classes of which there are no changed copies are left out; of more than 8 classes those with the most views are shown,
    of more than 8 views the first.

    Columns: class, source (table index), path (where samples are files), view (as text), drawn (parameters as text),
    column (place of the view in the figure), position (of the row in the plan).

    Raises RunError if the plan has no row with an operation.
    """
    from imbalkit.plan.audit import describe_view

    changed = [code for code, view in enumerate(plan.views) if view]
    rows = pd.DataFrame({"label": plan.label, "source": plan.source, "code": plan.view, "position": range(len(plan))})
    copied = rows.loc[rows["code"].isin(changed), "label"].unique()
    if not len(copied):
        raise RunError("gallery: no sampler of the recipe makes changed copies (such as oversample with views)")
    rows = rows[rows["label"].isin(copied)].drop_duplicates(["source", "code"])  # one copy of a view
    views = rows.groupby(["label", "source"])["code"].nunique().rename("views").reset_index()
    most = views.groupby("label")["views"].max().sort_values(ascending=False, kind="stable").index[:MOST_CLASSES]
    views = views[views["label"].isin(most)].sort_values(["label", "views", "source"], ascending=[True, False, True])
    shown = views.groupby("label").head(samples)["source"]
    rows = rows[rows["source"].isin(shown)]
    codes = sorted(rows["code"].unique(), key=lambda code: (code in changed, code))[:MOST_VIEWS]
    rows = rows[rows["code"].isin(codes)].sort_values(["label", "source", "code"])
    frame = pd.DataFrame(
        {
            "class": [plan.classes[label] for label in rows["label"]],
            "source": rows["source"].to_numpy(),
            "view": [describe_view(plan.views[code]) for code in rows["code"]],
            "drawn": [_drawn(plan, position) for position in rows["position"]],
            "column": [codes.index(code) for code in rows["code"]],
            "position": rows["position"].to_numpy(),
        }
    )
    if "path" in prepared.table.frame:
        frame.insert(2, "path", prepared.table.frame["path"].to_numpy()[frame["source"]])
    return frame


def _drawn(plan: Plan, row: int) -> str:
    """What the operations of a row draw: "rho = 0.0131; sigma = 0.8", with the operation where a name is used twice."""
    view = plan.views[plan.view[row]]
    drawn = [
        (op, name, value)
        for index, op in enumerate(view)
        for name, value in zip(op.parameters, plan.parameters(np.array([row]), index, op)[0], strict=True)
    ]
    names = [name for _, name, _ in drawn]
    texts = [f"{name if names.count(name) == 1 else f'{op.name} {name}'} = {value:.3g}" for op, name, value in drawn]
    return "; ".join(texts).replace("_", " ")


def pictures(prepared: Prepared, plan: Plan, frame: pd.DataFrame) -> np.ndarray:
    """The pixels of the frame's rows, float32 [n, H, W, C] in 0..1, rendered as training renders them.

    Only these samples are decoded, through the cache. Raises DataError for images that cannot be read.
    """
    from imbalkit.plan.rendering import render
    from imbalkit.recipe.image_rule import image_rule
    from imbalkit.runs.lazy_images import LazyImageStore

    store = LazyImageStore(prepared.table, image_rule(prepared.recipe, prepared.table), prepared.recipe.images.cache)
    return render(store, plan, frame["position"].to_numpy()).permute(0, 2, 3, 1).numpy()


def draw(frame: pd.DataFrame, pixels: np.ndarray, notes: Sequence[str] = ()) -> Figure:
    """A row a sample under its class, a column a view, with what was drawn below each picture."""
    samples = list(frame[["class", "source"]].drop_duplicates().itertuples(index=False, name=None))
    columns = int(frame["column"].max()) + 1
    headers = dict(zip(frame["column"], frame["view"], strict=True))
    drawn_lines = max(len(text.split("; ")) if text else 0 for text in frame["drawn"])
    cell = min(1.5, max(0.9, 7.0 / columns))
    tall = cell * pixels.shape[1] / pixels.shape[2]
    lines = max(len(_wrapped(text, cell)) for text in headers.values())
    height = len(samples) * (tall + 0.13 * drawn_lines + 0.1) + 0.13 * lines + 0.2 + 0.25 * bool(notes)
    with style.rules():
        figure = style.new_figure(columns * (cell + 0.06) + 0.35, height)
        grid = figure.subplots(len(samples), columns, squeeze=False)
        figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)
        for axes in grid.flat:
            axes.set(xticks=[], yticks=[], box_aspect=pixels.shape[1] / pixels.shape[2])
            axes.spines[:].set_visible(False)
        for column, text in headers.items():
            grid[0, column].set_title("\n".join(_wrapped(text, cell)), fontsize=7)
        for line, (name, _) in enumerate(samples):
            grid[line, 0].set_ylabel(name, fontsize=8)
        for (_, row), picture in zip(frame.iterrows(), pixels, strict=True):
            axes = grid[samples.index((row["class"], row["source"])), row["column"]]
            small = max(picture.shape[:2]) < 64
            axes.imshow(
                picture.squeeze(-1) if picture.shape[-1] == 1 else picture,
                cmap="gray",
                vmin=0,
                vmax=1,
                interpolation="nearest" if small else "antialiased",
            )
            axes.set_xlabel(row["drawn"].replace("; ", "\n"), fontsize=6.5, color=style.NOTE, labelpad=2)
        style.note(figure, notes)
    return figure


def _wrapped(text: str, width: float) -> list[str]:
    return textwrap.wrap(text, int(width * 15.5))
