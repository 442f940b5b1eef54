"""The key that signs a user's apps: made once, never replaced, and backed up on request.

A phone takes a newer version of an app only when the same key signed it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit_app.certificate import certificate_folder, close_folder, is_open, require_cryptography
from imbalkit_lite.errors import ImbalkitError
from imbalkit_lite.files import write_atomic, writing

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

FILE = "apk-key.pem"
BITS, YEARS = 3072, 40
LEAST_BITS, MOST_BITS = 2048, 16384  # weaker ones are refused here, larger ones by Android


class KeyFileError(ImbalkitError):
    """The key's file is missing, holds no key, or cannot be copied to where it shall be."""


@dataclass(frozen=True)
class SigningKey:
    """An RSA key, and the certificate by which a phone knows it. `pem` is the text of both."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    pem: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, 64 hex digits."""
        from cryptography.hazmat.primitives import hashes

        return self.certificate.fingerprint(hashes.SHA256()).hex()


def key_file() -> Path:
    """Where this user's key is kept: beside the certificate's."""
    return certificate_folder() / FILE


def ensure_key(path: Path, note: Callable[[str], object] = lambda text: None) -> SigningKey:
    """The key in a file, made there (readable by the user alone) where there is none; an existing one is never replaced.

    Of two processes at once one makes it. `note` gets a line when it is made, and when others could read it. Raises
    KeyFileError for a file that holds no key, WriteError, and MissingExtraError without the package cryptography.
    """
    from filelock import FileLock

    require_cryptography("--apk")
    if not path.exists():
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            close_folder(path.parent)
            with FileLock(path.with_name(f".{path.name}.lock")):
                if not path.exists():
                    made = make_key()
                    write_atomic(path, lambda temporary: temporary.write_bytes(made), mode=0o600)
                    note(
                        f"made the key that signs your apps, {path}: a phone takes a newer version of an app only from the same "
                        "key. Keep a copy elsewhere (--backup-key FILE); whoever loses it must uninstall the app before the "
                        "next version"
                    )
    if is_open(path):
        note(f"others could read the key {path}, and sign apps as yours: now you alone can")
        with writing(path):
            path.chmod(0o600)
    return read_key(path)


def read_key(path: Path) -> SigningKey:
    """The key and certificate in a PEM file. Raises KeyFileError, and MissingExtraError without the package cryptography."""
    require_cryptography("--apk")
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        content = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"the key {path} cannot be read: {error.strerror or error}") from None
    try:
        key, certificate = load_pem_private_key(content, None), x509.load_pem_x509_certificate(content)
    except TypeError:
        raise KeyFileError(f"the key in {path} is protected by a password: expected one without") from None
    except Exception:  # ValueError, and what cryptography raises for algorithms that it does not know
        raise KeyFileError(
            f"{path} holds no key, or it is damaged: expected a private RSA key and its certificate in PEM, as `imbalkit app` "
            "makes them; put it back from a copy"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyFileError(f"expected an RSA key in {path}, its key is of another kind")
    if not LEAST_BITS <= key.key_size <= MOST_BITS:
        raise KeyFileError(f"expected an RSA key of {LEAST_BITS} to {MOST_BITS} bits in {path}, it has {key.key_size}")
    if key.public_key() != certificate.public_key():
        raise KeyFileError(f"the certificate in {path} is of another key: put the file back from a copy")
    return SigningKey(key, certificate, content)


def check_copy(copy: Path, pem: bytes | None) -> None:
    """Raise KeyFileError where something else is than a copy of the key `pem`; None: of one that is not made yet."""
    if not (copy.exists() or copy.is_symlink()) or (copy.is_file() and copy.read_bytes() == pem):
        return
    raise KeyFileError(f"{copy} is there already: choose another name for the copy of the key")


def back_up(signer: SigningKey, copy: Path) -> None:
    """Write a copy of a key, readable by the user alone. Raises KeyFileError where there is another file, WriteError."""
    check_copy(copy, signer.pem)
    if not copy.exists():
        write_atomic(copy, lambda temporary: temporary.write_bytes(signer.pem), len(signer.pem), mode=0o600)


def make_key() -> bytes:
    """A new RSA key and a certificate that it signs itself, one PEM text."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imbalkit app")])
    now = datetime.now(timezone.utc).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + certificate.public_bytes(serialization.Encoding.PEM)
