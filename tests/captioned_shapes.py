"""Shapes with exact captions, as a folder of pictures with texts: every colour and form is drawn by code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"red": (210, 40, 40), "green": (40, 160, 60), "blue": (50, 70, 210), "yellow": (230, 210, 50)}
GROUNDS = {"black": (15, 15, 15), "grey": (128, 128, 128), "white": (245, 245, 245)}
SHAPES = ("circle", "square", "triangle")


def draw(shape: str, colour: str, ground: str, *, size: int, random: np.random.Generator) -> np.ndarray:
    """The picture of a shape on a ground: (size, size, 3) uint8 RGB."""
    image = Image.new("RGB", (size, size), GROUNDS[ground])
    pen, reach = ImageDraw.Draw(image), size * random.uniform(0.2, 0.3)
    x, y = random.uniform(0.4 * size, 0.6 * size, 2)
    box = (x - reach, y - reach, x + reach, y + reach)
    if shape == "circle":
        pen.ellipse(box, fill=COLOURS[colour])
    elif shape == "square":
        pen.rectangle(box, fill=COLOURS[colour])
    else:
        pen.polygon([(x, y - reach), (x + reach, y + reach), (x - reach, y + reach)], fill=COLOURS[colour])
    return np.asarray(image)


def write_captioned_shapes(root: Path, *, num: int = 24, size: int = 32, seed: int = 0) -> Path:
    """A data set `caption-folder` with two captions a picture and facts; every sixth one is in the test split."""
    random = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True, exist_ok=True)
    (root / "text").mkdir(exist_ok=True)
    names: dict[str, list[str]] = {"train": [], "test": []}
    lines: list[str] = []
    for index in range(num):
        shape, colour, ground = (str(random.choice(list(words))) for words in (SHAPES, COLOURS, GROUNDS))
        name = f"shape{index:04d}"
        Image.fromarray(draw(shape, colour, ground, size=size, random=random)).save(root / f"images/{name}.png")
        captions = [f"a {colour} {shape} on {ground}", f"this {shape} is {colour} and lies on a {ground} ground"]
        (root / f"text/{name}.txt").write_text("\n".join(captions) + "\n")
        facts = {"shape": shape, "colour": colour, "ground": ground}
        stated = [{fact: [value] for fact, value in facts.items()}] * 2
        lines.append(json.dumps({"name": name, "facts": facts, "stated": stated}))
        names["test" if index % 6 == 5 else "train"].append(name)
    (root / "facts.jsonl").write_text("\n".join(lines) + "\n")
    for split, found in names.items():
        (root / f"{split}.txt").write_text("\n".join(found) + "\n")
    return root
