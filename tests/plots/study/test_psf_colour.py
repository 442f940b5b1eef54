"""White dots under a rho for each colour: each channel is the grey figure of its rho."""

import numpy as np
import pytest

from imbalkit.plots.study import psf, psf_colour

SIZE = 120
RADII = (0.0, 20.0, 45.0)
RHOS = (0.004, 0.01, 0.02)


@pytest.fixture(scope="module")
def frame():
    return psf_colour.data(RHOS, SIZE, RADII)


def test_each_channel_is_the_grey_figure_of_its_rho(frame):
    grey = psf.data(RHOS, SIZE, RADII)
    picture = psf_colour.image(frame, SIZE)
    for channel, rho in enumerate(RHOS):
        np.testing.assert_allclose(picture[..., channel], psf.image(grey, rho, SIZE), atol=1e-12)
    shared = psf_colour.image(frame, SIZE, psf_colour.SHARED)
    for channel in range(3):
        np.testing.assert_allclose(shared[..., channel], psf.image(grey, RHOS[1], SIZE), atol=1e-12)


def test_fringes_are_wider_outwards_and_none_at_the_centre(frame):
    picture = psf_colour.image(frame, SIZE)
    middle = SIZE // 2
    assert np.ptp(picture[middle, middle]) < 1e-4

    def fringe(radius):
        at = slice(middle + radius - 10, middle + radius + 10)
        return np.abs(picture[middle, at, 0] - picture[middle, at, 2]).sum()

    assert fringe(45) > 1.4 * fringe(20) > 1


def test_profile_and_figure(frame):
    distance, values = psf_colour.profile(frame, SIZE)
    assert distance[0] == 0.5
    assert values.shape == (SIZE // 2, 3)
    figure = psf_colour.draw(frame, SIZE)
    titles = [axes.get_title() for part in figure.subfigs for axes in part.axes]
    assert titles.count("a rho for each colour") == 2
    lines = figure.subfigs[1].axes[1].lines
    np.testing.assert_array_equal(lines[2].get_ydata(), values[:, 2])
    labels = [text.get_text() for text in figure.subfigs[1].axes[1].get_legend().get_texts()]
    assert labels == ["red, rho = 0.004", "green, rho = 0.01", "blue, rho = 0.02"]
