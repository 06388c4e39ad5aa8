"""Resize filters, computed by hand; whole images against Pillow are in tests/reference."""

from __future__ import annotations

import pytest
import torch

from limner.errors import ConfigError
from limner.metrics.resize import Resize, filter_matrix


def rows(size_in: int, size_out: int, **options) -> list[list[float]]:
    resize = Resize(size_out, **options)
    return filter_matrix(size_in, size_out, resize.filter, resize.antialias, resize.grid).tolist()


def approx(matrix: list[list[float]]) -> list:
    return [pytest.approx(row) for row in matrix]


def test_bilinear_doubling():
    # The new centres lie at -1/4, 1/4, 3/4 and 5/4 of the old pixels; the border is repeated.
    assert rows(2, 4) == approx([[1, 0], [3 / 4, 1 / 4], [1 / 4, 3 / 4], [0, 1]])


def test_bilinear_doubling_on_tensorflow_1s_grid():
    # The new pixels lie at 0, 1/2, 1 and 3/2: half a pixel off, and nothing beyond the last.
    assert rows(2, 4, grid="corners") == approx([[1, 0], [1 / 2, 1 / 2], [0, 1], [0, 1]])


def test_bilinear_thirding_without_antialiasing_skips_pixels():
    assert rows(6, 2) == approx([[0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0]])


def test_bilinear_thirding_with_antialiasing_is_a_triangle():
    # Half width 3 about pixels 1 and 4; what lies outside of the image is cut off and the rest sums to 1.
    first = [2 / 8, 3 / 8, 2 / 8, 1 / 8, 0, 0]
    assert rows(6, 2, antialias=True) == approx([first, first[::-1]])


def test_bicubic_doubling():
    # Keys' kernel with a = -1/2 at distances 5/4, 1/4, 3/4 and 7/4.
    kernel = [-0.0703125, 0.8671875, 0.2265625, -0.0234375]
    matrix = rows(8, 16, filter="bicubic")
    assert matrix[7] == pytest.approx([0, 0, *kernel, 0, 0])
    assert matrix[8] == pytest.approx([0, 0, *kernel[::-1], 0, 0])
    assert matrix[0] == pytest.approx([sum(kernel[1:]), kernel[0], *[0] * 6])  # the border is repeated


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("filter", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("size_in", "size_out"), [(5, 5), (1, 4), (7, 3), (64, 299), (299, 64)])
def test_constants_stay_and_rows_sum_to_one(size_in, size_out, filter, antialias):
    matrix = filter_matrix(size_in, size_out, filter, antialias, "centres")
    assert matrix.sum(1).tolist() == pytest.approx([1] * size_out)
    if size_in == size_out:
        assert torch.allclose(matrix, torch.eye(size_in, dtype=torch.float64), atol=1e-12)


def test_an_image_of_that_size_is_left_alone():
    image = torch.rand(1, 3, 8, 8)
    assert Resize(8, "bicubic")(image) is image


def test_smaller_images_can_be_left_alone():
    shrink = Resize(8, antialias=True, enlarge=False)
    for height, width, changes in ((8, 8, False), (4, 8, False), (9, 9, True), (4, 9, True)):
        image = torch.rand(1, 3, height, width)
        assert shrink.changes(height, width) == changes
        assert (shrink(image) is image) == (not changes)
        assert shrink(image).shape[-2:] == ((8, 8) if changes else (height, width))


def test_both_directions():
    image = torch.arange(8.0).reshape(1, 1, 2, 4)
    expected = torch.tensor([[0.0, 1, 2, 3], [1, 2, 3, 4], [3, 4, 5, 6], [4, 5, 6, 7]])
    assert torch.allclose(Resize(4)(image)[0, 0], expected)


def test_in_words():
    assert str(Resize(299)) == "bilinear to 299 px"
    assert str(Resize(299, grid="corners")) == "bilinear on TensorFlow 1's grid to 299 px"


def test_unknown_words_are_refused():
    with pytest.raises(ConfigError, match="The size 0 must be"):
        Resize(0)
    for name, word, words in (("filter", "lanczos", "bilinear, bicubic"), ("grid", "center", "centres, corners")):
        resize = Resize(8)
        object.__setattr__(resize, name, word)  # past the run-time type checks of the tests
        with pytest.raises(ConfigError, match=f'There is no {name} "{word}"; there are {words}'):
            resize.__post_init__()


def test_sizes_that_are_not_square() -> None:
    """One direction after the other gives the same."""
    image = torch.rand(2, 3, 20, 12, generator=torch.Generator().manual_seed(0))
    found = Resize((10, 8), antialias=True)(image)
    assert found.shape == (2, 3, 10, 8) and str(Resize((10, 8), antialias=True)) == "bilinear to 10x8 px"
    torch.testing.assert_close(found, Resize((10, 8), antialias=True)(Resize((10, 12), antialias=True)(image)))
    square = Resize(10, antialias=True)(image)
    torch.testing.assert_close(square, Resize((10, 10), antialias=True)(image), atol=0, rtol=0)
    assert not Resize((20, 12)).changes(20, 12) and Resize((12, 20)).changes(20, 12)
    assert not Resize((32, 16), enlarge=False).changes(20, 12) and Resize((32, 8), enlarge=False).changes(20, 12)
