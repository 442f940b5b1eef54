"""The APK itself: Android's own tools accept it, a changed byte is refused, and the same input gives the same bytes."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest
from imbalkit_app.apk.archive import ALIGNMENT, HEADER, zipped
from imbalkit_app.apk.build import TEMPLATE, Identity, TemplateError, build_apk, is_apk, read_template
from imbalkit_app.apk.key import SigningKey, make_key, read_key
from imbalkit_app.apk.signing import CHUNK, SigningError, content_digest, sections, sign
from imbalkit_app.contents import app_contents, read_model

from tests.app.apks import badging, tool, verified

pytest.importorskip("cryptography", reason="needs cryptography: pip install 'imbalkit[app]'")

MOLES = Identity("org.example.moles", "Moles", 29_928_960, "2026-11-27, imbalkit 0.1.0")
LABELS = ["Käfer und Öl", "ほくろ", "🍄👩‍🔬", '<&">', "x" * 300]
LEFT_OUT = {"sw.js", "files.js", "manifest.webmanifest"}


@pytest.fixture(scope="module")
def signer(tmp_path_factory) -> SigningKey:
    path = tmp_path_factory.mktemp("key") / "key.pem"
    path.write_bytes(make_key())
    return read_key(path)


@pytest.fixture
def contents(stub, model):
    (stub / "litert" / "litert_wasm_threaded_internal.wasm").write_bytes(os.urandom(2 * CHUNK))
    (stub / "litert" / "litert.wasm").write_bytes(os.urandom(CHUNK + 5))  # a digest of more than one part
    return app_contents(stub, *read_model(model, "1"))


@pytest.fixture
def apk(contents, signer, tmp_path) -> Path:
    path = tmp_path / "moles.apk"
    path.write_bytes(build_apk(TEMPLATE, contents, MOLES, signer))
    return path


def test_what_is_inside(apk, contents):
    with zipfile.ZipFile(apk) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
        assert archive.namelist()[0] == "AndroidManifest.xml"
    page = {name.removeprefix("assets/page/"): content for name, content in found.items() if name.startswith("assets/")}
    assert page == {
        name: content for name, content in contents.items() if name not in LEFT_OUT and "threaded" not in name
    }
    assert found.keys() - {f"assets/page/{name}" for name in page} == read_template(TEMPLATE).keys()
    assert is_apk(apk)


def test_the_same_input_and_key_give_the_same_bytes(apk, contents, signer):
    shuffled = dict(reversed(contents.items()))
    assert build_apk(TEMPLATE, shuffled, MOLES, signer) == apk.read_bytes()


@pytest.mark.slow
def test_apksigner_accepts_it_for_android_7(apk, signer):
    done = verified(apk)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified using v2 scheme (APK Signature Scheme v2): true" in done.stdout
    assert f"certificate SHA-256 digest: {signer.fingerprint}" in done.stdout
    assert "key size (bits): 3072" in done.stdout
    assert "WARNING" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("where", ["entry", "block", "directory", "end"])
def test_a_changed_byte_is_refused(apk, where):
    data = bytearray(apk.read_bytes())
    directory = int.from_bytes(data[-6:-2], "little")
    place = {
        "entry": directory // 2,
        "block": data.rindex(b"imbalkit app", 0, directory),  # in the certificate
        "directory": data.rindex(b"model.tflite"),
        "end": len(data) - 12,  # the number of entries
    }[where]
    data[place] ^= 1
    apk.write_bytes(data)
    assert verified(apk).returncode != 0


@pytest.mark.slow
def test_zipalign_finds_every_stored_file_aligned(apk):
    done = tool("zipalign", "-c", "-v", 4, apk)
    assert done.returncode == 0, done.stdout
    assert "resources.arsc (OK)" in done.stdout
    assert "resources.arsc (OK - compressed)" not in done.stdout
    assert "Verification successful" in done.stdout


def test_stored_files_begin_at_multiples_of_4(tmp_path):
    names = [f"{'x' * length}.png" for length in range(1, 9)] + ["ä.arsc", "b.txt"]
    data = zipped(dict.fromkeys(names, b"12345"))
    (tmp_path / "a.zip").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        for entry in archive.infolist():
            stored = entry.compress_type == zipfile.ZIP_STORED
            extra = int.from_bytes(data[entry.header_offset + 28 : entry.header_offset + 30], "little")
            start = entry.header_offset + HEADER + len(entry.filename.encode()) + extra
            assert stored == (not entry.filename.endswith(".txt"))
            assert not stored or start % ALIGNMENT == 0
            assert not stored or data[start : start + 5] == b"12345"


@pytest.mark.slow
def test_it_asks_for_the_camera_alone(apk):
    done = tool("aapt", "dump", "permissions", apk)
    assert re.findall(r"^\S*permission.*$", done.stdout, re.M) == ["uses-permission: name='android.permission.CAMERA'"]


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
def test_aapt_reads_what_it_is(contents, signer, tmp_path, label):
    path = tmp_path / "moles.apk"
    path.write_bytes(
        build_apk(TEMPLATE, contents, Identity(MOLES.id, label, MOLES.version, MOLES.version_name), signer)
    )
    found = badging(path)
    head = "package: name='org.example.moles' versionCode='29928960' versionName='2026-11-27, imbalkit 0.1.0'"
    assert found.startswith(head)
    shown = label.replace('"', '\\"')
    for line in (
        "sdkVersion:'24'",
        "targetSdkVersion:'35'",
        f"application-label:'{shown}'",
        "launchable-activity: name='org.imbalkit.app.MainActivity'",
    ):
        assert line in found
    assert "debuggable" not in found
    assert verified(path).returncode == 0


# --- signing ----------------------------------------------------------------------------------------------------------


def test_a_digest_is_of_every_mebibyte_of_each_part():
    """The scheme's example by hand: 0xa5, length and content of each chunk; 0x5a, number and digests of all."""
    import hashlib

    parts = [b"x" * (CHUNK + 3), b"", b"directory", b"end"]
    chunks = [b"x" * CHUNK, b"xxx", b"directory", b"end"]
    digests = [hashlib.sha256(b"\xa5" + len(each).to_bytes(4, "little") + each).digest() for each in chunks]
    assert content_digest(*parts) == hashlib.sha256(b"\x5a\x04\0\0\0" + b"".join(digests)).digest()


