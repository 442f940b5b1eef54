"""Where radial blur with a rho for each colour channel puts the light of a white dot: coloured fringes, wider outwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from imbalkit.functional.rho import COLOURS
from imbalkit.plots import style
from imbalkit.plots.study.psf import RADII, dots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RHOS = (0.005, 0.0125, 0.02)  # of red, green and blue: a simple lens bends blue most
SHARED = ("green", "green", "green")  # the channels of a picture whose colours all have the rho of green
_SHADES = ("#c0392b", "#1e8449", "#1f4fb5")


def data(
    rhos: Sequence[float] = RHOS, size: int = 320, radii: Sequence[float] = RADII, iterations: int = 5
) -> pd.DataFrame:
    """The pixels that any light of a channel falls on, one row each, for the rho of red, green and blue.

    Columns: channel, rho, x and y (px from the left and the top), distance (px from the centre), value (a white dot: 1).
    """
    import torch

    from imbalkit.functional.radial_blur import radial_blur

    picture = torch.from_numpy(dots(size, radii)).expand(1, 3, size, size)
    rho = torch.tensor(rhos, dtype=torch.float64)[None, :, None].expand(1, 3, 4)
    blurred = radial_blur(picture, rho, iterations)[0].numpy()
    channel, y, x = np.nonzero(blurred)
    middle = (size - 1) / 2
    return pd.DataFrame(
        {
            "channel": np.array(COLOURS)[channel],
            "rho": np.array(rhos)[channel],
            "x": x,
            "y": y,
            "distance": np.hypot(x - middle, y - middle),
            "value": blurred[channel, y, x],
        }
    )


def image(frame: pd.DataFrame, size: int = 320, channels: Sequence[str] = COLOURS) -> np.ndarray:
    """The picture again, float64 [size, size, 3], of these channels."""
    picture = np.zeros((size, size, 3))
    for index, name in enumerate(channels):
        chosen = frame[frame["channel"] == name]
        picture[chosen["y"], chosen["x"], index] = chosen["value"]
    return picture


def profile(frame: pd.DataFrame, size: int = 320, channels: Sequence[str] = COLOURS) -> tuple[np.ndarray, np.ndarray]:
    """Distances from the centre along the line to the right rim, px [n], and the values of each channel, [n, 3]."""
    row = image(frame, size, channels)[size // 2]
    columns = np.arange(size // 2, size)
    return columns - (size - 1) / 2, row[columns]


def draw(frame: pd.DataFrame, size: int = 320, iterations: int = 5) -> Figure:
    """One rho for all colours beside one for each: the picture, its outermost dot enlarged, and the profiles of the channels."""
    pictures = {"one rho for all colours": SHARED, "a rho for each colour": COLOURS}
    rhos = frame.groupby("channel")["rho"].first()
    middle = (size - 1) / 2
    edges = (-0.5 - middle, size - 0.5 - middle, size - 0.5 - middle, -0.5 - middle)
    distance, values = profile(frame, size)
    end = distance[(values > 0.005).any(axis=1)].max()  # of the outermost dot
    with style.rules():
        figure = style.new_figure(style.WIDTH, 4.9)
        top, bottom = np.asarray(figure.subfigures(2, 1, height_ratios=[1.2, 1]))
        panels = top.subplots(1, 4)
        for (name, channels), (whole, near) in zip(pictures.items(), (panels[:2], panels[2:]), strict=True):
            for panel in (whole, near):
                # A square root, as brightness looks to the eye.
                panel.imshow(np.sqrt(image(frame, size, channels).clip(0, 1)), extent=edges, interpolation="none")
                panel.set_yticks([])
                panel.spines[:].set_visible(False)
            whole.set(title=name, xlabel="px from the centre")
            near.set(title="the dot to the right", xlim=(end - 37, end + 3), ylim=(20, -20))
        axes = bottom.subplots(1, 2, sharey=True)
        for panel, (name, channels) in zip(axes, pictures.items(), strict=True):
            values = profile(frame, size, channels)[1]
            for index, line in enumerate(("-", "--", ":")):
                label = f"{COLOURS[index]}, rho = {rhos[channels[index]]:g}"
                panel.step(distance, values[:, index], where="mid", color=_SHADES[index], linestyle=line, label=label)
            style.grid(panel, "y")
            panel.set(xlim=(end - 48, end + 3), ylim=(0, 1.05), xlabel="px from the centre, to the right", title=name)
            panel.legend(loc="upper left")
        axes[0].set_ylabel("brightness")
        style.note(
            figure,
            [
                f"Radial blur of {iterations} steps on a picture of {size} x {size} px. With a rho for each colour the light of "
                "a dot spreads by another width in each channel: coloured fringes along the radius, none at the centre."
            ],
        )
    return figure
