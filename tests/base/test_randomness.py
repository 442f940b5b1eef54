"""Random numbers that depend on names and counters alone."""

import numpy as np
import pytest

from imbalkit.base.randomness import derive_seed, generator, uniforms

MASK = (1 << 64) - 1
KEYS = np.concatenate([np.arange(2000), (1 << 48) + np.arange(2000)]).astype(np.uint64)


def finaliser(x):
    """SplitMix64's finaliser in Python's integers."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def test_uniforms_are_the_documented_hash():
    golden = 0x9E3779B97F4A7C15
    keys = [0, 1, 77, (3 << 48) + 5, MASK]
    got = uniforms(9, np.array(keys, dtype=np.uint64), index=2, draws=3)
    for row, key in enumerate(keys):
        state = finaliser(finaliser((key + golden) & MASK) ^ derive_seed(9, "row", 2))
        for draw in range(3):
            bits = finaliser((state + (draw + 1) * golden) & MASK)
            assert got[row, draw] == (bits >> 11) * 2.0**-53


def test_the_finaliser_is_splitmix64s():
    # First outputs of the reference C code (Vigna, splitmix64.c) for state 0.
    golden = 0x9E3779B97F4A7C15
    assert [finaliser((i * golden) & MASK) for i in (1, 2)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


def test_no_overflow_warning(recwarn):
    uniforms(0, np.array([MASK], dtype=np.uint64), 0, 4)
    assert not recwarn.list


def test_a_row_does_not_depend_on_the_rows_beside_it():
    whole = uniforms(1, KEYS, 0, 4)
    assert (uniforms(1, KEYS[::7], 0, 4) == whole[::7]).all()
    assert (uniforms(1, KEYS, 0, 2) == whole[:, :2]).all()
    assert uniforms(1, KEYS[:0], 0, 4).shape == (0, 4)
    assert uniforms(1, KEYS, 0, 0).shape == (4000, 0)


def test_uniforms_are_uniform_and_independent():
    columns = [uniforms(seed, KEYS, index, 2) for seed in (0, 1) for index in (0, 1)]
    numbers = np.concatenate(columns, axis=1)  # [4000, 8]
    assert numbers.min() >= 0
    assert numbers.max() < 1
    for column in numbers.T:
        # Kolmogorov-Smirnov: 1.95 / sqrt(n) is the bound at the 0.1 % level.
        distance = np.abs(np.sort(column) - (np.arange(4000) + 0.5) / 4000).max()
        assert distance < 1.95 / np.sqrt(4000)
    correlation = np.corrcoef(numbers.T) - np.eye(8)
    assert abs(correlation).max() < 0.07  # over 4 standard deviations
    neighbours = np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]
    assert abs(neighbours) < 0.07


def test_seeds_are_named_by_their_path():
    assert derive_seed(0, "sampler", "random_over", 0) == derive_seed(0, "sampler", "random_over", 0)
    paths = [(0,), (1,), (0, "a"), (0, "a", 1), (0, "a", 2), (0, "b"), (1, "a"), (0, "a", "b"), (0, 1), (-1,)]
    assert len({derive_seed(*path) for path in paths}) == len(paths)
    assert derive_seed(0, "a/b") != derive_seed(0, "a", "b")
    assert all(0 <= derive_seed(*path) < 2**63 for path in paths)


@pytest.mark.parametrize(
    ("path", "expected"),
    [((0, "sampler", "random_over", 0), 898333805837303789), ((7, "row", 2), 7229902776483972198)],
)
def test_seeds_do_not_change_between_versions(path, expected):
    assert derive_seed(*path) == expected


def test_generators_are_their_own():
    first = generator(0, "a").random(5)
    assert (generator(0, "a").random(5) == first).all()
    assert not (generator(0, "b").random(5) == first).any()
