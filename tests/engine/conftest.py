"""The runs that teach others, made once a session and only read."""

from __future__ import annotations

import pytest

from tests.conftest import only_read
from tests.engine.taught_runs import make_project
from tests.made_once import made_once
from tests.without_charts import without_charts


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """`labels.csv` with 60 pictures, `folds`, a cross-validation whose members each say one thing, and `single`, one run."""
    with without_charts():
        home = made_once(tmp_path_factory, "teachers", make_project)
    with only_read(home):
        yield home
