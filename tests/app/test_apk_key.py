"""The key that signs apps: made once, private, never replaced, copied on request; others are refused in one sentence."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from imbalkit_app.apk import key as keys
from imbalkit_app.apk.key import KeyFileError, back_up, ensure_key, key_file, make_key, read_key

from imbalkit_lite.errors import MissingExtraError
from imbalkit_lite.files import WriteError

pytest.importorskip("cryptography", reason="needs cryptography: pip install 'imbalkit[app]'")


@pytest.fixture(scope="module")
def pem() -> bytes:
    return make_key()


@pytest.fixture
def path(pem, tmp_path) -> Path:
    path = tmp_path / "mine.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    return path


def test_it_is_made_once_for_the_user_alone_and_says_what_losing_it_means(tmp_path):
    notes: list[str] = []
    path = tmp_path / "app" / "apk-key.pem"
    first = ensure_key(path, notes.append)
    assert first.key.key_size == 3072
    assert first.key.public_key() == first.certificate.public_key()
    assert first.certificate.not_valid_after_utc > datetime.now(timezone.utc) + timedelta(days=365 * 30)
    assert len(notes) == 1
    assert f"made the key that signs your apps, {path}" in notes[0]
    assert "--backup-key" in notes[0]
    assert "must uninstall the app" in notes[0]
    again = ensure_key(path, notes.append)
    assert (again.pem, again.fingerprint) == (first.pem, first.fingerprint)
    assert len(notes) == 1
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_lies_beside_the_certificate(monkeypatch, tmp_path):
    monkeypatch.setenv("IMBALKIT_APP_CERTIFICATES", str(tmp_path))
    assert key_file() == tmp_path / "apk-key.pem"


def _make(path: Path, barrier: object, answers: object) -> None:
    barrier.wait(60)  # type: ignore[attr-defined]
    notes: list[str] = []
    answers.put((ensure_key(path, notes.append).fingerprint, len(notes)))  # type: ignore[attr-defined]


@pytest.mark.slow
def test_of_processes_at_once_one_makes_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(3), context.Queue()
    started = [context.Process(target=_make, args=(tmp_path / "key.pem", barrier, answers)) for _ in range(3)]
    for process in started:
        process.start()
    found = [answers.get(timeout=120) for _ in started]
    for process in started:
        process.join(60)
    assert {fingerprint for fingerprint, _ in found} == {read_key(tmp_path / "key.pem").fingerprint}
    assert sum(count for _, count in found) == 1  # made, and told of, once


def test_a_damaged_one_is_refused_and_stays(path, pem):
    path.write_bytes(pem[:1000])
    with pytest.raises(KeyFileError, match=r"mine\.pem holds no key, or it is damaged: .* put it back from a copy"):
        ensure_key(path)
    assert path.read_bytes() == pem[:1000]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_one_that_others_could_read_is_closed_and_kept(path, pem):
    path.chmod(0o644)
    notes: list[str] = []
    assert ensure_key(path, notes.append).pem == pem
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "others could read the key" in notes[0]


def test_a_copy_signs_as_well(path, pem, tmp_path):
    copy = tmp_path / "usb" / "key.pem"
    back_up(read_key(path), copy)
    assert read_key(copy).fingerprint == read_key(path).fingerprint
    if sys.platform != "win32":
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    back_up(read_key(path), copy)  # there already
    copy.write_bytes(make_key())
    kept = copy.read_bytes()
    with pytest.raises(KeyFileError, match=r"key\.pem is there already: choose another name"):
        back_up(read_key(path), copy)
    assert copy.read_bytes() == kept
    with pytest.raises(KeyFileError, match="is there already"):
        back_up(read_key(path), tmp_path)  # a folder


def test_files_that_hold_no_key(tmp_path, path, pem):
    with pytest.raises(KeyFileError, match=r"the key .*gone\.pem cannot be read: No such file"):
        read_key(tmp_path / "gone.pem")
    with pytest.raises(KeyFileError, match="cannot be read"):
        read_key(tmp_path)
    for content in (b"", b"no key", pem[: pem.index(b"-----BEGIN CERT")], pem[pem.index(b"-----BEGIN CERT") :]):
        path.write_bytes(content)
        with pytest.raises(KeyFileError, match=r"mine\.pem holds no key, or it is damaged"):
            read_key(path)


def test_keys_of_another_kind(path, pem):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    def text(key: object, password: bytes | None = None) -> bytes:
        lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)  # type: ignore[attr-defined]

    certificate = pem[pem.index(b"-----BEGIN CERT") :]
    elliptic, small = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)
    other = rsa.generate_private_key(65537, 2048)
    for content, message in (
        (text(elliptic), r"expected an RSA key in .*, its key is of another kind"),
        (text(small), r"expected an RSA key of 2048 to 16384 bits in .*, it has 1024"),
        (text(other), r"the certificate in .* is of another key"),
        (text(other, b"secret"), r"is protected by a password: expected one without"),
    ):
        path.write_bytes(content + certificate)
        with pytest.raises(KeyFileError, match=message):
            read_key(path)


def test_a_disk_that_is_full_leaves_no_key(tmp_path, monkeypatch):
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WriteError, match=r"key\.pem cannot be written: the disk is full"):
        ensure_key(tmp_path / "key.pem")
    assert [each for each in os.listdir(tmp_path) if not each.endswith(".lock")] == []


def test_a_place_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match=r"apk-key\.pem cannot be written: "):
        ensure_key(tmp_path / "file" / "apk-key.pem")


def test_without_its_package(monkeypatch, path):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtraError, match=r'--apk needs cryptography: pip install "imbalkit\[app\]"'):
        ensure_key(path)
    with pytest.raises(MissingExtraError):
        keys.read_key(path)
