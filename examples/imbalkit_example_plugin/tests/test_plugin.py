import numpy as np
import pytest
import torch
from imbalkit.kinds import BuildContext, Counts, PlanError
from imbalkit.testing import check_part
from imbalkit.testing.common import check_light_import

from imbalkit_example_plugin import GeneralizedCE, PowerOver


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_power_over_keeps_the_rules_of_samplers(power):
    check_part(PowerOver, power=power)


@pytest.mark.parametrize("q", [0.0, 0.3, 0.7])
def test_generalized_ce_keeps_the_rules_of_losses(q):
    check_part(GeneralizedCE, q=q)


def test_both_are_in_the_catalogue_once_installed():
    from imbalkit.catalogue import default_catalogue

    catalogue = default_catalogue()
    assert catalogue.get("sampler", "power_over") is PowerOver
    assert catalogue.get("loss", "generalized_ce") is GeneralizedCE
    assert catalogue.provider("loss", "generalized_ce").distribution == "imbalkit-example-plugin"


def test_listing_the_plugin_imports_nothing_heavy():
    check_light_import("imbalkit_example_plugin")


def test_square_root_sampling():
    before = Counts.exact(("a", "b", "c"), (900, 100, 9))
    assert PowerOver().preview(before).low == (900, 300, 90)
    assert PowerOver(power=0.0).preview(before).low == (900, 900, 900)
    assert PowerOver(power=1.0).preview(before).low == (900, 100, 9)
    with pytest.raises(PlanError, match="class 'b' has no rows to copy"):
        PowerOver().preview(Counts.exact(("a", "b"), (5, 0)))


def test_bare_labels_in_a_plain_loop():
    y = np.array([0] * 100 + [1] * 25)
    indices, labels = PowerOver().fit_resample(np.arange(125), y)
    assert np.bincount(labels).tolist() == [100, 50]
    assert (y[indices] == labels).all()


def test_the_loss_is_the_papers_formula():
    logits, targets = torch.randn(8, 2), torch.arange(8) % 2
    value = GeneralizedCE(q=0.7).build(BuildContext(("a", "b"), (30, 10)))(logits, targets)
    p = logits.softmax(1)[torch.arange(8), targets]
    assert np.allclose(value, (1 - p**0.7) / 0.7, rtol=1e-4)


def test_its_map_gives_the_true_probabilities():
    truth = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)
    least = truth ** (1 / (1 - 0.7))
    loss = GeneralizedCE(q=0.7)
    mapped = loss.build_map(loss.prior_shift(BuildContext(("a", "b", "c"), (5, 5, 5))).map)(least.log())
    assert np.allclose(mapped.softmax(1), truth)
