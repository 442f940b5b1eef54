"""`imbalkit melanoma fetch` against the stand-in."""

import sys
from collections import namedtuple

import pytest
from imbalkit_melanoma.fetching import archive_api, archive_download, client

from imbalkit.cli.main import main
from tests.melanoma.fetching.archive_stand_in import ArchiveStandIn
from tests.melanoma.fetching.stand_in import ABOUT, TRUTH, StandIn, collection

Result = namedtuple("Result", "code out err")


@pytest.fixture
def server():
    stand_in = StandIn(collection())
    yield stand_in
    stand_in.shutdown()
    stand_in.server_close()


@pytest.fixture
def pauses(monkeypatch):
    """No test waits; the pauses that were requested."""
    requested = []
    monkeypatch.setattr(client.Client, "wait", lambda self, seconds: requested.append(seconds))
    return requested


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
        text = capsys.readouterr()
        assert "Traceback" not in text.err
        return Result(end.value.code or 0, text.out, text.err)

    return call


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data" / "isic"


@pytest.fixture
def isic(server, monkeypatch):
    """The API of the archive, with pages of five, and a 2019 table that names one image as it was scaled down."""
    stand_in = ArchiveStandIn({})
    stand_in.largest = 5
    monkeypatch.setattr(archive_api, "PAGE", 5)
    monkeypatch.setattr(archive_download, "PAGE", 5)
    for path in (TRUTH, ABOUT):
        server.files[path] = server.files[path].replace(b"ISIC_0000003,", b"ISIC_0000003_downsampled,")
    yield stand_in
    stand_in.shutdown()
    stand_in.server_close()


@pytest.fixture
def fetch_api(fetch, isic):
    """The command line with the images from the archive."""
    return lambda *arguments, yes=True: fetch(*arguments, "--via", "api", "--api", isic.api, yes=yes)
