"""A server that stands in for the API of the ISIC Archive, in the form that isic-cli 12.4 reads, and for its files."""

import base64
import json
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.melanoma.fetching.stand_in import COUNT, StandIn, jpeg

BASE = "/api/v2"
SEARCH = f"{BASE}/images/search/"
NAMES_2019, NAMES_2020 = ([f"ISIC_{first + index:07}" for index in range(COUNT)] for first in (0, 100))
MELANOMAS = NAMES_2019[1::2]  # of the table in stand_in.py


def picture(name):
    """The archive's file: another than the challenge's."""
    return jpeg(1000 + int(name[5:]))


class ArchiveStandIn(StandIn):
    """Beside the challenges' files, the images of two collections.

    Attributes:
        collections: number -> names, newest first as the archive has them
        pictures: name -> bytes
        sizes: name -> size to state instead of the true one
        signature: what an image's address must hold to be answered
        largest: images a page
        think: seconds before an image's file is sent
        together, most: image files being sent now, and at most
    """

    def __init__(self, files):
        super().__init__(files)
        self.collections = {65: NAMES_2019[::-1], 70: NAMES_2020[::-1]}
        self.pictures = {name: picture(name) for name in (*NAMES_2019, *NAMES_2020)}
        self.sizes, self.signature, self.largest = {}, "one", 100
        self.think, self.together, self.most = 0.0, 0, 0
        self.lock = threading.Lock()

    @property
    def api(self):
        return self.url + BASE

    def content(self, path):
        parts, query = urlsplit(path), {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        *_, last = parts.path.strip("/").split("/")
        if parts.path == SEARCH:
            return self.page(query)
        if parts.path.startswith(f"{BASE}/images/"):
            return json.dumps(self.entry(last)).encode() if last in self.pictures else None
        if parts.path.startswith("/signed/"):
            with self.lock:
                self.together += 1
                self.most = max(self.most, self.together)
            time.sleep(self.think)
            with self.lock:
                self.together -= 1
            return self.pictures.get(last.partition(".")[0]) if query.get("signature") == self.signature else None
        return super().content(path)

    def page(self, query):
        """As isic/core/pagination.py: `next` is whole, `count` comes with the first page alone."""
        names = [name for name in self.collections.get(int(query["collections"]), []) if name in self.pictures]
        limit = min(int(query.get("limit", self.largest)), self.largest)
        begin = int(base64.b64decode(query["cursor"]).decode().partition("=")[2]) if "cursor" in query else 0
        cursor = base64.b64encode(f"p={begin + limit}".encode()).decode()
        more = f"{self.url}{SEARCH}?{urlencode(query | {'cursor': cursor})}"
        return json.dumps(
            {
                "results": [self.entry(name) for name in names[begin : begin + limit]],
                "count": None if begin else len(names),
                "next": more if begin + limit < len(names) else None,
                "previous": None,
            }
        ).encode()

    def entry(self, name):
        """As isic/core/api/image.py."""
        content = self.pictures[name]
        file = {
            "url": f"{self.url}/signed/{name}.jpg?signature={self.signature}",
            "size": self.sizes.get(name, len(content)),
        }
        return {
            "public": True,
            "isic_id": name,
            "copyright_license": "CC-0" if name == NAMES_2020[0] else "CC-BY-NC",
            "attribution": "Hospital Clínic, Barcelona" if name in NAMES_2019 else "Somebody else",
            "files": {"full": file, "thumbnail_256": file | {"size": 1}},
            "metadata": {"acquisition": {"pixels_x": 32, "pixels_y": 24}, "clinical": {"sex": "male"}},
        }

    def requested_images(self):
        """Names of the files that were requested, in order."""
        return [path.partition(".")[0][len("/signed/") :] for path, _ in self.requests if path.startswith("/signed/")]

    def named(self):
        """Names that were requested from the API one by one, in order."""
        return [path.split("/")[-2] for path, _ in self.requests if path.startswith(f"{BASE}/images/ISIC")]

    def pages(self):
        """Pages of the list that were requested."""
        return sum(path.startswith(SEARCH) for path, _ in self.requests)
