"""The lines of the studio's acceptance, as a shell runs them: `curl` against `limner studio` with its page."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studio.server import Server, until

pytest.importorskip("fastapi")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")]


def said(line: str) -> str:
    """What a line of a shell prints."""
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True).stdout.strip()


def test_the_studio_answers_and_refuses_names_of_other_hosts(tmp_path: Path) -> None:
    with Server(tmp_path / "workspace", has_page=True) as server:
        here = f"localhost:{server.port}"
        until(lambda: said(f"curl -s {here}/healthz") == '{"status":"ok","ready":true}')
        refused = said(f"curl -si -H 'Host: evil.test' {here}/api/v1/systems | head -1")
        assert refused.split()[:2] == ["HTTP/1.1", "403"]
        assert said(f"curl -si {here}/api/v1/systems | head -1").split()[1] == "200"
        assert "<title>Limner studio</title>" in said(f"curl -s {here}/")
        refused = said(f"curl -si -H 'Host: evil.test' {here}/ | head -1")
        assert refused.split()[1] == "403"  # the page too


def test_without_the_page_the_api_is_all_there_is(tmp_path: Path) -> None:
    with Server(tmp_path / "workspace") as server:
        assert said(f"curl -si localhost:{server.port}/ | head -1").split()[1] == "404"


def test_the_command_says_where_it_listens_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-u",
        "-m",
        "limner",
        "studio",
        "--no-browser",
        "--port",
        "0",
        "--workspace",
        str(tmp_path),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Limner studio: http://127.0.0.1:")
        process.terminate()
        process.wait(timeout=60)
