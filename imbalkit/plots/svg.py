"""matplotlib figures as inline SVG: no outside reference, colours as CSS variables, text in the page's font."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from imbalkit.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colour in matplotlib -> CSS variable of style.css, which has a light and a dark value for each.
VARIABLES = {
    style.COLOURS[0]: "--c-blue",
    style.COLOURS[1]: "--c-red",
    style.COLOURS[2]: "--c-green",
    style.COLOURS[3]: "--c-pink",
    style.COLOURS[4]: "--c-amber",
    style.COLOURS[5]: "--c-sky",
    style.OTHER_COLOUR: "--c-quiet",
    style.GUIDE: "--guide",
    style.NOTE: "--ink-soft",
    "#ECECEC": "--grid",
    "#000000": "--ink",
    "#FFFFFF": "--paper",
}
SIZE = (4.6, 3.6)  # inches, of a chart
_RULES: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.left": False,
    "axes.spines.bottom": False,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.color": style.NOTE,
    "ytick.color": style.NOTE,
    "axes.labelcolor": style.NOTE,
}


@dataclass(frozen=True)
class Chart:
    """An inline SVG and where its axes are in it.

    Attributes:
        svg: the markup, with a title and a description for those who cannot see it
        plot: x of the data's 0 and 1, then y of the data's 0 and 1, in units of the view box
    """

    svg: Markup
    plot: tuple[float, float, float, float]


def chart(
    name: str,
    draw: Callable[[Axes], object],
    title: str,
    description: str,
    size: tuple[float, float] = SIZE,
) -> Chart:
    """Draw a chart.

    Args:
        name: unique on the page; part of its ids
        draw: draws on axes; what it raises is passed on
        title: a few words for a screen reader
        description: what is to be seen, in a sentence or two
        size: width and height in inches; text is 9 to 9.5 points at that size
    """
    import matplotlib

    rules: Any = _RULES | {"svg.hashsalt": f"imbalkit {name}"}  # matplotlib types every key apart
    with style.rules(), matplotlib.rc_context(rules):
        figure = style.new_figure(*size)
        axes = figure.subplots()
        draw(axes)
        layout = figure.get_layout_engine()
        assert layout is not None  # new_figure gives one
        layout.execute(figure)
        figure.set_layout_engine("none")  # it has laid everything out; again would take as long
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        scale = 72 / figure.dpi  # only drawing puts axes of a fixed aspect in their place
        left, low = axes.transData.transform((0, 0)) * scale
        right, high = axes.transData.transform((1, 1)) * scale
        tall = figure.get_figheight() * 72
    x0, x1, y0, y1 = (round(float(value), 2) for value in (left, right, tall - low, tall - high))
    plot = (x0, x1, y0, y1)
    return Chart(_inline(stream.getvalue(), name, title, description, plot), plot)


def _inline(text: str, name: str, title: str, description: str, plot: tuple[float, ...]) -> Markup:
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()  # type: ignore[union-attr]
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", body, flags=re.DOTALL)
    used = set(re.findall(r"url\(#([^)]+)\)", body)) | set(re.findall(r'xlink:href="#([^"]+)"', body))
    body = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"<[^>]+>", lambda found: _leaner(found[0]), body)  # tags alone: texts stay as they are
    body = re.sub(r"\n\s*", "\n", body)
    head = (
        f'<svg class="chart" id="{name}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-t {name}-d" '
        f'data-plot="{" ".join(map(str, plot))}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>'
    )
    return Markup(head + body + "</svg>")


def _leaner(tag: str) -> str:
    """A tag with variables for colours, hundredths of a point, and the page's font."""
    tag = re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", tag)
    tag = re.sub(r"#[0-9a-fA-F]{6}\b", lambda found: _variable(found[0]), tag)
    tag = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", tag)
    return re.sub(r"font-family: [^;\"]*;?", "", tag)


_BY_COLOUR = {colour.lower(): name for colour, name in VARIABLES.items()}


def _variable(colour: str) -> str:
    name = _BY_COLOUR.get(colour.lower())
    return f"var({name})" if name else colour
