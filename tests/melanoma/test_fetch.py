"""`imbalkit melanoma fetch` against a server that stands in for the official ones, and misbehaves."""

import errno
import hashlib
import io
import json
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections import defaultdict, namedtuple
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from imbalkit_melanoma.fetching import client, download, sources, unpack
from imbalkit_melanoma.fetching.client import Remote
from imbalkit_melanoma.fetching.record import Record
from imbalkit_melanoma.fetching.sources import SOURCES, choose_sources, licence_text
from PIL import Image

from imbalkit.cli import main

TRUTH = "/2019/ISIC_2019_Training_GroundTruth.csv"
ABOUT = "/2019/ISIC_2019_Training_Metadata.csv"
ZIP = "/2019/ISIC_2019_Training_Input.zip"
ZIP_2020 = "/2020/ISIC_2020_Training_JPEG.zip"
IMAGES = "images/ISIC_2019_Training_Input"
COUNT = 12  # images a set

# --- the stand-in -----------------------------------------------------------------------------------------------------


def jpeg(seed):
    """A small photograph of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def archive(*files):
    """A zip of (name or ZipInfo, bytes)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for name, content in files:
            target.writestr(name, content)
    return stream.getvalue()


def collection():
    """Path -> bytes, in the form of the official files (2019 writes its ones as 1.0)."""
    names, later = ([f"ISIC_{first + index:07}" for index in range(COUNT)] for first in (0, 100))
    folder = "ISIC_2019_Training_Input"
    files = {
        TRUTH: "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK\n"
        + "".join(f"{name},{index % 2}.0,{1 - index % 2}.0{',0.0' * 7}\n" for index, name in enumerate(names)),
        ABOUT: "image,age_approx,anatom_site_general,lesion_id,sex\n"
        + "".join(f"{name},55.0,anterior torso,,female\n" for name in names),
        ZIP: archive(
            (f"{folder}/", b""),
            (f"{folder}/LICENSE.txt", b"CC BY-NC\n" * 50_000),  # ballast, so that there is something to go on with
            ("__MACOSX/x.jpg", b"x"),
            (f"{folder}/.hidden.jpg", b"x"),
            *((f"{folder}/{name}.jpg", jpeg(index)) for index, name in enumerate(names)),
        ),
        "/2020/ISIC_2020_Training_GroundTruth.csv": "image_name,patient_id,sex,age_approx,"
        "anatom_site_general_challenge,diagnosis,benign_malignant,target\n"
        + "".join(f"{name},IP_{index},male,45.0,torso,nevus,benign,0\n" for index, name in enumerate(later)),
        "/2020/ISIC_2020_Training_Duplicates.csv": "image_name_1,image_name_2\n",
        ZIP_2020: archive(*((f"train/{name}.jpg", jpeg(100 + index)) for index, name in enumerate(later))),
    }
    return {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}


class StandIn(ThreadingHTTPServer):
    """Serves `files`, with the MD5 as ETag as S3 does.

    Attributes:
        fail: path -> what to answer with, one a request: a state, (state, Retry-After), or None for the file
        cut: path -> bytes after which the connection breaks, one a request; None for none
        deaf: paths for which Range is not heeded
        moved: path -> where it redirects to
        etags: path -> ETag instead of the MD5
        slow: seconds to wait after each 4 kB
        asked: (path, Range header or None) of every request
    """

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.etags, self.deaf, self.slow, self.asked = files, {}, set(), 0.0, []
        self.fail, self.cut, self.moved = defaultdict(list), defaultdict(list), {}
        self.name = "AmazonS3"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def ranges(self, path):
        return [heading for asked, heading in self.asked if asked == path and heading]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, path, heading = self.server, self.path, self.headers.get("Range")
        server.asked.append((path, heading))
        failure = server.fail[path].pop(0) if server.fail[path] else None
        if path in server.moved:
            return self.refuse(303)
        if failure or path not in server.files:
            return self.refuse(failure or 404)
        content = server.files[path]
        begin = int(re.fullmatch(r"bytes=(\d+)-", heading)[1]) if heading and path not in server.deaf else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("ETag", server.etags.get(path, f'"{hashlib.md5(content).hexdigest()}"'))
        self.end_headers()
        cut = server.cut[path].pop(0) if server.cut[path] else None
        body = content[begin:][:cut]
        try:
            for start in range(0, len(body), 4096):
                self.wfile.write(body[start : start + 4096])
                time.sleep(server.slow)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return None

    def refuse(self, failure):
        state, *wait = failure if isinstance(failure, tuple) else (failure,)
        self.send_response(state)
        if self.path in self.server.moved:
            self.send_header("Location", self.server.moved[self.path])
        for seconds in wait:
            self.send_header("Retry-After", str(seconds))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def end_headers(self):
        self.send_header("Connection", "close")
        super().end_headers()

    def version_string(self):
        return self.server.name

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    stand_in = StandIn(collection())
    yield stand_in
    stand_in.shutdown()
    stand_in.server_close()


