"""A server that stands in for the official ones, and misbehaves."""

import hashlib
import io
import re
import threading
import time
import zipfile
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from imbalkit_melanoma.fetching import client
from PIL import Image

TRUTH = "/2019/ISIC_2019_Training_GroundTruth.csv"
ABOUT = "/2019/ISIC_2019_Training_Metadata.csv"
ZIP = "/2019/ISIC_2019_Training_Input.zip"
ZIP_2020 = "/2020/ISIC_2020_Training_JPEG.zip"
IMAGES = "images/ISIC_2019_Training_Input"
COUNT = 12  # images a set


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
            # A ZipInfo has a fixed time of day, a mere name that of writing it: the archive would differ two seconds later.
            target.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), content)
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
            (f"{folder}/LICENSE.txt", b"CC BY-NC\n" * 50_000),  # ballast, so that there is something to resume
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
        fail: path -> what to answer with, one a request: a status, (status, Retry-After), or None for the file
        cut: path -> bytes after which the connection breaks, one a request; None for none
        without_ranges: paths for which Range is ignored
        moved: path -> where it redirects to
        etags: path -> ETag instead of the MD5
        slow: seconds to wait after each 4 kB
        requests: (path, Range header or None) of every request
    """

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.etags, self.without_ranges, self.slow, self.requests = files, {}, set(), 0.0, []
        self.fail, self.cut, self.moved = defaultdict(list), defaultdict(list), {}
        self.name = "AmazonS3"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def content(self, path):
        """What is at a path, None for nothing."""
        return self.files.get(path)

    def ranges(self, path):
        return [heading for requested, heading in self.requests if requested == path and heading]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, path, heading = self.server, self.path, self.headers.get("Range")
        server.requests.append((path, heading))
        failure = server.fail[path].pop(0) if server.fail[path] else None
        if path in server.moved:
            return self.refuse(303)
        content = server.content(path)
        if failure or content is None:
            return self.refuse(failure or 404)
        begin = int(re.fullmatch(r"bytes=(\d+)-", heading)[1]) if heading and path not in server.without_ranges else 0
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
        status, *wait = failure if isinstance(failure, tuple) else (failure,)
        self.send_response(status)
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


def complete(data, name="isic_2019", count=COUNT):
    """The images are the server's, byte for byte."""
    folder, first = ("ISIC_2019_Training_Input", 0) if name == "isic_2019" else ("ISIC_2020_Training_JPEG", 100)
    for index in range(count):
        path = data / "images" / folder / f"ISIC_{first + index:07}.jpg"
        assert path.read_bytes() == jpeg(first + index)
    return True


def resumes(heading, cut):
    """Whether a Range header resumes after `cut` bytes, but for the last chunk, which a break cuts short."""
    return cut - client.CHUNK < int(re.fullmatch(r"bytes=(\d+)-", heading)[1]) <= cut


def leftovers(data):
    return sorted(path.name for path in data.rglob("*") if ".part" in path.name or ".tmp" in path.name)
