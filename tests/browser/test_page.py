"""The page at both widths: painting, keeping, what is remembered, the frame of the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import NARROW, WIDE, drawn, next_picture

IDS = "canvas => [...canvas.editor.map.ids].join('')"


@pytest.fixture(params=[WIDE, NARROW], ids=["1280", "390"])
def page(request: pytest.FixtureRequest, tiny_address: str, visit: Callable[..., Any]) -> Any:
    """The page with its first picture."""
    return drawn(visit(tiny_address, size=request.param))


def paint(page: Any) -> None:
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    page.mouse.up()


def ids(page: Any) -> str:
    return str(page.locator("#map").evaluate(IDS))


def test_painting_changes_the_map_and_the_picture_and_undo_takes_it_back(page: Any) -> None:
    before = ids(page)
    assert page.locator("#undo").is_disabled()
    next_picture(page, lambda: paint(page))
    after = ids(page)
    assert after != before
    page.locator("#undo").click()
    assert ids(page) == before
    page.keyboard.press("Control+Shift+Z")
    assert ids(page) == after


def test_a_kept_picture_stands_below_and_all_is_there_after_a_reload(page: Any) -> None:
    paint(page)
    count = page.locator("#kept li").count() + 1
    page.locator("#keep").click()
    page.locator("#kept li").nth(count - 1).wait_for(state="attached")
    painted = ids(page)
    page.wait_for_timeout(1500)  # the state is kept a second after the last stroke
    page.reload()
    drawn(page)
    page.locator("#kept li").nth(count - 1).wait_for(state="attached")
    assert ids(page) == painted


def test_the_page_does_not_move_sideways(page: Any) -> None:
    assert page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")


def test_systems_without_weights_are_grey_and_say_why(page: Any) -> None:
    systems = page.evaluate("fetch('/api/v1/systems').then((answer) => answer.json())")
    can_draw = {title: False for one in systems for title in one["titles"][:1]}
    for one in systems:
        can_draw[one["titles"][0]] |= bool(one["weights"])
    for title, can in can_draw.items():
        link = page.locator("#navigation").get_by_role("link", name=title, exact=True)
        assert ("missing" in (link.get_attribute("class") or "")) == (not can), title
    without = next(one for one in systems if not one["weights"])
    page.evaluate(f"location.hash = '#/{without['name']}'")
    page.locator(".nothing", has_text=f'No weights of "{without["name"]}"').wait_for()
    page.go_back()
    drawn(page)
