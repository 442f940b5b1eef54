"""What a dex defines and calls, read from baksmali's text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

CALL = re.compile(r"invoke-\S+ \{.*?\}, (L[^;]+;)->([^(]+)(\(\S+)")
ACCESS = re.compile(r"[si](?:get|put)\S* .*?(L[^;]+;)->(\w+):")
TYPE = re.compile(r"(?:new-instance|check-cast|instance-of|const-class) .*?, \[*(L[^;]+;)")


@dataclass
class Class:
    """A class of the dex; `methods` are the lines of each, by name and descriptor."""

    name: str
    parents: list[str] = field(default_factory=list)
    methods: dict[str, str] = field(default_factory=dict)


def read(folder: Path) -> dict[str, Class]:
    """The classes by descriptor."""
    classes = {}
    for path in sorted(folder.rglob("*.smali")):
        text = path.read_text(encoding="utf-8")
        found = Class(re.search(r"^\.class .*?(L\S+;)$", text, re.M)[1])
        found.parents = re.findall(r"^\.(?:super|implements) (L\S+;)$", text, re.M)
        for head, body in re.findall(r"^\.method (.*?)\n(.*?)^\.end method", text, re.M | re.S):
            found.methods[head.split()[-1]] = body
        classes[found.name] = found
    return classes


def methods_called(body: str) -> set[tuple[str, str, str]]:
    """Owner, name and descriptor of each method that is called."""
    return set(CALL.findall(body))


def fields_used(body: str) -> set[tuple[str, str]]:
    return set(ACCESS.findall(body))


def types_named(body: str) -> set[str]:
    return set(TYPE.findall(body))


def resolve(classes: dict[str, Class], owner: str, member: str) -> list[str]:
    """Where a member of one of the dex's own classes comes from: that class, one above it, or those outside that it may be of."""
    if owner not in classes:
        return [owner]
    if member in classes[owner].methods:
        return [owner]
    return [found for parent in classes[owner].parents for found in resolve(classes, parent, member)]


def is_guarded(body: str, call: str, level: int) -> bool:
    """Whether a call stands behind `if (Build.VERSION.SDK_INT >= level)`."""
    version = rf"Landroid/os/Build\$VERSION;->SDK_INT:I\s+const/16 (\w+), {level:#x}\s+"
    check = version + r"if-lt \w+, \1, (:\w+)\n(.*?)^\s+\2\n"
    return any(call in behind for _, _, behind in re.findall(check, body, re.M | re.S))
