"""Where the pretrained weights of a network are on this machine, without asking the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imbalkit.base.files import sha256_of
from imbalkit.pretrained.packages import Package, package_of

_HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class Source:
    """Weights that are there.

    Attributes:
        name: the package and its version, or the hub's name of the model
        file: the package's own file, or safetensors with timm's names from timm's hub
        sha256: of the file
        package: whose file it is; None: the hub's
    """

    name: str
    file: Path
    sha256: str
    package: Package | None = None


def find_source(model: str, hub: str | None = None) -> Source | None:
    """Weights of timm's `model` in an installed package, else in the cache of timm's hub; None where neither has them.

    Args:
        model: timm's name
        hub: the hub's name of the weights (default: `timm/MODEL.in1k`)

    Raises DataError for an installed package with another file than is known.
    """
    package = package_of(model)
    file = package.checked() if package else None
    if package and file:
        return Source(f"package {package}", file, package.sha256, package)
    hub = hub or f"timm/{model.removesuffix('.in1k')}.in1k"
    file = hub_file(hub)
    return Source(f"timm's hub, {hub}", file, sha256_of(file)) if file else None


def hub_file(hub: str) -> Path | None:
    """A model's safetensors file in the cache of timm's hub."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(hub, _HUB_FILE)
    return Path(found) if isinstance(found, str) else None


def hub_has(hub: str) -> bool:
    """Whether the hub's cache may have a model's weights in any form; only its own library can read most of them."""
    from huggingface_hub import try_to_load_from_cache

    return "://" in hub or any(
        isinstance(try_to_load_from_cache(hub, name), str) for name in ("pytorch_model.bin", "config.json")
    )


def hub_is_off() -> bool:
    """Whether the user forbids looking beyond the hub's cache (HF_HUB_OFFLINE)."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def hub_unreachable(seconds: float = 10) -> str:
    """Why timm's hub gives no answer at all, by one question through the system's proxies; "" where it answers.

    The hub's own library asks for a minute or more, file by file.
    """
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    from huggingface_hub import constants

    try:
        urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=seconds).close()
    except HTTPError:
        return ""  # an answer, if one that says no
    except (URLError, OSError, ValueError) as error:
        return f"{constants.ENDPOINT} does not answer: {getattr(error, 'reason', error)}"
    return ""


def nowhere(model: str, hub: str | None, why: str) -> str:
    """What to say where neither a package nor the hub has the weights; `why` the hub does not."""
    package = package_of(model)
    first = f"their package is not installed ({package.command})" if package else "no package is known to hold them"
    second = f"they could not be had from timm's hub ({hub}: {why})" if hub else "timm's hub has none"
    return f"the pretrained weights of {model} are not here: {first}, and {second}"
