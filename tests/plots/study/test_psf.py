"""The white dots, against OpenCV and by symmetry."""

import cv2
import numpy as np
import pytest

from imbalkit.plots.study import psf

SIZE = 120
RADII = (0.0, 20.0, 45.0)


@pytest.fixture(scope="module")
def frame():
    return psf.data(size=SIZE, radii=RADII)


def opencv(picture, rho, iterations=5):
    """Gilal et al. 2023, eq. 1, by OpenCV's remap, which rounds positions to 1/32 px."""
    height, width = picture.shape
    v, u = np.indices(picture.shape, dtype=np.float32)
    middle = (width - 1) / 2
    image = picture.astype(np.float32)
    for _ in range(iterations):
        parts = []
        for sign in (1, -1):
            across, down = (u + sign * rho * (u - middle)), (v + sign * rho * (v - middle))
            parts.append(
                cv2.remap(
                    image,
                    across.astype(np.float32),
                    down.astype(np.float32),
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REFLECT_101,
                )
            )
        image = (parts[0] + parts[1]) / 2
    return image


@pytest.mark.parametrize("rho", psf.RHOS)
def test_as_opencv(frame, rho):
    expected = opencv(psf.dots(SIZE, RADII), rho)
    found = psf.image(frame, rho, SIZE)
    assert np.abs(found - expected).max() < 0.06
    assert np.abs(found - expected).mean() < 1e-3


def test_dots_are_discs_where_they_should_be():
    picture = psf.dots(SIZE, (0.0, 20.0), directions=4, dot=3.0)
    assert set(np.unique(picture)) == {0.0, 1.0}
    # Of each quadrant of a disc about a corner of four pixels: centres at half pixels within 3 px.
    disc = 4 * sum(np.hypot(x + 0.5, y + 0.5) <= 3 for x in range(4) for y in range(4))
    assert picture.sum() == 5 * disc
    middle = (SIZE - 1) / 2
    rows, columns = np.nonzero(picture)
    right = columns > middle + 10
    assert rows[right].mean() == pytest.approx(middle)
    assert columns[right].mean() == pytest.approx(middle + 20)


@pytest.mark.parametrize("rho", psf.RHOS)
def test_symmetric_and_brightest_where_the_dots_are(frame, rho):
    picture = psf.image(frame, rho, SIZE)
    for same in (picture[::-1], picture[:, ::-1], picture.T):
        np.testing.assert_allclose(picture, same, atol=1e-12)
    assert picture.max() <= 1
    assert picture[SIZE // 2, SIZE // 2] == pytest.approx(
        1, abs=1e-5
    )  # the middle of the dot at the centre stays white


def test_the_farther_out_the_wider_along_the_radius_alone(frame):
    middle = (SIZE - 1) / 2

    def spread(rho, radius):
        """Standard deviation of the light of the dot to the right at this radius, along the radius and across, px."""
        x, y = frame["x"] - middle - radius, frame["y"] - middle
        own = (frame["rho"] == rho) & (np.abs(x) < 12) & (np.abs(y) < 8)
        light = frame.loc[own, "value"]
        return tuple(np.sqrt(np.average(offset[own] ** 2, weights=light)) for offset in (x, y))

    def expected(radius, iterations=5):
        # Variances add: the dot's own, a step of rho r to either side, and linear interpolation between two pixels.
        step = 0.02 * radius
        return np.sqrt(spread(0.0, radius)[0] ** 2 + iterations * (step**2 + step % 1 * (1 - step % 1)))

    near, far = spread(0.02, 20.0), spread(0.02, 45.0)
    assert near[0] == pytest.approx(expected(20.0), rel=0.02)
    assert far[0] == pytest.approx(expected(45.0), rel=0.02)
    assert far[0] > 1.15 * near[0]
    assert far[1] == pytest.approx(near[1], rel=0.01)


def test_without_blur_the_data_are_the_dots(frame):
    np.testing.assert_array_equal(psf.image(frame, 0.0, SIZE), psf.dots(SIZE, RADII))
    first = frame.iloc[0]
    middle = (SIZE - 1) / 2
    assert first["distance"] == pytest.approx(np.hypot(first["x"] - middle, first["y"] - middle))
    assert (frame["value"] > 0).all()


def test_profile(frame):
    distance, value = psf.profile(frame, 0.0, SIZE)
    assert distance[0] == 0.5
    assert len(distance) == SIZE // 2
    lit = distance[value == 1]
    assert lit.min() == 0.5
    np.testing.assert_array_equal(lit[(lit > 10) & (lit < 30)], np.arange(16.5, 24))


def test_drawn(frame):
    figure = psf.draw(frame, SIZE)
    panels = [axes for part in figure.subfigs for axes in part.axes]
    assert [axes.get_title() for axes in panels[:3]] == ["rho = 0 (no blur)", "rho = 0.01", "rho = 0.02"]
    np.testing.assert_array_equal(panels[2].images[0].get_array(), psf.image(frame, 0.02, SIZE))
    np.testing.assert_array_equal(panels[-1].lines[1].get_ydata(), psf.profile(frame, 0.01, SIZE)[1])
