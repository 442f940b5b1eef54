"""The certificate: for every name of this machine, stored, private, and renewed when it must be."""

from __future__ import annotations

import re
import stat
import sys
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address

import pytest
from imbalkit_app import certificate
from imbalkit_app.addresses import host_name, is_any, is_loop, lan_addresses
from imbalkit_app.certificate import (
    CertificateError,
    certificate_folder,
    ensure_certificate,
    machine_names,
    make_certificate,
    names_of,
    public_part,
    read_certificate,
)

from imbalkit_lite.errors import MissingExtraError

NAMES = ["localhost", "bench", "bench.local", "127.0.0.1", "::1", "192.168.1.20"]


@pytest.fixture(autouse=True)
def needs_cryptography():
    pytest.importorskip("cryptography", reason="needs cryptography: pip install 'imbalkit[app]'")


def test_it_is_for_every_name_and_for_a_server(tmp_path):
    from cryptography import x509

    found = read_certificate(ensure_certificate(tmp_path, NAMES))
    assert names_of(found) == NAMES
    extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert extension.get_values_for_type(x509.DNSName) == NAMES[:3]
    assert extension.get_values_for_type(x509.IPAddress) == [ip_address(name) for name in NAMES[3:]]
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [each.dotted_string for each in usage] == ["1.3.6.1.5.5.7.3.1"]  # serverAuth
    assert found.not_valid_after_utc - found.not_valid_before_utc <= timedelta(days=398)


def test_as_an_authority_it_may_speak_for_these_names_alone(tmp_path):
    from cryptography import x509

    found = read_certificate(ensure_certificate(tmp_path, NAMES))
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    limits = found.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    permitted = limits.value.permitted_subtrees
    assert [str(each.value) for each in permitted] == [*NAMES[:3], "127.0.0.1/32", "::1/128", "192.168.1.20/32"]


def test_it_is_stored_so_that_a_phone_asks_once(tmp_path):
    first = ensure_certificate(tmp_path / "new", NAMES).read_bytes()
    assert ensure_certificate(tmp_path / "new", NAMES[:2]).read_bytes() == first


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_other_users_cannot_read_the_key(tmp_path):
    path = ensure_certificate(tmp_path / "new", NAMES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"PRIVATE KEY" in path.read_bytes()
    assert b"PRIVATE KEY" not in public_part(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_key_that_others_could_read_is_made_anew(tmp_path, mode):
    path, notes = ensure_certificate(tmp_path / "new", NAMES), []
    old = path.read_bytes()
    path.chmod(mode)
    path.parent.chmod(0o755)
    assert ensure_certificate(tmp_path / "new", NAMES[:1], notes.append) == path
    assert path.read_bytes() != old
    assert names_of(read_certificate(path)) == NAMES
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert [text.split(":")[0] for text in notes] == [f"others could read the key in {path}"]
    new = path.read_bytes()
    ensure_certificate(tmp_path / "new", NAMES, notes.append)
    assert (path.read_bytes(), len(notes)) == (new, 1)  # once


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_folder_for_everybody_is_left_to_everybody(tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all").chmod(0o1777)
    ensure_certificate(tmp_path / "all", NAMES)
    assert stat.S_IMODE((tmp_path / "all").stat().st_mode) == 0o1777


def test_a_new_address_makes_a_new_one_for_the_old_names_too(tmp_path):
    path = ensure_certificate(tmp_path, NAMES)
    old = path.read_bytes()
    assert ensure_certificate(tmp_path, ["localhost", "10.0.0.7"]).read_bytes() != old
    assert names_of(read_certificate(path)) == ["localhost", "10.0.0.7", *NAMES[1:]]


def test_one_that_ends_soon_is_made_anew(tmp_path):
    long_ago = datetime.now(timezone.utc) - timedelta(days=391)
    path = tmp_path / certificate.FILE
    path.write_bytes(make_certificate(NAMES, long_ago))
    assert read_certificate(path).not_valid_after_utc < datetime.now(timezone.utc) + timedelta(days=7)
    ensure_certificate(tmp_path, NAMES)
    assert read_certificate(path).not_valid_after_utc > datetime.now(timezone.utc) + timedelta(days=390)


@pytest.mark.parametrize("damage", ["empty", "cut", "another's key"])
def test_a_damaged_one_is_made_anew(tmp_path, damage):
    whole = make_certificate(NAMES)
    other = re.sub(rb"(?s)^.*?(?=-----BEGIN CERT)", b"", make_certificate(NAMES))
    key = whole[: whole.index(b"-----BEGIN CERT")]
    (tmp_path / certificate.FILE).write_bytes({"empty": b"", "cut": whole[:300], "another's key": key + other}[damage])
    path = ensure_certificate(tmp_path, NAMES)
    assert names_of(read_certificate(path)) == NAMES


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CertificateError, match=r"certificate\.pem cannot be stored"):
        ensure_certificate(tmp_path / "file", NAMES)


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtraError, match=r'--https needs cryptography: pip install "imbalkit\[app\]"'):
        ensure_certificate(tmp_path, NAMES)


def test_where_it_is_stored(monkeypatch, tmp_path):
    monkeypatch.delenv("IMBALKIT_APP_CERTIFICATES", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert certificate_folder() == tmp_path / "imbalkit" / "app"
    monkeypatch.setenv("IMBALKIT_APP_CERTIFICATES", str(tmp_path / "mine"))
    assert certificate_folder() == tmp_path / "mine"


def test_the_names_of_this_machine():
    names = machine_names("0.0.0.0")
    assert {"localhost", "127.0.0.1", "::1", host_name(), f"{host_name()}.local", *lan_addresses()} == set(names)
    assert machine_names("10.1.2.3") == [*names, "10.1.2.3"]
    assert not [address for address in lan_addresses() if ip_address(address).is_loopback]


def test_which_hosts_mean_this_machine_or_all_of_them():
    assert [
        host for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "192.168.1.20", "bench") if is_loop(host)
    ] == [*("localhost", "127.0.0.1", "::1")]
    assert [host for host in ("", "0.0.0.0", "::", "127.0.0.1") if is_any(host)] == ["", "0.0.0.0", "::"]
