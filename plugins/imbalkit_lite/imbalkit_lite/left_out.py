"""What was left out of a folder of pictures, in sentences for the user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imbalkit_lite.errors import listing
from imbalkit_lite.folders import Listing, by_ending, by_folder


def left_out(found: Listing, depth: int = 1, link_advice: str = "") -> list[str]:
    """Sentences on what a user may miss, the most important first; none where nothing was left out.

    Args:
        found: what lies below the folder
        depth: levels of folders that name the classes
        link_advice: how to have links followed
    """
    notes = []
    if found.unreadable:
        notes.append(
            f"left out: {_number(len(found.unreadable), 'picture')} of a kind that cannot be read "
            f"({endings_by_folder(found.unreadable, depth)}); convert them, such as to .png"
        )
    if found.unnamed:
        notes.append(
            f"left out: {_number(len(found.unnamed), 'picture')} without an ending in the name "
            f"({counts_by_folder(found.unnamed, depth)}): give them theirs, such as .jpg"
        )
    if found.broken:
        notes.append(
            f"{_number(len(found.broken), 'picture')} cannot be read: links to files that are not there "
            f"({counts_by_folder(found.broken, depth)})"
        )
    if found.special:
        notes.append(
            f"left out: {listing(found.special)}, with a picture's ending but no file: a pipe, device or socket"
        )
    if found.closed:
        notes.append(f"folders that cannot be listed: {_reasons(found.closed)}; their content is left out")
    if found.links:
        outside = any(why.endswith("outside of this folder") for why in found.links.values())
        notes.append(
            f"links that are not followed: {_reasons(found.links)}" + (link_advice if outside and link_advice else "")
        )
    if found.linked:
        notes.append(f"links to other places are followed: {_leads(found.linked, found.images)}")
    if found.system:
        notes.append(
            f"left out: {_number(len(found.system), 'folder')} of file servers and systems, with "
            f"{_number(sum(found.system.values()), 'picture')} ({listing(found.system, 6)})"
        )
    return notes


def endings_by_folder(paths: Iterable[str], depth: int = 1) -> str:
    """Such as "melanoma: 3 .HEIC, 1 .dcm; nevus: 1 .svg"."""
    return listing((f"{_shown(name)}: {by_ending(some)}" for name, some in by_folder(paths, depth).items()), 12, "; ")


def counts_by_folder(paths: Iterable[str], depth: int = 1) -> str:
    """Such as "melanoma: 3, nevus: 1"."""
    return listing(f"{_shown(name)}: {len(some):,}" for name, some in by_folder(paths, depth).items())


def _shown(folder: str) -> str:
    return folder or "directly in it"


def _reasons(places: Mapping[str, str]) -> str:
    return listing((f"{place} ({why})" for place, why in places.items()), 6)


def _leads(linked: Mapping[str, str], images: Iterable[str]) -> str:
    counts = {place: sum(image.startswith(f"{place}/") for image in images) for place in list(linked)[:6]}
    return listing((f"{place} to {linked[place]} ({count:,} pictures)" for place, count in counts.items()), 6) + (
        f" and {len(linked) - 6} more" if len(linked) > 6 else ""
    )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
