"""Single images of the archive, and an API, that are not as they should be."""

import csv
import io
import json

import numpy as np
import pytest
from imbalkit_melanoma.fetching import client
from imbalkit_melanoma.fetching.archive_api import _require_known
from PIL import Image

from imbalkit.errors import DataError
from tests.melanoma.fetching.archive_stand_in import BASE, NAMES_2020, SEARCH, picture
from tests.melanoma.fetching.stand_in import leftovers

NAME = NAMES_2020[5]
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
FILE = f"/signed/{NAME}.jpg?signature=one"


def reasons(data):
    with (data / "not_fetched.csv").open(encoding="utf-8", newline="") as stream:
        return {row["isic_id"]: row["reason"] for row in csv.DictReader(stream)}


def there(data):
    return sorted(path.stem for path in (data / "images" / "isic_archive").iterdir())


def test_images_that_the_archive_no_longer_has(fetch_api, isic, data):
    away = {name: isic.pictures.pop(name) for name in NAMES_2020[2:4]}
    result = fetch_api("isic_2020")
    assert result.code == 1
    assert f"2 images are missing; 2 are not in the archive (any more): {', '.join(away)}" in result.err
    assert "12 rows, 10 of 12 images are there" in result.out
    assert reasons(data) == dict.fromkeys(away, "the archive does not have it")
    assert there(data) == [name for name in NAMES_2020 if name not in away]
    assert json.loads((data / "fetched.json").read_text())["files"]["isic_archive"]["pictures"] == 10
    isic.requests.clear()
    assert fetch_api("isic_2020").code == 1
    assert sorted(isic.named()) == list(away)  # only they are requested again
    isic.pictures |= away
    assert fetch_api("isic_2020").code == 0
    assert there(data) == NAMES_2020
    assert not (data / "not_fetched.csv").exists()


def png():
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"<html>Please log in</html>", picture(NAME)[: len(picture(NAME)) // 2], png()[: len(png()) // 2], b"", EPS],
    ids=["a web page", "half a JPEG", "half a PNG", "nothing", "PostScript"],
)
def test_what_is_no_image_is_deleted(fetch_api, isic, data, content):
    isic.pictures[NAME] = content
    result = fetch_api("isic_2020")
    assert result.code == 1
    assert f"1 could not be fetched: {NAME} (it is no complete image (" in result.err
    assert reasons(data)[NAME].startswith("it is no complete image")
    assert there(data) == [name for name in NAMES_2020 if name != NAME]
    assert leftovers(data) == []
    isic.pictures[NAME] = png()  # a whole one
    assert fetch_api("isic_2020").code == 0
    assert there(data) == NAMES_2020


def test_another_size_than_stated(fetch_api, isic, data):
    isic.sizes[NAME] = size = len(picture(NAME)) + 1
    assert fetch_api("isic_2020").code == 1
    assert reasons(data) == {NAME: f"its file has {size - 1:,} bytes, the archive states {size:,}"}
    assert NAME not in there(data)


def test_another_md5_than_the_server_states(fetch_api, isic, data):
    isic.etags[FILE] = f'"{"0" * 32}"'
    assert fetch_api("isic_2020").code == 1
    assert f"the server states {'0' * 32}" in reasons(data)[NAME]
    assert NAME not in there(data)


def test_a_cut_connection(fetch_api, isic, data, pauses):
    isic.cut[FILE] = [300, 400]
    result = fetch_api("isic_2020")
    assert result.code == 0, result.err
    assert isic.requested_images().count(NAME) == 3
    assert (data / "images" / "isic_archive" / f"{NAME}.jpg").read_bytes() == picture(NAME)


def test_a_connection_that_is_always_cut(fetch_api, isic, data, pauses, monkeypatch):
    """The image starts again each time, so that received bytes are no progress."""
    monkeypatch.setattr(client, "CHUNK", 100)
    isic.cut[FILE] = [300] * 50
    assert fetch_api("isic_2020", "--retries", "3").code == 1
    assert pauses == [1, 2, 4]
    assert "broke the connection" in reasons(data)[NAME]
    assert isic.requested_images().count(NAME) == 4


@pytest.mark.parametrize("seconds", [7, 120])
def test_a_busy_server_names_a_pause(fetch_api, isic, data, pauses, seconds):
    isic.fail[FILE] = [(429, seconds), (429, seconds)]
    isic.fail[f"{SEARCH}?query=&collections=70&limit=5"] = [(429, 3)]
    result = fetch_api("isic_2020")
    assert result.code == 0, result.err
    assert pauses == [3, seconds, seconds]
    assert f"{isic.url}/signed/{NAME}.jpg answered 429 Too Many Requests; retry 1 of 5 in {seconds} s" in result.err
    assert "signature" not in result.err


def test_an_expired_address_is_renewed(fetch_api, isic, data):
    isic.fail[FILE] = [403]
    result = fetch_api("isic_2020")
    assert result.code == 0, result.err
    assert isic.named() == [NAME]
    assert isic.requested_images().count(NAME) == 2


def test_a_file_that_stays_refused(fetch_api, isic, data):
    isic.fail[FILE] = [403] * 5
    assert fetch_api("isic_2020").code == 1
    assert reasons(data) == {NAME: "the archive lists it, but refuses its file (403)"}


