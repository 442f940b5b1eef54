import numpy as np
import pytest
import torch
from imbalkit.kinds import BuildContext, Counts, PlanError
from imbalkit.testing import check_part
from imbalkit.testing.common import check_light_import

from imbalkit_example_plugin import LogitAdjusted, PowerOver


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_power_over_keeps_the_rules_of_samplers(power):
    check_part(PowerOver, power=power)


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_logit_adjusted_keeps_the_rules_of_losses(tau):
    check_part(LogitAdjusted, tau=tau)


def test_both_are_in_the_catalogue_once_installed():
    from imbalkit.catalogue import default_catalogue

    catalogue = default_catalogue()
    assert catalogue.get("sampler", "power_over") is PowerOver
    assert catalogue.get("loss", "logit_adjusted") is LogitAdjusted
    assert catalogue.provider("loss", "logit_adjusted").distribution == "imbalkit-example-plugin"


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


def test_the_shift_is_the_log_of_the_class_shares():
    logits, targets = torch.randn(8, 2, dtype=torch.float64), torch.arange(8) % 2
    value = LogitAdjusted(tau=2.0).build(BuildContext(("a", "b"), (30, 10)))(logits, targets)
    odds = (logits.exp() * torch.tensor([0.75, 0.25]) ** 2).numpy()
    expected = -np.log(odds[np.arange(8), targets] / odds.sum(1))
    assert np.allclose(value.numpy(), expected, rtol=1e-6)
