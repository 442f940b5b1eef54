"""Finds the built page: in the wheel, or in the checkout, where it is built when it is missing or old."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from imbalkit_app.building import BuildError, build, is_fresh
from imbalkit_lite.errors import ImbalkitError

PACKAGE = Path(__file__).parent


class PageError(ImbalkitError):
    """There is no page, and none can be built."""


def find_page(report: Callable[[str], object], package: Path | None = None) -> Path:
    """The folder of the built page. `report` gets a line on a build, and on a page that is older than its sources.

    `package` is the folder of this package. Raises PageError with what to do where there is no page.
    """
    package = package or PACKAGE
    page, web = package / "page", package / "web"
    if (page / "index.html").is_file():
        return page
    if not (web / "package.json").is_file():
        raise PageError(
            "this installation of imbalkit has no page for the app, as npm was missing (or failed) when it was built: "
            "install Node.js 20.19 or newer, then imbalkit again (pip install --force-reinstall --no-deps ...)"
        )
    if is_fresh(web):
        return web / "dist"
    from filelock import FileLock

    try:
        with FileLock(web / ".build.lock"):  # two commands at once: the second finds the page of the first
            return web / "dist" if is_fresh(web) else _from_sources(web, report)
    except OSError as error:
        raise PageError(f"the app's page cannot be built in {web}: {error}") from None


def _from_sources(web: Path, report: Callable[[str], object]) -> Path:
    old = (web / "dist" / "index.html").is_file()
    report("the app's page is older than its sources: building it" if old else "building the app's page, once")
    try:
        return build(web, report)
    except BuildError as error:
        if (web / "dist" / "index.html").is_file():  # npm was not even run
            report(f"{error}: the page of the last build is used")
            return web / "dist"
        raise PageError(
            f"the app's page cannot be built: {error}\nNode.js 20.19 or newer with npm builds it; where a registry of "
            f"packages can be reached, `npm ci && npm run build` in {web} does the same"
        ) from None