def test_an_image_withdrawn_after_the_list(fetch_api, isic, data):
    isic.fail[FILE] = [404]
    isic.fail[f"{BASE}/images/{NAME}/"] = [404]
    assert fetch_api("isic_2020").code == 1
    assert reasons(data) == {NAME: "the archive does not have it"}


def test_many_failures_in_a_row_end_it(fetch_api, isic, data):
    fetch_api("isic_2020")
    for name in NAMES_2020[:11]:
        (data / "images" / "isic_archive" / f"{name}.jpg").unlink()
        isic.fail[f"/signed/{name}.jpg?signature=one"] = [403] * 5
    isic.requests.clear()
    result = fetch_api("isic_2020", "--threads", "1")
    assert result.code == 1
    assert "10 images in a row could not be fetched, the last one ISIC_0000109" in result.err
    assert "the same command resumes here" in result.err
    assert there(data) == NAMES_2020[11:]


def test_failures_between_successes_do_not_end_it(fetch_api, isic, data):
    wrong = [name for index, name in enumerate(NAMES_2020) if index != 6]
    for name in wrong:
        isic.fail[f"/signed/{name}.jpg?signature=one"] = [403] * 5
    fetch_api("isic_2020", "--threads", "1")
    assert sorted(reasons(data)) == wrong
    assert there(data) == [NAMES_2020[6]]


def test_withdrawn_images_do_not_end_it(fetch_api, isic, data):
    for name in NAMES_2020[:11]:
        isic.fail[f"/signed/{name}.jpg?signature=one"] = [404]
        isic.fail[f"{BASE}/images/{name}/"] = [404]
    result = fetch_api("isic_2020", "--threads", "1")
    assert "11 images are missing" in result.err
    assert there(data) == NAMES_2020[11:]


def test_a_full_disk(fetch_api, isic, data, monkeypatch):
    chunks = client.Client.chunks

    def fill(self, url, response):
        if "/signed/" in url:
            raise OSError(28, "No space left on device")
        return chunks(self, url, response)

    monkeypatch.setattr(client.Client, "chunks", fill)
    result = fetch_api("isic_2020")
    assert result.code == 1
    assert "is full" in result.err
    assert leftovers(data) == []


@pytest.mark.parametrize(
    "content, text",
    [
        (b"<html>Please log in</html>", "answered with b'<html>Please log in</html>', expected JSON"),
        (b"[]", "answered in another form than isic-cli 12.4 expects"),
        (b'{"results": [{"isic_id": "ISIC_0000100"}], "next": null}', "expected isic_id, copyright_license"),
        (None, "answered 404: there is no API of the ISIC Archive"),
    ],
)
def test_another_kind_of_api(fetch_api, isic, monkeypatch, content, text):
    monkeypatch.setattr(isic, "page", lambda query: content)
    result = fetch_api("isic_2020")
    assert result.code == 1
    assert text in result.err
    assert isic.requested_images() == []


@pytest.mark.parametrize("place", ["next", "image"])
@pytest.mark.parametrize("address", ["http://169.254.169.254/x.jpg", "https://evil.org/x.jpg", "file:///etc/passwd"])
def test_addresses_of_other_hosts_are_not_followed(fetch_api, isic, monkeypatch, place, address):
    page, entry = isic.page, isic.entry

    def changed(query):
        return json.dumps(json.loads(page(query)) | {"next": address}).encode()

    if place == "next":
        monkeypatch.setattr(isic, "page", changed)
    else:
        monkeypatch.setattr(isic, "entry", lambda name: entry(name) | {"files": {"full": {"url": address, "size": 9}}})
    result = fetch_api("isic_2020")
    assert result.code == 1
    assert f"names the address {address!r}, which is neither its own" in result.err


@pytest.mark.parametrize(
    "address, good",
    [
        ("https://content.isic-archive.com/a/ISIC_0.jpg?Signature=x", True),
        ("https://isic-storage.s3.amazonaws.com/a.jpg", True),
        ("https://mirror.org/other.jpg", True),
        ("http://content.isic-archive.com/a.jpg", False),
        ("https://evil-isic-archive.com/a.jpg", False),
        ("https://isic-archive.com.evil.org/a.jpg", False),
        ("http://mirror.org/a.jpg", False),
        ("https://mirror.org:8443/a.jpg", False),
    ],
)
def test_which_addresses_are_known(address, good):
    if good:
        _require_known(address, "https://me:secret@mirror.org/api/v2")
    else:
        with pytest.raises(DataError, match="neither its own"):
            _require_known(address, "https://me:secret@mirror.org/api/v2")


def test_an_answer_without_end(fetch_api, isic, monkeypatch):
    monkeypatch.setattr(client, "MOST_JSON", 1000)
    result = fetch_api("isic_2020")
    assert result.code == 1
    assert "answered with more than 1,000 bytes" in result.err


def test_an_answer_about_another_image(fetch_api, isic, monkeypatch):
    isic.collections[70] = NAMES_2020[1:]
    entry = isic.entry
    monkeypatch.setattr(isic, "entry", lambda name: entry(NAMES_2020[3] if name == NAMES_2020[0] else name))
    result = fetch_api("isic_2020")
    assert result.code == 1
    assert "the image ISIC_0000103" in result.err


def test_a_password_in_the_address_is_not_written_down(fetch, isic, data):
    result = fetch("isic_2020", "--via", "api", "--api", isic.api.replace("//", "//me:secret@"))
    assert result.code == 0, result.err
    assert "secret" not in result.out + result.err + (data / "fetched.json").read_text()
