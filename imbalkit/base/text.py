"""Numbers and lists as a person reads them: what is not 0 is never shown as 0, nor a share below 1 as all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from imbalkit_lite.text import printable

THIN = "\u202f"  # narrow no-break space
_NOTHING = 1e-12  # a sum of shares misses 0 or 1 by less


def fixed(value: float, digits: int) -> str:
    """A number to so many decimals; to its first two digits where that would be 0: 0.25, 0.000013."""
    text = f"{value:.{digits}f}"
    if not math.isfinite(value) or abs(value) < _NOTHING or float(text):
        return text
    return f"{value:.{1 - math.floor(math.log10(abs(value)))}f}".rstrip("0")


def share_number(share: float, digits: int = 1) -> str:
    """A share as a number of percent: "12.5"; "0.001" and "99.999" where fewer digits would show none, or all."""
    text = fixed(100 * share, digits)
    if share >= 1 - _NOTHING or float(text) < 100:
        return text
    rest = fixed(100 * (1 - share), digits)
    return f"{100 * share:.{len(rest.partition('.')[2])}f}"


def share_text(share: float, digits: int = 1) -> str:
    """A share as percent: "12.5%"."""
    return f"{share_number(share, digits)}%"


def ratio_text(ratio: float | None) -> str:
    """A balance ratio: "0.250", "0.0014", "1 : 99,999" below a thousandth; "?" where it is not known."""
    if ratio is None or math.isnan(ratio):
        return "?"
    if 0 < ratio < 0.001:
        return f"1 : {1 / ratio:,.0f}"
    return f"{ratio:,.0f}" if ratio >= 1000 else f"{ratio:.4f}" if 0 < ratio < 0.01 else f"{ratio:.3f}"


def factor_text(factor: float, digits: int = 4) -> str:
    """What something is multiplied by: "1.5", "99,999", "1 / 99,999"."""
    if 0 < factor < 0.001:
        return f"1 / {1 / factor:,.0f}"
    return f"{factor:,.0f}" if factor >= 1000 else f"{factor:.{digits}g}"


def rounded(value: float, digits: int = 4) -> float:
    """A number to so many decimals for JSON; a small one to nine digits, so that its inverse is still exact, and never to 0."""
    return float(f"{value:.9g}") if abs(value) < 0.001 else round(value, digits)


def percent(share: float | None, digits: int = 1) -> str:
    """A share as percent: 0.898 is "89.8 %", 0.00001 "0.001 %"; "n/a" if it is not defined."""
    if share is None or not math.isfinite(share):
        return "n/a"
    return f"{share_number(share, digits)}{THIN}%"


def count(n: float) -> str:
    """A whole number with commas."""
    return f"{int(n):,}"


def expected_text(rows: float) -> str:
    """An expected number of rows: "1,117", "45.2", "0.3"."""
    if rows >= 99.95 or rows == round(rows):
        return f"{rows:,.0f}"
    return f"{rows:.1f}" if rows >= 1 else f"{rows:.2g}"


def decimal(value: float | None, digits: int = 3) -> str:
    """A number to three decimals; "n/a" if it is not defined."""
    if value is None or not math.isfinite(value):
        return "n/a"
    return fixed(value, digits)


def sentence_list(items: Iterable[Any], last: str = "and") -> str:
    """ "a, b and c"."""
    items = [str(item) for item in items]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def plural(n: int, one: str, many: str | None = None) -> str:
    """ "1 row", "2 rows", "1,234 rows"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def part_text(part: Any) -> str:
    """A part of a recipe as a person reads it: "target_recall (recall 0.9)"; without parameters that are not set."""
    if not isinstance(part, Mapping):
        return str(part)
    texts = [
        f"{name.replace('_', ' ')} {value_text(value)}"
        for name, value in part.items()
        if name != "name" and _is_set(value)
    ]
    return f"{part.get('name', '')} ({', '.join(texts)})" if texts else str(part.get("name", ""))


def _is_set(value: Any) -> bool:
    return value is not None and value is not False and value != {} and value != []


def value_text(value: Any) -> str:
    """A parameter of a part as a person reads it."""
    if isinstance(value, Mapping):
        if "name" in value:
            return part_text(value)
        return "; ".join(f"{printable(name)}: {value_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    return "yes" if value is True else f"{value:g}" if isinstance(value, float) else printable(value)


def numbers_text(facts: Mapping[str, Any]) -> str:
    """The numbers among what was found: "tau 0.7"."""
    return ", ".join(f"{name} {value:g}" for name, value in facts.items() if isinstance(value, int | float))


def metric_text(value: Any) -> str:
    """A metric's value in metrics.json as a person reads it; a summary over folds as mean ± standard deviation.

    With how many folds those are, where others leave the metric undefined.
    """
    if value is None:
        return "not defined"
    if isinstance(value, Mapping) and is_summary(value):
        if value["mean"] is None:
            return "not defined"
        known = [item for item in value["values"] if item is not None]
        digits = 1 if all(isinstance(item, int) for item in known) else 4  # rows, or shares
        spread = "" if value["sd"] is None else f" ± {value['sd']:.{digits}f}"
        some = "" if len(known) == len(value["values"]) else f" ({len(known)} of {len(value['values'])} folds)"
        return f"{value['mean']:,.{digits}f}{spread}{some}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {metric_text(item)}" for name, item in value.items())
    return f"{value:,}" if isinstance(value, int) else fixed(value, 4)


def interval_text(limits: Mapping[str, Any] | None, digits: int = 4) -> str:
    """An interval of metrics.json as a person reads it; empty without one, or where there is one a class."""
    if not limits or limits.get("low") is None or limits.get("high") is None:
        return ""
    return f"{fixed(limits['low'], digits)} to {fixed(limits['high'], digits)}"


def is_summary(value: Mapping[str, Any]) -> bool:
    """Whether it is one metric over several folds."""
    return set(value) == {"mean", "sd", "values"}


def slug(text: str) -> str:
    """Text as a part of a folder's name.

    >>> slug("BL + RL (gamma 10)")
    'bl-rl-gamma-10'
    """
    return re.sub(r"[^\w.]+", "-", str(text).lower()).strip("-.") or "none"
