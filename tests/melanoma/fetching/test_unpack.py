"""Archives: stopped half-way, damaged, or leading elsewhere."""

import io
import stat
import zipfile
from pathlib import Path

import pytest
from imbalkit_melanoma.fetching import unpack

from tests.melanoma.fetching.stand_in import IMAGES, ZIP, archive, complete, jpeg, leftovers


def test_a_stopped_unpacking_goes_on_where_it_was(fetch, server, data, monkeypatch):
    extract, calls = unpack._extract, []

    def stop_at_the_sixth(archive, info, target, progress):
        calls.append(info.filename)
        if len(calls) == 6:
            target.with_name(f".{target.name}.part").write_bytes(b"half")  # as after a kill
            raise KeyboardInterrupt
        return extract(archive, info, target, progress)

    monkeypatch.setattr(unpack, "_extract", stop_at_the_sixth)
    result = fetch("isic_2019")
    assert result.code == 130
    assert "the same command resumes here" in result.err
    done = {path: path.stat().st_mtime_ns for path in (data / IMAGES).glob("*.jpg")}
    assert len(done) == 4  # and LICENSE.txt
    server.requests.clear()
    monkeypatch.setattr(unpack, "_extract", extract)
    assert fetch("isic_2019", yes=False).code == 0
    assert server.requests == []
    assert done.items() <= {path: path.stat().st_mtime_ns for path in (data / IMAGES).glob("*.jpg")}.items()
    assert complete(data)
    assert leftovers(data) == []


def test_images_the_list_does_not_know_are_compared_with_the_archive(fetch, data, monkeypatch):
    """As after a crash of the machine: the images are there, the last lines of SHA256SUMS are not, one is cut short."""
    (data / IMAGES).mkdir(parents=True)
    for index in range(3):
        (data / IMAGES / f"ISIC_{index:07}.jpg").write_bytes(jpeg(index))
    (data / IMAGES / "ISIC_0000001.jpg").write_bytes(bytes(len(jpeg(1))))
    (data / "SHA256SUMS").write_text("0123456789abcdef0123")
    extracted, extract = [], unpack._extract
    monkeypatch.setattr(
        unpack, "_extract", lambda archive, info, *rest: (extracted.append(info), extract(archive, info, *rest))[1]
    )
    assert fetch("isic_2019").code == 0
    names = {Path(info.filename).name for info in extracted}
    assert "ISIC_0000001.jpg" in names
    assert not names & {"ISIC_0000000.jpg", "ISIC_0000002.jpg"}
    assert complete(data)
    assert fetch("--check").code == 0


def test_a_damaged_archive(fetch, server, data):
    good, bad = server.files[ZIP], bytearray(server.files[ZIP])
    bad[bad.index(jpeg(7)) + 400] ^= 1
    server.files[ZIP] = bytes(bad)
    result = fetch("isic_2019")
    assert result.code == 1
    assert "Bad CRC-32" in result.err
    assert "ISIC_0000007.jpg" in result.err
    assert complete(data, count=7)
    assert not (data / IMAGES / "ISIC_0000007.jpg").exists()
    assert leftovers(data) == []
    assert [path.name for path in (data / "downloads").iterdir()] == ["ISIC_2019_Training_Input.zip.damaged"]
    server.files[ZIP] = good
    assert fetch("isic_2019").code == 0
    assert complete(data)
    assert leftovers(data) == []


def link():
    info = zipfile.ZipInfo("ISIC_0000000.jpg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "name, text",
    [
        ("../../escaped.jpg", "leads out of its folder"),
        ("/escaped.jpg", "leads out of its folder"),
        ("a\\..\\escaped.jpg", "leads out of its folder"),
        ("C:escaped.jpg", "leads out of its folder"),
        (link(), "holds a link"),
        ("other/isic_0000001.JPG", "holds two files named"),
    ],
)
def test_an_archive_that_leads_elsewhere(fetch, server, data, tmp_path, name, text):
    server.files[ZIP] = archive(("a/ISIC_0000001.jpg", jpeg(1)), (name, b"../../../target"))
    result = fetch("isic_2019")
    assert result.code == 1
    assert text in result.err
    assert not list(tmp_path.rglob("*escaped*"))
    assert not list((data / IMAGES).iterdir())


