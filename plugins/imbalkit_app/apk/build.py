"""An app's APK: the template with page and model as assets, and its own name, icon and version; aligned and signed."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit_app.apk.archive import MANIFEST, zipped
from imbalkit_app.apk.manifest import set_attributes
from imbalkit_app.apk.signing import sign
from imbalkit_app.contents import FACTS, LIST, WORKER
from imbalkit_app.contents import MANIFEST as WEB_MANIFEST
from imbalkit_lite.errors import ImbalkitError, listing

if TYPE_CHECKING:
    from PIL.Image import Image

    from imbalkit_app.apk.key import SigningKey

TEMPLATE = Path(__file__).parents[1] / "android" / "template.apk"
PAGE = "assets/page/"  # where the activity looks for the page's files
DEX = "classes.dex"
# A service worker's requests would bypass the activity; WebViews install no pages and have no threads in WebAssembly.
LEFT_OUT = ("icons/icon-512.png", "icons/maskable-512.png", LIST, WEB_MANIFEST, WORKER)
THREADED = "litert/litert_wasm_threaded"


class TemplateError(ImbalkitError):
    """The template is missing or not what this version of imbalkit completes."""


@dataclass(frozen=True)
class Identity:
    """What Android calls an app.

    Attributes:
        id: package name, of which a phone has one app
        label: below its icon
        version: versionCode; a phone takes no lower one over a higher one
        version_name: as the phone's settings show it
    """

    id: str
    label: str
    version: int
    version_name: str


def build_apk(
    template: Path, contents: Mapping[str, bytes], identity: Identity, signer: SigningKey, icon: Image | None = None
) -> bytes:
    """The signed APK of an app's `contents` (imbalkit_app.contents.app_contents). Raises TemplateError, ManifestError."""
    files = read_template(template)
    files[MANIFEST] = set_attributes(
        files[MANIFEST],
        {
            ("manifest", "package"): identity.id,
            ("manifest", "versionCode"): identity.version,
            ("manifest", "versionName"): identity.version_name,
            ("application", "label"): identity.label,
        },
    )
    if icon is not None:
        files |= _icons(files, icon)
    files |= {PAGE + name: content for name, content in page_files(contents).items()}
    return sign(zipped(files), signer)


def page_files(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """What of an app's files is loaded inside an APK."""
    return {
        name: content for name, content in contents.items() if name not in LEFT_OUT and not name.startswith(THREADED)
    }


def read_template(path: Path) -> dict[str, bytes]:
    """The files of the template. Raises TemplateError."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise TemplateError(
            f"this installation of imbalkit has no template for --apk ({error}): install imbalkit again "
            "(pip install --force-reinstall --no-deps ...)"
        ) from None
    missing = [name for name in (MANIFEST, DEX) if name not in files]
    if missing:
        raise TemplateError(f"expected an app's template in {path}, there is no {listing(missing)}")
    return files


def is_apk(path: Path) -> bool:
    """Whether a file is an APK of this command: what may be replaced by another."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {MANIFEST, PAGE + FACTS} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _icons(files: Mapping[str, bytes], picture: Image) -> dict[str, bytes]:
    """The template's icons, of a user's picture: whole, and in the middle of the foreground, which phones cut into shape."""
    from imbalkit_app.apk.icon import SAFE, fitted

    found = {}
    for name, content in files.items():
        if name.startswith("res/") and name.endswith(".png"):
            found[name] = fitted(picture, content, SAFE if Path(name).stem == "foreground" else 1)
    return found
