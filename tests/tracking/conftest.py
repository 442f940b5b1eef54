"""A real MLflow server, and quick runs of the digits that are tracked."""

import pytest

from tests.command_line import imbalkit
from tests.tracking.tracked_runs import QUICK, mlflow_server


@pytest.fixture
def tracked(tmp_path, monkeypatch, no_charts):
    """Runs the digits quickly in a folder `run`."""
    monkeypatch.chdir(tmp_path)

    def run(*more, check=True):
        return imbalkit("run", "digits", *QUICK, "--folder", "run", *more, cwd=tmp_path, check=check)

    return run


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server that the tests of a file share."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as found:
        yield found.address
