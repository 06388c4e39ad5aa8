"""The page in a browser: `python -m pytest -m slow tests/browser`, with Playwright and `LIMNER_CHROMIUM`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = os.environ.get("LIMNER_CHROMIUM") or shutil.which("chromium") or ""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium; name one by LIMNER_CHROMIUM")]
SIZES = [(1280, 860), (390, 844)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[str]:
    place = tmp_path_factory.mktemp("studio")
    command = [sys.executable, "-u", "-m", "limner", "studio", "--no-browser", "--port", "0", "--workspace", place]
    environment = {**os.environ, "LIMNER_WEIGHTS": str(tiny_weights.parent)}
    server = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True, env=environment)
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found is not None
    yield found[0]
    server.terminate()
    server.wait()


@pytest.fixture(params=SIZES, ids=lambda size: str(size[0]))
def page(request: pytest.FixtureRequest, address: str) -> Iterator[Any]:
    """The page with its first picture; whatever it fetched is from this address."""
    width, height = request.param
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": width, "height": height})
        found = context.new_page()
        fetched, faults = [], []
        found.on("request", lambda request: fetched.append(request.url))
        found.on("pageerror", lambda error: faults.append(str(error)))
        found.goto(address)
        found.locator("#status", has_text="drawn").wait_for()
        yield found
        assert faults == []
        assert all(url.startswith((address, "blob:")) for url in fetched)
        browser.close()


def paint(page: Any) -> None:
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    page.mouse.up()


def pixels(page: Any) -> str:
    return page.locator("#map").evaluate("canvas => canvas.toDataURL()")


def test_painting_changes_the_map_and_asks_for_a_picture_and_undo_takes_it_back(page):
    before, picture = pixels(page), page.locator("#result").get_attribute("src")
    assert page.locator("#undo").is_disabled()
    paint(page)
    after = pixels(page)
    assert after != before
    page.locator(f'#result:not([src="{picture}"])').wait_for(state="attached")
    page.locator("#undo").click()
    assert pixels(page) == before
    page.keyboard.press("Control+Shift+Z")
    assert pixels(page) == after


def test_a_kept_picture_stands_below_and_after_a_reload(page):
    count = page.locator("#kept li").count()
    page.locator("#keep").click()
    page.locator("#status", has_text="kept").wait_for()
    assert page.locator("#kept li").count() == count + 1
    page.reload()
    page.locator("#status", has_text="drawn").wait_for()
    page.locator("#kept li").nth(count).wait_for(state="attached")


def test_the_page_does_not_move_sideways(page):
    assert page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
