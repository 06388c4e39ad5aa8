"""The exact brush against a plain one written with loops, and what its definition says of it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from limner.errors import ConfigError
from limner.systems.painter import rasterizer
from limner.systems.painter.rasterizer import paint_corrected, paint_strokes, stroke_alphas, unpack_params


@pytest.fixture(params=["compiled", "arrays"], autouse=True)
def loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of this holds with the compiled loops and without them."""
    if request.param == "compiled":
        pytest.importorskip("numba")
        assert rasterizer.compiled() is not None
    else:
        monkeypatch.setattr(rasterizer, "compiled", lambda: None)


def plain_alpha(params: np.ndarray, size: int) -> np.ndarray:
    """The stroke model in loops: every disc is painted whole, one after the other."""
    x0, y0, x1, y1, x2, y2, z0, z2, w0, w2 = params.tolist()
    x1, y1 = x0 + (x2 - x0) * x1, y0 + (y2 - y0) * y1
    samples = 2 * size
    grid = np.zeros((samples, samples))
    corners = [[int(value * (samples - 1) + 0.5) for value in axis] for axis in ((x0, x1, x2), (y0, y1, y2))]
    first, last = (1 + math.floor(z * size / 2) for z in (z0, z2))
    steps = max(100, size // 2)
    for step in range(steps):
        t = Fraction(step, steps)
        row, column = (int((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c) for a, b, c in corners)
        radius = int((1 - t) * first + t * last)
        for i in range(max(0, row - radius), min(samples, row + radius + 1)):
            for j in range(max(0, column - radius), min(samples, column + radius + 1)):
                if (i - row) ** 2 + (j - column) ** 2 <= radius**2:
                    grid[i, j] = (1 - float(t)) * w0 + float(t) * w2
    return grid.reshape(size, 2, size, 2).mean(axis=(1, 3))


def stroke(**changes: float) -> np.ndarray:
    values = dict(x0=0.5, y0=0.5, x1=0.5, y1=0.5, x2=0.5, y2=0.5, r0=0.5, r2=0.5, w0=1.0, w2=1.0)
    return np.array([list((values | changes).values())])


@pytest.mark.parametrize("size", [8, 16, 32])
def test_equals_the_plain_brush(size: int) -> None:
    params = np.random.default_rng(size).random((8, 10))
    params[0, 6:8] = 0  # the thinnest brush
    params[1, :6] = [0, 0, 1, 1, 1, 1]  # from corner to corner, cut by the border
    params[2, 6:8] = [0, 1]  # radius changes all the way
    found = stroke_alphas(params, size)
    for row, alpha in zip(params, found, strict=True):
        # float32 against float64: the means of four opacities
        np.testing.assert_allclose(alpha, plain_alpha(row, size), atol=2e-7)


def test_radii_of_the_paper() -> None:
    for z, radius in ((0.0, 1), (0.25, 17), (0.5, 33), (0.999, 64), (1.0, 65)):
        alpha = stroke_alphas(stroke(r0=z, r2=z), 128)[0]
        covered = 4 * alpha.sum()
        offsets = np.arange(-radius, radius + 1)
        assert covered == sum(2 * math.isqrt(radius**2 - int(d) ** 2) + 1 for d in offsets)


def test_symmetric_when_ends_are_exchanged() -> None:
    there = stroke(x0=0.2, y0=0.3, x2=0.8, y2=0.6, x1=0.25, y1=0.75, r0=0.1, r2=0.1)
    back = stroke(x2=0.2, y2=0.3, x0=0.8, y0=0.6, x1=0.75, y1=0.25, r0=0.1, r2=0.1)
    a, b = stroke_alphas(there, 64)[0], stroke_alphas(back, 64)[0]
    # t never reaches 1, so each lacks the last disc at one end, and truncation moves discs by a sample
    assert np.abs(a - b).mean() < 0.01 and ((a > 0) != (b > 0)).mean() < 0.03


def test_exchanging_rows_and_columns_transposes() -> None:
    params = np.random.default_rng(0).random((4, 10))
    swapped = params[:, [1, 0, 3, 2, 5, 4, 6, 7, 8, 9]]
    # the sums of four samples are rounded in another order
    np.testing.assert_allclose(stroke_alphas(swapped, 32), stroke_alphas(params, 32).transpose(0, 2, 1), atol=1e-6)


def test_opacity_lies_in_the_unit_interval_and_later_discs_replace_earlier_ones() -> None:
    alphas = stroke_alphas(np.random.default_rng(1).random((32, 10)), 32)
    assert alphas.min() >= 0 and alphas.max() <= 1
    # Out and back over the same pixels: what was opaque on the way out is faint on the way back.
    there_and_back = stroke(x0=0.5, y0=0.2, x1=0.5, y1=1.0, x2=0.5, y2=0.2, r0=0.2, r2=0.2, w0=1.0, w2=0.0)
    no_length = stroke_alphas(there_and_back, 32)[0]
    assert 0 < no_length.max() < 0.02, "only the last disc's opacity is left"


def test_opaque_paint_replaces_the_colour_and_clips_hold() -> None:
    points, radii, alphas = unpack_params(stroke(r0=1.0, r2=1.0))
    canvas = np.full((3, 32, 32), 0.25, np.float32)
    paint_strokes(canvas, points, radii, alphas, np.array([[1.0, 0.5, 0.0]]), np.array([[0.0, 0.0, 0.5, 0.5]]))
    assert canvas[:, 15, 15].tolist() == [1.0, 0.5, 0.0]
    assert (canvas[:, 16:] == 0.25).all() and (canvas[:, :, 16:] == 0.25).all()


def test_order_matters_and_invisible_paint_leaves_the_canvas() -> None:
    params = np.random.default_rng(2).random((2, 10))
    points, radii, alphas = unpack_params(params)
    colors, clips = np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.tile([0.0, 0, 1, 1], (2, 1))

    def painted(order: list[int], opacity: float = 1.0) -> np.ndarray:
        canvas = np.zeros((3, 32, 32), np.float32)
        paint_strokes(canvas, points[order], radii[order], opacity * alphas[order], colors[order], clips)
        return canvas

    assert not np.array_equal(painted([0, 1]), painted([1, 0]))
    assert (painted([0, 1], opacity=0.0) == 0).all()


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="1 to 16384"):
        stroke_alphas(stroke(), 0)


def test_corrected_colours_are_the_best_ones() -> None:
    random = np.random.default_rng(3)
    points, radii, alphas = unpack_params(random.random((4, 10)))
    colors, clips = random.random((4, 3)), np.tile([0.0, 0.0, 1.0, 1.0], (4, 1))
    start, target = random.random((3, 48, 48), np.float32), random.random((3, 48, 48), np.float32)

    def error(colors, share, number):
        """Squared distance after stroke `number`, of which alone the colour is changed."""
        canvas = start.copy()
        found = paint_corrected(
            canvas,
            target,
            points[number : number + 1],
            radii[number : number + 1],
            alphas[number : number + 1],
            colors[number : number + 1],
            clips[number : number + 1],
            share=share,
        )
        return float(np.square(canvas - target).sum(dtype=np.float64)), found[0]

    for number in range(4):
        least, best = error(colors, 1.0, number)
        assert best.min() >= 0 and best.max() <= 1
        for step in (-0.02, 0.02):
            for channel in range(3):
                moved = colors.copy()
                moved[number] = best
                moved[number, channel] = np.clip(best[channel] + step, 0, 1)
                assert error(moved, 0.0, number)[0] >= least - 1e-3
        halfway = error(colors, 0.5, number)[1]
        np.testing.assert_allclose(halfway, (colors[number] + best) / 2, atol=1e-6)
    plain, kept = start.copy(), start.copy()
    paint_strokes(plain, points, radii, alphas, colors, clips)
    same = paint_corrected(kept, target, points, radii, alphas, colors, clips, share=0.0)
    np.testing.assert_array_equal(plain, kept)
    np.testing.assert_array_equal(same, colors)
    few = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    chosen = paint_corrected(start.copy(), target, points, radii, alphas, colors, clips, share=0.7, palette=few)
    assert set(chosen.ravel()) <= {0.0, 1.0}
