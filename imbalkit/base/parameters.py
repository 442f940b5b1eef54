"""What every part is: a named, frozen, strictly checked set of parameters, and the types that parameters may have."""

from __future__ import annotations

import importlib.util
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from imbalkit.base.text import part_text
from imbalkit.base.variables import expand_variables
from imbalkit.errors import MissingExtraError, listing, nearest


def param(default: Any = ..., *, help: str, unit: str | None = None, **constraints: Any) -> Any:
    """A recipe parameter: its default (none: required), help, unit, and pydantic's constraints (`ge`, `lt`, ...)."""
    return Field(default, description=help, json_schema_extra={"unit": unit} if unit else None, **constraints)


class Settings(BaseModel):
    """Named, checked values. Strict: unknown keys are refused (with the nearest known one) and "4" is not 4."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    renamed: ClassVar[Mapping[str, str]] = {}
    """Keys and values of earlier versions, as a recipe writes them, and what to write now: {"clip": "gradient_clip_norm",
    "between_rounds: keep": "warm_start: true", "resize: squash": "resize: stretch"}. They are refused with the new one."""

    @model_validator(mode="wrap")
    @classmethod
    def _known_keys(cls, data: Any, handler: Callable[[Any], Any]) -> Any:
        # pydantic's own message neither lists nor suggests keys.
        if not isinstance(data, dict):
            return handler(data)
        renamed = {key: new for key, value in data.items() if (new := cls._renamed(key, value))}
        unknown = [key for key in data if key not in cls.model_fields and key not in renamed]
        if not unknown and not renamed:
            return handler(data)
        errors = [_renamed_key(key, data[key], new) for key, new in renamed.items()]
        errors += [_unknown_key(key, data[key], cls.model_fields) for key in unknown]
        given = {new.partition(":")[0] for new in renamed.values()}  # under an old name, so not missing
        try:
            handler({key: item for key, item in data.items() if key not in unknown and key not in renamed})
        except ValidationError as error:
            errors += [
                InitErrorDetails(
                    type=PydanticCustomError(
                        cast(Any, detail["type"]), "{text}", {**detail.get("ctx", {}), "text": detail["msg"]}
                    ),
                    loc=detail["loc"],
                    input=detail["input"],
                )
                for detail in error.errors()
                if not (detail["type"] == "missing" and len(detail["loc"]) == 1 and detail["loc"][0] in given)
            ]
        raise ValidationError.from_exception_data(cls.__name__, errors)

    @classmethod
    def _renamed(cls, key: Any, value: Any) -> str | None:
        """What to write now instead of `key: value`, None if nothing is renamed."""
        return cls.renamed.get(f"{key}: {value}", cls.renamed.get(key))


def parameters_text(settings: Settings) -> str:
    """Parameters as one line of JSON, to compare settings by; unlike pydantic's own for a path of bytes that are no text too."""
    return json.dumps(settings.model_dump(mode="json"), separators=(",", ":"))


def with_origin(part: Part) -> str:
    """A part as messages name it that ask its author to act: kind, name and module."""
    return f"the {part.kind} {part.name!r} ({type(part).__module__})"


def _unknown_key(key: Any, value: Any, known: Mapping[str, Any]) -> InitErrorDetails:
    message = PydanticCustomError(
        "unknown_key",
        "unknown key{hint} (known: {known})",
        {"hint": nearest(key, known), "known": listing(known, 40) or "none"},
    )
    return InitErrorDetails(type=message, loc=(key if isinstance(key, int) else str(key),), input=value)


def _renamed_key(key: Any, value: Any, new: str) -> InitErrorDetails:
    message = PydanticCustomError("renamed_key", "renamed to {new}", {"new": f"`{new}`"})
    return InitErrorDetails(type=message, loc=(key,), input=value)


