"""Where radial blur puts the light of a white dot: dots at several distances from the centre, at several strengths.

Gilal et al. 2023 show white dots at rho 0, 0.01 and 0.02. The spread grows with the distance from the centre, so there is
no single point spread function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from imbalkit.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RHOS = (0.0, 0.01, 0.02)
RADII = (0.0, 45.0, 90.0, 135.0)  # px from the centre, of a picture of 320 px
DIRECTIONS = 8


def dots(size: int = 320, radii: Sequence[float] = RADII, directions: int = DIRECTIONS, dot: float = 4.0) -> np.ndarray:
    """A black picture, float64 [size, size], with white discs of radius `dot` px at each distance and direction."""
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    picture = np.zeros((size, size))
    for radius in radii:
        for turn in np.arange(directions if radius else 1) * 2 * np.pi / directions:
            away = np.hypot(columns - radius * np.cos(turn), rows - radius * np.sin(turn))
            picture[away <= dot + 1e-9] = 1.0
    return picture


def data(
    rhos: Sequence[float] = RHOS,
    size: int = 320,
    radii: Sequence[float] = RADII,
    iterations: int = 5,
    border: Literal["reflect", "replicate", "zero"] = "reflect",
) -> pd.DataFrame:
    """The pixels that any light falls on, one row each.

    Columns: rho, x and y (px from the left and the top), distance (px from the centre), value (a white dot: 1).
    """
    import torch

    from imbalkit.functional.radial_blur import radial_blur

    picture = torch.from_numpy(dots(size, radii))
    pictures = picture.expand(len(rhos), 1, size, size)
    blurred = radial_blur(pictures, torch.tensor(rhos, dtype=torch.float64), iterations, border=border)[:, 0].numpy()
    which, y, x = np.nonzero(blurred)
    middle = (size - 1) / 2
    return pd.DataFrame(
        {
            "rho": np.asarray(rhos, dtype=np.float64)[which],
            "x": x,
            "y": y,
            "distance": np.hypot(x - middle, y - middle),
            "value": blurred[which, y, x],
        }
    )


def image(frame: pd.DataFrame, rho: float, size: int = 320) -> np.ndarray:
    """The picture of one strength again, float64 [size, size]."""
    picture = np.zeros((size, size))
    chosen = frame[frame["rho"] == rho]
    picture[chosen["y"], chosen["x"]] = chosen["value"]
    return picture


def profile(frame: pd.DataFrame, rho: float, size: int = 320) -> tuple[np.ndarray, np.ndarray]:
    """Distances from the centre (px) and values along the line from it to the right rim."""
    row = image(frame, rho, size)[size // 2]  # of an even size, the row just below the middle
    columns = np.arange(size // 2, size)
    return columns - (size - 1) / 2, row[columns]


def draw(frame: pd.DataFrame, size: int = 320, iterations: int = 5) -> Figure:
    """A picture for each strength with one scale of brightness, and the profiles from the centre to the right."""
    from matplotlib.colors import PowerNorm

    rhos = sorted(frame["rho"].unique())
    with style.rules():
        figure = style.new_figure(style.WIDTH, 4.6)
        top, bottom = np.asarray(figure.subfigures(2, 1, height_ratios=[1.35, 1]))
        panels = top.subplots(1, len(rhos), squeeze=False)[0]
        scale = PowerNorm(0.5, vmin=0, vmax=1)
        middle = (size - 1) / 2
        edges = (-0.5 - middle, size - 0.5 - middle, size - 0.5 - middle, -0.5 - middle)
        for panel, rho in zip(panels, rhos, strict=True):
            shown = panel.imshow(image(frame, rho, size), cmap="magma", norm=scale, extent=edges, interpolation="none")
            panel.set_title(f"rho = {rho:g}" + (" (no blur)" if rho == 0 else ""))
            panel.set_xticks([-middle, 0, middle], [f"\u2212{size // 2}", "0", f"{size // 2}"])
            panel.set_yticks([])
            panel.spines[:].set_visible(False)
            panel.set_xlabel("px from the centre")
        bar = top.colorbar(shown, ax=list(panels), ticks=[0, 0.02, 0.1, 0.25, 0.5, 1], pad=0.01, aspect=25)
        bar.ax.set_yticklabels(["0", "0.02", "0.1", "0.25", "0.5", "1"])
        bar.set_label("brightness (white dot = 1)")
        bar.outline.set_visible(False)

        axes = bottom.subplots()
        for rho, colour, line in zip(
            rhos, (style.COLOURS[6], *style.COLOURS), ("-", "-", "--", ":", "-."), strict=False
        ):
            axes.step(*profile(frame, rho, size), where="mid", color=colour, linestyle=line, label=f"rho = {rho:g}")
        style.grid(axes, "y")
        axes.set(xlim=(0, size / 2), ylim=(0, 1.05), xlabel="px from the centre, to the right", ylabel="brightness")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
        style.note(
            figure,
            [
                f"Radial blur of {iterations} steps on a picture of {size} x {size} px. A dot at the centre stays as it is; "
                "the farther out, the more its light is spread along the radius."
            ],
        )
    return figure
