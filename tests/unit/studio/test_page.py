"""The files of the page: all are served, none asks another machine for anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from limner.studio import front

pytest.importorskip("fastapi")
FILES = sorted(path for path in front.STATIC.rglob("*") if path.is_file())


@pytest.fixture
def client(tmp_path: Path) -> Any:
    from fastapi.testclient import TestClient

    from limner.studio.settings import Settings

    # Without `with`: no worker starts, for files need none.
    return TestClient(front.Front(Settings(workspace=tmp_path)), base_url="http://127.0.0.1:7860")


def test_the_page_and_all_that_it_names_is_served(client):
    page = client.get("/")
    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    names = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert {"/static/style.css", "/static/ui/app.js"} <= set(names)
    for name in names:
        assert client.get(name).status_code == 200, name


def test_modules_import_files_that_are_there():
    for path in FILES:
        for name in re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8")):
            assert (path.parent / name).resolve() in FILES, (path.name, name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere_or_stands_in_the_page_itself(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|//[a-z]+\.|@import", text)
    assert not re.search(r" on[a-z]+=|<style|<script>| style=", text)  # the policy refuses them


def test_the_scripts_are_small():
    assert sum(path.stat().st_size for path in FILES if path.suffix == ".js") <= 120_000


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "nothing.js", "ui"])
def test_no_other_file_is_served(client, name):
    assert client.get(f"/static/{name}").status_code == 404
