"""The studio and a browser: `python -m pytest -m slow tests/browser`, with Playwright and `LIMNER_CHROMIUM`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.talking_faces.conftest import speaker  # noqa: F401
from tests.unit.text_to_image.conftest import damsm_weights, hfgan, shapes  # noqa: F401

CHROMIUM = os.environ.get("LIMNER_CHROMIUM") or shutil.which("chromium") or ""
ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
WIDE, NARROW = (1280, 860), (390, 844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these are slow, and none runs without a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.skipif(not CHROMIUM, reason="no Chromium; name one by LIMNER_CHROMIUM"))


def served(place: Path, *words: str, **variables: str) -> tuple[subprocess.Popen[str], str]:
    """A studio in a process of its own, and its address."""
    command = [*(sys.executable, "-u", "-m", "limner", "studio", "--no-browser", "--port", "0"), *words]
    command += ["--workspace", str(place)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables})
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found is not None
    return server, found[0]


@pytest.fixture(scope="session")
def tiny_address(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[str]:
    """A studio with tiny random weights of scgan alone."""
    server, address = served(tmp_path_factory.mktemp("studio"), LIMNER_WEIGHTS=str(tiny_weights.parent))
    yield address
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def shipped_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio with the weights that ship with Limner."""
    server, address = served(tmp_path_factory.mktemp("shipped"), "--reports", str(Path(__file__).parents[2] / "docs"))
    yield address
    server.terminate()
    server.wait()


def three_classes() -> Any:
    """A pipeline of scgan whose label maps no ready-made person has."""
    import torch

    from limner.data.schema import LabelSchema
    from limner.data.spec import DataSpec
    from limner.systems.scgan.networks import Generator, Segmentor
    from limner.systems.scgan.pipeline import SCGANPipeline

    schema = LabelSchema("sky-and-sea", ("nothing", "sky", "sea"), ((0, 0, 0), (90, 160, 255), (0, 40, 160)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = Generator(image_size=32, num_classes=3, num_attributes=0, latent_size=8, width=8)
        segmentor = Segmentor(num_classes=3, width=8)
    return SCGANPipeline(spec=DataSpec(labels=schema), size=32, generator=generator, segmentor=segmentor)


@pytest.fixture(scope="session")
def made_address(
    tmp_path_factory: pytest.TempPathFactory,
    speaker: Any,  # noqa: F811
    hfgan: Any,  # noqa: F811
) -> Iterator[str]:
    """A studio with random weights that talk, that paint captions about shapes, and that draw maps of three classes."""
    place = tmp_path_factory.mktemp("made")
    folders = [str(one.save_pretrained(place / one.name)) for one in (speaker, hfgan)]
    folders.append(str(three_classes().save_pretrained(place / "three-classes")))
    server, address = served(place / "studio", "--weights", *folders)
    yield address
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


SEEDED = "{ let state = 1; Math.random = () => (state = (state * 16807) % 2147483647) / 2147483647; }"


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages; none may have a fault or fetch anything from elsewhere."""
    yield from visits(browser)


@pytest.fixture(scope="module")
def visit_once(browser: Any) -> Iterator[Callable[..., Any]]:
    """The same for pages that several tests share."""
    yield from visits(browser)


def visits(browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens pages."""
    opened: list[tuple[Any, str, list[str], list[str]]] = []

    def open_page(address: str, route: str = "", size: tuple[int, int] = WIDE, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        context.set_default_timeout(60_000)
        context.add_init_script(SEEDED)  # the same first person, seed and sentence in every run
        page = context.new_page()
        fetched: list[str] = []
        faults: list[str] = []
        page.on("request", lambda request: fetched.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address + route)
        opened.append((context, address, fetched, faults))
        return page

    yield open_page
    for context, address, fetched, faults in opened:
        context.close()
        assert faults == []
        assert all(url.startswith((address, "blob:")) for url in fetched)


def drawn(page: Any) -> Any:
    """The page, once it says that it has drawn."""
    from playwright.sync_api import TimeoutError as Late

    try:
        page.locator("#status", has_text="drawn").wait_for()
    except Late:
        raise AssertionError(f"it says: {page.locator('#status').inner_text()}") from None
    return page


def next_picture(page: Any, act: Callable[[], Any]) -> bytes:
    """What is done changes the result; the new picture's bytes."""
    before = page.locator("#result").get_attribute("src")
    act()
    page.locator(f'#result:not([src="{before}"])').wait_for(state="attached")
    return picture(page)


def picture(page: Any) -> bytes:
    """The bytes of the result that is shown."""
    found = page.request.get(page.evaluate("document.querySelector('#result').src"))
    assert found.ok
    return bytes(found.body())


def until(page: Any, script: str) -> None:
    """Wait for a script to give something true; the policy of the page forbids `wait_for_function`."""
    for _ in range(600):
        if page.evaluate(script):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it never came true: {script}")
