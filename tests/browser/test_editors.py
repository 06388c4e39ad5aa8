"""Every editor with the weights that ship, used as a person uses it: the picture changes, and where it should."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.browser.conftest import drawn, next_picture, picture, until
from tests.unit.talking_faces.conftest import speech  # noqa: F401
from tests.unit.talking_faces.test_talking_pipeline import write_wav

Pixels = NDArray[np.float64]


def pixels(content: bytes) -> Pixels:
    with Image.open(io.BytesIO(content)) as found:
        return np.asarray(found.convert("RGB"), np.float64)


def drag(page: Any, name: str, *places: tuple[float, float]) -> None:
    """Over the canvas, by shares of its sides."""
    box = page.locator(name).bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=3)
    page.mouse.up()


@pytest.mark.weights
def test_portrait_takes_hair_of_another_and_its_map_is_repainted(
    shipped_address: str, visit: Callable[..., Any]
) -> None:
    page = drawn(visit(shipped_address, "#/portrait/edit"))
    first = pixels(picture(page))
    hair = page.get_by_role("group", name="hair of")
    second = pixels(next_picture(page, lambda: hair.get_by_role("button", name="Person").click()))
    assert np.abs(second - first).mean() > 1
    third = pixels(next_picture(page, lambda: hair.get_by_role("button", name="Remove").click()))
    assert np.abs(third - first).max() <= 1  # another number of threads may round otherwise
    page.get_by_role("button", name="Repaint its map").click()
    until(page, "document.querySelector('#map').editor.isOpened")
    classes = page.locator("#map").evaluate("canvas => new Set(canvas.editor.map.ids).size")
    assert classes > 4  # it was found in the photo
    page.get_by_role("radio", name="hair", exact=True).check(force=True)
    page.locator("#size").fill("40")
    fourth = pixels(next_picture(page, lambda: drag(page, "#map", (0.08, 0.6), (0.08, 0.95))))
    change = np.abs(fourth - third).mean(2)
    side = len(change)
    assert change[int(0.6 * side) :, : side // 6].mean() > 3 * change[: side // 2, side // 2 :].mean()
    page.locator("#own-map").click()
    until(page, "!document.querySelector('#status').textContent.includes('drawing')")


@pytest.mark.weights
def test_painter_shows_its_strokes_one_by_one(shipped_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(shipped_address, "#/painter/paint"))
    strokes = page.get_by_label("strokes", exact=True)
    whole = pixels(next_picture(page, lambda: (strokes.fill("60"), strokes.press("Tab"))))
    until(page, "document.querySelector('#scrubber').max === '60'")
    scrubber, canvas = page.locator("#scrubber"), page.locator("canvas.over")
    assert canvas.is_hidden() and scrubber.input_value() == "60"

    def shown(count: int) -> Pixels:
        scrubber.fill(str(count))
        found = canvas.evaluate("canvas => canvas.toDataURL().split(',')[1]")
        return pixels(base64.b64decode(found))

    small = np.asarray(Image.fromarray(whole.astype(np.uint8)).resize((64, 64), Image.Resampling.BOX), np.float64)

    def far(count: int) -> float:
        part = Image.fromarray(shown(count).astype(np.uint8)).resize((64, 64), Image.Resampling.BOX)
        return float(np.abs(np.asarray(part, np.float64) - small).mean())

    assert shown(0).max() == 0  # the canvas is black
    assert far(1) > far(30) > far(59)
    assert far(59) < 8  # the page's brush is that of the picture, but for rounding and the last stroke
    page.locator("#play").click()
    until(page, "document.querySelector('#scrubber').value === '60'")


@pytest.mark.weights
def test_the_painters_subject_is_marked_by_hand_and_its_painting_saved_as_svg(
    shipped_address: str, visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = drawn(visit(shipped_address, "#/painter/paint"))
    strokes = page.get_by_label("strokes", exact=True)
    before = next_picture(page, lambda: (strokes.fill("12"), strokes.press("Tab")))
    page.get_by_role("button", name="Mark its subject").click()
    assert page.get_by_role("radio", name="subject", exact=True).is_checked()
    after = next_picture(page, lambda: drag(page, "#map", (0.1, 0.9), (0.4, 0.9)))
    assert after != before  # strokes went where nobody was before
    page.locator("#keep").click()
    page.locator("#kept li").first.wait_for(state="attached")
    (kept,) = page.evaluate("fetch('/api/v1/results').then((answer) => answer.json())")
    mask = page.evaluate(f"fetch('/api/v1/assets/{kept['request']['values']['mask']}').then((one) => one.ok)")
    assert mask is True
    with page.expect_download() as saved:
        page.locator("#kept li").first.get_by_role("link", name="SVG").click()
    saved.value.save_as(tmp_path / "painting.svg")
    assert (tmp_path / "painting.svg").read_text().count("<mask") == 12
    assert next_picture(page, lambda: page.locator("#own-map").click()) == before
    Image.fromarray(np.full((40, 80, 3), 90, np.uint8)).save(tmp_path / "wide.png")
    page.get_by_role("button", name="Photo", exact=True).click()
    opened = page.get_by_role("group", name="picture").locator("input[type=file]")
    next_picture(page, lambda: opened.set_input_files(tmp_path / "wide.png"))
    page.get_by_role("button", name="Mark its subject").click()
    next_picture(page, lambda: drag(page, "#map", (0.1, 0.5), (0.4, 0.5)))
    page.wait_for_timeout(1500)  # the state is kept a second after the last stroke
    page.reload()
    drawn(page)
    page.get_by_role("button", name="Mark its subject").click()
    editor = "document.querySelector('#map').editor"
    assert page.evaluate(f"Boolean({editor}.map.ids.some((id) => id === 1))")  # it is there again
    mask = page.evaluate(f"{editor}.asset()")
    with Image.open(io.BytesIO(page.request.get(f"{shipped_address}api/v1/assets/{mask}").body())) as found:
        width, height = found.size
    assert width == 2 * height  # the part that the photo fills


@pytest.mark.weights
def test_age_slider_goes_through_pictures_that_are_drawn_once(shipped_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(shipped_address, "#/lgcgan/age"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    slider = page.locator("#ages")
    seen = []
    for place in (0, 5, 9):
        slider.fill(str(place))
        seen.append(pixels(picture(page)))
    assert asked == []
    assert np.abs(seen[0] - seen[1]).mean() > 0.5 and np.abs(seen[1] - seen[2]).mean() > 0.5
    assert slider.get_attribute("aria-valuetext") == "80+"
    page.locator("#keep").click()
    page.locator("#kept img").first.wait_for()


@pytest.mark.weights
def test_a_dragged_arm_changes_the_picture_where_it_is(shipped_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(shipped_address, "#/scagan/repose"))
    first = pixels(picture(page))
    joint = """canvas => { const { figure } = canvas.editor; const number = figure.names.indexOf(NAME);
        return figure.points[number] && [(figure.points[number][0] + 0.5) / figure.width,
                                         (figure.points[number][1] + 0.5) / figure.height]; }"""
    pose = page.locator("#pose")
    name = next(one for one in ("l_wrist", "r_wrist", "l_ankle") if pose.evaluate(joint.replace("NAME", f"'{one}'")))
    x, y = pose.evaluate(joint.replace("NAME", f"'{name}'"))
    second = pixels(next_picture(page, lambda: drag(page, "#pose", (x, y), (0.5, 0.05))))
    change = np.abs(second - first).mean(2)
    assert change.max() > 5
    moved = pose.evaluate(joint.replace("NAME", f"'{name}'"))
    assert moved[1] < y
    page.locator("#undo").click()
    assert pose.evaluate(joint.replace("NAME", f"'{name}'")) == [x, y]
    page.locator("#pose").focus()
    page.keyboard.press(".")
    page.keyboard.press("Shift+ArrowUp")
    assert page.locator(".stage .unseen").inner_text() != ""
    seen = "canvas => canvas.editor.figure.points.filter(Boolean).length"
    before = pose.evaluate(seen)
    page.locator("#mirror").click()
    assert pose.evaluate(seen) == before


@pytest.mark.weights
def test_a_person_brings_the_pose_in_the_photo_at_once(shipped_address: str, visit: Callable[..., Any]) -> None:
    """Not when the photo has been loaded, which may be after the next picture was asked for."""
    page = drawn(visit(shipped_address, "#/scagan/repose"))
    held: list[Any] = []
    page.route("**/api/v1/assets/*", lambda route: held.append(route))
    is_asked = lambda request: request.method == "POST" and "/scagan/repose" in request.url  # noqa: E731
    with page.expect_request(is_asked) as asked, page.expect_response("**/api/v1/people") as made:
        page.get_by_role("button", name="Person for", exact=False).first.click()
    found = page.request.get(f"{shipped_address}api/v1/assets/{asked.value.post_data_json['source_pose']}").json()
    pose = made.value.json()["keypoints"]["pose"]
    assert {name for name, place in found["points"].items() if place} == {
        name for name, place in pose["points"].items() if place
    }
    for name, place in pose["points"].items():
        assert place is None or found["points"][name] == pytest.approx(place, abs=0.01)
    for route in held:
        route.continue_()
    page.unroute("**/api/v1/assets/*")


@pytest.mark.weights
def test_a_photo_keeps_its_buttons_below_its_result(shipped_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(shipped_address, "#/portrait/edit", size=(390, 844)))
    page.get_by_role("button", name="Result").click()
    person = page.locator(".input").get_by_role("button", name="Person for")
    result = page.locator(".result").bounding_box()
    assert person.is_visible() and person.bounding_box()["y"] >= result["y"] + result["height"]
    next_picture(page, person.click)


@pytest.mark.weights
def test_gallery_compares_opens_again_and_deletes(shipped_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(shipped_address, "#/scgan/generate"))
    for count, seed in enumerate(("3", "4"), start=1):
        page.get_by_label("seed").fill(seed)
        page.get_by_label("seed").press("Tab")
        page.locator("#keep").click()
        until(page, f"document.querySelectorAll('#kept li').length === {count}")
        page.get_by_label("Male").check()
    page.get_by_role("link", name="Gallery").click()
    cards = page.locator("#gallery > li")
    cards.nth(1).wait_for()
    assert "seed: 4" in cards.nth(0).inner_text() and "attributes: Male" in cards.nth(0).inner_text()
    for number in (0, 1):
        cards.nth(number).get_by_label("compare").check()
    assert page.locator("#pair figure").count() == 3  # over each other, and each by itself
    page.locator("#pair").get_by_label("Where the two pictures meet").fill("20")
    assert "20%" in page.locator("#pair .over").evaluate("upper => getComputedStyle(upper).clipPath")
    with page.expect_download() as saved:
        cards.nth(0).get_by_role("link", name="Download all (zip)").click()
    assert saved.value.suggested_filename.endswith(".zip")
    page.once("dialog", lambda dialog: dialog.accept())
    cards.nth(0).get_by_role("button", name="Delete").click()
    until(page, "document.querySelectorAll('#gallery > li').length === 1")
    assert page.locator("#pair").is_hidden()
    cards.nth(0).get_by_role("button", name="Open").click()
    drawn(page)
    assert page.get_by_label("seed").input_value() == "3" and not page.get_by_label("Male").is_checked()


@pytest.mark.weights
def test_people_begin_and_reports_are_read(shipped_address: str, visit: Callable[..., Any]) -> None:
    page = visit(shipped_address, "#/people")
    card = page.locator("#people > li").nth(2)
    card.wait_for()
    photo = card.locator("img").get_attribute("src")
    card.get_by_role("button", name="Edit a portrait").click()
    drawn(page)
    assert page.locator(".input .photo img").get_attribute("src") == photo
    page.get_by_role("link", name="Reports").click()
    page.get_by_role("link", name="evaluation.md").click()
    page.locator("#report h2").first.wait_for()
    page.get_by_role("link", name="About").click()
    page.locator("#facts dd").first.wait_for()
    assert "max pixels" in page.locator("#facts").text_content()
    assert page.get_by_role("button", name="Delete everything").is_visible()


def test_sentences_with_their_unknown_words(made_address: str, visit: Callable[..., Any]) -> None:
    page = visit(made_address, "#/hfgan/generate")
    drawn(page)
    box = page.locator("textarea")
    assert box.input_value()  # what somebody looks like
    first = next_picture(page, lambda: box.fill("a red circle on black"))
    assert page.locator("mark").count() == 0
    second = next_picture(page, lambda: box.fill("a preposterous blue square on white"))
    assert second != first
    assert page.locator("mark").all_inner_texts() == ["preposterous"]
    box.fill("")
    page.locator("#status", has_text="Give caption").wait_for()


def test_a_word_is_changed(made_address: str, visit: Callable[..., Any]) -> None:
    page = visit(made_address, "#/hfgan/swap")
    page.locator("textarea").fill("a red circle on black")
    page.locator("#status", has_text="Give old words and new words to begin").wait_for()
    page.get_by_label("old words").fill("green")
    page.get_by_label("new words").fill("blue")
    page.locator("textarea").click()
    page.locator("#status", has_text='has no "green"').wait_for()
    page.get_by_label("old words").fill("red")
    page.locator("textarea").click()
    drawn(page)
    until(page, "document.querySelectorAll('#strip button').length === 3")
    whole = next_picture(page, lambda: page.locator("#strip button").nth(1).click())
    next_picture(page, lambda: page.get_by_label("change the whole picture").check())
    assert whole
    page.locator("#keep").click()
    page.locator("#kept img").first.wait_for()


def test_words_show_where_they_count(made_address: str, visit: Callable[..., Any]) -> None:
    page = visit(made_address, "#/hfgan/attention")
    drawn(page)
    box = page.locator("textarea")
    next_picture(page, lambda: box.fill("a red circle on black"))
    words = page.locator("#strip button")
    until(page, "document.querySelectorAll('#strip button').length === 6")
    assert words.all_inner_texts() == ["picture", "a", "red", "circle", "on", "black"]
    whole = picture(page)
    red = next_picture(page, lambda: words.nth(2).click())
    assert red != whole and words.nth(2).get_attribute("aria-pressed") == "true"
    assert 'where "red" counts, coarse' in page.locator("#result").get_attribute("alt")
    fine = next_picture(page, lambda: page.get_by_label("Level").select_option("fine"))
    assert fine != red and words.nth(2).get_attribute("aria-pressed") == "true"


def test_a_face_talks_to_a_file_trimmed_and_to_the_microphone(
    made_address: str,
    visit: Callable[..., Any],
    speech: Any,  # noqa: F811
    tmp_path: Any,
) -> None:
    page = visit(made_address, "#/avwnet/talk", permissions=["microphone"])
    audio = page.get_by_role("group", name="speech")
    with page.expect_file_chooser() as chooser:
        audio.get_by_text("Open").click()
    chooser.value.set_files(write_wav(tmp_path / "speech.wav", speech, 16_000))
    drawn(page)
    seconds = "document.querySelector('.result video').duration"
    until(page, f"Math.abs({seconds} - 2) < 0.2")
    audio.get_by_label("End").fill("0.5")
    until(page, f"Math.abs({seconds} - 1) < 0.2")
    page.locator("#keep").click()
    page.locator("#kept video").first.wait_for()
    page.locator("#record").click()
    page.wait_for_timeout(700)
    page.locator("#record").click()
    before = page.locator(".result video").get_attribute("src")
    page.locator(f'.result video:not([src="{before}"])').wait_for()


def test_what_opening_replaces_on_a_page_without_a_map_can_be_brought_back(
    made_address: str, visit: Callable[..., Any]
) -> None:
    page = drawn(visit(made_address, "#/hfgan/generate"))
    box, count = page.locator("textarea"), page.locator("#kept li").count() + 1
    next_picture(page, lambda: box.fill("a red circle on black"))
    page.locator("#keep").click()
    page.locator("#kept li").nth(count - 1).wait_for(state="attached")
    next_picture(page, lambda: box.fill("a blue square on white"))
    page.wait_for_timeout(1500)  # the state is kept a second after the last change
    assert page.locator("#former").count() == 0
    page.get_by_role("link", name="Show all of them").click()
    page.locator("#gallery > li").first.get_by_role("button", name="Open").click()
    drawn(page)
    assert box.input_value() == "a red circle on black"
    page.get_by_role("button", name="Undo opening").click()
    page.locator("#former").wait_for(state="detached")
    drawn(page)
    assert box.input_value() == "a blue square on white"


@pytest.mark.weights
def test_a_walk_shows_and_sends_what_has_an_effect(shipped_address: str, visit: Callable[..., Any]) -> None:
    page = drawn(visit(shipped_address, "#/scgan/interpolate"))
    target, last = page.locator('[data-field="target"]'), page.get_by_text("last seed")
    assert not target.is_visible() and last.is_visible()  # from one latent to another
    target.locator("input").first.evaluate("input => input.checked = true")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.locator("#status", has_text="kept").wait_for()
    (asked,) = page.evaluate("fetch('/api/v1/results').then((answer) => answer.json())")[:1]
    assert asked["request"]["values"].get("target") is None
    ways = page.get_by_label("what changes")
    next_picture(page, lambda: ways.select_option("c"))
    assert target.is_visible() and not last.is_visible()
    next_picture(page, lambda: ways.select_option("all"))
    assert target.is_visible() and last.is_visible()
