"""Android's binary XML, as far as a template's manifest needs it: attributes of its tags read and set.

Source: AOSP, frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h (ResChunk_header, ResStringPool_header,
ResXMLTree_attrExt, Res_value). A file is chunks: a pool of strings, the resource ids of the first of these, then tags.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from imbalkit_lite.errors import ImbalkitError

XML, POOL, IDS, START = 0x0003, 0x0001, 0x0180, 0x0102  # kinds of chunks
UTF8 = 1 << 8  # a pool's flag
NOTHING = 0xFFFFFFFF  # an index of no string
STRING, INTEGER = 0x03, 0x10  # kinds of values
MOST = 0x7FFF  # characters (UTF-16 units) of a string in the pool

Value = str | int
Place = tuple[str, str]  # a tag and an attribute of it, both without namespace


class ManifestError(ImbalkitError):
    """No binary XML, without a tag or attribute that is to be set, or with a text that it cannot hold."""


def set_attributes(data: bytes, values: Mapping[Place, Value]) -> bytes:
    """A manifest with attributes set: texts of new strings at the pool's end, whole numbers in place.

    `values` are by tag and attribute, e.g. ("application", "label"). Raises ManifestError where one is missing.
    """
    chunks = list(_chunks(data))
    place = next((index for index, chunk in enumerate(chunks) if _kind(chunk) == POOL), None)
    if place is None:
        raise ManifestError("the manifest is damaged: there is no string pool")
    texts = read_pool(chunks[place])
    known, found = list(texts), set()
    for index, chunk in enumerate(chunks):
        if _kind(chunk) == START:
            changed = bytearray(chunk)
            for where, at in _attributes(chunk, known):
                if where in values:
                    found.add(where)
                    _set(changed, at, values[where], texts)
            chunks[index] = bytes(changed)
    missing = [f"{tag} {name}" for tag, name in values.keys() - found]
    if missing:
        raise ManifestError(f"the manifest is of another kind: there is no {', no '.join(sorted(missing))}")
    chunks[place] = write_pool(texts)
    body = b"".join(chunks)
    return struct.pack("<HHI", XML, 8, 8 + len(body)) + body


def read_pool(chunk: bytes) -> list[str]:
    """The texts of a string pool, in order."""
    _, header, _, count, _, flags, start, _ = struct.unpack_from("<HHIIIIII", chunk)
    read = _read_utf8 if flags & UTF8 else _read_utf16
    return [read(chunk, start + offset) for offset in struct.unpack_from(f"<{count}I", chunk, header)]


def write_pool(texts: list[str]) -> bytes:
    """A string pool in UTF-16, unsorted and without styles. Raises ManifestError for a text that is too long."""
    offsets, content = [], bytearray()
    for text in texts:
        units = text.encode("utf-16-le")
        if len(units) // 2 > MOST:
            raise ManifestError(f"a text of {len(units) // 2:,} characters is too long for an app: at most {MOST:,}")
        offsets.append(len(content))
        content += struct.pack("<H", len(units) // 2) + units + b"\0\0"
    content += bytes(-len(content) % 4)
    start = 28 + 4 * len(texts)
    head = struct.pack("<HHIIIIII", POOL, 28, start + len(content), len(texts), 0, 0, start, 0)
    return head + struct.pack(f"<{len(texts)}I", *offsets) + bytes(content)


def _set(tag: bytearray, at: int, value: Value, texts: list[str]) -> None:
    """Set the attribute at byte `at` of a tag; a text is appended to `texts`."""
    kind = INTEGER if isinstance(value, int) else STRING
    if isinstance(value, str):
        texts.append(value)
    index = NOTHING if isinstance(value, int) else len(texts) - 1
    struct.pack_into("<IHBBI", tag, at + 8, index, 8, 0, kind, value if isinstance(value, int) else index)


def _attributes(tag: bytes, texts: list[str]) -> Iterator[tuple[Place, int]]:
    """The attributes of a start tag, and the byte at which each begins."""
    name = struct.unpack_from("<I", tag, 20)[0]
    start, size, count = struct.unpack_from("<HHH", tag, 24)
    for at in range(16 + start, 16 + start + size * count, size):
        yield (texts[name], texts[struct.unpack_from("<I", tag, at + 4)[0]]), at


def _chunks(data: bytes) -> Iterator[bytes]:
    kind, at, size = struct.unpack_from("<HHI", data) if len(data) >= 8 else (0, 0, 0)
    if kind != XML or size != len(data):
        raise ManifestError("the manifest is damaged: it is no binary XML")
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 4)[0] if at + 8 <= len(data) else 0
        if size < 8 or at + size > len(data):
            raise ManifestError(f"the manifest is damaged at byte {at}")
        yield data[at : at + size]
        at += size


def _kind(chunk: bytes) -> int:
    return int.from_bytes(chunk[:2], "little")


def _read_utf8(chunk: bytes, at: int) -> str:
    _, at = _length(chunk, at)  # in UTF-16
    length, at = _length(chunk, at)
    return chunk[at : at + length].decode("utf-8", "surrogatepass")


def _read_utf16(chunk: bytes, at: int) -> str:
    length = struct.unpack_from("<H", chunk, at)[0]
    if length > MOST:
        length, at = (length & MOST) << 16 | struct.unpack_from("<H", chunk, at + 2)[0], at + 2
    return chunk[at + 2 : at + 2 + 2 * length].decode("utf-16-le", "surrogatepass")


def _length(chunk: bytes, at: int) -> tuple[int, int]:
    """A length of one or two bytes, and where it ends."""
    first = chunk[at]
    return ((first & 0x7F) << 8 | chunk[at + 1], at + 2) if first & 0x80 else (first, at + 1)
