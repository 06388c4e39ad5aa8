"""The page at both widths: painting, keeping, what is remembered, the frame of the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from limner.data.image_io import save_label_map
from limner.data.schema import get_schema
from tests.browser.conftest import NARROW, WIDE, drawn, next_picture, until

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


def test_pictures_are_saved_and_deleted_only_when_that_is_confirmed(page: Any) -> None:
    count = page.locator("#kept li").count() + 1
    page.locator("#keep").click()
    page.locator("#kept li").nth(count - 1).wait_for(state="attached")
    if page.locator(".views").is_visible():
        page.get_by_role("button", name="Result").click()
    for place in (".result", "#kept li:first-child"):
        with page.expect_download() as saved:
            page.locator(place).get_by_role("link", name="Download picture").click()
        with Image.open(saved.value.path()) as found:
            assert found.format == "PNG"
    asked: list[str] = []
    delete = page.locator("#kept li").first.get_by_role("button", name="Delete")
    others = page.locator("#kept li").first.locator(".row > :not(.apart)")
    boxes = [one.bounding_box() for one in others.all()]
    assert delete.bounding_box()["y"] >= max(box["y"] + box["height"] for box in boxes) + 8
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    delete.click()
    assert asked == ["Delete this result? This cannot be undone."]
    assert page.locator("#kept li").count() == count
    page.once("dialog", lambda dialog: dialog.accept())
    delete.click()
    until(page, f"document.querySelectorAll('#kept li').length === {count - 1}")


def test_what_opening_a_kept_result_replaces_is_one_undo_step(page: Any) -> None:
    kept = ids(page)
    count = page.locator("#kept li").count() + 1
    page.locator("#keep").click()
    page.locator("#kept li").nth(count - 1).wait_for(state="attached")
    page.locator("#map").scroll_into_view_if_needed()
    next_picture(page, lambda: paint(page))
    painted = ids(page)
    page.wait_for_timeout(1500)  # the state is kept a second after the last stroke
    page.get_by_role("link", name="Gallery").click()
    page.locator("#gallery > li").first.get_by_role("button", name="Open").click()
    drawn(page)
    assert ids(page) == kept != painted
    page.locator("#undo").click()
    assert ids(page) == painted
    assert page.locator("#undo").is_disabled()


def test_a_thumb_finds_steps_size_and_buttons(tiny_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(tiny_address, size=NARROW, has_touch=True))
    tools, size = page.locator(".tools"), page.locator("#size")
    assert size.evaluate("one => getComputedStyle(one).touchAction") == "pan-y"
    steps = page.locator("#undo").bounding_box()
    for tool in page.locator(".tools [data-tool]").all():
        assert tool.bounding_box()["y"] >= steps["y"] + steps["height"]  # a row of their own
    tools.evaluate("one => one.scrollTo(400, 0)")
    for one in (page.locator("#undo"), page.locator("#redo"), size):
        box = one.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= NARROW[0]  # they stay when tools are swiped
    page.bring_to_front()  # touches reach the foremost page alone
    size.scroll_into_view_if_needed()
    before, box, touch = size.input_value(), size.bounding_box(), page.context.new_cdp_session(page)
    at = {"x": box["x"] + 0.9 * box["width"], "y": box["y"] + box["height"] / 2}
    start = page.evaluate("scrollY")
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    for way in range(12, 132, 12):
        place = {**at, "y": at["y"] - way}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
        page.wait_for_timeout(20)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    until(page, f"scrollY > {start} && document.querySelector('#size').value === '{before}'")
    count = page.locator("#kept li").count() + 1
    page.locator("#keep").click()
    page.locator("#kept li").nth(count - 1).wait_for(state="attached")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert page.locator("#status").bounding_box()["y"] >= 0  # what is said stays in sight
    page.get_by_role("button", name="Result").click()
    for one in page.locator(".result .button:visible, #kept .row > *").all():
        assert one.bounding_box()["height"] >= 44, one.inner_text()
    page.locator("[data-tool=eraser]").click()
    assert page.locator(".operation").get_attribute("data-view") == "map"
    page.get_by_role("link", name="Gallery").click()
    page.locator("#gallery > li").first.wait_for()
    for one in page.locator(".cards .row > *").all():
        assert one.bounding_box()["height"] >= 44, one.inner_text()


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


def test_a_kept_picture_is_compared_with_what_is_drawn(page: Any) -> None:
    count = page.locator("#kept li").count() + 1
    page.locator("#keep").click()
    page.locator("#kept li").nth(count - 1).wait_for(state="attached")
    first = page.locator("#kept img").first.get_attribute("src")
    page.locator("#kept li").first.get_by_role("button", name="Compare").click()
    upper, slider = page.locator(".result .over[src]"), page.get_by_label("Where the two pictures meet")
    assert upper.is_visible() and upper.get_attribute("src") == first
    slider.fill("75")
    assert "75%" in upper.evaluate("upper => getComputedStyle(upper).clipPath")
    page.get_by_role("button", name="End the comparison").click()
    assert upper.is_hidden() and slider.is_hidden()


def bare_map(path: Path, name: str, schema: str, note: bool = False) -> Path:
    """A map of one class, with or without the note of its schema."""
    known = get_schema(schema)
    ids = np.full((16, 16), known.classes.index(name), np.uint8)
    if note:
        save_label_map(path, ids, known)
    else:
        Image.fromarray(ids).save(path)
    return path


def test_a_map_that_does_not_say_its_classes_is_asked_for_them(page: Any, tmp_path: Path) -> None:
    def open_map(path: Path) -> None:
        page.locator("label:has-text('Open map') input").set_input_files(path)

    hair = str(get_schema("celebamask-19").classes.index("hair"))
    dialog = page.locator("#schema")
    open_map(bare_map(tmp_path / "mine.png", "hair", "bisenet-19"))
    dialog.wait_for()
    assert dialog.get_by_role("heading").inner_text() == "Which classes has mine.png?"
    assert "left brow, right brow, left eye" in dialog.inner_text()  # the lists of classes are shown
    assert dialog.locator("[value=ccp-59]").is_disabled()
    assert dialog.locator("[value=celebamask-19]").is_checked()
    dialog.locator("[value=bisenet-19]").check()
    dialog.get_by_role("button", name="Open").click()
    dialog.wait_for(state="hidden")
    until(page, f"document.querySelector('#map').editor.map.ids.every((id) => id === {hair})")

    open_map(bare_map(tmp_path / "noted.png", "skin", "bisenet-19", note=True))
    dialog.wait_for()
    assert "they are those of bisenet-19" in dialog.inner_text() and dialog.get_by_role("radio").count() == 1
    dialog.get_by_role("button", name="Cancel").click()
    assert dialog.is_hidden() and page.locator("#map").evaluate(f"one => one.editor.map.ids[0] === {hair}")
    open_map(tmp_path / "noted.png")
    dialog.get_by_role("button", name="Convert").click()
    until(page, "document.querySelector('#map').editor.map.ids.every((id) => id === 1)")

    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "me.png")
    open_map(tmp_path / "me.png")
    page.locator("#status", has_text="me.png is a photo, not a label map").wait_for()
    assert dialog.is_hidden()

    open_map(bare_map(tmp_path / "clothes.png", "hat", "ccp-59", note=True))
    page.locator("#status", has_text="cannot become those of celebamask-19").wait_for()


def test_a_problem_stays_while_a_picture_asked_for_before_is_drawn(page: Any, tmp_path: Path) -> None:
    """The picture's own words come later than the problem, on a busy computer much later."""
    held: list[Any] = []
    page.route("**/systems/scgan/generate?wait=1", lambda route: held.append(route))
    shown = page.locator("#result").get_attribute("src")
    page.get_by_label("seed").fill("5")
    page.get_by_label("seed").press("Tab")
    while not held:
        page.wait_for_timeout(20)
    (tmp_path / "none.png").write_bytes(b"no picture")
    page.locator("label:has-text('Open map') input").set_input_files(tmp_path / "none.png")
    problem = page.locator("#status.problem")
    problem.wait_for()
    said = problem.inner_text()
    held[0].continue_()
    page.locator(f'#result:not([src="{shown}"])').wait_for(state="attached")
    page.wait_for_timeout(200)
    assert problem.inner_text() == said
    page.unroute("**/systems/scgan/generate?wait=1")
    page.get_by_label("seed").fill("6")
    page.get_by_label("seed").press("Tab")
    drawn(page)  # what is asked for after it is told of


