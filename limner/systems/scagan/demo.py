"""What SCA-GAN can do, shown on people who never lived: the ready-made ones of `limner.people`."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from limner.data.datasets.deepfashion_inshop import content_columns
from limner.data.image_io import read_photo
from limner.data.size import Size
from limner.demo import DemoPicture, command, contact_sheet, program
from limner.motion import write_motion
from limner.people.gallery import ReadyPerson, ready
from limner.pose_transfer.pipeline import VIEWS
from limner.pose_transfer.poses import Pose, write_pose
from limner.systems.scagan.pipeline import SCAGANPipeline

NUM_POSES = 8
STEPS = 8
TILE = 128


def demo(out: Path, pipeline: SCAGANPipeline) -> list[DemoPicture]:
    """Four sheets and a moving picture; photos and key points that they are made from are written to `out/people`."""
    (out / "people").mkdir(parents=True, exist_ok=True)
    bodies = ready("body")
    first: dict[str, ReadyPerson] = {}
    for number, person in enumerate(bodies):
        image, pose = _cut(person)
        Image.fromarray(image).save(out / f"people/{number:02d}.png")
        write_pose(out / f"people/{number:02d}.json", pose)
        first.setdefault(person.identity, person)
    sources = [bodies.index(person) for person in first.values()]
    poses = [number for number in range(len(bodies)) if number not in sources][:NUM_POSES]
    return [
        _poses(out, pipeline, sources, poses),
        _sequence(out, pipeline, sources[0], poses),
        _inside(out, pipeline, sources[0], poses[:3]),
        _clothes(out, pipeline, sources),
    ]


def _poses(out: Path, pipeline: SCAGANPipeline, sources: list[int], poses: list[int]) -> DemoPicture:
    wanted = [out / f"people/{number:02d}.json" for number in poses]
    rows = [[_photo(out, number), *pipeline(_file(out, number), wanted).images] for number in sources]
    above = [Image.new("RGB", (11, 16), "white"), *(_photo(out, number) for number in poses)]
    return DemoPicture(
        name="poses",
        title="Eight poses",
        caption="Each row is one person: the photo, then the same person in the poses of the photos above.",
        image=_sheet([above, *rows], ["photo", *(f"pose {number + 1}" for number in range(len(poses)))]),
        python=program(
            pipeline,
            f'poses = [f"people/{{number:02d}}.json" for number in {poses}]',
            f"for number in {sources}:",
            '    pipe(f"people/{number:02d}.png", poses).save(f"poses-{number}")',
        ),
        command=f"{command(pipeline)} --photo people/{sources[0]:02d}.png --pose {_names(poses)} --out poses",
    )


def _sequence(out: Path, pipeline: SCAGANPipeline, source: int, poses: list[int]) -> DemoPicture:
    keys = [out / f"people/{number:02d}.json" for number in (source, *poses[:3])]
    folder = out / "keys"
    folder.mkdir(exist_ok=True)
    for number, path in enumerate(keys):
        shutil.copyfile(path, folder / f"{number}.json")
    plain, result = (
        pipeline.sequence(_file(out, source), folder, steps=STEPS, interpolation="cubic", keep_background=kept)
        for kept in (False, True)
    )
    clip = "sequence.mp4" if importlib.util.find_spec("av") is not None else "sequence.gif"
    write_motion(result, out / clip)
    rows = [one.images[:: max(1, len(one.images) // 12)][:12] for one in (plain, result)]
    return DemoPicture(
        name="sequence",
        title="Moving through poses",
        caption="Pictures of one movement, all from one seed: above as the networks paint them, below in front of the "
        f"photo's own background (keep_background, our step); {clip} beside this page has all of these.",
        image=_sheet(rows, []),
        python=program(
            pipeline,
            f'options = dict(steps={STEPS}, interpolation="cubic", keep_background=True)',
            f'pipe.sequence("people/{source:02d}.png", "keys", **options).save("sequence")',
        ),
        command=f"{command(pipeline)} --photo people/{source:02d}.png --poses keys --steps {STEPS} "
        f"--interpolation cubic --keep-background --motion {clip} --out sequence",
    )


def _inside(out: Path, pipeline: SCAGANPipeline, source: int, poses: list[int]) -> DemoPicture:
    views = ["source", "edges", "pose", "plates", "content", "moved", "picture"]
    assert set(views) == set(VIEWS)  # nothing that can be shown is left out
    wanted = [out / f"people/{number:02d}.json" for number in poses]
    result = pipeline(_file(out, source), wanted, show=views)
    rows = [result.images[start : start + len(views)] for start in range(0, len(result.images), len(views))]
    return DemoPicture(
        name="inside",
        title="How it is made",
        caption="The photo and its edges; the wanted pose; the edges around each joint, moved there; what the first "
        "network makes of them; the photo moved limb by limb; the picture that the second one paints with all that.",
        image=_sheet(rows, ["photo", "edges", "pose", "patches", "content", "moved", "picture"]),
        python=program(
            pipeline,
            f'poses = [f"people/{{number:02d}}.json" for number in {poses}]',
            f'pipe("people/{source:02d}.png", poses, show={views}).save("inside")',
        ),
        command=f"{command(pipeline)} --photo people/{source:02d}.png --pose {_names(poses)} "
        f"--show {' '.join(views)} --out inside",
    )


def _clothes(out: Path, pipeline: SCAGANPipeline, sources: list[int]) -> DemoPicture:
    rows = [
        [_photo(out, person), *(pipeline.dress(_file(out, person), _file(out, other)).images[0] for other in sources)]
        for person in sources
    ]
    above = [Image.new("RGB", (11, 16), "white"), *(_photo(out, number) for number in sources)]
    return DemoPicture(
        name="clothes",
        title="In somebody else's clothes",
        caption="Lines and pose of the person on the left, colours of the person above.",
        image=_sheet([above, *rows], []),
        python=program(
            pipeline,
            f'pipe.dress("people/{sources[0]:02d}.png", "people/{sources[-1]:02d}.png").save("clothes")',
        ),
        command=f"{command(pipeline)} --photo people/{sources[0]:02d}.png --clothes people/{sources[-1]:02d}.png "
        "--out clothes",
    )


def _cut(person: ReadyPerson) -> tuple[npt.NDArray[np.uint8], Pose]:
    """A photo without its white margins, and its key points."""
    assert person.keypoints is not None  # bodies have them
    height, width = person.image.shape[:2]
    left, columns = content_columns(width, height)
    points = person.keypoints - np.array([left, 0])
    return person.image[:, left : left + columns], Pose(points, Size(height, columns), person.name)


def _file(out: Path, number: int) -> Path:
    return out / f"people/{number:02d}.png"


def _photo(out: Path, number: int) -> Image.Image:
    return Image.fromarray(read_photo(_file(out, number)))


def _sheet(rows: list[list[Image.Image]], column_names: list[str]) -> Image.Image:
    """Pictures on squares, as sheets have them."""
    return contact_sheet([[_squared(one) for one in row] for row in rows], tile=TILE, column_names=column_names)


def _squared(image: Image.Image) -> Image.Image:
    image = image.resize((round(TILE * image.width / image.height), TILE), Image.Resampling.BICUBIC)
    square = Image.new("RGB", (TILE, TILE), "white")
    square.paste(image, ((TILE - image.width) // 2, 0))
    return square


def _names(poses: list[int]) -> str:
    return " ".join(f"people/{number:02d}.json" for number in poses)
