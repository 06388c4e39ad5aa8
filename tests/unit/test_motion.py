"""Moving pictures: of the kind that their name says, in whatever letters, and as long as they should be."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from limner.errors import ConfigError
from limner.files import write_atomically
from limner.media import Picture
from limner.motion import check_motion, gif_durations, motion_beside, write_motion
from limner.plan import GenerationPlan
from limner.results import GenerationResult


def result(number: int = 6) -> GenerationResult:
    random = np.random.default_rng(0)
    pictures = [Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)) for _ in range(number)]
    plan = GenerationPlan([None] * number, {}, {})
    made_by = {"system": "toy", "weights": "toy", "weights_hash": "0", "limner": "0", "torch": "0"}
    return GenerationResult([Picture(one) for one in pictures], plan, made_by)


@pytest.mark.parametrize(("name", "is_gif"), [("walk.gif", True), ("walk.GIF", True), ("walk.gif.mp4", False)])
def test_a_moving_picture_is_of_the_kind_that_its_name_says(name, is_gif, tmp_path) -> None:
    if not is_gif:
        pytest.importorskip("av")
    check_motion(name)
    one = motion_beside(name, tmp_path)
    write_atomically({one.path: lambda path: one.write(result(), path)})  # as results are saved: by another name first
    assert one.path == tmp_path / name
    assert one.path.read_bytes()[:3] == b"GIF" if is_gif else b"ftyp" in one.path.read_bytes()[:12]


@pytest.mark.parametrize("rate", [1.0, 12.0, 30.0, 50.0])
def test_a_gif_is_as_long_as_its_rate_says(rate, tmp_path) -> None:
    write_motion(result(31), tmp_path / "a.gif", frames_per_second=rate)
    with Image.open(tmp_path / "a.gif") as gif:
        shown = [gif.seek(number) or gif.info["duration"] for number in range(gif.n_frames)]
    assert len(shown) == 31 and sum(shown) == pytest.approx(31_000 / rate, abs=5) and min(shown) >= 20


def test_roundings_of_frames_do_not_add_up() -> None:
    assert gif_durations([1 / 30] * 6) == [30, 40, 30, 30, 40, 30]
    assert gif_durations([1.0, 0.1 / 3, 0.1 / 3, 0.1 / 3, 1.0]) == [1000, 30, 40, 30, 1000]


def test_rates_are_refused_before_anything_is_drawn() -> None:
    check_motion("a.mp4", frames_per_second=60)
    check_motion(None, 7, frames_per_second=0)
    for name, rate, words in (("a.gif", 60, "of a GIF must be 1 to 50"), ("a.mp4", 121, "that must be 1 to 120")):
        with pytest.raises(ConfigError, match=words):
            check_motion(name, frames_per_second=rate)
