"""The built page from its sources in `web/`, with npm. Nothing but the standard library: hatch calls this, too."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

NODE = (20, 19)  # what Vite needs at least
LEFT_OUT = {"node_modules", "dist"}  # of web/: what npm makes


class BuildError(Exception):
    """npm is not there, too old, or failed; the message holds the end of its output."""


def sources(web: Path) -> Iterator[Path]:
    """The files that the page is built from, hidden ones and npm's own left out."""
    for path in sorted(web.iterdir()):
        if path.name in LEFT_OUT or path.name.startswith("."):
            continue
        yield from (found for found in sorted(path.rglob("*")) if found.is_file()) if path.is_dir() else (path,)


def is_fresh(web: Path) -> bool:
    """Whether `web/dist` is there and no source is newer than it."""
    built = web / "dist" / "index.html"
    if not built.is_file():
        return False
    made = built.stat().st_mtime
    return all(path.stat().st_mtime <= made for path in sources(web))


def build(web: Path, report: Callable[[str], object]) -> Path:
    """Build the page with npm; its folder. `report` gets each command before it runs.

    A build that fails or is stopped leaves no `dist`. Raises BuildError.
    """
    npm = _npm()
    if not (web / "package.json").is_file():
        raise BuildError(f"there are no sources in {web}")
    try:
        if not _installed(web):
            _run([npm, "ci", "--no-audit", "--no-fund"], web, report)
        _run([npm, "run", "build"], web, report)
        if not (web / "dist" / "index.html").is_file():
            raise BuildError(f"`npm run build` wrote no {web / 'dist' / 'index.html'}")
    except BaseException:
        shutil.rmtree(web / "dist", ignore_errors=True)
        raise
    (web / "dist" / "index.html").touch()  # the last file that counts, whatever order they were written in
    return web / "dist"


def _npm() -> str:
    """npm's path. Raises BuildError where it is not there, or Node.js is too old for the page's tools."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise BuildError("npm is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)\.(\d+)", version)
    if found is None or tuple(map(int, found.groups())) < NODE:
        raise BuildError(f"expected Node.js {NODE[0]}.{NODE[1]} or newer, {node} is {version or 'none'}")
    return npm


def _installed(web: Path) -> bool:
    """Whether npm's packages are those of the lock file: npm writes a lock of its own at the end."""
    done = web / "node_modules" / ".package-lock.json"
    return done.is_file() and (web / "package-lock.json").stat().st_mtime <= done.stat().st_mtime


def _run(words: list[str], web: Path, report: Callable[[str], object]) -> None:
    line = " ".join(["npm", *words[1:]])
    report(f"+ {line} (in {web})")
    done = subprocess.run(words, cwd=web, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        output = (done.stdout + done.stderr).strip().splitlines()
        raise BuildError("\n".join([f"`{line}` failed in {web}:", *output[-40:]]))
