"""Where the built page lies: in the wheel, or in the checkout, where it is built when it is missing or old."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from imbalkit_app.building import BuildError, build, is_fresh
from imbalkit_lite.errors import ImbalkitError

PACKAGE = Path(__file__).parent


class PageError(ImbalkitError):
    """There is no page, and none can be built."""


def find_page(say: Callable[[str], object], package: Path | None = None) -> Path:
    """The folder of the built page. `say` is told of a build, and of a page that is older than its sources.

    `package` is the folder of this package. Raises PageError with what to do where there is no page.
    """
    package = package or PACKAGE
    page, web = package / "page", package / "web"
    if (page / "index.html").is_file():
        return page
    if not (web / "package.json").is_file():
        raise PageError(
            "this installation of imbalkit came without the app's page, as npm was not there when it was built (or "
            "failed): install Node.js 20.19 or newer, then imbalkit again (pip install --force-reinstall --no-deps ...)"
        )
    if is_fresh(web):
        return web / "dist"
    from filelock import FileLock

    try:
        with FileLock(web / ".build.lock"):  # two commands at once: the second finds the page of the first
            return web / "dist" if is_fresh(web) else _from_sources(web, say)
    except OSError as error:
        raise PageError(f"the app's page cannot be built in {web}: {error}") from None


def _from_sources(web: Path, say: Callable[[str], object]) -> Path:
    old = (web / "dist" / "index.html").is_file()
    say("the app's page is older than its sources: building it" if old else "building the app's page, once")
    try:
        return build(web, say)
    except BuildError as error:
        if (web / "dist" / "index.html").is_file():  # npm was not even called
            say(f"{error}: going on with the page as it was built last")
            return web / "dist"
        raise PageError(
            f"the app's page cannot be built: {error}\nNode.js 20.19 or newer with npm builds it; where a registry of "
            f"packages can be reached, `npm ci && npm run build` in {web} does the same"
        ) from None
