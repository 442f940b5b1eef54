"""Errors that a user reads: what was expected, what was found, where, and what to do. imbalkit's own errors derive from these."""

from __future__ import annotations

from collections.abc import Iterable


class ImbalkitError(Exception):
    """Base of every error that the user can fix; the command line prints it without a traceback."""


class DataError(ImbalkitError):
    """The data cannot be read as they should be."""


class CardError(ImbalkitError):
    """A card that is missing, is not one, or contradicts itself."""


class ModelError(ImbalkitError):
    """A model file cannot be used: damaged, of another kind, or not what its card states."""


class MissingExtraError(ImbalkitError):
    """A package is needed that is not installed."""


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean "focal"?' or an empty string.

    >>> nearest("foocal", ["ce", "focal"])
    "; did you mean 'focal'?"
    """
    import difflib

    known = [str(option) for option in known]
    lower = {option.lower(): option for option in known}
    match = difflib.get_close_matches(str(name).lower(), list(lower), n=1, cutoff=0.6)
    return f"; did you mean {lower[match[0]]!r}?" if match else ""


def listing(names: Iterable[str], most: int = 12, between: str = ", ") -> str:
    """Names joined for a message, cut after `most`."""
    names = [str(name) for name in names]
    shown = between.join(names[:most])
    return f"{shown}{between}... ({len(names)} in all)" if len(names) > most else shown
