"""Servers that are busy, away, or without the file."""

import re
import time
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace

import pytest
from imbalkit_melanoma.fetching.client import Remote

from tests.melanoma.fetching.stand_in import ABOUT, TRUTH, ZIP, collection


def test_a_busy_server_is_retried(fetch, server, data, pauses):
    server.fail[TRUTH] = [503, 503]
    server.fail[ABOUT] = [(429, 7)]
    result = fetch("isic_2019", "--tables-only")
    assert result.code == 0, result.err
    assert pauses == [1, 2, 7]
    assert "503 Service Unavailable; retry 2 of 5 in 2 s" in result.err
    assert (data / "tables" / Path(TRUTH).name).read_bytes() == collection()[TRUTH]


def test_a_busy_server_names_a_date(fetch, server, pauses):
    """Retry-After may hold a date instead of seconds (RFC 9110); another text is ignored."""
    server.fail[TRUTH] = [(503, formatdate(time.time() + 40, usegmt=True)), (503, "soon")]
    result = fetch("isic_2019", "--tables-only")
    assert result.code == 0, result.err
    assert 30 < pauses[0] <= 40
    assert pauses[1:] == [2]


def test_a_server_that_stays_busy(fetch, server, pauses):
    server.fail[TRUTH] = [502] * 20
    result = fetch("isic_2019", "--retries", "3")
    assert result.code == 1
    assert pauses == [1, 2, 4]
    assert f"{server.url}{TRUTH} answered 502 Bad Gateway; the same command resumes here" in result.err


@pytest.mark.parametrize("state", [403, 404])
def test_a_file_that_is_not_there(fetch, server, data, state):
    server.fail[ZIP] = [state] * 9
    result = fetch("isic_2019")
    assert result.code == 1
    assert f"{server.url}{ZIP} answered {state}" in result.err
    assert "https://challenge.isic-archive.com/data/" in result.err
    assert "--mirror" in result.err
    assert len([path for path, _ in server.requests if path == ZIP]) == 1


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
