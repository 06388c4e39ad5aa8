"""SVG: its structure, and in a browser its likeness to the raster."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from limner.people.gallery import ready
from limner.pipelines import load
from limner.systems.painter.strokes import StrokeDocument, StrokeList
from limner.systems.painter.svg import to_svg

NAMESPACE = "{http://www.w3.org/2000/svg}"


def document(num: int = 5) -> StrokeDocument:
    random = np.random.default_rng(num)
    strokes = StrokeList.from_params(random.random((num, 13)))
    for _ in range(num):
        origin = random.integers(0, 4, 2) / 4
        strokes += StrokeList.from_params(random.random((5, 13)), origin=tuple(origin), side=0.25, phase="tile")
    return StrokeDocument(strokes, (256, 192), canvas=(240, 230, 210), frame=(0.0, 0.125, 1.0, 0.75))


def test_exact_form_has_a_mask_and_a_rectangle_a_stroke() -> None:
    given = document()
    root = ElementTree.fromstring(to_svg(given))
    masks = root.findall(f"{NAMESPACE}mask")
    assert root.attrib["width"] == "256" and root.attrib["viewBox"] == "0 64 512 384"
    assert len(masks) == len(given.strokes) == len(root.findall(f"{NAMESPACE}rect")) - 1
    assert len(root.findall(f"{NAMESPACE}clipPath")) == int((given.strokes.phases > 0).sum())
    assert all(1 <= len(mask) <= 128 for mask in masks), "identical discs are merged"


def test_small_form_has_a_path_a_stroke() -> None:
    given = document()
    dots = StrokeList.from_params(np.full((1, 13), 0.5))
    text = to_svg(given.replace(strokes=given.strokes + dots), style="path")
    assert len(ElementTree.fromstring(text).findall(f"{NAMESPACE}path")) == len(given.strokes) + 1
    assert "nan" not in text and len(text) < len(to_svg(given)) / 4


def test_a_file_without_strokes_is_an_empty_canvas() -> None:
    assert "#f0e6d2" in to_svg(document().replace(strokes=StrokeList.empty()))


def test_the_view_box_is_what_the_raster_cuts_out() -> None:
    given = document().replace(size=(101, 128), frame=(0.10546875, 0.0, 0.7890625, 1.0))  # begins at pixel 13.5
    side = given.plane_side(given.size)
    left, top, right, bottom = given.box(side)
    assert (right - left, bottom - top) == given.cut(given.blank(side), given.size).size
    root = ElementTree.fromstring(to_svg(given))
    assert root.attrib["viewBox"] == f"{2 * left} {2 * top} {2 * (right - left)} {2 * (bottom - top)}"


def test_colours_make_up_for_viewers_that_truncate() -> None:
    """The canvas of a viewer that rounds what a stroke brings and truncates the rest, after forty faint strokes."""
    random = np.random.default_rng(0)
    params = np.full((40, 13), 0.5)
    params[:, 6:8] = 1.0
    params[:, 8:10] = random.uniform(0.08, 0.16, (40, 1))
    params[:, 10:] = np.array([0.2, 0.5, 0.8]) + random.uniform(-0.15, 0.15, (40, 3))
    given = StrokeDocument(StrokeList.from_params(params), (32, 32), canvas=(90, 90, 90))
    root = ElementTree.fromstring(to_svg(given))
    canvas = np.full(3, 90)
    for mask, rect in zip(root.findall(f"{NAMESPACE}mask"), root.findall(f"{NAMESPACE}rect")[1:], strict=True):
        opacity = int(mask[0].attrib["fill"][1:3], 16)
        color = np.array(list(bytes.fromhex(rect.attrib["fill"][1:])))
        canvas = (color * opacity / 255 + 0.5).astype(int) + canvas * (256 - opacity) // 256
    shown = np.asarray(given.redraw())[16, 16].astype(int)
    assert np.abs(canvas - shown).max() <= 2


def random_strokes(num: int) -> StrokeDocument:
    return document(num)


def painted_person(num: int) -> StrokeDocument:
    """A painting by the shipped weights, of a picture that is not square, and another size where there are few."""
    height, width = {100: (96, 128), 200: (128, 128), 500: (128, 101)}[num]
    picture = ready("face")[num // 100].image[:height, :width]
    size = (333, 250) if num == 100 else None
    canvas = "white" if num == 200 else "black"
    found: StrokeDocument = load("painter")(picture, num, size=size, canvas=canvas).documents[0]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "num"),
    [
        (random_strokes, 10),
        (random_strokes, 60),
        (painted_person, 100),
        (painted_person, 200),
        (painted_person, 500),
    ],
)
def test_browser_shows_what_the_raster_shows(make: Callable[[int], StrokeDocument], num: int, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    given = make(num)
    width, height = given.size
    (tmp_path / "a.svg").write_text(to_svg(given))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--force-device-scale-factor=1", f"--window-size={width + 500},{height + 500}"]
    command += [f"--screenshot={tmp_path / 'a.png'}"]
    subprocess.run([*command, (tmp_path / "a.svg").as_uri()], capture_output=True, check=True, timeout=1800)
    shown = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(float)[:height, :width]
    difference = shown - np.asarray(given.redraw()).astype(float)
    # The browser smooths the edges of circles, the raster counts 2 x 2 samples; opacities are rounded to 8 bits.
    assert np.abs(difference).mean() <= 2 and (difference**2).mean() / 255**2 < 2e-3
