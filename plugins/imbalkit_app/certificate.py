"""A self-signed certificate of this machine, stored for the user so that a phone has to trust it only once.

It may also be installed on a phone as an authority, which is what makes the app installable there; its name constraints
then limit it to the names of this machine.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit_app.addresses import host_name, is_any, lan_addresses
from imbalkit_lite.errors import ImbalkitError, MissingExtraError
from imbalkit_lite.files import write_atomic

if TYPE_CHECKING:
    from cryptography import x509

DAYS = 397  # iPhones refuse more than 825, browsers more than 398 of public ones
LEAST_REMAINING = timedelta(days=7)
FILE = "certificate.pem"


class CertificateError(ImbalkitError):
    """The certificate's file cannot be read or written."""


def certificate_folder() -> Path:
    """Of this user: IMBALKIT_APP_CERTIFICATES, or where the system keeps a program's data."""
    named = os.environ.get("IMBALKIT_APP_CERTIFICATES")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "imbalkit" / "app"


def machine_names(host: str) -> list[str]:
    """Names and addresses of this machine, that which it listens at among them."""
    name = host_name()
    own = ["localhost", name, f"{name}.local", "127.0.0.1", "::1", *lan_addresses()]
    return list(dict.fromkeys(own if is_any(host) else [*own, host]))


def ensure_certificate(folder: Path, names: Iterable[str], note: Callable[[str], object] = lambda text: None) -> Path:
    """A PEM file, readable by the user alone, with a key and a certificate for (at least) `names`.

    An existing one is used while it has all names, is valid for a week, and only this user could read its key: whoever has
    the key can pose as this machine, and new permissions do not take it back. Otherwise a new one is made, for the names
    of the old one too; `note` gets a line on a key that was readable. Raises MissingExtraError without the package
    cryptography, CertificateError for the file.
    """
    require_cryptography("--https")
    path, names = folder / FILE, list(names)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        close_folder(folder)
        old = read_certificate(path)
        known = names_of(old) if old is not None else []
        readable = old is not None and is_open(path)
        if readable:
            note(
                f"others could read the key in {path}: a new one is made; phones that trusted the old one: remove it there"
            )
        elif old is not None and set(names) <= set(known) and _remaining(old) > LEAST_REMAINING:
            return path
        content = make_certificate(list(dict.fromkeys([*names, *known])))
        write_atomic(path, lambda temporary: temporary.write_bytes(content), mode=0o600)
    except OSError as error:
        raise CertificateError(f"the certificate {path} cannot be stored: {error.strerror or error}") from None
    return path


def require_cryptography(option: str) -> None:
    """Raise MissingExtraError where the package, which an option of the command needs, is not installed."""
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f'{option} needs cryptography: pip install "imbalkit[app]" ({error})') from None


def make_certificate(names: Iterable[str], now: datetime | None = None) -> bytes:
    """A key (P-256) and a certificate for `names` (DNS names and addresses), one PEM text."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now, names = now or datetime.now(timezone.utc), list(names)
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"imbalkit app on {host_name()}"[:64])])
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= dict.fromkeys(("crl_sign", "encipher_only", "decipher_only"), False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a phone's clock may be behind
        .not_valid_after(now + timedelta(days=DAYS - 1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.NameConstraints([_general_name(name, net=True) for name in names], None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    signed = builder.sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + signed.public_bytes(serialization.Encoding.PEM)


def public_part(path: Path) -> bytes:
    """The certificate without its key, DER: what a phone installs."""
    from cryptography.hazmat.primitives.serialization import Encoding

    found = read_certificate(path)
    if found is None:
        raise CertificateError(f"{path} holds no certificate: delete it, and a new one is made")
    return found.public_bytes(Encoding.DER)


def read_certificate(path: Path) -> x509.Certificate | None:
    """The certificate of a PEM file, None where there is none that can be used."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not path.exists():
        return None
    content = path.read_bytes()
    try:
        key, found = load_pem_private_key(content, None), x509.load_pem_x509_certificate(content)
    except ValueError:
        return None
    return found if key.public_key() == found.public_key() else None


def names_of(certificate: x509.Certificate) -> list[str]:
    """The names and addresses that a certificate is for."""
    from cryptography import x509

    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(each.value) for each in found]


def is_open(path: Path) -> bool:
    """Whether others may read or change a file; Windows has no such modes."""
    return sys.platform != "win32" and bool(path.stat().st_mode & 0o077)


def close_folder(folder: Path) -> None:
    """Close a folder to other users; one for all users (/tmp) and one of another user stay as they are."""
    if is_open(folder) and not folder.stat().st_mode & stat.S_ISVTX:
        with contextlib.suppress(OSError):
            folder.chmod(0o700)


def _general_name(name: str, net: bool = False) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_network(name) if net else ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _remaining(certificate: x509.Certificate) -> timedelta:
    return certificate.not_valid_after_utc - datetime.now(timezone.utc)
