"""The demo of LGcGAN: its sheets, and that its programs and commands name what it wrote."""

from __future__ import annotations

from limner.systems.lgcgan.demo import NUM_FACES, demo
from tests.unit.systems.lgcgan.test_lgcgan_pipeline import pipeline


def test_three_sheets_of_people_who_never_lived(tmp_path) -> None:
    pictures = demo(tmp_path, pipeline())
    assert [picture.name for picture in pictures] == ["ages", "walk", "attention"]
    faces = sorted(path.name for path in (tmp_path / "faces").iterdir())
    assert faces == sorted(f"{number}.{suffix}" for number in range(NUM_FACES) for suffix in ("npy", "png"))
    for picture in pictures:
        compile(picture.python, picture.name, "exec")
        assert "faces" in picture.command and picture.image.width > 300
