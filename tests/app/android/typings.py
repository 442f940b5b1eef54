"""Android's API as npm's @nativescript/types-android has it: TypeScript made from android.jar, with the level of each member."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

OLDEST = 21  # a member without @since is of this level or older
OPENED = re.compile(r"(?:declare )?(?:export )?(?:abstract )?(module|class|interface) ([\w$]+)(?:<.*?>)?\s*(.*)\{$")
METHOD = re.compile(r"public (static )?(\w+)(?:<.*?>)?\((.*)\)(?:: (.*))?;$")
FIELD = re.compile(r"public (static )?(\w+): (.*);$")
NUMBERS = "BSIJFD"


@dataclass
class Member:
    """A method ("constructor" for one) or a field; of a field `arguments` is None and `type` may be a literal."""

    name: str
    arguments: tuple[str, ...] | None
    type: str
    since: int


@dataclass
class Class:
    since: int
    parents: tuple[str, ...]
    interface: bool = False
    members: list[Member] = field(default_factory=list)


@cache
def read(path: Path) -> dict[str, Class]:
    """The classes of `android` and `java` by their names, with dots also before inner ones."""
    classes: dict[str, Class] = {}
    stack: list[str] = []
    since = OLDEST
    for line in map(str.strip, path.open(encoding="utf-8")):
        if line.startswith(("/**", "*")):
            level = re.search(r"@since (\d+)", line)
            since = int(level[1]) if level else since
            if stack and "interface with the provided implementation" in line:
                classes[".".join(stack)].interface = True
            continue
        opened = OPENED.match(line)
        if opened:
            stack.append(opened[2])
            if opened[1] != "module":
                parents = re.findall(r"[\w.$]+\.[\w.$]+", re.sub(r"<.*?>", "", opened[3]))
                known = classes.setdefault(".".join(stack), Class(since, ()))
                known.parents += tuple(parents)
        elif line.startswith("}"):
            if stack:
                stack.pop()
        elif line.endswith("{"):
            stack.append("(implementation)")
        elif stack and stack[-1] != "(implementation)" and (member := read_member(line, since)):
            classes[".".join(stack)].members.append(member)
        since = OLDEST
    return classes


def read_member(line: str, since: int) -> Member | None:
    line = re.sub(r" /\*.*?\*/", "", line)
    method = METHOD.match(line)
    if method:
        arguments = [plain(part.split(": ", 1)[1]) for part in split(method[3])]
        return Member(method[2], tuple(arguments), plain(method[4] or "void"), since)
    value = FIELD.match(line)
    return Member(value[2], None, plain(value[3]), since) if value else None


def split(text: str) -> list[str]:
    """The parts between commas that are in no brackets."""
    parts, depth = [""], 0
    for letter in text.replace("=>", "="):  # of functions
        depth += (letter in "<({") - (letter in ">)}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def plain(kind: str) -> str:
    """A type without null, and without what is in brackets but an array's; arrays end in []."""
    kind = kind.removesuffix(" | null").strip()
    array = re.fullmatch(r"androidNative\.Array<(.*)>", kind)
    return plain(array[1]) + "[]" if array else re.sub(r"<.*>", "", kind)


def fits(descriptor: str, kind: str) -> bool:
    """Whether Java's descriptor of a type can be what the typings call `kind`."""
    if descriptor.startswith("["):
        return kind.endswith("[]") and fits(descriptor[1:], kind[:-2])
    if descriptor[0] in NUMBERS:
        return kind == "number"
    if descriptor in ("V", "Z", "C"):
        return kind == {"V": "void", "Z": "boolean", "C": "string"}[descriptor]
    name = dotted(descriptor)
    if name in ("java.lang.String", "java.lang.CharSequence"):
        return kind in ("string", name)
    if name == "java.lang.Object":
        return kind in ("any", name) or re.fullmatch("[A-Z]", kind) is not None  # or a type variable
    return kind == name


def dotted(descriptor: str) -> str:
    """`Landroid/view/View$X;` as the typings' name."""
    return re.sub(r"[/$]", ".", descriptor[1:-1])


def arguments_of(descriptor: str) -> list[str]:
    """The types inside `(...)`."""
    return re.findall(r"\[*(?:[ZBCSIJFD]|L[^;]+;)", descriptor[1 : descriptor.index(")")])


def since_method(classes: dict[str, Class], owner: str, name: str, descriptor: str) -> int | None:
    """The level from which a method is there, in the class or above it; None where it is not."""
    wanted = "constructor" if name == "<init>" else name
    types, result = arguments_of(descriptor), descriptor[descriptor.index(")") + 1 :]

    def right(member: Member) -> bool:
        if member.name != wanted or member.arguments is None or len(member.arguments) != len(types):
            return False
        same = all(map(fits, types, member.arguments))
        return same and (name == "<init>" or fits(result, member.type))

    return since(classes, owner, right, upwards=name != "<init>")


def ancestors(classes: dict[str, Class], name: str) -> set[str]:
    """The class itself and all above it."""
    above = classes[name].parents if name in classes else ()
    return {name}.union(*(ancestors(classes, parent) for parent in above))


def since_field(classes: dict[str, Class], owner: str, name: str) -> int | None:
    return since(classes, owner, lambda member: member.name == name and member.arguments is None)


def since(classes, owner, right, upwards: bool = True) -> int | None:
    if owner not in classes:
        return None
    here = classes[owner]
    levels = [member.since for member in here.members if right(member)]
    above = [since(classes, parent, right) for parent in here.parents] if upwards else []
    levels += [level for level in above if level is not None]
    return max(here.since, min(levels)) if levels else None
