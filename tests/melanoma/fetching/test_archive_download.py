"""`fetch --via api`: which images are requested, their licences, resuming, and the disk."""

import csv
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from imbalkit_melanoma.fetching.archive_download import ISIC_ID
from imbalkit_melanoma.fetching.requested import requested_names
from imbalkit_melanoma.fetching.sources import SOURCES

from tests.melanoma.fetching.archive_stand_in import MELANOMAS, NAMES_2019, NAMES_2020, picture
from tests.melanoma.fetching.stand_in import TRUTH, leftovers

MERGE = [*MELANOMAS, *NAMES_2020]
REAL = Path(__file__).parents[3] / "../shared/data/isic_tables"


def on_disk(data):
    return {path.stem: path.read_bytes() for path in (data / "images" / "isic_archive").iterdir()}


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_merge_gets_only_what_it_needs(fetch_api, isic, data):
    result = fetch_api()
    assert result.code == 0, result.err
    assert on_disk(data) == {name: picture(name) for name in MERGE}
    assert sorted(isic.requested_images()) == sorted(MERGE)
    assert isic.named() == []
    assert isic.pages() == 6  # two collections of twelve, five a page
    assert "ISIC 2019: 12 rows, 6 of 6 images are there that are needed" in result.out
    assert "ISIC 2020: 12 rows, 12 of 12 images are there\n" in result.out
    assert result.out.rstrip().endswith("imbalkit plan melanoma/merge")
    assert leftovers(data) == []
    assert fetch_api("--check").code == 0


def test_a_set_by_its_name_gets_all_of_it(fetch_api, isic, data):
    assert fetch_api("isic_2019").code == 0
    assert sorted(isic.requested_images()) == NAMES_2019


def test_data_sets_read_the_downloaded_images(fetch_api, data):
    from imbalkit_melanoma.datasets.isic_merge import IsicMerge

    fetch_api()
    table = IsicMerge(tables=str(data / "tables"), images=str(data / "images")).load()
    assert not table.problems
    assert {Path(path).stem for path in table.frame["path"]} == set(MERGE)
    assert all(Path(path).is_file() for path in table.frame["path"])


def test_data_sets_read_a_folder_of_isic_cli(fetch, isic, data):
    """As `isic image download` of isic-cli 12.4 leaves it; the fetch takes from it, too."""
    from imbalkit_melanoma.datasets.isic_merge import IsicMerge

    fetch("--tables-only")
    folder = data / "images" / "by_cli"
    (folder / "licenses").mkdir(parents=True)
    (folder / "licenses" / "CC-BY-NC.txt").write_text("CC BY-NC")
    (folder / "attribution.txt").write_text("Somebody")
    (folder / "metadata.csv").write_text("isic_id,attribution,copyright_license,diagnosis_1\n")
    for name in MERGE:
        (folder / f"{name}.jpg").write_bytes(picture(name))
    table = IsicMerge(tables=str(data / "tables"), images=str(folder)).load()
    assert not table.problems
    (folder / f"{MERGE[0]}.jpg").unlink()
    result = fetch("--via", "api", "--api", isic.api)
    assert result.code == 0, result.err
    assert isic.requested_images() == MERGE[:1]


def test_licences_are_shown_first_and_stored(fetch_api, data):
    result = fetch_api()
    first = result.out.partition("18 images")[0]
    assert "CC BY-NC 4.0" in first
    for text in ("CC-BY-NC, 11 images: Somebody else", "CC-0, 1 images: Somebody else"):
        assert text in first
        assert text in (data / "LICENCE.txt").read_text(encoding="utf-8")
    table = {row["isic_id"]: row for row in rows(data / "licences.csv")}
    assert sorted(table) == sorted(MERGE)
    assert table[MELANOMAS[0]] == {
        "isic_id": MELANOMAS[0],
        "bytes": str(len(picture(MELANOMAS[0]))),
        "copyright_license": "CC-BY-NC",
        "attribution": "Hospital Clínic, Barcelona",
    }
    fetch_api("isic_2019", "--via", "archives", "--tables-only")
    assert "CC-BY-NC, 11 images" in (data / "LICENCE.txt").read_text(encoding="utf-8")


def test_no_one_can_accept_the_licence(fetch, fetch_api, isic, data):
    fetch("--tables-only")
    result = fetch_api(yes=False)
    assert result.code == 1
    assert "add --yes" in result.err
    assert isic.requests == []


@pytest.mark.parametrize("answer", ["y", "n"])
def test_the_archives_licences_are_accepted_apart(fetch_api, isic, data, monkeypatch, answer):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(f"y\n{answer}\n"))
    result = fetch_api(yes=False)
    assert "Do you accept these licences" in result.out
    assert (data / "tables" / Path(TRUTH).name).is_file()
    if answer == "n":
        assert "nothing was downloaded" in result.err
        assert isic.requested_images() == []
        assert not (data / "licences.csv").exists()
    else:
        assert result.code == 0, result.err
        assert len(isic.requested_images()) == 18


def test_sums_are_those_of_sha256sum(fetch_api, data):
    fetch_api("isic_2020")
    lines = [line.split("  ") for line in (data / "SHA256SUMS").read_text().splitlines()]
    expected = [path for part in ("tables", "images") for path in (data / part).rglob("*.*")]
    assert {name for _, name in lines} == {path.relative_to(data).as_posix() for path in expected}
    assert all(sha256 == hashlib.sha256((data / name).read_bytes()).hexdigest() for sha256, name in lines)


