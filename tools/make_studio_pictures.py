"""Draw the pictures of docs/studio.md: pages of the studio in Chromium, with the weights that ship.

    LIMNER_CHROMIUM=/usr/bin/chromium python tools/make_studio_pictures.py docs/pictures

Everybody in them is drawn by `limner.people`. Needs the extra `studio-test`.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SIZES = {"1280": (1280, 800), "390": (390, 844)}
PAGES = {
    "draw": "scgan/generate",
    "portrait": "portrait/edit",
    "paint": "painter/paint",
    "age": "lgcgan/age",
    "pose": "scagan/repose",
    "mask": "painter/paint",
    "sentence": "hfgan/generate",
    "words": "hfgan/attention",
    "gallery": "gallery",
    "people": "people",
    "reports": "reports",
}
SHOWN = {
    ("draw", "1280", "light"),
    ("draw", "1280", "dark"),
    ("draw", "390", "light"),
    ("draw", "390", "dark"),
    ("portrait", "1280", "light"),
    ("paint", "1280", "dark"),
    ("age", "390", "light"),
    ("pose", "1280", "light"),
    ("mask", "390", "dark"),
    ("sentence", "390", "dark"),
    ("words", "1280", "light"),
    ("gallery", "1280", "light"),
    ("people", "390", "light"),
}
"""Those that the page shows; `--all` makes every page at both sizes and themes."""
SAME_PEOPLE = "let rolled = 0; Math.random = () => (4.5 + ((5 * rolled++) % 20)) / 1e6;"
BUSY = re.compile("Loading|drawing|waiting|keeping")


def main() -> int:
    """Write the pictures into the folder that is named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--all", action="store_true", help="every page at both sizes and themes")
    options = parser.parse_args()
    folder, everything = options.folder, options.all
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as workspace:
        command = [sys.executable, "-u", "-m", "limner", "studio", "--no-browser", "--port", "0"]
        command += ["--workspace", workspace, "--reports", "docs/results"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address is not None
            draw_all(address[0], folder, everything)
        finally:
            server.terminate()
            server.wait()
    return 0


def draw_all(address: str, folder: Path, everything: bool) -> None:
    """Every page in one browser."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("LIMNER_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width, (wide, high) in SIZES.items():
            for theme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": wide, "height": high}, color_scheme=theme, device_scale_factor=1
                )
                context.add_init_script(SAME_PEOPLE)
                page = context.new_page()
                page.goto(address)
                settle(page)
                for name, route in PAGES.items():
                    if everything or (name, width, theme) in SHOWN:
                        prepare(page, name, route)
                        place = folder / f"studio-{name}-{width}-{theme}.jpg"
                        page.screenshot(path=place, type="jpeg", quality=82)
                        print(f"{place}: {place.stat().st_size // 1000} kB")
                context.close()
        browser.close()


def prepare(page: Any, name: str, route: str) -> None:
    """Open a page and do what makes it worth a picture."""
    if name == "gallery":
        for seed in ("2", "5", "8", "11"):
            go(page, "scgan/generate")
            page.get_by_label("seed").fill(seed)
            page.get_by_label("seed").press("Tab")
            count = page.locator("#kept li").count()
            page.locator("#keep").click()
            page.locator("#kept li").nth(count).wait_for(state="attached")
    go(page, route)
    if name == "portrait":
        page.get_by_role("group", name="hair of").get_by_role("button", name="Person").click()
        settle(page)
        page.get_by_role("button", name="Repaint its map").click()
    elif name == "paint":
        page.locator("#scrubber").fill("70")
    elif name == "mask":
        page.get_by_role("button", name="Mark its subject").click()
        page.locator("#size").fill("90")
        box = page.locator("#map").bounding_box()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.25 * box["height"])
        page.mouse.down()
        for x, y in ((0.35, 0.45), (0.5, 0.6), (0.65, 0.45), (0.5, 0.3), (0.5, 0.5)):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        page.mouse.up()
        settle(page)
    elif name == "words":
        word = page.locator("#strip button").filter(has_text=re.compile("hair|woman|man|glasses|lips"))
        word.first.click()
    elif name == "pose":
        place = (
            "canvas => [canvas.editor.figure.points[4] ?? canvas.editor.figure.points[7], canvas.editor.figure.width]"
        )
        (x, y), side = page.locator("#pose").evaluate(place)
        box = page.locator("#pose").bounding_box()
        page.mouse.move(box["x"] + x / side * box["width"], box["y"] + y / side * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"], steps=5)
        page.mouse.up()
        settle(page)
    elif name == "gallery":
        for number in (0, 1):
            page.locator("#gallery > li").nth(number).get_by_label("compare").check()
    elif name == "draw":
        page.get_by_label("Brown Hair").check()
        page.get_by_label("Young").check()
        settle(page)
        if page.locator(".views").is_visible():
            page.get_by_role("button", name="Both").click()
    page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
    page.wait_for_timeout(700)


def go(page: Any, route: str) -> None:
    """Open a route and wait until it has drawn."""
    page.evaluate(f"location.hash = '#/{route}'")
    page.wait_for_timeout(300)
    settle(page)


def settle(page: Any) -> None:
    """Wait until nothing is drawn any more."""
    for _ in range(600):
        if not BUSY.search(page.locator("#status").inner_text()):
            break
        page.wait_for_timeout(100)
    page.wait_for_timeout(500)


if __name__ == "__main__":
    sys.exit(main())
