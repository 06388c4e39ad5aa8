"""What is kept can be drawn again: the copied command and the program give the same bytes in the unpacked archive.

Every operation of every system that has weights here is asked with all its fields; new ones need no line in this file.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner import hub, registry
from limner.data.keypoints import NAMES
from limner.operations import (
    AgeGroup,
    Attributes,
    Audio,
    Caption,
    Choice,
    Color,
    Facts,
    Field,
    Flag,
    Keypoints,
    LabelMap,
    Look,
    Number,
    Operation,
    Photo,
    Photos,
    Phrase,
    Seed,
    Style,
    Whole,
)
from limner.people.gallery import ready
from limner.studio.catalogue import Catalogue
from tests.studio.server import API, Server, ask, ended, png, upload

pytest.importorskip("fastapi")
pytestmark = [pytest.mark.slow, pytest.mark.weights]
SYSTEMS = sorted({hub.read_index(info.path)["system"] for info in hub.list_weights()})
CASES = [(system, one) for system in SYSTEMS for one in registry.operations(system)]


def pose_json(number: int) -> bytes:
    person = ready("body")[number]
    assert person.keypoints is not None
    points = {
        name: None if np.isnan(place).any() else [float(place[0]), float(place[1])]
        for name, place in zip(NAMES, person.keypoints, strict=True)
    }
    height, width = person.image.shape[:2]
    return json.dumps({"points": points, "width": width, "height": height}).encode()


def wave_file() -> bytes:
    """Half a second of a tone that swells, 16 kHz."""
    times = np.arange(8_000) / 16_000
    samples = (9_000 * np.sin(2 * np.pi * 220 * times) * times).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


class Assets:
    """Files of one session: two people of a kind, who have all that fields ask for."""

    def __init__(self, client: Any, kind: str) -> None:
        self.client, self.kind, self.photos = client, kind, 0
        made = [client.post(f"{API}/people", json={"kind": kind, "seed": seed}).json() for seed in (3, 5)]
        self.ids = [person["photo"]["id"] for person in made]
        self.label_map = made[0]["label_map"]["id"]
        self.size = made[0]["photo"]["height"], made[0]["photo"]["width"]

    def photo(self) -> str:
        self.photos += 1
        return str(self.ids[(self.photos - 1) % 2])

    def mask(self) -> str:
        pixels = np.zeros((*self.size, 3), np.uint8)
        pixels[20:-20, 20:-20] = 255
        return upload(self.client, png(pixels))

    def value(self, name: str, field: Field, facts: Facts) -> Any:
        """Another value than the default, where the field has any."""
        if isinstance(field, Keypoints):
            number = 5 if field.is_required else 3
            return upload(self.client, pose_json(number), "application/json", kind="keypoints")
        if isinstance(field, Whole) and not isinstance(field, Seed):
            return max(field.low, min(field.high, 3 if field.default is None else field.default * 2, 20))
        simple = {
            LabelMap: lambda: self.label_map,
            Photo: lambda: self.mask() if name == "mask" else self.photo(),
            Look: self.photo,
            Photos: lambda: list(self.ids),
            Style: lambda: 7,
            Seed: lambda: 4 if field.default == 0 else 11,
            Attributes: lambda: {facts.attributes[-1 if name == "target" else 0]: 1},
            Choice: lambda: field.choices[-1],  # type: ignore[attr-defined]
            Number: lambda: (field.low + field.high) / 2,  # type: ignore[attr-defined]
            Flag: lambda: name != "swap_sides",  # the poses here have theirs where they belong
            Color: lambda: "#a0b0c0",
            Phrase: lambda: {"old": "young man", "new": "woman"}[name],
            Caption: lambda: "a young man with long hair",
            Audio: lambda: upload(self.client, wave_file(), "audio/wav"),
            AgeGroup: lambda: list(field.groups[2:4]) if field.is_several else field.groups[2],  # type: ignore[attr-defined]
        }
        return simple[type(field)]()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    # One thread in the worker and in what is drawn again: another number may round otherwise.
    with Server(tmp_path_factory.mktemp("studio") / "workspace", "--workers", str(os.cpu_count() or 1)) as server:
        yield server.client()


@pytest.mark.parametrize("system, operation", CASES, ids=[f"{system}-{one.name}" for system, one in CASES])
def test_command_and_program_give_the_same_bytes(
    system: str, operation: Operation, client: Any, tmp_path: Path
) -> None:
    catalogue = Catalogue()
    facts = catalogue.facts(catalogue.weights(system, None))
    is_body = any(isinstance(field, Keypoints) for field in operation.fields.values())
    assets = Assets(client, "body" if is_body else "face")
    values = {name: assets.value(name, field, facts) for name, field in operation.fields.items()}
    job = ended(client, ask(client, f"{system}/{operation.name}", mode="keep", **values))
    assert job["state"] == "done", job
    packed = client.get(f"{API}/results/{job['id']}/archive.zip").content
    for how in ("draw-again.sh", "draw_again.py"):
        place = tmp_path / how
        zipfile.ZipFile(io.BytesIO(packed)).extractall(place)
        kept = (place / "pictures").rename(place / "kept")
        words = shlex.split((place / how).read_text(encoding="utf-8"))[1:] if how.endswith(".sh") else []
        command = [sys.executable, "-m", "limner", *words] if words else [sys.executable, how]
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        assert done.returncode == 0, (how, re.sub(r"\s+", " ", done.stderr)[-2000:])
        pictures, again = (
            sorted(path.name for path in folder.iterdir() if path.suffix in (".png", ".mp4"))
            for folder in (kept, place / "pictures")
        )
        assert pictures and pictures == again
        for name in pictures:
            assert (kept / name).read_bytes() == (place / "pictures" / name).read_bytes(), (how, name)
