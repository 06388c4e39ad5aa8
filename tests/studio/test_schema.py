"""schemathesis: thousands of requests made from the studio's own OpenAPI document, valid ones and wrong ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.studio.server import API, Server, label_map_png, photo_png, upload

pytest.importorskip("fastapi")
pytest.importorskip("schemathesis")
pytestmark = [pytest.mark.slow, pytest.mark.weights]
EXAMPLES = int(os.environ.get("LIMNER_EXAMPLES", "200"))
"""Requests of each kind for every route."""
PATIENT = ("--requests-per-second", "100000", "--queued", "10000", "--queued-per-session", "10000")


def test_every_answer_is_what_the_document_says(tmp_path: Path) -> None:
    with Server(tmp_path / "workspace", *PATIENT) as server:
        client = server.client()
        upload(client, label_map_png())
        upload(client, photo_png())
        # Without --checks: all checks are on, and that option would override what the file says of cancelled jobs.
        command = [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(Path(__file__).with_name("schemathesis.toml"))),
            *("run", f"{server.address}{API}/openapi.json", "--seed", "1"),
            *("--max-examples", str(EXAMPLES), "--request-timeout", "60", "--no-color"),
            *("--header", f"Limner-Session: {client.headers['limner-session']}"),
            *("--exclude-path", f"{API}/sessions"),  # which would end the session that all others need
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
        assert httpx.get(f"{server.address}/healthz").json() == {"status": "ok", "ready": True}
        assert "Traceback" not in server.log.read_text(encoding="utf-8")
