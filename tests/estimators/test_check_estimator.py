"""scikit-learn's own checks of estimators."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from imbalkit.sklearn import EXPECTED_FAILED_CHECKS, ImbalkitClassifier

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # too few samples for validation


@parametrize_with_checks(
    [ImbalkitClassifier(training__epochs=10, training__accelerator="cpu")],
    expected_failed_checks=lambda estimator: EXPECTED_FAILED_CHECKS,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