def test_complete_images_are_not_requested(fetch_api, isic, server, data):
    fetch_api()
    isic.requests.clear()
    server.requests.clear()
    result = fetch_api(yes=False)  # nothing to accept either
    assert result.code == 0, result.err
    assert isic.requests == []
    assert server.requests == []


def test_a_few_missing_ones_are_requested_by_name(fetch_api, isic, data):
    fetch_api("isic_2020")
    folder = data / "images" / "isic_archive"
    (folder / f"{NAMES_2020[4]}.jpg").unlink()
    (folder / f"{NAMES_2020[7]}.jpg").write_bytes(b"another size")
    isic.requests.clear()
    assert fetch_api("isic_2020").code == 0
    assert isic.pages() == 0
    assert sorted(isic.named()) == sorted(isic.requested_images()) == [NAMES_2020[4], NAMES_2020[7]]
    assert on_disk(data) == {name: picture(name) for name in NAMES_2020}


def test_images_of_the_archives_count(fetch, fetch_api, isic, data):
    fetch("isic_2019")
    assert fetch_api().code == 0
    assert sorted(isic.requested_images()) == NAMES_2020


def test_images_without_a_sum_are_checked_not_fetched(fetch_api, isic, data):
    """As after a crash of the machine; one of them is not what it should be."""
    fetch_api("isic_2020")
    (data / "SHA256SUMS").unlink()
    wrong = data / "images" / "isic_archive" / f"{NAMES_2020[3]}.jpg"
    wrong.write_bytes(bytes(wrong.stat().st_size))
    isic.requests.clear()
    assert fetch_api("isic_2020").code == 0
    assert isic.requested_images() == [NAMES_2020[3]]
    assert fetch_api("--check").code == 0
    assert on_disk(data) == {name: picture(name) for name in NAMES_2020}


def test_a_list_that_lacks_an_image_is_completed_by_name(fetch_api, isic, data):
    isic.collections[70] = NAMES_2020[:7]
    assert fetch_api("isic_2020").code == 0
    assert sorted(isic.named()) == NAMES_2020[7:]
    assert sorted(on_disk(data)) == NAMES_2020


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.slow
def test_a_stopped_fetch_resumes(server, isic, tmp_path, how):
    def start():
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "imbalkit",
                "melanoma",
                "fetch",
                "isic_2020",
                "--yes",
                "--via",
                "api",
                "--threads",
                "2",
            ],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"NO_PROXY": "127.0.0.1", "ISIC_MIRROR": server.url, "ISIC_API": isic.api},
            # A shell that runs the tests in the background has SIGINT ignored, which children inherit.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    isic.think = 0.2
    folder = tmp_path / "data" / "isic" / "images" / "isic_archive"
    process = start()
    while not folder.is_dir() or len(list(folder.glob("ISIC*.jpg"))) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(how)
    text = process.communicate(timeout=60)[1]
    assert "Traceback" not in text
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command resumes here" in text
    received = {path.stem for path in folder.glob("ISIC*.jpg")}
    assert 3 <= len(received) <= 6
    isic.think = 0.0
    isic.requests.clear()
    process = start()
    assert process.wait(60) == 0, process.communicate()
    assert set(isic.requested_images()) == set(NAMES_2020) - received
    assert {path.stem: path.read_bytes() for path in folder.iterdir()} == {name: picture(name) for name in NAMES_2020}


@pytest.mark.parametrize("threads", [1, 4])
def test_several_at_a_time(fetch_api, isic, threads):
    isic.think = 0.05
    assert fetch_api("isic_2020", "--threads", str(threads)).code == 0
    assert isic.most == threads


def test_the_disk_is_looked_at_first(fetch_api, isic, data, monkeypatch):
    fetch_api("--tables-only")
    isic.sizes = dict.fromkeys(MERGE, 5000)  # two blocks of 4,096 bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=0, used=0, free=18 * 8192 - 1))
    result = fetch_api()
    assert result.code == 1
    assert re.search(r"18 images +90.0 kB", result.out)
    assert "has 147.5 kB free, but 147.5 kB are needed" in result.err
    assert isic.requested_images() == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=0, used=0, free=18 * 8192))
    assert "are needed:" not in fetch_api().err


def test_options_that_do_not_go_together(fetch):
    result = fetch("--via", "api", "--keep-zips")
    assert result.code == 2
    assert "--via api downloads none" in result.err
    result = fetch("--api", "http://127.0.0.1:9")
    assert result.code == 2
    assert "--api names the server of --via api" in result.err


def test_a_table_with_names_of_another_kind(fetch_api, server, isic):
    server.files[TRUTH] = server.files[TRUTH].replace(b"ISIC_0000005,", b"../../escaped,")
    result = fetch_api()
    assert result.code == 1
    assert re.search(r"names images that are none of the archive's .*: ../../escaped", result.err)
    assert isic.requests == []


@pytest.mark.skipif(not REAL.is_dir(), reason="the official tables are not there")
def test_what_the_official_tables_request(tmp_path):
    (tmp_path / "tables").symlink_to(REAL.resolve())
    older, newer = SOURCES["isic_2019"], SOURCES["isic_2020"]
    melanomas = requested_names(tmp_path, older, melanomas_only=True)
    everything = [*requested_names(tmp_path, older), *requested_names(tmp_path, newer)]
    assert len(melanomas) == 4522
    assert len(everything) == 58_457
    assert all(ISIC_ID.fullmatch(name) for name in everything)
