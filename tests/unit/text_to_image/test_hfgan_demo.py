"""The demo of HfGAN: its sheets, and that its programs and commands name what it wrote."""

from __future__ import annotations

import shlex

from limner.people.describe import MAX_TOKENS, tokens
from limner.systems.hfgan.demo import CAPTIONS, STORY, SWAPS, demo


def test_four_sheets(hfgan, tmp_path) -> None:
    pictures = demo(tmp_path, hfgan)
    assert [picture.name for picture in pictures] == ["captions", "story", "swap", "attention"]
    assert len((tmp_path / "captions.txt").read_text().splitlines()) == len(CAPTIONS)
    for picture in pictures:
        compile(picture.python, picture.name, "exec")
        assert shlex.split(picture.command)[:3] == ["limner", "generate", "hfgan"] and picture.image.width > 200


def test_captions_are_of_people() -> None:
    for caption in (*CAPTIONS, *STORY, *(swap[0] for swap in SWAPS)):
        assert 3 <= len(tokens(caption)) <= MAX_TOKENS
    assert all(old in tokens(caption) for caption, old, _ in SWAPS)
