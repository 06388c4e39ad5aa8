"""axe-core finds nothing on any page, at both widths and themes; the keyboard reaches everything.

`make test-studio` installs axe-core with the package axe-playwright-python; `LIMNER_AXE` names another `axe.min.js`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import NARROW, WIDE, drawn, until

_PACKAGE = importlib.util.find_spec("axe_playwright_python")
_PACKED = Path((_PACKAGE and _PACKAGE.origin) or "none").with_name("axe.min.js")
AXE = Path(os.environ.get("LIMNER_AXE") or _PACKED)
ROUTES = (
    "scgan/generate",
    "portrait/edit",
    "painter/paint",
    "lgcgan/age",
    "scagan/repose",
    "hfgan/attention",
    "gallery",
)
RUN = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.flatMap(
    (one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 200)}`))"""


@pytest.mark.weights
@pytest.mark.skipif(
    not AXE.is_file(), reason="no axe-core; install the extra studio-test, or name its file by LIMNER_AXE"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
def test_axe_finds_nothing(size: tuple[int, int], scheme: str, shipped_address: str, visit: Callable[..., Any]) -> None:
    page = visit(shipped_address, "#/scgan/generate", size, color_scheme=scheme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    for route in (*ROUTES, "people", "reports", "about", "spade/generate"):
        page.evaluate(f"location.hash = '#/{route}'")
        page.wait_for_timeout(300)
        until(page, "!/Loading|drawing|waiting/.test(document.querySelector('#status').textContent)")
        found += [f"{route} {one}" for one in page.evaluate(RUN)]
        width = page.locator("html").evaluate("page => page.scrollWidth - page.clientWidth")
        assert width <= 0, f"{route} moves sideways by {width} pixels"
    assert found == []


@pytest.mark.skipif(
    not AXE.is_file(), reason="no axe-core; install the extra studio-test, or name its file by LIMNER_AXE"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_questions_and_comparisons(
    scheme: str, tiny_address: str, visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = drawn(visit(tiny_address, "#/scgan/generate", NARROW, color_scheme=scheme))
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.locator("#keep").click()
    page.locator("#kept li").first.get_by_role("button", name="Compare").click()
    assert page.evaluate(RUN) == []
    Image.new("L", (8, 8), 1).save(tmp_path / "mine.png")
    page.locator("label:has-text('Open map') input").set_input_files(tmp_path / "mine.png")
    page.locator("#schema").wait_for()
    assert page.evaluate(RUN) == []
    page.keyboard.press("Escape")
    assert page.locator("#schema").is_hidden()


def test_the_keyboard_reaches_every_control_in_the_order_of_the_page(
    tiny_address: str, visit: Callable[..., Any]
) -> None:
    page = drawn(visit(tiny_address))
    wanted = page.evaluate(
        """() => [...document.querySelectorAll("a[href], button:not(:disabled), input, select, canvas[tabindex]")]
            .filter((one) => one.checkVisibility() && one.name !== "class").length"""
    )
    page.evaluate("document.activeElement.blur()")
    seen: list[tuple[float, str]] = []
    for _ in range(wanted + 10):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => { const e = document.activeElement; e.dataset.seen = (Number(e.dataset.seen) || 0) + 1;"
            " return e.tagName + ' ' + (e.getAttribute('aria-label') || e.textContent || e.labels?.[0]?.textContent) }"
        )
        seen.append((0, name))
    visited = page.evaluate(
        """() => [...document.querySelectorAll("a[href], button:not(:disabled), input, select, canvas[tabindex]")]
            .filter((one) => one.checkVisibility() && one.name !== "class" && !one.dataset.seen)
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert visited == []
    assert all(name.split(" ", 1)[1].strip() not in ("", "null") for _, name in seen if not name.startswith("BODY"))


def test_a_page_without_motion_and_with_large_text_holds(tiny_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(tiny_address, size=NARROW, reduced_motion="reduce"))
    page.evaluate("document.documentElement.style.fontSize = '32px'")
    assert page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
    box = page.locator("#map").bounding_box()
    assert box["width"] > 300
