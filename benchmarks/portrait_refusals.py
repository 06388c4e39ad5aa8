"""Which photos without a label map portrait takes to edit, and which it refuses.

Protocol: each picture alone goes to `PortraitPipeline.set_image`, without a map and without landmarks; what that
answers with a `DataError` is refused, the rest accepted; "doubted" are those of them that it warns of as seen from
the side or no single face. People are the ready-made faces of `limner.people` (40
different people; and a few at several ages, 40 pictures cut closer than portrait's) and `--num` rendered ones of the
collection `--seed`, seen as in training data; for the side views, a quarter as many, the head is straight and the
camera beside it, on the left and on the right in turn (needs the extra "people"). Quarter turns are exact; other turns,
half of them to the left, repeat the picture's border into the corners. Pairs are neighbours among the 40 people, each
pair three times: at half size in the middle of a grey square, the same with their borders repeated, and at full size,
each cut to the middle half of its picture. "Lying" is a pair after one and after three quarter turns. Noise is white,
or white noise of 4 x 4 pixels enlarged. `--data FOLDER` adds the pictures of a folder and all folders in it, each cut
to its middle square; it may be given several times. Chance is fixed: the same weights give the same table. A few
minutes on one core.

    python benchmarks/portrait_refusals.py
    python benchmarks/portrait_refusals.py --data PHOTOS --data FLOWERS
    python benchmarks/portrait_refusals.py --weights runs/portrait --json refusals.json
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from measure import in_fresh_process, new_parser, report

SIZE = 128
"""Of all pictures made here, pixels; portrait makes them as small as its networks want them."""
SIDE_VIEWS = (20, 35, 50, 65, 80, 90)
"""Degrees between camera and face."""
SLIGHT_TURNS, STRONG_TURNS = (5, 10, 15), (60, 75, 105, 120, 150)
"""Degrees within, and far beyond, what an aligned portrait is turned by; 30 to 45 may go either way."""
GREY = 120
Kind = tuple[str, str, list[Any]]
"""What should become of the pictures ("accepted", "refused", "either"), what they are, and they: (S, S, 3) uint8."""


def kinds(num: int, seed: int, folders: list[str]) -> Iterator[Kind]:
    """All pictures, in the order of the table."""
    import numpy as np
    from PIL import Image

    from limner.people import ready

    people = [person.image for person in ready("face")]
    ages = [person.image for person in ready("age")]
    rendered = list(render_faces(seed, range(num)))
    yield "accepted", "ready people", people
    yield "either", "ready people at several ages, cut closer", ages
    yield "accepted", "rendered people", rendered
    yield "accepted", "people turned by 5 to 15 degrees", turned(people, SLIGHT_TURNS)
    yield "either", "people turned by 30 and 45 degrees", turned(people, (30, 45))
    for degrees in SIDE_VIEWS:
        views = list(render_faces(seed, range(num, num + max(1, num // 4)), degrees))
        yield "accepted" if degrees <= 35 else "either", f"people from the side, {degrees} degrees", views
    yield "refused", "people turned by 60 to 150 degrees", turned(people, STRONG_TURNS)
    yield "refused", "people on their side or upside down", lying(people, (1, 2, 3))
    beside = [pair for first, second in pairwise(people) for pair in side_by_side(first, second)]
    above = [
        pair.swapaxes(0, 1)
        for first, second in pairwise(people)
        for pair in side_by_side(first.swapaxes(0, 1), second.swapaxes(0, 1))
    ]
    yield "refused", "two people side by side", beside
    yield "refused", "two people one above the other", above
    yield "refused", "two people side by side, lying", lying(beside, (1, 3))
    yield "refused", "two people one above the other, lying", lying(above, (1, 3))
    random = np.random.default_rng(seed)
    noise = [random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8) for _ in range(40)]
    yield "refused", "white noise", noise
    coarse = [Image.fromarray(picture[:4, :4]).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for picture in noise]
    yield "refused", "smooth noise", [np.asarray(picture) for picture in coarse]
    yield "refused", "one colour", [np.tile(picture[:1, :1], (SIZE, SIZE, 1)) for picture in noise]
    for folder in folders:
        photos = read_folder(Path(folder))
        yield "either", f"folder {Path(folder).name}", photos
        yield "refused", f"folder {Path(folder).name}, on their side or upside down", lying(photos, (1, 2, 3))


def render_faces(seed: int, indices: Iterable[int], degrees: int | None = None) -> Iterator[Any]:
    """Rendered people as in training data, or with a straight head and the camera so many degrees beside it."""
    import math
    from dataclasses import replace

    from limner.people import render, sample_person, sample_scene

    for index in indices:
        scene = sample_scene(seed, index)
        if degrees is not None:
            yaw = math.radians(degrees if index % 2 else -degrees)
            scene = replace(scene, head_yaw=0.0, camera=replace(scene.camera, yaw=yaw))
        yield render(sample_person(seed, index), scene, SIZE).image


def turned(photos: Iterable[Any], degrees: Iterable[int]) -> list[Any]:
    """Every photo turned by every angle, every second one to the left."""
    import numpy as np
    from PIL import Image

    angles, wide, found = list(degrees), SIZE // 2, []
    for index, photo in enumerate(photos):
        framed = Image.fromarray(np.pad(photo, ((wide, wide), (wide, wide), (0, 0)), mode="edge"))
        for number, angle in enumerate(angles):
            sign = 1 if (index + number) % 2 else -1
            whole = framed.rotate(sign * angle, Image.Resampling.BICUBIC)
            found.append(np.asarray(whole)[wide:-wide, wide:-wide])
    return found


def lying(photos: Iterable[Any], quarters: Iterable[int]) -> list[Any]:
    """Every photo after each number of quarter turns."""
    import numpy as np

    counts = list(quarters)
    return [np.rot90(photo, count) for photo in photos for count in counts]


def side_by_side(first: Any, second: Any) -> list[Any]:
    """Both at half size on grey, the same with their borders repeated, and their middles at full size."""
    import numpy as np
    from PIL import Image

    half, quarter = SIZE // 2, SIZE // 4
    small = [np.asarray(Image.fromarray(np.ascontiguousarray(photo)).resize((half, half))) for photo in (first, second)]
    both, around = np.concatenate(small, axis=1), ((quarter, quarter), (0, 0), (0, 0))
    middles = [photo[:, quarter:-quarter] for photo in (first, second)]
    return [
        np.pad(both, around, constant_values=GREY),
        np.pad(both, around, mode="edge"),
        np.concatenate(middles, axis=1),
    ]


def read_folder(folder: Path) -> list[Any]:
    """The middle squares of all pictures in a folder and below it, in the order of their names.

    Raises:
        SystemExit: if there is none.
    """
    from limner.data.image_io import PHOTO_SUFFIXES, read_photo
    from limner.data.transforms import make_square

    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    squares = [make_square(read_photo(file), "crop", str(file)) for file in files]
    if not squares:
        raise SystemExit(f"There is no picture in {folder}.")
    return squares


def measure(weights: str, *, num: int, seed: int, folders: list[str], threads: int | None) -> list[dict[str, Any]]:
    """How many pictures of each kind are accepted."""
    import torch

    import limner
    from limner.errors import DataError

    if threads is not None:
        torch.set_num_threads(threads)
    pipeline = limner.load(weights, system="portrait")
    warnings: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("limner")
    logger.addHandler(listener)
    logger.propagate = False

    def answer(photo: Any) -> str:
        warnings.clear()
        try:
            pipeline.set_image(photo)
        except DataError:
            return "refused"
        return "doubted" if any("no face from the front" in warning for warning in warnings) else "accepted"

    found = []
    for should, kind, photos in kinds(num, seed, folders):
        answers = [answer(photo) for photo in photos]
        counts = {"count": len(answers), "accepted": len(answers) - answers.count("refused")}
        found.append({"should be": should, "kind": kind, **counts, "doubted": answers.count("doubted")})
    return found


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--weights", default="portrait-people-64", metavar="NAME|DIR", help="(portrait-people-64)")
    parser.add_argument("--data", action="append", default=[], metavar="FOLDER", help="of photos; several times")
    parser.add_argument("--num", type=int, default=None, help="rendered people (200; with --quick 4)")
    parser.add_argument("--seed", type=int, default=11, help="of the rendered people and of noise (11)")
    parser.add_argument("--threads", type=int, default=None, help="of torch (torch's own choice)")
    options = parser.parse_args()
    num = options.num or (4 if options.quick else 200)
    found = in_fresh_process(
        measure,
        weights=options.weights,
        num=num,
        seed=options.seed,
        folders=options.data,
        threads=options.threads,
    )
    rows = [
        {
            "kind": row["kind"],
            "should be": row["should be"],
            "pictures": str(row["count"]),
            "accepted": str(row["accepted"]),
            "doubted": str(row["doubted"]),
        }
        for row in found
    ]
    protocol = f"Weights {options.weights}, rendered people {num} of seed {options.seed}."
    report("What portrait takes", protocol, {"Photos without a label map": rows}, found, options)


if __name__ == "__main__":
    main()
