"""APK Signature Scheme v2, which Android 7 (API 24) and newer check.

Source: source.android.com/docs/security/features/apksigning/v2. The block stands between the entries of the ZIP file and its
directory; it holds a digest of all other bytes, signed.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from imbalkit_lite.errors import ImbalkitError

if TYPE_CHECKING:
    from imbalkit_app.apk.key import SigningKey

MAGIC = b"APK Sig Block 42"
V2, PADDING = 0x7109871A, 0x42726577  # ids of pairs in the block
RSA_SHA256 = 0x0103  # RSASSA-PKCS1-v1_5 with SHA-256: the same bytes every time
CHUNK, PAGE = 1 << 20, 4096
END, END_SIZE = b"PK\5\6", 22


class SigningError(ImbalkitError):
    """Something else than an unsigned ZIP file without a comment was to be signed."""


def sign(apk: bytes, signer: SigningKey) -> bytes:
    """An aligned, unsigned APK with its signature. Raises SigningError."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    entries, directory, end = sections(apk)
    digest = content_digest(entries, directory, end)  # the directory begins where the block will: as it must be here
    certificate = signer.certificate.public_bytes(serialization.Encoding.DER)
    signed = _list(_u32(RSA_SHA256) + _sized(digest)) + _list(certificate) + _sized(b"")
    signature = signer.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    public = signer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    block = _block(_list(_sized(signed) + _list(_u32(RSA_SHA256) + _sized(signature)) + _sized(public)))
    return entries + block + directory + end[:16] + _u32(len(entries) + len(block)) + end[20:]


def sections(apk: bytes) -> tuple[bytes, bytes, bytes]:
    """The entries of an unsigned ZIP file, its directory, and the record at its end. Raises SigningError."""
    at = len(apk) - END_SIZE
    if at < 0 or apk[at : at + 4] != END:
        raise SigningError("expected a ZIP file without a comment")
    size, start = struct.unpack_from("<II", apk, at + 12)
    if start + size != at or apk[start - 16 : start] == MAGIC:
        raise SigningError("expected an unsigned ZIP file below 4 GB, its directory right before its end")
    return apk[:start], apk[start:at], apk[at:]


def content_digest(*parts: bytes) -> bytes:
    """SHA-256 over the SHA-256 of every mebibyte of each part."""
    digests = [
        hashlib.sha256(b"\xa5" + _u32(len(chunk)) + chunk).digest()
        for part in parts
        for chunk in (part[at : at + CHUNK] for at in range(0, len(part), CHUNK))
    ]
    return hashlib.sha256(b"\x5a" + _u32(len(digests)) + b"".join(digests)).digest()


def _block(value: bytes) -> bytes:
    """The signing block with a v2 signature, filled up to whole pages as apksigner does."""
    pairs = struct.pack("<QI", 4 + len(value), V2) + value
    room = -(8 + len(pairs) + 12 + 24) % PAGE
    pairs += struct.pack("<QI", 4 + room, PADDING) + bytes(room)
    size = struct.pack("<Q", len(pairs) + 24)
    return size + pairs + size + MAGIC


def _u32(number: int) -> bytes:
    return struct.pack("<I", number)


def _sized(value: bytes) -> bytes:
    return _u32(len(value)) + value


def _list(value: bytes) -> bytes:
    """A list of one value."""
    return _sized(_sized(value))