class Part(Settings):
    """A named part of a recipe; its fields are its recipe parameters."""

    kind: ClassVar[str]  # set by the base classes in imbalkit.kinds
    name: ClassVar[str]  # what a recipe calls it; declared once, on the class
    former_names: ClassVar[tuple[str, ...]] = ()  # names of earlier versions: refused with the new one
    requires: ClassVar[Mapping[str, str]] = {}  # module -> what to install for it, looked at before anything runs

    @model_serializer(mode="wrap")
    def _with_name(self, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {"name": self.name, **handler(self)}

    @property
    def idle(self) -> tuple[str, ...]:
        """Parameters that mean nothing as the others are set; they are not shown where a part is described."""
        return ()

    def check_classes(self, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        """What does not fit the classes of the data, as (parameter, message)."""
        return []

    def problems(self) -> list[tuple[str, str]]:
        """What only heavy imports can find wrong, as (parameter, message); read before a run, not for a plan."""
        return []

    def check_requirements(self) -> None:
        """Raise MissingExtraError if a module that `build` needs is not installed."""
        for module, install in self.requires.items():
            if not _is_there(module):
                raise MissingExtraError(
                    f"{self.kind} {self.name!r} needs the module {module!r}, which is not installed: pip install '{install}'"
                )


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it is not there
        return False


def given(part: Part) -> dict[str, Any]:
    """A part's name and the parameters that are not as by default, as plain data; none that mean nothing here."""
    found = part.model_dump(mode="json", exclude_defaults=True)
    return {key: value for key, value in found.items() if key not in part.idle}


def described(part: Part) -> str:
    """A part as a person reads it, by what is not as by default: "ldam (beta 0.9999)"."""
    return part_text(given(part))


# --- references to other parts, and class names, inside parameters ---


class Parts(Protocol):
    """What a name is looked up in: imbalkit.catalogue.Catalogue."""

    def names(self, kind: str) -> list[str]: ...

    def get(self, kind: str, name: str) -> type[Part]: ...

    def renamed(self, kind: str, name: str) -> str | None: ...


INSTALLED = "imbalkit.catalogue:default_catalogue"
"""Gives the parts that a bare name is looked up in outside a recipe, as in `LossRank(...)`. A name, imported when it is
used: the catalogue stands above this module."""


@dataclass(frozen=True)
class part_of:
    """In `ScoreRef = Annotated[Score, part_of("score")]`, the type of a parameter that holds another part.

    Its value is a part of the kind, the name of one, or a mapping with its name and parameters; a mapping without a name has
    parameters of the part `default`, where there is one.
    """

    kind: str
    default: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(self._resolve)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"x-kind": self.kind} | ({"x-default": self.default} if self.default else {})

    def _resolve(self, value: Any, info: core_schema.ValidationInfo) -> Part:
        kind = self.kind
        if isinstance(value, Part):
            if value.kind != kind:
                raise PydanticCustomError(
                    "wrong_kind",
                    "expected a {kind}, got the {got}",
                    {"kind": kind, "got": f"{value.kind} {value.name!r}"},
                )
            return value
        if isinstance(value, str):
            value = {"name": value}
        if isinstance(value, dict) and self.default is not None:
            value = {"name": self.default, **value}
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise PydanticCustomError(
                "part_name",
                "expected a {kind}: its name, or a mapping with its name and parameters; got {got}",
                {"kind": kind, "got": repr(value)[:80]},
            )
        catalogue: Parts = (info.context or {}).get("catalogue") or pkgutil.resolve_name(INSTALLED)()
        known = catalogue.names(kind)
        if value["name"] not in known:
            new = catalogue.renamed(kind, value["name"])
            if new is not None:
                names = {"kind": kind, "name": repr(value["name"]), "new": repr(new)}
                raise PydanticCustomError("renamed_part", "{kind} {name} is renamed to {new}", names)
            raise PydanticCustomError(
                "unknown_part",
                "there is no {kind} {name}{hint} (installed: {known})",
                {
                    "kind": kind,
                    "name": repr(value["name"]),
                    "hint": nearest(value["name"], known),
                    "known": listing(known, 40) or "none",
                },
            )
        parameters = {key: item for key, item in value.items() if key != "name"}
        return catalogue.get(kind, value["name"]).model_validate(parameters, context=info.context)


def as_text(value: Any) -> Any:
    """A number as text, as the recipe spells it; other values as they are."""
    return str(value) if isinstance(value, bool | int | float) else value


def _path(value: Any) -> Any:
    return expand_variables(value) if isinstance(value, str) else value


PathText = Annotated[str, BeforeValidator(_path)]
"""The type of a parameter that is a file or folder: environment variables (`${NAME}`) stand for their values here alone."""


def _class_name(value: Any, info: Any) -> Any:
    classes = (info.context or {}).get("classes")
    if isinstance(value, bool):  # how it was spelt is not known: true, True or TRUE
        value = next((name for name in classes or () if name.lower() == str(value).lower()), value)
    value = as_text(value)
    if isinstance(value, str) and classes is not None and value not in classes:
        raise PydanticCustomError(
            "unknown_class",
            "the data have no class {name}{hint} (classes: {known})",
            {"name": repr(value), "hint": nearest(value, classes), "known": listing(classes)},
        )
    return value


ClassName = Annotated[str, BeforeValidator(_class_name)]
"""The type of a parameter that names a class of the data; checked against the data before anything runs."""


def one_of(
    expected: str,
    words: Sequence[str | None] = (),
    number: Any = None,
    mapping: Any = None,
    items: Any = None,
    real: Any = None,
    text: Any = None,
) -> Any:
    """Check a value by the one type that its shape calls for; a plain union would report every alternative's errors.

    Args:
        expected: what was expected, for the error
        words: values that stand for themselves
        number, mapping, items: types of an int, a mapping, a list; None refuses the shape
        real: type of any number, instead of `number`
        text: type of a word that is not among `words`
    """
    shapes = ((int, number), (int | float, real), (dict, mapping), (list, items), (str, text))
    adapters = {shape: TypeAdapter(kind) for shape, kind in shapes if kind is not None}

    def check(value: Any, handler: Callable[[Any], Any], info: Any) -> Any:
        if isinstance(value, str | None) and value in words:
            return value
        for shape, adapter in adapters.items():
            if isinstance(value, shape) and not isinstance(value, bool):
                return adapter.validate_python(value, strict=True, context=info.context)
        raise PydanticCustomError(
            "shape", "expected {expected}; got {got}", {"expected": expected, "got": repr(value)[:80]}
        )

    return WrapValidator(check)