Result = namedtuple("Result", "code out err")


@pytest.fixture
def pauses(monkeypatch):
    """No test waits; the pauses that were asked for."""
    asked = []
    monkeypatch.setattr(client, "time", SimpleNamespace(sleep=asked.append))
    return asked


@pytest.fixture
def fetch(server, pauses, tmp_path, monkeypatch, capsys):
    """The command line, in a folder of its own, with the stand-in as the mirror."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISIC_MIRROR", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def call(*arguments, yes=True):
        monkeypatch.setattr(sys, "argv", ["imbalkit", "melanoma", "fetch", *arguments, *(["--yes"] if yes else [])])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Result(end.value.code or 0, said.out, said.err)

    return call


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data" / "isic"


def complete(data, name="isic_2019", count=COUNT):
    """The images are the server's, byte for byte."""
    folder, first = ("ISIC_2019_Training_Input", 0) if name == "isic_2019" else ("ISIC_2020_Training_JPEG", 100)
    for index in range(count):
        path = data / "images" / folder / f"ISIC_{first + index:07}.jpg"
        assert path.read_bytes() == jpeg(first + index)
    return True


def goes_on(heading, cut):
    """Whether a Range header goes on after `cut` bytes, but for the last chunk, which a break cuts short."""
    return cut - client.CHUNK < int(re.fullmatch(r"bytes=(\d+)-", heading)[1]) <= cut


def leftovers(data):
    return sorted(path.name for path in data.rglob("*") if ".part" in path.name or ".tmp" in path.name)


# --- what it is for ---------------------------------------------------------------------------------------------------


def test_fetches_the_merge_and_says_what_to_type_next(fetch, data):
    result = fetch()
    assert result.code == 0, result.err
    assert complete(data, "isic_2019")
    assert complete(data, "isic_2020")
    assert (data / "tables" / Path(TRUTH).name).read_bytes() == collection()[TRUTH]
    assert {path.name for path in (data / "tables").iterdir()} == {Path(p).name for p in collection() if "csv" in p}
    assert (data / IMAGES / "LICENSE.txt").is_file()
    assert len(list((data / IMAGES).iterdir())) == COUNT + 1  # nothing of a Mac's
    assert list((data / "downloads").iterdir()) == []
    assert leftovers(data) == []
    assert "ISIC 2019: 12 rows, 12 of 12 images are there" in result.out
    assert result.out.rstrip().endswith("imbalkit plan melanoma/merge")
    assert "export" not in result.out
    licence = (data / "LICENCE.txt").read_text()
    for word in ("CC BY-NC 4.0", "BCN20000", "HAM10000", "MSK", "Rotemberg"):
        assert word in result.out.partition("to download")[0]
        assert word in licence


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


def test_data_sets_read_what_was_fetched(fetch, data):
    from imbalkit_melanoma.datasets import isic_2019

    fetch("isic_2019")
    table = isic_2019.Isic2019(tables=str(data / "tables"), images=str(data / "images")).load()
    assert len(table) == COUNT
    assert sorted(table.counts()) == [6, 6]
    assert all(Path(path).is_file() for path in table.frame["path"])


def test_what_is_there_is_not_fetched_again(fetch, server, data):
    fetch()
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.jpg")}
    server.asked.clear()
    result = fetch(yes=False)  # nothing to accept either
    assert result.code == 0, result.err
    assert server.asked == []
    assert before == {path: path.stat().st_mtime_ns for path in data.rglob("*.jpg")}
    assert "imbalkit plan melanoma/merge" in result.out


def test_tables_only_then_images(fetch, server, data):
    result = fetch("merge", "--tables-only")
    assert result.code == 0, result.err
    assert not (data / "images").exists()
    assert "ISIC 2020: 12 rows\n" in result.out
    server.asked.clear()
    fetch("isic_2020")
    assert {path for path, _ in server.asked} == {ZIP_2020}
    assert complete(data, "isic_2020")


