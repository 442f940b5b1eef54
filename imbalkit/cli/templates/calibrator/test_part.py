import numpy as np
from imbalkit_mine import Mine

from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, steps=11)


def test_logits_that_are_too_large_are_scaled_down():
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 2))
    p = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    labels = (random.random(20_000) < p).astype(int)
    assert 0.2 < Mine().fit(4 * logits, labels).scale < 0.3
