"""The catalogue: every installed part by kind and name, built from the hooks of every plugin.

Plugins are found through the entry-point group `imbalkit.plugins`; the built-in parts come the same way. What a plugin does
wrong (import failure, misspelled hook, wrong signature, name already taken) raises PluginError with its distribution's name.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from pydantic import BaseModel

from imbalkit import hookspecs
from imbalkit.base.plugin_errors import ENTRY_POINTS
from imbalkit.errors import ImbalkitError, PluginError, listing, nearest
from imbalkit.kinds import KINDS, Part
from imbalkit.kinds.containers import Container, as_kind
from imbalkit_lite.containers import Kind

WITHOUT = "IMBALKIT_WITHOUT"  # environment variable: plugins to leave out of everything, with commas
HOOKS = {"loss": "register_losses"} | {kind: f"register_{kind}s" for kind in KINDS if kind != "loss"}


@dataclass(frozen=True)
class Provider:
    """Who registered a part."""

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


class Catalogue:
    """Parts by kind and name, and the plugin manager that the observers are called through."""

    def __init__(self, plugins: Iterable[tuple[ModuleType, Provider]]):
        """Raises PluginError for a plugin that breaks a rule of the hooks."""
        self.manager = pluggy.PluginManager("imbalkit")
        self.manager.add_hookspecs(hookspecs)
        self.recipes: dict[str, Path] = {}
        self.sweeps: dict[str, Path] = {}
        self._parts: dict[str, dict[str, type[Part]]] = {kind: {} for kind in KINDS}
        self._providers: dict[tuple[str, str], Provider] = {}
        self._by_plugin: dict[str, Provider] = {}
        for module, provider in plugins:
            self._register(module, provider)
        for kind, hook in HOOKS.items():
            for provider, classes in self._results(hook):
                for part in _checked_list(classes, hook, provider):
                    self._add(kind, part, hook, provider)
            self._parts[kind] = dict(sorted(self._parts[kind].items()))
        for kind, named in (("recipe", self.recipes), ("sweep", self.sweeps)):
            for provider, files in self._results(f"register_{kind}s"):
                self._add_files(kind, named, files, provider)

    def kinds(self) -> list[str]:
        """The kinds of parts."""
        return list(self._parts)

    def names(self, kind: str) -> list[str]:
        """Names of a kind's parts, sorted."""
        return list(self._parts[kind])

    def get(self, kind: str, name: str) -> type[Part]:
        """The class of a part. Raises PluginError with the nearest name."""
        if name not in self._parts[kind]:
            known = self.names(kind)
            new = self.renamed(kind, name)
            if new is not None:
                raise PluginError(f"{kind} {name!r} is renamed to {new!r}")
            raise PluginError(f"there is no {kind} {name!r}{nearest(name, known)} (installed: {listing(known)})")
        return self._parts[kind][name]

    def renamed(self, kind: str, name: str) -> str | None:
        """The present name of a part that had another one in an earlier version, else None."""
        return next((new for new, part in self._parts[kind].items() if name in part.former_names), None)

    def provider(self, kind: str, name: str) -> Provider:
        """Who registered a part ("recipe" and "sweep" count as kinds here)."""
        return self._providers[kind, name]

    def providers(self) -> list[Provider]:
        """Every plugin, sorted by name."""
        return [self._by_plugin[name] for name in sorted(self._by_plugin)]

    def calls(self, hook: str, arguments: Mapping[str, Any]) -> list[tuple[Provider, Callable[[], Any]]]:
        """A hook of every plugin that has it, sorted by name, each as a call with the arguments that it takes."""
        # Called one by one, not through the hook, so that a failure and each part have a culprit.
        found = sorted(getattr(self.manager.hook, hook).get_hookimpls(), key=lambda item: item.plugin_name)
        return [
            (self._by_plugin[item.plugin_name], partial(item.function, *(arguments[name] for name in item.argnames)))
            for item in found
        ]

    # --- building ------------------------------------------------------------------------------------------------

    def _register(self, module: ModuleType, provider: Provider) -> None:
        if provider.plugin in self._by_plugin:
            other = self._by_plugin[provider.plugin]
            raise PluginError(f"two plugins have the name {provider.plugin!r}: one of {other}, one of {provider}")
        self._by_plugin[provider.plugin] = provider
        try:
            self.manager.register(module, name=provider.plugin)
            self.manager.check_pending()
        except pluggy.PluginValidationError as error:
            hooks = [name for name, _ in inspect.getmembers(hookspecs, inspect.isfunction) if hasattr(hookspecs, name)]
            wrong = next((name for name in vars(module) if f"{name!r}" in str(error)), "")
            hint = nearest(wrong, hooks) if wrong and wrong not in hooks else ""
            raise PluginError(f"plugin {provider.plugin!r} of {provider} has a wrong hook: {error}{hint}") from error
        except ValueError as error:
            raise PluginError(f"plugin {provider.plugin!r} of {provider} is registered twice: {error}") from error

    def _results(self, hook: str) -> Iterable[tuple[Provider, Any]]:
        for provider, call in self.calls(hook, {}):
            try:
                result = call()
            except ImbalkitError:
                raise
            except Exception as error:
                raise PluginError(
                    f"{hook} of plugin {provider.plugin!r} ({provider}) failed: {type(error).__name__}: {error}"
                ) from error
            yield provider, result

    def _add(self, kind: str, part: object, hook: str, provider: Provider) -> None:
        base = KINDS[kind]
        if not (isinstance(part, type) and issubclass(part, base)):
            raise PluginError(
                f"{hook} of plugin {provider.plugin!r} ({provider}) must return subclasses of "
                f"imbalkit.kinds.{base.__name__}, got {part!r}"
            )
        name = getattr(part, "name", None)
        if not isinstance(name, str) or not name:
            raise PluginError(f"{kind} {part.__name__} of plugin {provider.plugin!r} ({provider}) has no `name`")
        clashes = [field for field in part.model_fields if field not in base.model_fields and _is_method(base, field)]
        if clashes:
            raise PluginError(
                f"{kind} {name!r} of plugin {provider.plugin!r} ({provider}) has a parameter {clashes[0]!r}, which is a method "
                f"or property of imbalkit.kinds.{base.__name__}: rename the parameter"
            )
        if name in self._parts[kind]:
            other = self._providers[kind, name]
            raise PluginError(
                f"two plugins register a {kind} with the name {name!r}: {other.plugin!r} ({other}) and {provider.plugin!r} "
                f"({provider}); leave one out with --without"
            )
        self._parts[kind][name] = part
        self._providers[kind, name] = provider

    def _add_files(self, kind: str, named: dict[str, Path], files: object, provider: Provider) -> None:
        if not isinstance(files, Mapping):
            raise PluginError(
                f"register_{kind}s of plugin {provider.plugin!r} ({provider}) must return a mapping from names to paths, "
                f"got {files!r}"
            )
        for name, path in files.items():
            if name in named:
                raise PluginError(f"two plugins register a {kind} with the name {name!r}: one is of {provider}")
            if not isinstance(path, str | os.PathLike):
                raise PluginError(
                    f"register_{kind}s of plugin {provider.plugin!r} ({provider}) must return a path for {name!r}, got {path!r}"
                )
            named[name] = Path(path)
            self._providers[kind, name] = provider


