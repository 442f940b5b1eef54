"""A binary manifest edited: read back by Android's own tool, in every script."""

from __future__ import annotations

import zipfile

import pytest
from imbalkit_app.apk.archive import MANIFEST, zipped
from imbalkit_app.apk.build import TEMPLATE, read_template
from imbalkit_app.apk.manifest import MOST, ManifestError, Place, Value, read_pool, set_attributes, write_pool

from tests.app.apks import tool

LABELS = ["Käfer und Öl", "ほくろ", "🍄👩‍🔬", "<&\">' \\n %s", "@string/app", "x" * 300, "שומה", "é" * MOST]
PLACES: dict[Place, Value] = {
    ("manifest", "package"): "org.example.moles",
    ("manifest", "versionCode"): 2_100_000_000,
    ("manifest", "versionName"): "2026-11-27, imbalkit 0.1.0",
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return read_template(TEMPLATE)


def read_back(files, manifest, tmp_path) -> str:
    """The tree of an APK's manifest, as aapt prints it."""
    apk = tmp_path / "edited.apk"
    apk.write_bytes(zipped(files | {MANIFEST: manifest}))
    done = tool("aapt", "dump", "xmltree", apk, MANIFEST)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
def test_androids_own_tool_reads_what_was_set(files, tmp_path, label):
    before = read_back(files, files[MANIFEST], tmp_path)
    after = read_back(files, set_attributes(files[MANIFEST], PLACES | {("application", "label"): label}), tmp_path)
    escaped = label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    for line in (
        'A: package="org.example.moles" (Raw: "org.example.moles")',
        "A: android:versionCode(0x0101021b)=(type 0x10)0x7d2b7500",
        'A: android:versionName(0x0101021c)="2026-11-27, imbalkit 0.1.0" (Raw: "2026-11-27, imbalkit 0.1.0")',
        f'A: android:label(0x01010001)="{escaped}" (Raw: "{escaped}")',
    ):
        assert f"{line}\n" in after
    kept = [line for line in before.splitlines() if not any(name in line for name in ("package=", "version", ":label"))]
    assert [line for line in after.splitlines() if line in kept] == kept  # all else is as it was


def test_nothing_set_changes_no_text(files):
    same = set_attributes(files[MANIFEST], {})
    assert set_attributes(same, {}) == same
    once = set_attributes(files[MANIFEST], {("application", "label"): "a"})
    assert set_attributes(once, {("application", "label"): "b"}) != once


@pytest.mark.parametrize("texts", [[], [""], LABELS, ["a\0b", "\n"]])
def test_a_pool_is_read_as_it_was_written(texts):
    assert read_pool(write_pool(texts)) == texts


def test_a_pool_in_utf_8_is_read_too():
    """Resource tables have one; lengths of 128 and more take two bytes."""
    texts = ["", "Käfer", "x" * 300]
    content, offsets = b"", []
    for text in texts:
        offsets.append(len(content))
        for count in (len(text), len(text.encode())):
            content += bytes([count]) if count < 128 else bytes([0x80 | count >> 8, count & 0xFF])
        content += text.encode() + b"\0"
    start = 28 + 4 * len(texts)
    numbers = [0x001C0001, start + len(content), len(texts), 0, 1 << 8, start, 0, *offsets]
    assert read_pool(b"".join(number.to_bytes(4, "little") for number in numbers) + content) == texts


def test_what_cannot_be_set(files):
    with pytest.raises(ManifestError, match=r"there is no activity-alias label, no application name"):
        set_attributes(files[MANIFEST], {("application", "name"): "x", ("activity-alias", "label"): "x"})
    with pytest.raises(ManifestError, match=r"a text of 32,768 characters is too long for an app: at most 32,767"):
        set_attributes(files[MANIFEST], {("application", "label"): "x" * (MOST + 1)})


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"<manifest/>", lambda data: data[:-4]])
def test_a_file_that_is_no_binary_xml(files, damage):
    with pytest.raises(ManifestError, match="it is no binary XML"):
        set_attributes(damage(files[MANIFEST]), {})


def test_damaged_chunks(files):
    data = bytearray(files[MANIFEST])
    data[12:16] = b"\xff\xff\xff\x7f"
    with pytest.raises(ManifestError, match="damaged at byte 8"):
        set_attributes(bytes(data), {})
    with pytest.raises(ManifestError, match="there is no string pool"):
        set_attributes(b"\x03\0\x08\0\x08\0\0\0", {})


def test_the_template_is_a_zip_file_of_an_app(files):
    assert {MANIFEST, "classes.dex", "resources.arsc"} <= files.keys()
    with zipfile.ZipFile(TEMPLATE) as archive:
        assert archive.testzip() is None
