"""What is kept can be drawn again: the copied command and the program give the same bytes in the unpacked archive."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.weights]
API = "/api/v1"
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "scgan": ("scgan", "generate", {"label_map": "map", "attributes": {"Male": 1}, "seed": 4, "num_images": 2}),
    "scgan, walk": ("scgan", "interpolate", {"label_map": "map"}),
    "maskface": ("maskface", "generate", {"label_map": "map", "seed": 2}),
    "portrait": ("portrait", "edit", {"photo": "photo", "hair": "other"}),
    "portrait, walk": ("portrait", "walk", {"photo": "photo", "hair": "other"}),
    "painter": ("painter", "paint", {"image": "photo", "strokes": 20}),
    "lgcgan": ("lgcgan", "age", {"photo": "photo"}),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from fastapi.testclient import TestClient

    from limner.studio.app import create_app
    from limner.studio.settings import Settings

    settings = Settings(workspace=tmp_path_factory.mktemp("workspace"), requests_per_second=10_000)
    with TestClient(create_app(settings), base_url="http://127.0.0.1:7860") as found:
        assert found.post(f"{API}/sessions").status_code == 201
        yield found


@pytest.mark.parametrize("case", CASES)
def test_command_and_program_give_the_same_bytes(case: str, client: Any, tmp_path: Path) -> None:
    system, operation, asked = CASES[case]
    person, other = (client.post(f"{API}/people", json={"kind": "face", "seed": seed}).json() for seed in (3, 5))
    assets = {"map": person["label_map"]["id"], "photo": person["photo"]["id"], "other": other["photo"]["id"]}
    values = {name: assets.get(value, value) if isinstance(value, str) else value for name, value in asked.items()}
    job = client.post(f"{API}/systems/{system}/{operation}?wait=30", json={"mode": "keep", **values}).json()
    while job["state"] in ("queued", "running"):
        job = client.get(f"{API}/jobs/{job['id']}?wait=30").json()
    assert job["state"] == "done", job
    packed = client.get(f"{API}/results/{job['id']}/archive.zip").content
    for how in ("draw-again.sh", "draw_again.py"):
        place = tmp_path / how
        zipfile.ZipFile(io.BytesIO(packed)).extractall(place)
        kept = (place / "pictures").rename(place / "kept")
        words = shlex.split((place / how).read_text())[1:] if how.endswith(".sh") else []
        command = [sys.executable, "-m", "limner", *words] if words else [sys.executable, how]
        # As many threads as the studio's worker has: another number may round otherwise.
        environment = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count() or 1)}
        subprocess.run(command, cwd=place, check=True, capture_output=True, env=environment)
        pictures = sorted(path.name for path in kept.glob("*.png"))
        assert pictures and pictures == sorted(path.name for path in (place / "pictures").glob("*.png"))
        for name in pictures:
            assert (kept / name).read_bytes() == (place / "pictures" / name).read_bytes(), (how, name)
