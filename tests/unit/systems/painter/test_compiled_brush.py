"""The compiled loops of the exact brush against the arrays; `test_rasterizer` holds both to a plain brush."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from limner.systems.painter import rasterizer
from limner.systems.painter.rasterizer import paint_corrected, paint_strokes, stroke_alphas, unpack_params

numba = pytest.importorskip("numba")
SHAPE = np.full((1, 10), 0.5)


@pytest.mark.parametrize("size", [1, 16, 100, 300])
def test_compiled_loops_give_the_same_bits(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(size)
    params = random.random((12, 10))
    params[0, 6:8] = 0  # the thinnest brush
    params[1, :6] = [0, 0, 1, 1, 1, 1]  # from corner to corner, cut by the border
    params[2, 6:8] = [1, 0]  # each disc lies within the one before
    params[3, :6] = params[3, [0, 1, 0, 1, 0, 1]]  # a dot
    points, radii, alphas = unpack_params(params)
    radii[4] = [0, 1]  # wider than the paper's brush: from a file that somebody else wrote
    colors, clips = random.random((12, 3)), np.tile([0.0, 0.0, 1.0, 1.0], (12, 1))
    clips[4:8] = [0.25, 0.5, 0.25, 0.375]

    def painted() -> list[np.ndarray]:
        start, target = (np.random.default_rng(number).random((3, size, size), np.float32) for number in (0, 1))
        plain, corrected = start.copy(), start.copy()
        paint_strokes(plain, points, radii, alphas, colors, clips)
        found = paint_corrected(corrected, target, points, radii, alphas, colors, clips, share=0.7)
        return [plain, corrected, found, stroke_alphas(params, size)]

    compiled = painted()
    numba.set_num_threads(1)
    alone = painted()
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    monkeypatch.setattr(rasterizer, "compiled", lambda: None)
    for one, other, third in zip(compiled, alone, painted(), strict=True):
        np.testing.assert_array_equal(one, third)
        np.testing.assert_array_equal(other, third)


def test_without_numba_strokes_are_drawn_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = stroke_alphas(SHAPE, 32)
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "limner.systems.painter.compiled")
    rasterizer.compiled.cache_clear()
    try:
        assert rasterizer.compiled() is None
        np.testing.assert_array_equal(stroke_alphas(SHAPE, 32), expected)
    finally:
        rasterizer.compiled.cache_clear()


def test_machine_code_that_cannot_be_kept_is_made_anew() -> None:
    """Neither beside the package nor in the user's cache can anything be written."""
    program = """
        import numba.core.caching as caching
        caching.CacheImpl._locator_classes = []
        from limner.systems.painter import rasterizer
        import numpy as np
        assert rasterizer.compiled() is not None
        print(rasterizer.stroke_alphas(np.full((1, 10), 0.5), 16).sum())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(float(stroke_alphas(np.full((1, 10), 0.5), 16).sum()))