def test_another_folder_is_exported(fetch, tmp_path):
    result = fetch("isic_2020", "--to", "else where")
    assert f"export ISIC_TABLES='{tmp_path}/else where/tables'" in result.out
    assert f"export ISIC_IMAGES='{tmp_path}/else where/images'" in result.out
    assert "imbalkit plugins isic_2020" in result.out  # the merge needs both years


def test_missing_images_are_fetched_again(fetch, server, data):
    fetch("isic_2019")
    (data / IMAGES / "ISIC_0000003.jpg").unlink()
    server.asked.clear()
    assert fetch("isic_2019").code == 0
    assert {path for path, _ in server.asked} == {ZIP}
    assert complete(data)


def test_an_archive_put_there_by_hand_is_taken(fetch, server, data):
    (data / "downloads").mkdir(parents=True)
    (data / "downloads" / Path(ZIP).name).write_bytes(collection()[ZIP])
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    assert ZIP not in {path for path, _ in server.asked}
    assert complete(data)


def test_something_else_under_that_name_is_left_alone(fetch, data):
    (data / "tables").mkdir(parents=True)
    mine = data / "tables" / Path(TRUTH).name
    mine.write_text("name,label\na,1\n")
    result = fetch("isic_2019", "--tables-only")
    assert result.code == 1
    assert "was there before, but is not ISIC_2019_Training_GroundTruth.csv as published" in result.err
    assert "'name,label'" in result.err
    assert mine.read_text() == "name,label\na,1\n"


# --- licence ----------------------------------------------------------------------------------------------------------


def test_nobody_to_accept_the_licence(fetch, server, data):
    result = fetch(yes=False)
    assert result.code == 1
    assert "CC BY-NC 4.0" in result.out
    assert "add --yes" in result.err
    assert server.asked == []
    assert not data.exists()


@pytest.mark.parametrize("answer", ["y", "n"])
def test_asks_on_a_terminal(server, tmp_path, answer):
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "imbalkit", "melanoma", "fetch", "isic_2019", "--mirror", server.url],
        cwd=tmp_path,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"NO_PROXY": "127.0.0.1", "COLUMNS": "120", "TERM": "xterm"},
    )
    os.close(terminal)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(controller, 4096)
    assert re.search(r"ISIC_2019_Training_Input.zip +\d+\.\d kB", shown.decode())
    assert not (tmp_path / "data").exists()
    os.write(controller, f"{answer}\n".encode())
    try:
        while piece := os.read(controller, 4096):
            shown += piece
    except OSError:  # how a closed terminal ends
        pass
    assert process.wait(120) == (0 if answer == "y" else 1), shown.decode()
    assert "━" in shown.decode() if answer == "y" else "nothing was downloaded" in shown.decode()  # rich's bar
    assert (tmp_path / "data").exists() == (answer == "y")


# --- going on ---------------------------------------------------------------------------------------------------------


def test_a_cut_connection_goes_on_where_it_was(fetch, server, data, pauses):
    server.cut[ZIP] = [None, 200_000, 150_000]  # the first request asks for the size
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    first, second = server.ranges(ZIP)
    assert goes_on(first, 200_000)
    assert goes_on(second, int(first[6:-1]) + 150_000)
    assert pauses == [1, 1]  # bytes came in between: not a second failure in a row
    assert "broke the connection" in result.err
    assert complete(data)


def test_goes_on_behind_a_redirect(fetch, server, data):
    """As Dataverse does, to an address that is signed anew each time."""
    server.moved[ZIP] = "/signed.zip?for=GET"
    server.files["/signed.zip?for=GET"] = server.files.pop(ZIP)
    server.cut["/signed.zip?for=GET"] = [None, 200_000]
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    assert goes_on(*server.ranges("/signed.zip?for=GET"), 200_000)
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
def test_a_stopped_download_goes_on_where_it_was(server, tmp_path, how):
    large(server, 0.002)
    data = tmp_path / "data" / "isic"
    part = data / "downloads" / "ISIC_2019_Training_Input.zip.part"
    process = start(server, tmp_path)
    while not (part.exists() and part.stat().st_size >= 1 << 20):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(how)
    said = process.communicate(timeout=120)[1]
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command goes on from here" in said
    assert "Traceback" not in said
    came = part.stat().st_size
    assert 1 << 20 <= came < len(server.files[ZIP])
    assert not part.with_suffix("").exists()

    server.slow = 0.0
    process = start(server, tmp_path)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 0, said
    assert server.ranges(ZIP) == [f"bytes={came}-"]
    assert "going on after" in said
    assert complete(data)
    assert leftovers(data) == []


