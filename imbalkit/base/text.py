"""Ratios, shares and figures as a person reads them: what is not 0 is never shown as 0, nor a share below 1 as all."""

from __future__ import annotations

import math

_NOTHING = 1e-12  # a sum of shares misses 0 or 1 by less


def fixed(value: float, digits: int) -> str:
    """A number to so many decimals; to its first two digits where that would be 0: 0.25, 0.000013."""
    text = f"{value:.{digits}f}"
    if not math.isfinite(value) or abs(value) < _NOTHING or float(text):
        return text
    return f"{value:.{1 - math.floor(math.log10(abs(value)))}f}".rstrip("0")


def share_number(share: float, digits: int = 1) -> str:
    """A share as a number of percent: "12.5"; "0.001" and "99.999" where fewer digits would say none, or all."""
    text = fixed(100 * share, digits)
    if share >= 1 - _NOTHING or float(text) < 100:
        return text
    left = fixed(100 * (1 - share), digits)
    return f"{100 * share:.{len(left.partition('.')[2])}f}"


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
