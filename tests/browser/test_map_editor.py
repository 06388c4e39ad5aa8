"""Every tool of the label-map editor, used as a person uses it."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from limner.data.image_io import noted_schema
from limner.data.schema import get_schema
from tests.browser.conftest import NARROW, drawn, next_picture, until

EMPTY = """({ editor }) => {
    editor.map.locked.clear();
    editor.map.replace(new Uint8Array(editor.side ** 2));
    editor.useTool("brush");
    editor.choose(editor.schema.classes.indexOf("hair"));
    if (editor.axis !== null) editor.mirrorButton.flip();
    Object.assign(editor, { pen: null, ten: 0 });
    editor.size.value = 13;
    editor.whole();
    editor.refresh();
}"""
SCHEMA = get_schema("celebamask-19")
SKIN, HAIR, HAT = (SCHEMA.classes.index(name) for name in ("skin", "hair", "hat"))


@pytest.fixture(scope="module")
def opened(tiny_address: str, visit_once: Callable[..., Any]) -> Any:
    """The editor of all tests here."""
    return drawn(visit_once(tiny_address))


@pytest.fixture
def page(opened: Any) -> Any:
    """The editor as it is at first, but with an empty map, so that what a tool does can be counted."""
    opened.locator("#map").evaluate(EMPTY)
    return opened


def ids(page: Any) -> NDArray[np.uint8]:
    found = page.locator("#map").evaluate("canvas => [...canvas.editor.map.ids]")
    side = int(len(found) ** 0.5)
    return np.array(found, np.uint8).reshape(side, side)


def at(page: Any, x: float, y: float) -> tuple[float, float]:
    box = page.locator("#map").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(page: Any, *points: tuple[float, float], **options: Any) -> None:
    page.mouse.move(*at(page, *points[0]))
    page.mouse.down(**options)
    for point in points[1:]:
        page.mouse.move(*at(page, *point), steps=4)
    page.mouse.up(**options)


def click(page: Any, x: float, y: float, **options: Any) -> None:
    page.mouse.move(*at(page, x, y))
    page.mouse.down(**options)
    page.mouse.up(**options)


def choose(page: Any, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).check(force=True)


def test_brush_size_keys_eraser_and_right_button(page: Any) -> None:
    click(page, 0.5, 0.5)
    small = int((ids(page) == HAIR).sum())
    for _ in range(5):
        page.keyboard.press("]")
    click(page, 0.5, 0.5)
    assert int((ids(page) == HAIR).sum()) > 1.3 * small
    page.keyboard.press("e")
    click(page, 0.5, 0.5)
    assert not (ids(page) == HAIR).any()
    page.keyboard.press("b")
    drag(page, (0.2, 0.2), (0.8, 0.2))
    painted = int((ids(page) == HAIR).sum())
    drag(page, (0.1, 0.2), (0.9, 0.2), button="right")
    assert int((ids(page) == HAIR).sum()) < 0.05 * painted  # the edge of a stroke is made of discs


def test_shift_joins_by_a_line(page: Any) -> None:
    click(page, 0.2, 0.5)
    page.keyboard.down("Shift")
    click(page, 0.8, 0.5)
    page.keyboard.up("Shift")
    found = ids(page)
    assert (found[len(found) // 2, int(0.25 * len(found)) : int(0.75 * len(found))] == HAIR).all()


def test_polygon_lasso_and_fill(page: Any) -> None:
    page.keyboard.press("p")
    for corner in ((0.25, 0.25), (0.75, 0.25), (0.5, 0.5)):
        click(page, *corner)
    click(page, 0.25, 0.75)
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    share = float((ids(page) == HAIR).mean())
    assert abs(share - 0.0625) < 0.004  # a triangle of half the side and a quarter of it
    click(page, 0.1, 0.1)
    page.keyboard.press("Escape")
    assert float((ids(page) == HAIR).mean()) == share
    choose(page, "hat")
    page.keyboard.press("l")
    drag(page, (0.2, 0.6), (0.4, 0.6), (0.4, 0.8), (0.2, 0.8), (0.2, 0.6))
    assert abs(float((ids(page) == HAT).mean()) - 0.04) < 0.004
    choose(page, "skin")
    page.keyboard.press("f")
    click(page, 0.5, 0.3)
    found = ids(page)
    assert not (found == HAIR).any() and (found == HAT).any() and abs(float((found == SKIN).mean()) - share) < 1e-9


def test_moving_a_part_by_pointer_and_by_arrows(page: Any) -> None:
    page.keyboard.press("l")
    drag(page, (0.2, 0.2), (0.4, 0.2), (0.4, 0.4), (0.2, 0.4), (0.2, 0.2))
    before = np.argwhere(ids(page) == HAIR)
    page.keyboard.press("m")
    drag(page, (0.3, 0.3), (0.6, 0.5))
    after = np.argwhere(ids(page) == HAIR)
    side = len(ids(page))
    assert len(after) == len(before)
    down, right = (after - before)[0] / side
    assert abs(right - 0.3) < 0.02 and abs(down - 0.2) < 0.02
    page.locator("#map").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    assert ((np.argwhere(ids(page) == HAIR) - after) == [8, -1]).all()
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert (np.argwhere(ids(page) == HAIR) == before).all()


def test_mirror_changes_the_sides(page: Any) -> None:
    choose(page, "left eye")
    page.keyboard.press("s")
    click(page, 0.3, 0.4)
    found = ids(page)
    left, right = (np.argwhere(found == SCHEMA.classes.index(name)) for name in ("l_eye", "r_eye"))
    assert len(left) == len(right) > 0
    assert sorted((len(found) - 1 - left[:, 1]).tolist()) == sorted(right[:, 1].tolist())
    drag(page, (0.5, 0.02), (0.25, 0.02))  # the axis
    choose(page, "hair")
    click(page, 0.1, 0.8)
    places = np.argwhere(ids(page) == HAIR)[:, 1] / len(found)
    assert places.max() < 0.5 and places.max() > 0.35


def test_pick_lock_swap_and_number_keys(page: Any) -> None:
    choose(page, "hat")
    click(page, 0.5, 0.5)
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert page.locator("input[name=class]:checked").get_attribute("value") == str(HAIR)
    drag(page, (0.2, 0.5), (0.8, 0.5))
    assert ids(page)[len(ids(page)) // 2, len(ids(page)) // 2] == HAT
    page.keyboard.press("i")
    click(page, 0.25, 0.5)
    assert page.locator("input[name=class]:checked").get_attribute("value") == str(HAIR)
    page.keyboard.press("2")
    assert page.locator("input[name=class]:checked").get_attribute("value") == "1"
    page.keyboard.press(".")
    page.keyboard.press("1")
    assert page.locator("input[name=class]:checked").get_attribute("value") == "10"


def test_zoom_shows_more_and_paints_where_the_pointer_is(page: Any) -> None:
    for _ in range(4):
        page.keyboard.press("+")
    page.keyboard.down("Space")
    drag(page, (0.2, 0.2), (0.9, 0.9))
    page.keyboard.up("Space")
    assert not ids(page).any()  # the hand does not paint
    click(page, 0.1, 0.1)
    rows, columns = np.nonzero(ids(page) == HAIR)
    view = page.locator("#map").evaluate("canvas => ({ ...canvas.editor.view })")
    wanted = [(view[name] + 0.1 / view["scale"]) * len(ids(page)) for name in ("x", "y")]
    assert (
        view["scale"] > 4 and abs(columns.mean() + 0.5 - wanted[0]) < 1.5 and abs(rows.mean() + 0.5 - wanted[1]) < 1.5
    )
    page.keyboard.press("Home")
    assert page.locator("#map").evaluate("canvas => canvas.editor.view.scale") == 1


@pytest.mark.parametrize("ratio", [1, 2])
def test_strokes_are_where_the_pointer_is_at_any_pixel_ratio_and_page_zoom(
    ratio: int, tiny_address: str, visit: Callable[..., Any]
) -> None:
    page = drawn(visit(tiny_address, device_scale_factor=ratio))
    page.locator("#map").evaluate(EMPTY)
    page.evaluate("document.body.style.zoom = 1.25")
    drag(page, (0.5, 0.25), (1.3, 0.25))  # over the edge: the stroke is kept
    rows, columns = np.nonzero(ids(page) == HAIR)
    side = len(ids(page))
    assert abs(rows.mean() / side - 0.25) < 0.01 and columns.max() == side - 1


def test_the_pen_of_the_keyboard(page: Any) -> None:
    page.locator("#map").focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.down("Space")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.up("Space")
    side = len(ids(page))
    rows, columns = np.nonzero(ids(page) == HAIR)
    assert abs(columns.mean() - side / 2 - 32) < 1 and rows.max() - rows.min() > 32
    assert "hair at" in page.locator(".stage .unseen").inner_text()
    choose(page, "skin")
    page.locator("#map").focus()
    for _ in range(8):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    assert (ids(page) == SKIN).sum() + (ids(page) == HAIR).sum() == side**2


def test_two_fingers_zoom_and_one_paints(tiny_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(tiny_address, size=NARROW, has_touch=True))
    page.locator("#map").evaluate(EMPTY)
    page.bring_to_front()  # touches reach the foremost page alone
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [dict(zip("xy", at(page, *place), strict=True), id=number) for number, place in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (0.3, 0.3))
    fingers("touchMove", (0.6, 0.3))
    fingers("touchEnd")
    until(page, "document.querySelector('#map').editor.map.done.length > 1")  # after the empty map
    painted = int((ids(page) == HAIR).sum())
    assert painted > 0
    fingers("touchStart", (0.4, 0.5))
    fingers("touchStart", (0.4, 0.5), (0.6, 0.5))
    fingers("touchMove", (0.2, 0.5), (0.8, 0.5))
    fingers("touchEnd")
    until(page, "document.querySelector('#map').editor.view.scale > 2")
    assert int((ids(page) == HAIR).sum()) == painted


def test_views_of_the_map_change_no_id(page: Any) -> None:
    drag(page, (0.3, 0.3), (0.6, 0.6))
    before, shown = ids(page), page.locator("#map").screenshot()
    for key in "hn":
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        assert page.locator("#map").screenshot() != shown
        page.keyboard.press(key)
    assert (ids(page) == before).all()


def test_fifty_random_edits_are_undone_and_done_again(page: Any) -> None:
    dice = random.Random(3)
    start = ids(page)
    steps = "canvas => canvas.editor.map.done.length"
    first = page.locator("#map").evaluate(steps)
    for _ in range(50):
        page.keyboard.press(dice.choice("bbflle"))
        page.keyboard.press(dice.choice("123456789"))
        page.mouse.move(*at(page, dice.random(), dice.random()))
        page.mouse.down()
        for _ in range(2):
            page.mouse.move(*at(page, dice.random(), dice.random()))
        page.mouse.up()
    end, count = ids(page), page.locator("#map").evaluate(steps) - first
    assert count > 20
    for _ in range(count):
        page.keyboard.press("Control+z")
    assert (ids(page) == start).all()
    for _ in range(count):
        page.keyboard.press("Control+Shift+z")
    assert (ids(page) == end).all()


def test_a_saved_map_is_opened_again_as_it_was(page: Any, tmp_path: Any) -> None:
    drag(page, (0.2, 0.3), (0.7, 0.6))
    before = ids(page)
    with page.expect_download() as saved:
        page.locator("#export").click()
    file = tmp_path / "label-map.png"
    saved.value.save_as(file)
    with Image.open(io.BytesIO(file.read_bytes())) as found:
        assert found.mode == "P" and noted_schema(found) == SCHEMA
        assert (np.asarray(found) == before).all()
    page.keyboard.press("Control+z")
    assert not ids(page).any()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Control+o")
    chooser.value.set_files(file)
    until(
        page,
        f"{json.dumps(int(before.sum()))} === document.querySelector('#map').editor.map.ids.reduce((a, b) => a + b, 0)",
    )
    assert (ids(page) == before).all()


def test_maps_of_which_there_is_no_person_begin_empty(made_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(made_address, "#/scgan/generate/three-classes"))
    assert page.locator("input[name=class]").count() == 3 and not ids(page).any()
    choose(page, "sea")
    next_picture(page, lambda: drag(page, (0.2, 0.5), (0.8, 0.5)))
    assert set(np.unique(ids(page))) == {0, 2}