def test_a_server_without_ranges_starts_again(fetch, server, data):
    server.deaf.add(ZIP)
    server.cut[ZIP] = [None, 200_000]
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    assert goes_on(*server.ranges(ZIP), 200_000)
    assert "ISIC_2019_Training_Input.zip is unpacked: 12 images" in result.err
    assert "cannot go on in the middle of ISIC_2019_Training_Input.zip" in result.err
    assert complete(data)


def test_a_range_that_is_refused_starts_again(fetch, server, data):
    server.cut[ZIP] = [None, 200_000]
    server.fail[ZIP] = [None, None, 416]
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    headings = [heading for path, heading in server.asked if path == ZIP]
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
    assert "what came before is no part of the server's file" in result.err
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
    assert "changed while it was fetched" in result.err
    assert not (data / "tables" / Path(TRUTH).name).exists()


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
    assert "the same command goes on from here" in result.err
    done = {path: path.stat().st_mtime_ns for path in (data / IMAGES).glob("*.jpg")}
    assert len(done) == 4  # and LICENSE.txt
    server.asked.clear()
    monkeypatch.setattr(unpack, "_extract", extract)
    assert fetch("isic_2019", yes=False).code == 0
    assert server.asked == []
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


def test_a_line_cut_short_does_not_spoil_the_next(tmp_path):
    (tmp_path / "SHA256SUMS").write_text(f"{'a' * 64}  one\n{'b' * 30}")
    first = Record.read(tmp_path)
    first.add_sum(tmp_path / "three", "c" * 64)
    first.flush()
    assert Record.read(tmp_path).sums == {"one": "a" * 64, "three": "c" * 64}
    first.close()
    assert (tmp_path / "SHA256SUMS").read_text() == f"{'a' * 64}  one\n{'c' * 64}  three\n"


# --- servers that fail ------------------------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again(fetch, server, data, pauses):
    server.fail[TRUTH] = [503, 503]
    server.fail[ABOUT] = [(429, 7)]
    result = fetch("isic_2019", "--tables-only")
    assert result.code == 0, result.err
    assert pauses == [1, 2, 7]
    assert "503 Service Unavailable; trying again in 2 s (2 of 5)" in result.err
    assert (data / "tables" / Path(TRUTH).name).read_bytes() == collection()[TRUTH]


def test_a_server_that_stays_busy(fetch, server, pauses):
    server.fail[TRUTH] = [502] * 20
    result = fetch("isic_2019", "--retries", "3")
    assert result.code == 1
    assert pauses == [1, 2, 4]
    assert f"{server.url}{TRUTH} answered 502 Bad Gateway; the same command goes on from here" in result.err


@pytest.mark.parametrize("state", [403, 404])
def test_a_file_that_is_not_there(fetch, server, data, state):
    server.fail[ZIP] = [state] * 9
    result = fetch("isic_2019")
    assert result.code == 1
    assert f"{server.url}{ZIP} answered {state}" in result.err
    assert "https://challenge.isic-archive.com/data/" in result.err
    assert "--mirror" in result.err
    assert len([path for path, _ in server.asked if path == ZIP]) == 1


def test_no_network(fetch, server, pauses):
    server.shutdown()
    server.server_close()
    result = fetch("isic_2019", "--retries", "1")
    assert result.code == 1
    assert re.search(r"127.0.0.1:\d+ cannot be reached \(Connection refused\)", result.err)
    assert pauses == [1]
    assert result.err.count("HTTPS_PROXY") == 1  # advice at the end, not with every try


def test_no_address(fetch):
    result = fetch("--mirror", "ftp://somewhere")
    assert result.code == 1
    assert "expected an address that begins with https:// or http://" in result.err


# --- wrong bytes ------------------------------------------------------------------------------------------------------


def test_wrong_bytes_are_not_kept(fetch, server, data):
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


