"""A collection of drawn faces on disk, in the layout of CelebAMask-HQ."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from limner.data.drawn.anatomy import build_anatomy
from limner.data.drawn.parameters import ATTRIBUTES, FaceParameters
from limner.data.drawn.render import check_size, draw_face, landmarks_in_pixels
from limner.data.manifest import hash_split
from limner.data.schema import SCHEMAS
from limner.errors import ConfigError, DataError
from limner.files import write_atomically, write_text_atomically

IMAGES, LABEL_MAPS, PARTS = "CelebA-HQ-img", "CelebAMaskHQ-mask", "CelebAMask-HQ-mask-anno"
SETTINGS_FILE = "drawn.json"
Progress = Callable[[Iterable[int]], Iterable[int]]

_SCHEMA = SCHEMAS["celebamask-19"]


@dataclass(frozen=True)
class _Settings:
    """What makes the files of a collection what they are; the number of faces may grow."""

    seed: int
    start: int
    size: int
    image_format: str
    part_masks: bool


def write_drawn_faces(
    out: str | Path,
    *,
    num: int,
    size: int = 128,
    seed: int = 0,
    start: int = 0,
    image_format: Literal["png", "jpg"] = "png",
    part_masks: bool = False,
    progress: Progress | None = None,
    workers: int = 1,
) -> None:
    """Write faces `start` to `start + num - 1` of the collection `seed`.

    Every file is written under a temporary name and renamed, and faces that are there are skipped, so a run that was
    stopped goes on when it is repeated, and one with a larger `num` extends it. The files depend on nothing but the
    arguments: not on the order, the number of processes or the runs it took.

    ```
    CelebA-HQ-img/{i}.png               pictures
    CelebAMaskHQ-mask/{i}.png           palette pictures whose values are class ids
    CelebAMask-HQ-mask-anno/{i//2000}/{i:05d}_{part}.png   0/255, with `part_masks`
    CelebAMask-HQ-attribute-anno.txt    1 / -1
    splits.csv                          train, val, test: 80 / 10 / 10 % by a hash of the name
    landmarks68.csv                     name, x0, y0 ... x67, y67 in pixels
    drawn.json                          the arguments
    ```

    Args:
        out: folder, made if missing.
        num: number of faces, at least 1.
        size: width and height in pixels, 16 to 2048.
        seed: of the collection, at least 0.
        start: index of the first face, at least 0.
        image_format: of the pictures; the label maps are always PNG.
        part_masks: also write one mask file a part, as the original data set has them.
        progress: wraps the iterator over finished faces, as `tqdm` does.
        workers: number of processes; more than one needs an importable main module.

    Raises:
        ConfigError: if an argument is out of range or the folder holds a collection made with other ones.
        DataError: if a file cannot be written.
    """
    check_size(size)
    for name, value, low in (("num", num, 1), ("seed", seed, 0), ("start", start, 0), ("workers", workers, 1)):
        if value < low:
            raise ConfigError(f"{name} is {value}, but must be at least {low}.")
    if image_format not in ("png", "jpg"):
        raise ConfigError(f'image_format is "{image_format}", but must be png or jpg.')
    out, settings = Path(out), _Settings(seed, start, size, image_format, part_masks)
    indices = range(start, start + num)
    try:
        _prepare(out, settings, num)
        finished = _write_all(out, settings, indices, workers)
        for _ in finished if progress is None else progress(finished):
            pass
        _write_tables(out, settings, indices)
    except OSError as error:
        raise DataError(f"{error.filename or out} cannot be written: {error.strerror or error}.") from error


def _prepare(out: Path, settings: _Settings, num: int) -> None:
    """Note the arguments; refuse to mix two collections."""
    wanted = vars(settings) | {"num": num}
    path = out / SETTINGS_FILE
    if path.exists():
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
            differing = [name for name in vars(settings) if there[name] != wanted[name]]
            fewer = num < there["num"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"{path} is damaged: remove it to write the folder anew.") from error
        if differing:
            name = differing[0]
            raise ConfigError(
                f"{out} holds drawn faces with {name} = {there[name]}, not {wanted[name]}: choose another folder."
            )
        if fewer:
            raise ConfigError(f"{out} holds {there['num']} drawn faces, more than {num}: choose another folder.")
    elif (out / IMAGES).is_dir() and any((out / IMAGES).iterdir()):
        raise ConfigError(f"{out / IMAGES} holds pictures that were not drawn here: choose another folder.")
    write_text_atomically(path, json.dumps(wanted, indent=1))


def _write_all(out: Path, settings: _Settings, indices: range, workers: int) -> Iterator[int]:
    task = partial(_write_face, out, settings)
    if workers == 1:
        yield from map(task, indices)
        return
    # Fresh processes: a fork of a process that runs threads (torch's, for one) may hang.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(task, indices, chunksize=16)


def _write_face(out: Path, settings: _Settings, index: int) -> int:
    """Write one face; its picture comes last, so that a picture stands for a whole face."""
    image_path = out / IMAGES / f"{index}.{settings.image_format}"
    if image_path.exists():
        return index
    face = draw_face(settings.seed, index, size=settings.size)
    files: dict[Path, Callable[[Path], object]] = {}
    if settings.part_masks:
        folder = out / PARTS / str(index // 2000)
        for i in np.unique(face.label_map):
            if i > 0:
                mask = Image.fromarray(((face.label_map == i) * 255).astype(np.uint8))
                files[folder / f"{index:05d}_{_SCHEMA.classes[i]}.png"] = _writer(mask, "PNG")
    label_map = Image.fromarray(face.label_map)
    label_map.putpalette([channel for color in _SCHEMA.palette for channel in color])
    files[out / LABEL_MAPS / f"{index}.png"] = _writer(label_map, "PNG")
    files[image_path] = _writer(Image.fromarray(face.image), "PNG" if settings.image_format == "png" else "JPEG")
    write_atomically(files)
    return index


def _write_tables(out: Path, settings: _Settings, indices: range) -> None:
    attributes, splits, landmarks = [], ["name,split"], []
    for index in indices:
        p = FaceParameters.sample(settings.seed, index)
        row = " ".join("1" if value else "-1" for value in p.attributes().values())
        attributes.append(f"{index}.{settings.image_format} {row}")
        splits.append(f"{index},{hash_split(str(index), seed=settings.seed, val_share=0.1)}")
        points = landmarks_in_pixels(build_anatomy(p), settings.size)
        landmarks.append(f"{index}," + ",".join(f"{value:.3f}" for value in points.ravel().tolist()))
    header = "name," + ",".join(f"{axis}{i}" for i in range(68) for axis in "xy")
    tables = {
        "CelebAMask-HQ-attribute-anno.txt": [str(len(indices)), " ".join(ATTRIBUTES), *attributes],
        "landmarks68.csv": [header, *landmarks],
        "splits.csv": splits,
    }
    for name, lines in tables.items():
        write_text_atomically(out / name, "\n".join(lines) + "\n")


def _writer(picture: Image.Image, kind: str) -> Callable[[Path], None]:
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {"compress_level": 6}
    return lambda path: picture.save(path, kind, **options)
