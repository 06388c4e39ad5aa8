"""Stick people with exact key points, in the layout of DeepFashion In-shop: every joint and colour is drawn by code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from limner.data.image_io import save_label_map
from limner.data.keypoints import LIMBS, NAMES, keypoint_row
from limner.data.schema import SCHEMAS

SIZE = (128, 88)
"""Height and width."""
PARSING = SCHEMAS["body-20"]
_REACH = {"elbow": 14, "wrist": 13, "knee": 20, "ankle": 19}


def pose(random: np.random.Generator) -> np.ndarray:
    """(18, 2) x and y of a standing figure with arms and legs anywhere, in pixels of `SIZE`."""
    points = dict.fromkeys(NAMES)
    neck = np.array([44.0, 36.0]) + random.uniform(-3, 3, 2)
    points["neck"], points["nose"] = neck, neck + np.array([random.uniform(-3, 3), -13])
    for side, sign in (("r", -1), ("l", 1)):
        points[f"{side}_eye"] = points["nose"] + np.array([sign * 3, -3])
        points[f"{side}_ear"] = points["nose"] + np.array([sign * 6, -1])
        points[f"{side}_shoulder"], points[f"{side}_hip"] = (
            neck + np.array([sign * 10, 2]),
            neck + np.array([sign * 7, 34]),
        )
        for start, middle, end, spread in (("shoulder", "elbow", "wrist", 1.2), ("hip", "knee", "ankle", 0.35)):
            angle = sign * random.uniform(0, spread)
            bend = angle + random.uniform(-0.4, 0.4) * spread
            first = points[f"{side}_{start}"] + _REACH[middle] * np.array([np.sin(angle), np.cos(angle)])
            points[f"{side}_{middle}"] = first
            points[f"{side}_{end}"] = first + _REACH[end] * np.array([np.sin(bend), np.cos(bend)])
    return np.array([points[name] for name in NAMES])


def draw(points: np.ndarray, top: tuple[int, int, int], bottom: tuple[int, int, int]) -> np.ndarray:
    """The picture of a pose: (H, W, 3) uint8 RGB."""
    image = Image.new("RGB", SIZE[::-1], (235, 232, 225))
    pen = ImageDraw.Draw(image)
    for a, b in LIMBS:
        colour = bottom if "hip" in NAMES[a] or "knee" in NAMES[a] else (196, 150, 120)
        pen.line([tuple(points[a]), tuple(points[b])], fill=colour, width=5)
    corners = [tuple(points[NAMES.index(name)]) for name in ("r_shoulder", "l_shoulder", "l_hip", "r_hip")]
    pen.polygon(corners, fill=top)
    x, y = points[NAMES.index("nose")]
    pen.ellipse([x - 7, y - 9, x + 7, y + 8], fill=(206, 160, 130))
    return np.asarray(image)


def draw_parts(points: np.ndarray) -> np.ndarray:
    """The body-20 label map of a pose: (H, W) uint8."""
    image = Image.new("L", SIZE[::-1], 0)
    pen = ImageDraw.Draw(image)
    for a, b in LIMBS[:13]:
        side = NAMES[b][0] if NAMES[b][0] in "lr" and NAMES[b][1] == "_" else "l"
        is_leg = "knee" in NAMES[b] or "ankle" in NAMES[b]
        part = "pants" if is_leg else "upper_clothes" if "hip" in NAMES[b] else f"{side}_arm"
        ends = points[[a, b]]
        if np.isfinite(ends).all():
            pen.line([tuple(end) for end in ends], fill=PARSING.classes.index(part), width=5)
    corners = points[[NAMES.index(name) for name in ("r_shoulder", "l_shoulder", "l_hip", "r_hip")]]
    pen.polygon([tuple(corner) for corner in corners], fill=PARSING.classes.index("upper_clothes"))
    x, y = points[NAMES.index("nose")]
    pen.ellipse([x - 7, y - 9, x + 7, y + 8], fill=PARSING.classes.index("face"))
    return np.asarray(image)


def write_stick_people(
    root: Path, *, people: int = 6, pictures: int = 3, seed: int = 0, has_parsing: bool = False
) -> Path:
    """A data set of `people` in one outfit each; a third of them are the test split. Some joints are not seen."""
    random = np.random.default_rng(seed)
    tables: dict[str, list[str]] = {"train": [], "test": []}
    for person in range(people):
        split = "test" if person % 3 == 2 else "train"
        (root / split).mkdir(parents=True, exist_ok=True)
        top, bottom = (tuple(random.integers(0, 256, 3).tolist()) for _ in range(2))
        for picture in range(pictures):
            points = pose(random)
            name = f"fashionWOMENTees_Tanksid{person:08d}01_{picture + 1}front.jpg"
            Image.fromarray(draw(points, top, bottom)).save(root / split / name, quality=95)
            if has_parsing:
                (root / "parsing").mkdir(exist_ok=True)
                save_label_map(root / "parsing" / f"{Path(name).stem}.png", draw_parts(points), PARSING)
            if picture == 1:
                points[NAMES.index("l_wrist")] = np.nan
            tables[split].append(keypoint_row(name, points))
    for split, rows in tables.items():
        header = "name:keypoints_y:keypoints_x"
        (root / f"fashion-resize-annotation-{split}.csv").write_text("\n".join([header, *rows]) + "\n")
    return root