@pytest.mark.parametrize(
    "headers, md5",
    [
        ({"Server": "AmazonS3"}, "a" * 32),
        ({"Server": "nginx"}, None),
        ({"Server": "AmazonS3", "x-amz-server-side-encryption": "AES256"}, "a" * 32),
        ({"Server": "AmazonS3", "x-amz-server-side-encryption": "aws:kms"}, None),
        ({"Server": "AmazonS3", "x-amz-server-side-encryption-customer-algorithm": "AES256"}, None),
    ],
)
def test_when_an_etag_is_an_md5(headers, md5):
    """docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html: not with KMS, not with the customer's key."""
    answer = SimpleNamespace(status_code=200, headers={"ETag": f'"{"a" * 32}"', "Content-Length": "5", **headers})
    assert Remote.of(answer).md5 == md5


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
    "name, said",
    [
        ("../../escaped.jpg", "leads out of its folder"),
        ("/escaped.jpg", "leads out of its folder"),
        ("a\\..\\escaped.jpg", "leads out of its folder"),
        ("C:escaped.jpg", "leads out of its folder"),
        (link(), "holds a link"),
        ("other/isic_0000001.JPG", "holds two files named"),
    ],
)
def test_an_archive_that_leads_elsewhere(fetch, server, data, tmp_path, name, said):
    server.files[ZIP] = archive(("a/ISIC_0000001.jpg", jpeg(1)), (name, b"../../../target"))
    result = fetch("isic_2019")
    assert result.code == 1
    assert said in result.err
    assert not list(tmp_path.rglob("*escaped*"))
    assert not list((data / IMAGES).iterdir())


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


# --- disk -------------------------------------------------------------------------------------------------------------


def disk(monkeypatch, free):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=0, used=0, free=free))


@pytest.mark.parametrize("keep", [False, True])
def test_the_disk_is_looked_at_first(fetch, server, data, monkeypatch, keep):
    """Tables, the first archive unpacked, then the second one packed and unpacked; and the first one if it is kept."""
    server.files[ZIP] += bytes(5_000_000)  # behind the zip: only sizes matter here
    server.files[ZIP_2020] += bytes(9_000_000)
    sizes = {path: len(content) for path, content in server.files.items()}
    tables = sum(size for path, size in sizes.items() if path.endswith(".csv"))
    needed = tables + sizes[ZIP] + 2 * sizes[ZIP_2020] + (sizes[ZIP] if keep else 0)
    needed += needed // 100
    arguments = ["--keep-zips"] if keep else []
    disk(monkeypatch, needed - 1)
    result = fetch(*arguments)
    assert result.code == 1
    assert f"has {needed / 1e6:.1f} MB free, but {needed / 1e6:.1f} MB are needed" in result.err
    assert not data.exists()
    disk(monkeypatch, needed)
    assert "are needed" not in fetch(*arguments).err


