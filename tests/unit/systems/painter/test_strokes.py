"""Strokes as data: the same bits after JSON, at any size, and nothing foreign gets in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from limner.errors import ConfigError, DataError
from limner.systems.painter.results import redrawn
from limner.systems.painter.strokes import Fit, StrokeDocument, StrokeList, parse_color


def strokes(num: int = 6) -> StrokeList:
    random = np.random.default_rng(num)
    whole = StrokeList.from_params(random.random((num, 13)))
    tile = StrokeList.from_params(random.random((num, 13)), origin=(0.25, 0.5), side=0.25, phase="focus")
    return whole + tile


@pytest.fixture
def document() -> StrokeDocument:
    frame = (0.0, 0.125, 1.0, 0.75)
    return StrokeDocument(
        strokes(), (64, 48), canvas=(240, 232, 216), frame=frame, source="cat.jpg", extra={"by": "me"}
    )


def test_json_keeps_every_bit(document: StrokeDocument) -> None:
    text = document.to_json()
    again = StrokeDocument.from_json(text)
    np.testing.assert_array_equal(again.strokes.to_array(), document.strokes.to_array())
    assert again.to_json() == text and again.extra == {"by": "me"} and again.size == (64, 48)
    assert again.redraw().tobytes() == document.redraw().tobytes()


def test_array_and_params_are_reversible() -> None:
    found = StrokeList.from_array(strokes().to_array())
    np.testing.assert_array_equal(found.points, strokes().points)
    params = np.random.default_rng(0).random((5, 13))
    there = StrokeList.from_params(params, origin=(0.5, 0.25), side=0.25)
    np.testing.assert_allclose(there.to_params(origin=(0.5, 0.25), side=0.25), params, atol=1e-12)
    dot = StrokeList.from_params(np.full((1, 13), 0.5))
    np.testing.assert_array_equal(dot.to_params()[0, 2:4], [0.5, 0.5])


def test_larger_raster_shrinks_to_the_same_picture() -> None:
    # At 512 px a stroke has finer discs at finer places than at 128; the difference stays small.
    list_of = StrokeList.from_params(np.random.default_rng(3).random((30, 13)))
    small = list_of.paint(np.zeros((3, 128, 128), np.float32))
    large = list_of.paint(np.zeros((3, 512, 512), np.float32))
    assert ((large.reshape(3, 128, 4, 128, 4).mean(axis=(2, 4)) - small) ** 2).mean() < 1e-3


def test_tiles_lie_where_they_belong() -> None:
    params = np.random.default_rng(4).random((4, 13))
    tile = StrokeList.from_params(params, origin=(0.5, 0.0), side=0.5, phase="tile")
    plane = tile.paint(np.zeros((3, 64, 64), np.float32))
    alone = StrokeList.from_params(params).paint(np.zeros((3, 32, 32), np.float32))
    assert (plane[:, 32:] == 0).all() and (plane[:, :, :32] == 0).all()
    # Corners of strokes fall on samples of the whole plane's grid, not of the tile's: half a sample at most.
    assert np.abs(plane[:, :32, 32:] - alone).mean() < 0.02


def test_slices_and_joins() -> None:
    whole = strokes()
    assert len(whole[2:5]) == 3 and len(whole[:4] + whole[4:]) == len(whole)
    canvas = np.zeros((3, 32, 32), np.float32)
    steps = canvas
    for number in range(len(whole)):
        steps = whole[number : number + 1].paint(steps)
    np.testing.assert_array_equal(steps, whole.paint(canvas))
    assert len(StrokeList.empty()) == 0 and (StrokeList.empty().paint(canvas) == 0).all()


def test_sizes_and_shapes(document: StrokeDocument) -> None:
    assert document.redraw((128, 96)).size == (128, 96)
    assert document.redraw((40, 40)).size == (40, 40)
    stretched = document.replace(fit="stretch", frame=(0.0, 0.0, 1.0, 1.0))
    assert stretched.redraw((96, 32)).size == (96, 32)
    with pytest.raises(ConfigError, match="sides are from 1 to"):
        document.redraw((0, 10))


def test_compare_says_what_is_shared_and_what_is_not(document: StrokeDocument) -> None:
    same = document.compare(StrokeDocument.from_json(document.to_json()))
    assert same["shared"] == 12 and same["difference"] == 0 and same["base"] == (6, 6) and same["focus"] == (6, 6)
    part = document.replace(strokes=document.strokes[:9])
    found = document.compare(part)
    assert found["shared"] == 9 and found["strokes"] == (12, 9) and found["focus"] == (6, 3)
    drawn = [np.asarray(one.redraw(), float) / 255 for one in (document, part)]
    assert found["difference"] == pytest.approx(np.abs(drawn[0] - drawn[1]).mean()) and found["difference"] > 0
    assert found["radius"] == (document.strokes.radii.mean(), part.strokes.radii.mean())
    other = document.compare(document.replace(strokes=document.strokes[::-1], size=(32, 24)))
    assert other["shared"] == 0 and other["strokes"] == (12, 12)
    empty = document.compare(document.replace(strokes=StrokeList.empty()))
    assert empty["shared"] == 0 and empty["radius"] == (document.strokes.radii.mean(), 0)


def test_csv_has_a_line_a_stroke(document: StrokeDocument) -> None:
    lines = document.to_csv().splitlines()
    assert len(lines) == 1 + len(document.strokes) and lines[0].startswith("i,phase,x0")
    assert lines[-1].split(",")[1] == "focus" and lines[1].split(",")[-1].startswith("#")


def set_in(data: dict[str, Any], value: Any, *path: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another version": (lambda d: set_in(d, 7, "version"), "version 7"),
    "no strokes": (lambda d: d.pop("strokes"), "no stroke file"),
    "strokes are no list": (lambda d: set_in(d, {}, "strokes"), "must be a list"),
    "a stroke is no object": (lambda d: set_in(d, 3, "strokes", 0), "stroke 0 is no JSON object"),
    "NaN": (lambda d: set_in(d, [float("nan"), 0.1], "strokes", 1, "p0"), "stroke 1.*p0.*nan"),
    "infinite": (lambda d: set_in(d, float("inf"), "strokes", 0, "r0"), "r0.*inf"),
    "outside": (lambda d: set_in(d, [0.5, 1.5], "strokes", 2, "p2"), "p2.*1.5.*from 0 to 1"),
    "a word for a number": (lambda d: set_in(d, "big", "strokes", 0, "r2"), "must be a number"),
    "true for a number": (lambda d: set_in(d, True, "strokes", 0, "a0"), "must be a number"),
    "a missing colour": (lambda d: d["strokes"][0].pop("rgb"), "rgb.*list of 3"),
    "an unknown phase": (lambda d: set_in(d, "bass", "strokes", 0, "phase"), 'Did you mean "base"'),
    "an empty clip": (lambda d: set_in(d, [0, 0, 0, 1], "strokes", 0, "clip"), "clip.*positive"),
    "no pixels": (lambda d: set_in(d, [0, 10], "size"), "size.*from 1"),
    "a frame outside": (lambda d: set_in(d, [0.5, 0, 0.75, 1], "frame"), "frame"),
    "a frame without a pixel": (lambda d: set_in(d, [0, 0, 1e-320, 1], "frame"), "frame.*at least 1/16384"),
    "NaN in a further field": (lambda d: set_in(d, {"mse": float("nan")}, "statistics"), "not finite"),
    "an unknown fit": (lambda d: set_in(d, "fill", "fit"), "letterbox"),
    "an unknown colour": (lambda d: set_in(d, "mauve", "canvas"), "mauve"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_foreign_files_are_refused_by_name(document: StrokeDocument, case: str) -> None:
    change, message = BROKEN[case]
    data = json.loads(document.to_json())
    change(data)
    with pytest.raises(DataError, match=message) as error:
        StrokeDocument.from_json(json.dumps(data), where="x.json")
    assert "x.json" in str(error.value)


def test_cut_off_and_missing_files(document: StrokeDocument, tmp_path) -> None:
    with pytest.raises(DataError, match="cut off"):
        StrokeDocument.from_json(document.to_json()[:-40])
    with pytest.raises(DataError, match="no stroke file"):
        StrokeDocument.from_json("[1, 2]")
    with pytest.raises(DataError, match="cannot be read"):
        StrokeDocument.read(tmp_path / "none.json")


def test_further_fields_may_hold_any_text(document: StrokeDocument, tmp_path: Path) -> None:
    odd = document.replace(extra={"system": "\ud800x"})
    redrawn(StrokeDocument.from_json(odd.to_json()), "odd").save(tmp_path)
    with Image.open(tmp_path / "odd.png") as picture:
        assert picture.info["limner:system"] == "\\ud800x"


def test_a_mark_before_the_text_is_no_fault(document: StrokeDocument, tmp_path: Path) -> None:
    (tmp_path / "marked.json").write_text(document.to_json(), encoding="utf-8-sig")
    assert StrokeDocument.read(tmp_path / "marked.json").to_json() == document.to_json()


@pytest.mark.parametrize("fit", ["letterbox", "stretch"])
def test_planes_are_bounded(document: StrokeDocument, fit: Fit) -> None:
    with pytest.raises(ConfigError, match=r"needs a square of .* 8192 are allowed"):
        document.replace(fit=fit).plane_side((1, 16384))
    assert document.replace(frame=(0.0, 0.0, 1.0, 1.0), fit=fit).plane_side((8192, 1)) == 8192


def test_colors() -> None:
    assert parse_color("white") == (255, 255, 255) and parse_color("#102aFF") == (16, 42, 255)
    with pytest.raises(ConfigError, match="#rrggbb"):
        parse_color("#12345")