@pytest.mark.parametrize(
    "name, text",
    [
        ("a\nISIC_0000003.jpg", r"holds 'a\nISIC_0000003.jpg', a name with control signs: nothing was unpacked"),
        ("ISIC\x1b[2J.jpg", r"holds 'ISIC\x1b[2J.jpg', a name with control signs"),
        ("ISIC_\u202egpj.jpg", r"'ISIC_\u202egpj.jpg', a name with control signs"),
        ("a" * 300 + ".jpg", "holds a name of 304 bytes, 'aaaa"),
    ],
)
def test_names_that_cannot_be_shown_or_written(fetch, server, data, name, text):
    server.files[ZIP] = archive(("a/ISIC_0000001.jpg", jpeg(1)), (name, jpeg(2)))
    result = fetch("isic_2019")
    assert result.code == 1
    assert text in result.err
    assert not list((data / IMAGES).iterdir())


def test_only_pictures_texts_and_tables_come_out(fetch, server, data):
    others = ("conftest.py", "a.desktop", "run.sh", "inner.zip", "page.html", "x.jpg.exe", "noending", "b/run.sh")
    texts = ("LICENSE.txt", "README", "labels.csv")
    pictures = [(f"a/ISIC_{index:07}.jpg", jpeg(index)) for index in range(12)]
    server.files[ZIP] = archive(*pictures, *((name, b"x") for name in (*others, *texts)))
    result = fetch("isic_2019")
    assert "8 files are neither pictures nor tables, and left out: 'conftest.py', 'a.desktop', 'run.sh'" in result.err
    found = {path.name for path in (data / IMAGES).iterdir()}
    assert found == {*texts, *(Path(name).name for name, _ in pictures)}


def test_a_bomb_is_not_unpacked(fetch, server, data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bomb:
        for index in range(8):
            bomb.writestr(f"ISIC_{index:07}.jpg", bytes(1 << 20))
    server.files[ZIP] = stream.getvalue()
    result = fetch("isic_2019")
    assert result.code == 1
    assert "says that its files have 8,388,608: pictures and tables do not shrink so far" in result.err
    assert not list((data / IMAGES).iterdir())


def test_more_bytes_than_declared_are_damage(fetch, server, data):
    """The size in the directory is a lie: no more than that is read, and the checksum differs."""
    content = bytearray(archive(("ISIC_0000001.jpg", jpeg(1))))
    place = content.rindex(b"PK\x01\x02") + 24
    content[place : place + 4] = (100).to_bytes(4, "little")
    server.files[ZIP] = bytes(content)
    result = fetch("isic_2019")
    assert result.code == 1
    assert "is damaged" in result.err
    assert not list((data / IMAGES).iterdir())


@pytest.mark.parametrize("method", [97, 12, 14])
def test_unknown_or_wrong_compression_is_damage(fetch, server, data, method):
    content = bytearray(archive(("ISIC_0000001.jpg", jpeg(1))))
    for sign, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = content.index(sign) + place
        content[start : start + 2] = method.to_bytes(2, "little")
    server.files[ZIP] = bytes(content)
    result = fetch("isic_2019")
    assert result.code == 1
    assert "is damaged" in result.err


def test_a_planted_link_is_not_written_through(fetch, data, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (data / IMAGES).mkdir(parents=True)
    (data / IMAGES / ".ISIC_0000001.jpg.part").symlink_to(victim)
    assert fetch("isic_2019").code == 0
    assert victim.read_text() == "mine"
    assert not (data / IMAGES / "ISIC_0000001.jpg").is_symlink()
