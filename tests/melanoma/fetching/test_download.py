"""One file: resumed, and refused where it is not the expected one."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from imbalkit_melanoma.fetching import client, download, sources
from imbalkit_melanoma.fetching.sources import SOURCES

from tests.melanoma.fetching.stand_in import COUNT, TRUTH, ZIP, archive, collection, complete, jpeg, leftovers, resumes


def test_a_cut_connection_resumes(fetch, server, data, pauses):
    server.cut[ZIP] = [None, 200_000, 150_000]  # the first request asks for the size
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    first, second = server.ranges(ZIP)
    assert resumes(first, 200_000)
    assert resumes(second, int(first[6:-1]) + 150_000)
    assert pauses == [1, 1]  # bytes were received in between: not a second failure in a row
    assert "broke the connection" in result.err
    assert complete(data)


def test_resumes_behind_a_redirect(fetch, server, data):
    """As Dataverse does, to an address that is signed anew each time."""
    server.moved[ZIP] = "/signed.zip?for=GET"
    server.files["/signed.zip?for=GET"] = server.files.pop(ZIP)
    server.cut["/signed.zip?for=GET"] = [None, 200_000]
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    assert resumes(*server.ranges("/signed.zip?for=GET"), 200_000)
    assert server.ranges(ZIP) == server.ranges("/signed.zip?for=GET")
    assert complete(data)


def start(server, folder, *arguments):
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "imbalkit",
            "melanoma",
            "fetch",
            "isic_2019",
            "--yes",
            "--mirror",
            server.url,
            *arguments,
        ],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        # A shell that runs the tests in the background has SIGINT ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def large(server, slow):
    """The archive with some ballast, sent slowly."""
    ballast = ("ISIC_2019_Training_Input/ballast.bin", np.random.default_rng(0).bytes(1 << 22))
    photographs = [(f"ISIC_2019_Training_Input/ISIC_{index:07}.jpg", jpeg(index)) for index in range(COUNT)]
    server.files[ZIP] = archive(ballast, *photographs)
    server.slow = slow


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.slow
def test_a_stopped_download_resumes(server, tmp_path, how):
    large(server, 0.002)
    data = tmp_path / "data" / "isic"
    part = data / "downloads" / "ISIC_2019_Training_Input.zip.part"
    process = start(server, tmp_path)
    while not (part.exists() and part.stat().st_size >= 1 << 20):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(how)
    text = process.communicate(timeout=120)[1]
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command resumes here" in text
    assert "Traceback" not in text
    received = part.stat().st_size
    assert 1 << 20 <= received < len(server.files[ZIP])
    assert not part.with_suffix("").exists()

    server.slow = 0.0
    process = start(server, tmp_path)
    text = process.communicate(timeout=120)[1]
    assert process.returncode == 0, text
    assert server.ranges(ZIP) == [f"bytes={received}-"]
    assert "resuming after" in text
    assert complete(data)
    assert leftovers(data) == []


def test_a_server_without_ranges_starts_again(fetch, server, data):
    server.without_ranges.add(ZIP)
    server.cut[ZIP] = [None, 200_000]
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    assert resumes(*server.ranges(ZIP), 200_000)
    assert "ISIC_2019_Training_Input.zip is unpacked: 12 images" in result.err
    assert "cannot resume ISIC_2019_Training_Input.zip" in result.err
    assert complete(data)


def test_a_range_that_is_refused_starts_again(fetch, server, data):
    server.cut[ZIP] = [None, 200_000]
    server.fail[ZIP] = [None, None, 416]
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    headings = [heading for path, heading in server.requests if path == ZIP]
    assert [bool(heading) for heading in headings] == [False, False, True, False]
    assert complete(data)


def test_a_file_that_changed_on_the_server_is_not_pieced_together(fetch, server, data):
    server.cut[ZIP] = [None, 200_000]
    server.fail[ZIP] = [None, None, 404]
    assert fetch("isic_2019").code == 1
    assert (data / "downloads" / f"{Path(ZIP).name}.part").stat().st_size > 100_000
    photographs = [(f"a/ISIC_{index:07}.jpg", jpeg(index)) for index in range(COUNT)]
    server.files[ZIP] = archive(*photographs, ("a/ballast.bin", bytes(400_000)))
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    assert "the earlier download is no part of the server's present file" in result.err
    assert len(server.ranges(ZIP)) == 1  # of the first time
    assert complete(data)


def test_a_file_that_changes_while_it_comes(fetch, server, data, monkeypatch):
    changed = server.files[TRUTH].replace(b"0.0", b"0.1")
    look_up = client.Client.look_up

    def swap(self, url):
        remote = look_up(self, url)
        if url.endswith(TRUTH):
            server.files[TRUTH] = changed
        return remote

    monkeypatch.setattr(client.Client, "look_up", swap)
    result = fetch("isic_2019", "--tables-only")
    assert result.code == 1
    assert "changed during the download" in result.err
    assert not (data / "tables" / Path(TRUTH).name).exists()


def test_a_part_without_its_state_starts_again(fetch, server, data):
    """Nothing shows of which file it is a part."""
    part = download.part_path(data / "downloads" / Path(ZIP).name)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 5000)
    assert fetch("isic_2019").code == 0
    assert server.ranges(ZIP) == []
    assert complete(data)


def test_wrong_bytes_are_deleted(fetch, server, data):
    server.etags[TRUTH] = f'"{"0" * 32}"'
    result = fetch("isic_2019")
    assert result.code == 1
    found = hashlib.md5(collection()[TRUTH]).hexdigest()
    assert f"its MD5 is {found}, the server states {'0' * 32}" in result.err
    assert not list((data / "tables").iterdir())


def test_an_upload_in_parts_has_no_md5(fetch, server, data):
    server.etags[ZIP] = f'"{"0" * 32}-17"'
    assert fetch("isic_2019").code == 0
    assert complete(data)
    entry = json.loads((data / "fetched.json").read_text())["files"][Path(ZIP).name]
    assert entry["checked"] == ["size"]


def test_a_web_page_is_no_table(fetch, server, data):
    server.files[TRUTH] = b"<html>Please log in</html>"
    result = fetch("isic_2019", "--tables-only")
    assert result.code == 1
    assert (
        "expected a table with the columns image, MEL, NV; its first line is '<html>Please log in</html>'" in result.err
    )
    assert not list((data / "tables").iterdir())


def test_a_web_page_is_no_zip(fetch, server, data):
    server.files[ZIP] = b"<html>Please log in</html>"
    result = fetch("isic_2019")
    assert result.code == 1
    assert "it is no zip file" in result.err
    assert not list((data / "downloads").iterdir())


def test_checksums_of_the_publisher(fetch, server, data, monkeypatch):
    """HAM10000: Dataverse states MD5s; the official ones are refused for other bytes, also from a mirror."""
    table = (
        b"lesion_id,image_id,dx,dx_type,age,sex,localization,dataset\nHAM_0,ISIC_0000000,mel,histo,50.0,male,back,x\n"
    )
    zips = [archive((f"ISIC_{index:07}.jpg", jpeg(index))) for index in range(2)]
    ham = SOURCES["ham10000"]
    for file, content in zip((*ham.tables, *ham.archives), (table, *zips), strict=True):
        server.files[f"/ham10000/{file.name}"] = content
    result = fetch("ham10000")
    assert result.code == 1
    assert "its publisher states 8f85fb1aa29d80a2797247e434deb79d" in result.err
    assert not list((data / "tables").iterdir())

    def stated(file, content):
        return replace(file, md5=hashlib.md5(content).hexdigest())

    ours = replace(
        ham,
        tables=(stated(ham.tables[0], table),),
        archives=tuple(stated(file, content) for file, content in zip(ham.archives, zips, strict=True)),
    )
    monkeypatch.setitem(sources.SOURCES, "ham10000", ours)
    server.name = "nginx"  # of a mirror
    result = fetch("ham10000")
    assert result.code == 0, result.err
    assert (data / "images/HAM10000_images_part_2/ISIC_0000001.jpg").read_bytes() == jpeg(1)
    entry = json.loads((data / "fetched.json").read_text())["files"]["HAM10000_images_part_1.zip"]
    assert entry["checked"] == ["size", "MD5 of the publisher"]
    assert "HAM10000: 1 rows, 1 of 1 images are there" in result.out