def test_a_page_that_was_left_says_nothing_on_the_next(page: Any) -> None:
    held: list[Any] = []
    page.route("**/systems/scgan/generate?wait=1", lambda route: held.append(route))
    page.get_by_label("seed").fill("7")
    page.get_by_label("seed").press("Tab")
    while not held:
        page.wait_for_timeout(20)
    page.evaluate("location.hash = '#/gallery'")
    page.locator("main > section.plain").wait_for()
    with page.expect_response("**/jobs/*?wait=1"):  # it is heard of while it waits, and again once it is drawn
        held[0].continue_(url=held[0].request.url.replace("wait=1", "wait=0"))
    page.wait_for_timeout(200)
    assert page.locator("#status").inner_text() == ""


def test_the_gallery_calls_settings_as_the_forms_do(page: Any) -> None:
    page.locator("#keep").click()
    page.locator("#kept li").first.wait_for(state="attached")
    page.get_by_role("link", name="Gallery").click()
    told = page.locator("#gallery .settings").first.inner_text().lower()
    assert "pictures: 1" in told and "num images" not in told


def test_the_address_that_was_opened_last_is_shown(page: Any) -> None:
    """Although the answer for one that was opened before it comes later."""
    held: list[Any] = []
    page.route("**/systems/portrait", lambda route: held.append(route))
    page.evaluate("location.hash = '#/portrait/edit'")
    while not held:
        page.wait_for_timeout(20)
    page.evaluate("location.hash = '#/gallery'")
    page.locator("main > section.plain").wait_for()
    with page.expect_response("**/systems/portrait"):
        held[0].continue_()
    page.wait_for_timeout(200)
    assert page.locator("main > section.plain").count() == 1
    assert page.locator("#navigation [aria-current]").inner_text() == "Gallery"
