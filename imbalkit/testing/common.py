"""What every part must keep: its name, the help of its parameters, strict checking, the way into a recipe and back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from imbalkit.errors import listing
from imbalkit.kinds import KINDS, Part

HEAVY = ("torch", "torchvision", "kornia", "timm", "lightning_fabric", "sklearn", "tensorflow", "cv2")


def title(part: Part) -> str:
    """ "loss 'focal' (Focal)", as the messages call a part."""
    return f"{getattr(part, 'kind', 'part')} {getattr(part, 'name', '?')!r} ({type(part).__name__})"


def check_module(part: Part, module: Any) -> None:
    """That what `build` gave is a module without parameters that nothing would train."""
    from torch import nn

    from imbalkit.training.checked_modules import untrained

    who = title(part)
    assert isinstance(module, nn.Module), f"{who}: `build` must return a torch.nn.Module, got {type(module).__name__}"
    own = untrained(module)
    assert not own, (
        f"{who}: the optimiser trains the network alone, not the parameters {listing(own)}; keep them in buffers, or in a head"
    )


def check_specification(part: Part) -> None:
    """The rules that need nothing built."""
    cls, who = type(part), title(part)
    assert getattr(cls, "kind", None) in KINDS, (
        f"{who}: expected a kind of {listing(KINDS)}; subclass one of imbalkit.kinds"
    )
    assert isinstance(part, KINDS[cls.kind]), f"{who}: expected a subclass of imbalkit.kinds.{KINDS[cls.kind].__name__}"
    name = getattr(cls, "name", None)
    assert isinstance(name, str), f'{who}: has no name; write `name = "..."` in the class'
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name), (
        f"{who}: the name must be lowercase letters, digits and _, got {name!r}"
    )
    assert (cls.__doc__ or "").strip(), f"{who}: has no docstring; `imbalkit plugins` shows its first line"
    for field, info in cls.model_fields.items():
        assert (info.description or "").strip(), f"{who}: parameter {field!r} has no help; use param(..., help=...)"
    for key, expected in {"frozen": True, "strict": True, "extra": "forbid"}.items():
        got = cls.model_config.get(key)
        assert got == expected, f"{who}: model_config must keep {key}={expected!r}, got {got!r}"
    _check_round_trip(part)
    _check_refusals(part)


def _check_round_trip(part: Part) -> None:
    cls, who = type(part), title(part)
    for way, dumped in {
        "model_dump()": part.model_dump(),
        "model_dump_json(), which is what a recipe can hold,": json.loads(part.model_dump_json()),
    }.items():
        assert dumped.pop("name", None) == cls.name, f"{who}: {way} must contain its name"
        try:
            again = cls.model_validate(dumped)
        except ValidationError as error:
            raise AssertionError(
                f"{who}: {way} gives {dumped}, which the part itself does not accept: {error}"
            ) from error
        assert again == part, f"{who}: {way} and back changed the part: {part!r} became {again!r}"


def _check_refusals(part: Part) -> None:
    cls, who = type(part), title(part)
    dumped = part.model_dump()
    del dumped["name"]
    assert not _accepts(cls, {**dumped, "no_such_parameter": 1}), f"{who}: an unknown parameter must be refused"
    for field, value in dumped.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            wrong = {**dumped, field: str(value)}
            assert not _accepts(cls, wrong), f"{who}: parameter {field!r} takes the text {str(value)!r} for a number"


def _accepts(cls: type[Part], parameters: dict[str, object]) -> bool:
    try:
        cls.model_validate(parameters)
    except ValidationError:
        return False
    return True


def check_light_import(*modules: str, heavy: Iterable[str] = HEAVY) -> None:
    """Check in a new interpreter that importing these modules, and listing what they define, imports nothing heavy."""
    code = f"import sys, importlib\nfor m in {list(modules)!r}: importlib.import_module(m)\n"
    code += f"raise SystemExit(' '.join(m for m in {list(heavy)!r} if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"importing {listing(modules)} imports {done.stderr.strip()}; "
        "import what is heavy inside `build`, `apply` or `load`"
    )
