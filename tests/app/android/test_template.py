"""The template as it is committed: what is in it, what it may do, and that it is what its sources give."""

from __future__ import annotations

import shutil
import zipfile

import pytest

from tests.app.android.conftest import TEMPLATE, call, need

NAMES = [
    "AndroidManifest.xml",
    "classes.dex",
    "res/mipmap-anydpi-v26/icon.xml",
    "res/mipmap-xxhdpi-v4/foreground.png",
    "res/mipmap-xxhdpi-v4/icon.png",
    "resources.arsc",
]


def test_what_is_in_it(android):
    assert TEMPLATE.stat().st_size < 100_000
    with zipfile.ZipFile(TEMPLATE) as archive:
        assert archive.namelist() == NAMES
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
        for icon in ("icon", "foreground"):
            picture = (android / "res" / "mipmap-xxhdpi" / f"{icon}.png").read_bytes()
            assert archive.read(f"res/mipmap-xxhdpi-v4/{icon}.png") == picture


def test_its_package_and_label_are_those_that_are_replaced():
    need("aapt")
    lines = call("aapt", "dump", "badging", TEMPLATE).splitlines()
    assert lines[0].startswith("package: name='org.imbalkit.template' versionCode='1' versionName='imbalkit.version' ")
    for line in ("sdkVersion:'24'", "targetSdkVersion:'35'", "application-label:'imbalkit template'"):
        assert line in lines
    assert "launchable-activity: name='org.imbalkit.app.MainActivity'  label='' icon=''" in lines
    assert "  uses-feature-not-required: name='android.hardware.camera'" in lines  # pictures can be opened without one
    assert not any(line.startswith("  uses-feature: name='android.hardware.camera") for line in lines)


def test_it_asks_for_the_camera_alone():
    need("aapt")
    lines = call("aapt", "dump", "permissions", TEMPLATE).splitlines()
    assert lines == ["package: org.imbalkit.template", "uses-permission: name='android.permission.CAMERA'"]


def test_its_manifest_promises_what_the_docs_say():
    need("aapt")
    tree = call("aapt", "dump", "xmltree", TEMPLATE, "AndroidManifest.xml")
    for attribute, value in [
        ("allowBackup(0x01010280)", "(type 0x12)0x0"),
        ("usesCleartextTraffic(0x010104ec)", "(type 0x12)0x0"),
        ("label(0x01010001)", '"imbalkit template"'),
        ("versionName(0x0101021c)", '"imbalkit.version"'),
        ("configChanges(0x0101001f)", "(type 0x11)0x40007ffc"),
    ]:
        assert f"A: android:{attribute}={value}" in tree
    metrics = tree.index('"android.webkit.WebView.MetricsOptOut"')
    assert "android:value(0x01010024)=(type 0x12)0xffffffff" in tree[metrics : metrics + 200]
    assert tree.count("E: activity ") == 1
    for kind in ("service", "receiver", "provider"):
        assert f"E: {kind} " not in tree


@pytest.mark.slow
def test_its_sources_give_the_same_bytes(scripts, tools, tmp_path):
    """Fifteen seconds of one core."""
    build, _ = scripts
    lack = build.missing_tools(tools)
    if lack:
        pytest.skip(f"needs {lack}")
    build.build(tools, tmp_path / "template.apk")
    same = (tmp_path / "template.apk").read_bytes() == TEMPLATE.read_bytes()
    if not same and build.other_versions():
        pytest.skip(f"the template was built with {build.VERSIONS}, here are {build.other_versions()}")
    assert same, "template.apk is not what its sources give: run plugins/imbalkit_app/android/build.py and commit it"
    assert [path.name for path in tmp_path.iterdir()] == ["template.apk"]


# --- the tools --------------------------------------------------------------------------------------------------------


def test_building_without_a_tool_reports_which(scripts, tmp_path, monkeypatch):
    build, _ = scripts
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        build.ToolError, match=r"javac, kotlinc, proguard, java, aapt2.* not found: apt-get install kotlin "
    ):
        build.build(tmp_path, tmp_path / "template.apk")
    assert list(tmp_path.iterdir()) == []


def test_building_without_dx_reports_where_it_comes_from(scripts, tmp_path, monkeypatch):
    build, _ = scripts
    for name in ("FRAMEWORK", "KOTLIN_LIBRARY"):
        monkeypatch.setattr(build, name, TEMPLATE)
    monkeypatch.setattr(build, "PROGRAMS", ())
    with pytest.raises(build.ToolError, match=r"dx\.jar not found: python .*fetch\.py"):
        build.build(tmp_path, tmp_path / "template.apk")


def test_tools_of_another_version_are_named(scripts, monkeypatch):
    need("dpkg-query", "kotlinc", "aapt2", "proguard")
    build, _ = scripts
    monkeypatch.setattr(build, "VERSIONS", dict.fromkeys(build.VERSIONS, ""))
    assert build.other_versions() is None
    monkeypatch.setitem(build.VERSIONS, "kotlin", "9.9")
    assert build.other_versions().startswith("kotlin 1.")


def test_a_tool_that_fails_is_quoted(scripts):
    build, _ = scripts
    with pytest.raises(build.ToolError, match=r"(?s)sh failed:\nout\nwhy"):
        build.call("sh", "-c", "echo out; echo why >&2; exit 3")


NPM = """\
#!/bin/sh
test "$1 $2 $4" = "pack --silent --pack-destination" || exit 9
tar czf "$5/x.tgz" package
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """An npm whose packages hold one file, package/a."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "tar", "gzip"):
        (programs / name).symlink_to(shutil.which(name))
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a").write_text("content")
    (programs / "npm").write_text(NPM)
    (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.chdir(tmp_path)
    return programs / "npm"


CONTENT = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"


def test_fetching_takes_one_file_of_a_package(scripts, npm, tmp_path, monkeypatch):
    _, fetch = scripts
    monkeypatch.setattr(fetch, "SOURCES", {"a.jar": fetch.Source("some@1.0.0", "package/a", CONTENT)})
    fetch.fetch(tmp_path / "tools")
    assert [(path.name, path.read_text()) for path in (tmp_path / "tools").iterdir()] == [("a.jar", "content")]
    npm.unlink()
    fetch.fetch(tmp_path / "tools")  # is there already


@pytest.mark.parametrize(
    "member, sha256, npm_does, message",
    [
        ("package/a", CONTENT[::-1], NPM, "is not the file that was expected"),
        ("package/b", CONTENT, NPM, "some@1.0.0 has no package/b"),
        ("package/a", CONTENT, "#!/bin/sh\necho no network >&2\nexit 1\n", "npm pack some@1.0.0 failed: no network"),
        ("package/a", CONTENT, None, "npm not found: apt-get install npm"),
    ],
)
def test_fetching_something_else_leaves_nothing(scripts, npm, tmp_path, monkeypatch, member, sha256, npm_does, message):
    _, fetch = scripts
    npm.unlink() if npm_does is None else npm.write_text(npm_does)
    monkeypatch.setattr(fetch, "SOURCES", {"a.jar": fetch.Source("some@1.0.0", member, sha256)})
    with pytest.raises(fetch.FetchError, match=message):
        fetch.fetch(tmp_path / "tools")
    assert list((tmp_path / "tools").iterdir()) == []
