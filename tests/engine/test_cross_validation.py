"""Results of the folds, put together."""

import pytest

from imbalkit.engine.cross_validation import summarise


def test_a_value_that_a_fold_lacks_is_summarised_over_the_others():
    summary = summarise([{"recall": {"a": 0.5, "b": None}}, {"recall": {"a": 0.7, "b": 0.2}}])
    assert summary["recall"]["a"]["mean"] == pytest.approx(0.6)
    assert summary["recall"]["b"] == {"mean": 0.2, "sd": None, "values": [None, 0.2]}
