"""`SHA256SUMS`, `fetched.json` and `--check`."""

import hashlib
import json
from pathlib import Path

from imbalkit_melanoma.fetching.record import Record

from tests.melanoma.fetching.stand_in import ABOUT, COUNT, IMAGES, ZIP, collection


def test_sums_are_those_of_sha256sum(fetch, data):
    fetch("isic_2019", "--keep-zips")
    assert (data / "downloads" / Path(ZIP).name).read_bytes() == collection()[ZIP]
    lines = [line.split("  ") for line in (data / "SHA256SUMS").read_text().splitlines()]
    expected = [path for part in ("tables", "images", "downloads") for path in (data / part).rglob("*.*")]
    assert {name for _, name in lines} == {path.relative_to(data).as_posix() for path in expected}
    for sha256, name in lines:
        assert sha256 == hashlib.sha256((data / name).read_bytes()).hexdigest()
    entry = json.loads((data / "fetched.json").read_text())["files"][Path(ZIP).name]
    assert entry["size"] == len(collection()[ZIP])
    assert entry["checked"] == ["size", "MD5 of the server"]
    assert entry["pictures"] == COUNT


def test_check(fetch, server, data):
    result = fetch("--check", yes=False)
    assert result.code == 1
    assert "there is nothing to check" in result.err
    fetch("isic_2019")
    server.requests.clear()
    result = fetch("--check", yes=False)
    assert result.code == 0, result.err
    assert "15 files in data/isic are unchanged" in result.err  # 12 images, 2 tables, LICENSE.txt
    changed = data / IMAGES / "ISIC_0000002.jpg"
    content = bytearray(changed.read_bytes())
    content[300] ^= 1
    changed.write_bytes(content)
    (data / "tables" / Path(ABOUT).name).unlink()
    result = fetch("--check", yes=False)
    assert result.code == 1
    assert "1 are missing: tables/ISIC_2019_Training_Metadata.csv" in result.err
    assert f"1 are changed: {IMAGES}/ISIC_0000002.jpg" in result.err
    assert server.requests == []
    changed.unlink()
    assert fetch("isic_2019").code == 0
    assert fetch("--check").code == 0


def test_a_broken_record(fetch, server, data):
    fetch("isic_2019")
    (data / "fetched.json").write_text("{")
    result = fetch("isic_2019")
    assert result.code == 1
    assert "fetched.json is not what fetch wrote" in result.err


def test_a_line_cut_short_does_not_spoil_the_next(tmp_path):
    (tmp_path / "SHA256SUMS").write_text(f"{'a' * 64}  one\n{'b' * 30}")
    first = Record.read(tmp_path)
    first.add_sum(tmp_path / "three", "c" * 64)
    first.flush()
    assert Record.read(tmp_path).sums == {"one": "a" * 64, "three": "c" * 64}
    first.close()
    assert (tmp_path / "SHA256SUMS").read_text() == f"{'a' * 64}  one\n{'c' * 64}  three\n"