def _is_method(base: type[Part], name: str) -> bool:
    return hasattr(base, name) and not hasattr(BaseModel, name)  # pydantic warns of its own


def _checked_list(classes: object, hook: str, provider: Provider) -> list[object]:
    if not isinstance(classes, list | tuple):
        raise PluginError(
            f"{hook} of plugin {provider.plugin!r} ({provider}) must return a list of classes, got {classes!r}"
        )
    return list(classes)


def _load(entry: EntryPoint) -> tuple[ModuleType, Provider]:
    distribution = entry.dist
    provider = Provider(
        entry.name, distribution.name if distribution else "unknown", distribution.version if distribution else ""
    )
    try:
        return entry.load(), provider
    except Exception as error:
        raise PluginError(
            f"plugin {entry.name!r} of {provider} cannot be imported: {type(error).__name__}: {error}\n"
            f"  fix or uninstall it, or leave it out: --without {entry.name} where a command has it, else "
            f"{WITHOUT}={entry.name} in the environment"
        ) from error


def default_catalogue(without: tuple[str, ...] = ()) -> Catalogue:
    """The catalogue of what is installed, less the plugins (or distributions) named.

    Args:
        without: what to leave out, beside what the environment variable IMBALKIT_WITHOUT names, with commas

    Raises PluginError.
    """
    return _catalogue(without, _left_out())


@contextmanager
def plugins_left_out(names: Iterable[str]) -> Iterator[None]:
    """Within it, no catalogue of this process or of those that it starts has these plugins."""
    before = os.environ.get(WITHOUT)
    os.environ[WITHOUT] = ",".join([*_left_out(), *names])
    try:
        yield
    finally:
        if before is None:
            del os.environ[WITHOUT]
        else:
            os.environ[WITHOUT] = before


def _left_out() -> tuple[str, ...]:
    """What the environment leaves out."""
    return tuple(filter(None, (name.strip() for name in os.environ.get(WITHOUT, "").split(","))))


@lru_cache
def _catalogue(without: tuple[str, ...], set_there: tuple[str, ...]) -> Catalogue:
    entries = sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name)
    names = {entry.name for entry in entries} | {entry.dist.name for entry in entries if entry.dist}
    for source, given in (("--without ", without), (f"{WITHOUT}=", set_there)):
        for name in given:
            if name not in names:
                raise PluginError(
                    f"{source}{name}: no such plugin{nearest(name, names)} (installed: {listing(sorted(names))})"
                )
    left_out = {*without, *set_there}
    chosen = [entry for entry in entries if not left_out & {entry.name, entry.dist.name if entry.dist else ""}]
    return Catalogue(_load(entry) for entry in chosen)


def container_kinds() -> list[Kind]:
    """The installed kinds of containers, as imbalkit_lite.containers wants them."""
    catalogue = default_catalogue()
    parts = [catalogue.get("container", name)() for name in catalogue.names("container")]
    return [as_kind(part) for part in parts if isinstance(part, Container)]
