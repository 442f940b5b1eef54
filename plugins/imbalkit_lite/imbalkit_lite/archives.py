"""Zip and tar files as containers, with the standard library alone."""

from __future__ import annotations

import struct
import tarfile
import zipfile
from collections.abc import Sequence

from imbalkit_lite.errors import DataError
from imbalkit_lite.members import Members, Span, read_at

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, length of the name, length of the extra field
_ENCRYPTED = 0x1


class ZipMembers(Members):
    """Members of a zip file: those that are stored by their span, packed ones through zipfile, which checks their CRC-32."""

    def __init__(self, place: str):
        """Raises DataError for what is no zip file, or one that is cut off."""
        try:
            self._zip = zipfile.ZipFile(place)
        except zipfile.BadZipFile as error:
            raise DataError(f"{place} is no zip file, or not all of it ({error}): get it again") from None
        self._headers = open(place, "rb", buffering=0)  # noqa: SIM115  # open as long as this
        self._infos = {info.filename: info for info in self._zip.infolist() if not info.is_dir()}

    def names(self) -> Sequence[str]:
        return list(self._infos)

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def span(self, name: str) -> Span | None:
        info = self._infos[name]
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & _ENCRYPTED:
            return None
        header = read_at(self._headers.fileno(), info.header_offset, _LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
            return None  # zipfile says what is wrong
        _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        return Span(info.header_offset + _LOCAL_HEADER.size + name_length + extra_length, info.file_size)

    def read(self, name: str) -> bytes:
        try:
            return self._zip.read(self._infos[name])
        except RuntimeError:  # zipfile's, of a member that needs a password
            raise DataError("it is encrypted in its zip file: pack it without a password") from None
        except Exception as error:  # each packer has its own
            raise DataError(f"it cannot be unpacked from its zip file ({error or type(error).__name__})") from None


class TarMembers(Members):
    """Files in a tar file that is not packed: their spans, found in one pass over its headers."""

    def __init__(self, place: str):
        """Raises DataError for what is no tar file, or one that is packed."""
        self._spans: dict[str, Span] = {}
        try:
            with tarfile.open(place, "r:") as archive:
                for info in archive:
                    if info.isreg() and not info.issparse():
                        self._spans[info.name.removeprefix("./")] = Span(info.offset_data, info.size)
                    archive.members = []  # type: ignore[attr-defined]  # else it keeps 2 kB a member
                assert archive.fileobj is not None
                archive.fileobj.seek(archive.offset)
                if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                    raise tarfile.ReadError("no end marker")  # which tarfile does without
        except tarfile.TarError as error:
            raise DataError(
                f"{place} is no plain tar file, or not all of it ({error}): get it again, or unpack it"
            ) from None

    def names(self) -> Sequence[str]:
        return list(self._spans)

    def __contains__(self, name: str) -> bool:
        return name in self._spans

    def span(self, name: str) -> Span | None:
        return self._spans[name]