def test_the_disk_is_looked_at_before_unpacking(fetch, server, data, monkeypatch):
    """A zip that is much larger unpacked than packed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("ISIC_0000000.jpg", bytes(30_000_000))
    server.files[ZIP] = stream.getvalue()
    disk(monkeypatch, 20_000_000)
    result = fetch("isic_2019")
    assert result.code == 1
    assert "ISIC_2019_Training_Input.zip needs 30.0 MB unpacked" in result.err
    assert "has 20.0 MB free" in result.err
    assert not list((data / IMAGES).iterdir())


def test_a_full_disk(fetch, server, data, monkeypatch):
    chunks = client.Client.chunks

    def fill(self, url, response):
        yield next(chunks(self, url, response))[:3000]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(client.Client, "chunks", fill)
    result = fetch("isic_2020", "--tables-only")
    assert result.code == 1
    assert "is full" in result.err
    assert "the same command goes on from there" in result.err
    monkeypatch.setattr(client.Client, "chunks", chunks)
    assert fetch("isic_2020").code == 0
    assert complete(data, "isic_2020")


def test_a_folder_that_cannot_be_written(fetch, tmp_path):
    (tmp_path / "file").write_text("")
    result = fetch("--to", "file/isic", "--tables-only")
    assert result.code == 1
    assert "file/isic" in result.err
    assert "Not a directory" in result.err


def test_two_at_a_time(fetch, data):
    from filelock import FileLock

    data.mkdir(parents=True)
    with FileLock(data / ".fetch.lock"):
        result = fetch("isic_2019")
    assert result.code == 1
    assert "another fetch is at work" in result.err
    assert fetch("isic_2019").code == 0


# --- check ------------------------------------------------------------------------------------------------------------


def test_check(fetch, server, data):
    result = fetch("--check", yes=False)
    assert result.code == 1
    assert "there is nothing to check" in result.err
    fetch("isic_2019")
    server.asked.clear()
    result = fetch("--check", yes=False)
    assert result.code == 0, result.err
    assert "15 files in data/isic are as they came" in result.err  # 12 images, 2 tables, LICENSE.txt
    changed = data / IMAGES / "ISIC_0000002.jpg"
    content = bytearray(changed.read_bytes())
    content[300] ^= 1
    changed.write_bytes(content)
    (data / "tables" / Path(ABOUT).name).unlink()
    result = fetch("--check", yes=False)
    assert result.code == 1
    assert "1 are missing: tables/ISIC_2019_Training_Metadata.csv" in result.err
    assert f"1 are changed: {IMAGES}/ISIC_0000002.jpg" in result.err
    assert server.asked == []
    changed.unlink()
    assert fetch("isic_2019").code == 0
    assert fetch("--check").code == 0


def test_a_broken_record(fetch, server, data):
    fetch("isic_2019")
    (data / "fetched.json").write_text("{")
    result = fetch("isic_2019")
    assert result.code == 1
    assert "fetched.json is not what fetch wrote" in result.err


# --- around it --------------------------------------------------------------------------------------------------------


def test_official_addresses():
    """Those that challenge.isic-archive.com/data and doi:10.7910/DVN/DBW86T link to."""
    merge = choose_sources(["merge", "isic_2019"])
    assert [source.name for source in merge] == ["isic_2019", "isic_2020"]
    bucket = "https://isic-challenge-data.s3.amazonaws.com"
    files = [file for source in merge for file in (*source.tables, *source.archives)]
    assert [file.address(None) for file in files] == [bucket + path for path in collection()]
    assert [file.address("http://here/x/") for file in files] == ["http://here/x" + path for path in collection()]
    for file in (*SOURCES["ham10000"].tables, *SOURCES["ham10000"].archives):
        assert file.address(None).startswith("https://dataverse.harvard.edu/api/access/datafile/")
    assert licence_text(choose_sources(["isic_2019", "ham10000"])).count("sdata.2018.161") == 1


def test_a_password_in_the_address_is_not_written_down(fetch, server, data):
    result = fetch("isic_2019", "--mirror", server.url.replace("//", "//me:secret@"))
    assert result.code == 0, result.err
    server.fail[ZIP_2020] = [404]
    result = fetch("isic_2020", "--mirror", server.url.replace("//", "//me:secret@"))
    assert f"{server.url}{ZIP_2020} answered 404" in result.err
    assert "secret" not in result.out + result.err + (data / "fetched.json").read_text()


def test_requests_is_an_extra(fetch, monkeypatch):
    monkeypatch.setitem(sys.modules, "requests", None)
    result = fetch()
    assert result.code == 1
    assert "pip install 'imbalkit[melanoma]'" in result.err


def test_a_name_that_is_none(fetch):
    result = fetch("isic_2018")
    assert result.code == 2
    assert "isic_2019" in result.err


@pytest.mark.parametrize(
    "arguments, modules",
    [
        (["--help"], ["imbalkit_melanoma"]),
        (["melanoma", "fetch", "--help"], ["requests", "rich", "pandas", "torch", "imbalkit_melanoma.fetching"]),
    ],
)
def test_help_imports_nothing_heavy(arguments, modules):
    code = (
        "import sys; from imbalkit.cli import root\n"
        f"try: root({arguments!r})\n"
        f"except SystemExit: print([name for name in {modules!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr
    assert "fetch" in result.stdout or "melanoma" in result.stdout


def test_lines_say_how_far(capsys, monkeypatch):
    from imbalkit_melanoma.fetching import progress

    now = iter([0.0, 0.0, 10.0, 40.0, 40.0, 40.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    lines = progress.Lines()
    lines.step("x.zip", 1_000_000, 200_000)
    now = iter([10.0, 40.0, 40.0, 40.0])
    lines.advance(100_000)  # 10 s: too soon for a line
    lines.advance(300_000)
    said = capsys.readouterr().err.splitlines()
    assert said == ["x.zip, 1.0 MB, going on after 200.0 kB", "x.zip  60% of 1.0 MB, 10.0 kB/s, left 0:40"]


def test_a_part_without_its_state_starts_again(fetch, server, data):
    """Nothing tells of which file it is a part."""
    part = download.part_of(data / "downloads" / Path(ZIP).name)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 5000)
    assert fetch("isic_2019").code == 0
    assert server.ranges(ZIP) == []
    assert complete(data)