def test_what_is_no_unsigned_zip_file(signer):
    data = zipped({"a": b"b"})
    assert b"".join(sections(data)) == data
    signed = sign(data, signer)
    for wrong in (b"", b"text", data[:-1], data + b"comment"):
        with pytest.raises(SigningError, match="expected a ZIP file without a comment"):
            sign(wrong, signer)
    with pytest.raises(SigningError, match="expected an unsigned ZIP file"):
        sign(signed, signer)
    assert len(signed) % 4 == len(data) % 4
    assert (len(signed) - len(data)) % 4096 == 0  # whole pages


# --- the template -----------------------------------------------------------------------------------------------------


def test_a_template_that_is_missing_or_none(tmp_path, contents, signer):
    with pytest.raises(TemplateError, match=r"has no template for --apk .*install imbalkit again"):
        build_apk(tmp_path / "gone.apk", contents, MOLES, signer)
    (tmp_path / "text.apk").write_text("no template")
    with pytest.raises(TemplateError, match="has no template"):
        build_apk(tmp_path / "text.apk", contents, MOLES, signer)
    (tmp_path / "other.apk").write_bytes(zipped({"a": b"b"}))
    with pytest.raises(TemplateError, match=r"there is no AndroidManifest\.xml, classes\.dex"):
        build_apk(tmp_path / "other.apk", contents, MOLES, signer)
    assert not is_apk(tmp_path / "text.apk")
    assert not is_apk(tmp_path / "other.apk")
    assert not is_apk(TEMPLATE)
