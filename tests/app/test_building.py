"""When the page is built, and the message where it cannot be. npm is a stand-in here: a script that writes what it does."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from imbalkit_app.building import BuildError, build, is_fresh
from imbalkit_app.page import PageError, find_page

NPM = """\
#!/bin/sh
echo "$@" >> ../calls
case "$1" in
  ci) mkdir -p node_modules && touch node_modules/.package-lock.json ;;
  run) mkdir -p dist && echo built > dist/index.html ;;
esac
"""
TOP = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path):
    """The package's folder in a checkout, with sources from long ago."""
    web = tmp_path / "package" / "web"
    for name in ("package.json", "package-lock.json", "index.html", "src/main.ts", "public/icon.png", ".npmrc"):
        (web / name).parent.mkdir(parents=True, exist_ok=True)
        (web / name).write_text(name)
        os.utime(web / name, (1e9, 1e9))
    return tmp_path / "package"


def put_node(tools: Path, version: str) -> None:
    (tools / "node").write_text(f"#!/bin/sh\necho {version}\n")
    (tools / "node").chmod(0o755)


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """`npm(text)`: a program of that name; it works in web/, and `calls()` are its arguments so far."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")

    def put(text: str) -> None:
        (tools / "npm").write_text(text)
        (tools / "npm").chmod(0o755)

    put(NPM)
    put_node(tools, "v22.3.0")
    return put


@pytest.fixture
def no_npm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


def calls(package) -> list[str]:
    file = package / "calls"
    return file.read_text().splitlines() if file.exists() else []


def test_it_is_built_once_and_again_when_a_source_changes(package, npm):
    lines: list[str] = []
    assert find_page(lines.append, package) == package / "web" / "dist"
    assert calls(package) == ["ci --no-audit --no-fund", "run build"]
    assert lines[0] == "building the app's page, once"
    assert lines[1].startswith("+ npm ci")

    assert find_page(lines.append, package) == package / "web" / "dist"
    assert len(calls(package)) == 2

    os.utime(package / "web" / "src" / "main.ts")
    (built := package / "web" / "dist" / "index.html").touch()
    os.utime(built, (2e9 - 1e9, built.stat().st_mtime - 10))
    lines.clear()
    find_page(lines.append, package)
    assert calls(package)[2:] == ["run build"]  # the packages are still those of the lock file
    assert lines[0].startswith("the app's page is older than its sources")


def test_packages_are_fetched_again_when_the_lock_file_changes(package, npm):
    find_page(print, package)
    done = (package / "web" / "node_modules" / ".package-lock.json").stat().st_mtime
    os.utime(package / "web" / "package-lock.json", (done + 10, done + 10))
    find_page(print, package)
    assert calls(package)[2:] == ["ci --no-audit --no-fund", "run build"]


@pytest.mark.parametrize("name", ["node_modules/a/index.js", "dist/sw.js", ".cache/x"])
def test_what_npm_makes_is_no_source(package, npm, name):
    find_page(print, package)
    path = package / "web" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, (3e9, 3e9))
    assert is_fresh(package / "web")


def test_the_page_of_a_wheel_comes_first(package, no_npm):
    (package / "page").mkdir()
    (package / "page" / "index.html").write_text("x")
    assert find_page(print, package) == package / "page"


def test_a_wheel_without_a_page(tmp_path):
    with pytest.raises(PageError, match=r"has no page for the app, as npm was missing .* install Node\.js 20"):
        find_page(print, tmp_path)


def test_a_checkout_without_npm(package, no_npm):
    with pytest.raises(
        PageError, match=r"cannot be built: npm is not installed\nNode\.js 20\.19 or newer.*`npm ci && npm run"
    ):
        find_page(print, package)


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.1", "nonsense"])
def test_a_node_that_is_too_old(package, npm, tmp_path, version):
    put_node(tmp_path / "tools", version)
    with pytest.raises(PageError, match=rf"expected Node\.js 20\.19 or newer, .*tools/node is {version}\n"):
        find_page(print, package)
    assert calls(package) == []


def test_an_old_page_without_npm_is_used_and_reported(package, no_npm):
    dist = package / "web" / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("old")
    os.utime(dist / "index.html", (1e8, 1e8))
    lines: list[str] = []
    assert find_page(lines.append, package) == dist
    assert lines[-1] == "npm is not installed: the page of the last build is used"


def test_a_build_that_fails_reports_why_and_leaves_nothing(package, npm):
    npm(NPM.replace("echo built", "echo 'src/main.ts:3 is wrong' && exit 2; echo built"))
    with pytest.raises(PageError, match=r"(?s)`npm run build` failed in .*web:\n.*src/main\.ts:3 is wrong"):
        find_page(print, package)
    assert not (package / "web" / "dist").exists()
    npm(NPM.replace("echo built > dist/index.html", "true"))
    with pytest.raises(BuildError, match="`npm run build` wrote no .*index.html"):
        build(package / "web", print)


# --- the wheel --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hook(package):
    """`hook(target)`: hatch's hook over a project whose package is `package`; gives (what it adds, what it says)."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    spec = importlib.util.spec_from_file_location("build_hook", TOP / "plugins" / "imbalkit_app" / "build_hook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.FOLDER = package.name
    lines: list[str] = []
    app = SimpleNamespace(display_info=lines.append, display_warning=lines.append)

    def run(target: str, version: str = "standard"):
        before = list(sys.path)
        made = module.PageHook(str(package.parent), {}, None, None, str(package.parent), target, app)
        added: dict = {"force_include": {}}
        try:
            made.initialize(version, added)
        finally:
            sys.path[:] = before
        return added["force_include"], lines

    return run


def test_a_wheel_gets_the_page(hook, package, npm):
    added, _ = hook("wheel")
    assert added == {str(package / "web" / "dist"): "imbalkit_app/page"}
    assert calls(package) == ["ci --no-audit --no-fund", "run build"]


@pytest.mark.parametrize("target, version", [("wheel", "editable"), ("sdist", "standard")])
def test_nothing_else_builds_it(hook, package, npm, target, version):
    assert hook(target, version) == ({}, [])
    assert calls(package) == []


def test_a_wheel_without_npm_has_no_page_and_reports_it(hook, no_npm, monkeypatch):
    added, lines = hook("wheel")
    assert added == {}
    assert lines == ["the wheel comes without the page of `imbalkit app`: npm is not installed"]
    monkeypatch.setenv("IMBALKIT_REQUIRE_PAGE", "1")
    with pytest.raises(Exception, match="npm is not installed"):
        hook("wheel")
