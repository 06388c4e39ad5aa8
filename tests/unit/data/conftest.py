"""Tiny data sets drawn by code, in every layout that Limner reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from limner.data.schema import SCHEMAS, converter

CELEBAMASK = SCHEMAS["celebamask-19"]
Write = Callable[..., Path]


def _draw_face(size: int = 32, shift: int = 0) -> np.ndarray:
    """A face of boxes in celebamask-19; the subject's left is on the right of the image. `shift` moves it right."""
    unit = size // 16
    label_map = np.zeros((size, size), dtype=np.uint8)

    def box(name: str, top: int, bottom: int, left: int, right: int) -> None:
        label_map[top * unit : bottom * unit, left * unit + shift : right * unit + shift] = CELEBAMASK.id(name)

    box("hair", 1, 7, 3, 13)
    box("neck", 13, 15, 6, 10)
    box("cloth", 15, 16, 2, 14)
    box("skin", 3, 14, 4, 12)
    box("r_ear", 7, 9, 3, 4)
    box("l_ear", 7, 9, 12, 13)
    box("r_brow", 5, 6, 5, 7)
    box("l_brow", 5, 6, 9, 11)
    box("r_eye", 6, 7, 5, 7)
    box("l_eye", 6, 7, 9, 11)
    box("nose", 7, 9, 7, 9)
    box("u_lip", 10, 11, 6, 10)
    box("mouth", 11, 12, 6, 10)
    box("l_lip", 12, 13, 6, 10)
    return label_map


def _save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def _photo(label_map: np.ndarray, index: int) -> np.ndarray:
    """The map in colours, with a mark that makes every photo different."""
    image = CELEBAMASK.colorize(label_map)
    image[0, :] = 20 * index % 256
    return image


def _celeba_text(names: str, values: dict[str, str]) -> str:
    return "\n".join([str(len(values)), names, *(f"{name} {row}" for name, row in values.items())]) + "\n"


@pytest.fixture
def draw_face() -> Callable[..., np.ndarray]:
    return _draw_face


@pytest.fixture
def save() -> Callable[..., Path]:
    return _save


