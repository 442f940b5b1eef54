"""What several tests of the report use."""

from __future__ import annotations

import pytest

from tests.report.made_up import run_of, scored


@pytest.fixture
def made_up(tmp_path):
    """A run folder of 400 test rows, 60 of them melanoma, with ties among the scores."""
    labels, logits = scored(400, 60, distinct=60)
    return run_of(tmp_path / "run", labels, logits)
