import re

import pytest

from imbalkit.report.page import environment


@pytest.mark.parametrize(
    ("learned", "exact", "expected"),
    [
        (["90 %", "10 %"], True, "The probabilities are for those shares."),
        (["90 %", "10 %"], False, "so the probabilities may be for others: decision.prior: data fits"),
        (["50 %", "50 %"], True, "are for that prior, not for that of the data: set decision.prior: data"),
        (None, False, "are for that prior, not for that of the data: set decision.prior: data"),
    ],
)
def test_probabilities_as_trained_are_for_the_shares_that_the_network_learned(learned, exact, expected):
    prior = {
        "classes": ["benign", "mel"],
        "of_members": False,
        "data": ["90 %", "10 %"],
        "effective": learned,
        "exact": exact,
    }
    values = {"correction": "", "reliability": None, "scores": None, "stages": [], "validated": False}
    template = environment().get_template("probabilities.html")
    page = template.render(**values, prior={**prior, "stated": "as_trained"})
    assert expected in re.sub(r"(<[^>]+>)|\s+", lambda found: "" if found[1] else " ", page)


@pytest.mark.parametrize(("stated", "words"), [("balanced", "equal class shares"), ("stated", "a stated prevalence")])
def test_probabilities_that_were_moved_are_said_to_be(stated, words):
    shares = {"data": ["90 %", "10 %"], "effective": ["90 %", "10 %"], "exact": True}
    values = {"correction": "", "reliability": None, "scores": None, "stages": [], "validated": False}
    template = environment().get_template("probabilities.html")
    page = template.render(
        **values, prior={"classes": ["benign", "mel"], "of_members": False, **shares, "stated": stated}
    )
    assert f"The probabilities were moved to {words}" in page