@pytest.fixture
def celebamask_hq(tmp_path: Path) -> Write:
    """Writes `num` faces as CelebAMask-HQ; `maps` is "merged", "parts" or "none"."""

    def write(num: int = 12, *, maps: str = "merged", size: int = 32, map_size: int = 32) -> Path:
        root = tmp_path / "celebamask-hq"
        for index in range(num):
            shift = index % 3 - 1
            image = _photo(_draw_face(size, shift * size // map_size), index)
            _save(root / "CelebA-HQ-img" / f"{index}.jpg", image, quality=95)
            label_map = _draw_face(map_size, shift)
            if maps == "merged":
                _save(root / "CelebAMaskHQ-mask" / f"{index}.png", label_map)
            for class_id in np.unique(label_map) if maps == "parts" else ():
                if class_id:
                    mask = (label_map == class_id).astype(np.uint8) * 255
                    if CELEBAMASK.classes[class_id] == "skin":  # as in the original, skin lies under the other parts
                        mask |= (label_map > 0).astype(np.uint8) * 255
                    part = f"{index:05d}_{CELEBAMASK.classes[class_id]}.png"
                    _save(root / "CelebAMask-HQ-mask-anno" / str(index // 2000) / part, mask)
        rows = {f"{index}.jpg": f"{1 if index % 2 else -1} -1 1" for index in range(num)}
        text = _celeba_text("Dark_Hair Eyeglasses Smiling", rows)
        (root / "CelebAMask-HQ-attribute-anno.txt").write_text(text)
        return root

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    """Writes `num` faces as a plain folder, with a schema.json unless `schema` is None."""

    def write(num: int = 4, *, schema: str | None = "celebamask-19") -> Path:
        root = tmp_path / "folder"
        for index in range(num):
            label_map = _draw_face(32, index % 3 - 1)
            _save(root / "images" / f"face-{index}.png", _photo(label_map, index))
            _save(root / "labels" / f"face-{index}.png", label_map)
        if schema is not None:
            (root / "schema.json").write_text(json.dumps(SCHEMAS[schema].to_json()))
        return root

    return write


@pytest.fixture
def celeba(tmp_path: Path) -> Write:
    """Writes `num` faces as CelebA with maps (or landmarks), of 44 x 54 pixels; one photo more has no map."""

    def write(num: int = 4, *, landmarks: bool = False) -> Path:
        root = tmp_path / "celeba"
        table = converter("celebamask-19", "scgan-celeba-7")
        lines = ["name," + ",".join(f"{axis}{i}" for i in range(68) for axis in "xy")]
        for index in range(num + 1):
            image = np.zeros((54, 44, 3), dtype=np.uint8)
            label_map = np.zeros((54, 44), dtype=np.uint8)
            face = _draw_face(32, index % 3 - 1)
            image[11:43, 6:38], label_map[11:43, 6:38] = CELEBAMASK.colorize(face), table[face]
            image[0, :] = 20 * index
            name = f"{index + 1:06d}"
            _save(root / "images" / f"{name}.jpg", image, quality=95)
            if index == num:
                lines.append(name + ".jpg" + "," * 136)
            elif landmarks:
                points = landmarks_68() * 0.2 + [22, 27]
                lines.append(name + ".jpg," + ",".join(f"{value:.2f}" for value in points.ravel()))
            else:
                _save(root / "segmentation" / f"{name}.png", label_map)
        if landmarks:
            (root / "landmarks68.csv").write_text("\n".join(lines))
        names = "Bald Black_Hair Blond_Hair Brown_Hair Male Young"
        rows = {f"{index + 1:06d}.jpg": f"-1 1 -1 -1 {1 if index % 2 else -1} 1" for index in range(num + 1)}
        (root / "list_attr_celeba.txt").write_text(_celeba_text(names, rows))
        partition = "".join(f"{index + 1:06d}.jpg {2 if index == 0 else 0}\n" for index in range(num + 1))
        (root / "list_eval_partition.txt").write_text(partition)
        return root

    return write


def landmarks_68() -> np.ndarray:
    """68 points of a face in iBUG's order, centre (0, 0), about 100 wide, y down."""
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.stack([50 * np.cos(angles), 60 * np.sin(angles)], 1)
    brows = [(x, -30.0) for x in (-42, -34, -26, -18, -10, 10, 18, 26, 34, 42)]
    nose = [(0.0, y) for y in (-18, -10, -2, 6)] + [(x, 12.0) for x in (-8, -4, 0, 4, 8)]

    def ring(x: float, y: float, width: float, height: float, num: int) -> list[tuple[float, float]]:
        turn = np.pi + 2 * np.pi * np.arange(num) / num
        return [(x + width * np.cos(t), y + height * np.sin(t)) for t in turn]

    eyes = ring(-25, -15, 8, 4, 6) + ring(25, -15, 8, 4, 6)
    mouth = ring(0, 32, 18, 10, 12) + ring(0, 32, 13, 4, 8)
    return np.array([*map(tuple, jaw), *brows, *nose, *eyes, *mouth])


@pytest.fixture(name="landmarks_68")
def _landmarks_68() -> np.ndarray:
    return landmarks_68()


@pytest.fixture
def clothing(tmp_path: Path) -> Write:
    """Writes three people of 10 x 16 pixels as Clothing Co-Parsing; one photo more has no map."""

    def write(*, mat: bool = False) -> Path:
        root = tmp_path / "ccp"
        schema = SCHEMAS["ccp-59"]
        for index in range(4):
            label_map = np.zeros((16, 10), dtype=np.uint8)
            for name, top, bottom in (
                ("hair", 1, 3),
                ("skin", 3, 5),
                ("coat", 5, 9),
                ("jeans", 9, 14),
                ("boots", 14, 16),
            ):
                label_map[top:bottom, 3:7] = schema.id(name)
            _save(root / "photos" / f"{index:04d}.jpg", schema.colorize(label_map) // (index + 1))
            if index == 3:
                continue
            path = root / "annotations" / "pixel-level" / f"{index:04d}.png"
            if mat:
                from scipy.io import savemat

                path.parent.mkdir(parents=True, exist_ok=True)
                savemat(path.with_suffix(".mat"), {"groundtruth": label_map})
            else:
                _save(path, label_map)
        (root / "label_list.json").write_text(json.dumps(list(schema.classes)))
        ids = " ".join(str(schema.id(name)) for name in ("null", "boots", "coat", "hair", "jeans", "skin"))
        (root / "tags.csv").write_text("photo,labels\n" + "".join(f"{index:04d},{ids}\n" for index in range(3)))
        return root

    return write


@pytest.fixture
def fashion(tmp_path: Path) -> Write:
    """Writes four people of 16 x 16 pixels as Fashion Synthesis; `sideways` is how the original lies in its file."""

    def write(*, sideways: bool = True, num: int = 4) -> Path:
        h5py = pytest.importorskip("h5py")
        from scipy.io import savemat

        root = tmp_path / "fashion"
        (root / "Img").mkdir(parents=True)
        (root / "Anno").mkdir()
        maps = np.zeros((num, 1, 16, 16), dtype=np.float32)
        for class_id, (top, bottom) in {1: (0, 2), 2: (2, 5), 3: (5, 9), 4: (9, 12), 5: (12, 16)}.items():
            maps[:, 0, top:bottom, 6:10] = class_id
        images = np.repeat(maps / 6, 3, axis=1) * np.arange(1, num + 1).reshape(-1, 1, 1, 1)  # above 1: must be clipped
        mean = np.full((3, 16, 16), 0.25, dtype=np.float32)
        images = images - mean
        if sideways:
            images, maps, mean = images.swapaxes(2, 3), maps.swapaxes(2, 3), mean.swapaxes(1, 2)
        with h5py.File(root / "Img" / "G2.h5", "w") as file:
            file["ih"], file["ih_mean"], file["b_"] = images, mean, maps
        savemat(root / "Anno" / "language_original.mat", {"color_": np.arange(1, num + 1).reshape(-1, 1)})
        savemat(root / "ind.mat", {"train_ind": np.arange(1, num).reshape(-1, 1), "test_ind": np.array([[num]])})
        return root

    return write
