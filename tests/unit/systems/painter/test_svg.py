"""SVG: its structure, and in a browser its likeness to the raster."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

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


@pytest.mark.slow
@pytest.mark.parametrize("num", [10, 60])
def test_browser_shows_what_the_raster_shows(num: int, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    given = document(num)
    (tmp_path / "a.svg").write_text(to_svg(given))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--force-device-scale-factor=1", "--window-size=256,192", f"--screenshot={tmp_path / 'a.png'}"]
    subprocess.run([*command, (tmp_path / "a.svg").as_uri()], capture_output=True, check=True, timeout=120)
    shown = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(float)
    difference = shown - np.asarray(given.redraw()).astype(float)
    # The browser smooths the edges of circles, the raster counts 2 x 2 samples; opacities are rounded to 8 bits.
    assert np.abs(difference).mean() <= 2 and (difference**2).mean() / 255**2 < 2e-3
