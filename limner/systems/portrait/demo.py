"""What portrait can do, shown on photos of people who never lived: the ready-made ones of `limner.people`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.data.image_io import read_photo, save_label_map
from limner.demo import DemoPicture, command, contact_sheet
from limner.faces.parts import SCHEMA
from limner.mask_to_image.demo import program
from limner.people.gallery import ready
from limner.results import GenerationResult
from limner.systems.portrait.pipeline import PortraitPipeline

WORDS = "Edits a portrait: give somebody another's hair, eyes or mouth, or move the parts by changing the label map."

PEOPLE = {
    "ada": "face-006",
    "ben": "face-040",
    "cleo": "face-023",
    "dora": "face-010",
    "emil": "face-045",
    "fay": "face-007",
    "gita": "face-026",
    "hal": "face-003",
}
"""Name of a photo in the demo -> ready-made person."""
SITTERS = ("ada", "ben", "gita", "hal")
SOURCES = {"hair": "cleo", "eyes": "dora", "mouth": "gita", "skin": "emil", "face": "cleo"}
"""Part -> whose it is on the sheet of swaps."""
STEPS = 8
OPENING = 0.06  # how far a mouth is opened, as a share of the map
SCENE = 320  # side of the uncut photo

UInt8Array = NDArray[np.uint8]
Rows = list[list[Image.Image]]


def demo(out: Path, pipeline: PortraitPipeline) -> list[DemoPicture]:
    """Six sheets; the photos and maps that they are made from are written to `out`."""
    (out / "photos").mkdir(parents=True, exist_ok=True)
    (out / "maps").mkdir(exist_ok=True)
    people = {person.name: person for person in ready("face")}
    for name, person in PEOPLE.items():
        Image.fromarray(people[person].image).save(_photo(out, name))
    return [
        _swaps(out, pipeline),
        _edits(out, pipeline),
        _walks(out, pipeline),
        _gallery(out, pipeline),
        _faces(out, pipeline),
        _scene(out, pipeline),
    ]


def open_mouth(label_map: UInt8Array) -> UInt8Array:
    """The map with the lower lip moved down, most in the middle."""
    edited = label_map.copy()
    lip = label_map == SCHEMA.id("l_lip")
    columns = np.nonzero(lip.any(0))[0]
    for column in columns:
        rows = np.nonzero(lip[:, column])[0]
        from_middle = (column - columns.mean()) / (len(columns) / 2)
        by = round(OPENING * len(label_map) * max(0.0, 1 - from_middle**2))
        edited[rows[0] : rows[0] + by, column] = SCHEMA.id("mouth")
        edited[rows[0] + by : rows[-1] + by + 1, column] = SCHEMA.id("l_lip")
    return edited


def add_fringe(label_map: UInt8Array) -> UInt8Array:
    """The map with hair from the hairline to the brows."""
    skin = label_map == SCHEMA.id("skin")
    return np.where(_forehead(label_map) & skin, SCHEMA.id("hair"), label_map).astype(np.uint8)


def remove_fringe(label_map: UInt8Array) -> UInt8Array:
    """The map with a bare, rounded forehead, where it has hair."""
    hair = label_map == SCHEMA.id("hair")
    return np.where(_forehead(label_map, rounded=True) & hair, SCHEMA.id("skin"), label_map).astype(np.uint8)


EDITS: dict[str, Callable[[UInt8Array], UInt8Array]] = {
    "mouth-open": open_mouth,
    "fringe": add_fringe,
    "no-fringe": remove_fringe,
}
"""What the sheet of edits shows: name -> map to edited map."""


def _forehead(label_map: UInt8Array, *, rounded: bool = False) -> NDArray[np.bool_]:
    """What lies above the brows and between their ends; rounded: half an ellipse, a little higher than the nose."""
    rows, columns = np.nonzero(np.isin(label_map, (SCHEMA.id("l_brow"), SCHEMA.id("r_brow"))))
    nose = np.nonzero(label_map == SCHEMA.id("nose"))[0]
    if not len(rows) or not len(nose):
        return np.zeros(label_map.shape, bool)
    y, x = np.indices(label_map.shape)
    up, half = rows.min() - y, (np.ptp(columns) + 1) / 2
    across = (x - (columns.min() + columns.max()) / 2) / half
    reach = across**2 + (up / (1.2 * (np.ptp(nose) + 1))) ** 2 if rounded else np.abs(across)
    inside: NDArray[np.bool_] = (up > 0) & (reach <= 1)
    return inside


def _swaps(out: Path, pipeline: PortraitPipeline) -> DemoPicture:
    blank = Image.new("RGB", (1, 1), "white")
    rows: Rows = [[blank, blank, *(Image.fromarray(read_photo(_photo(out, name))) for name in SOURCES.values())]]
    for name in SITTERS:
        pipeline.set_image(_photo(out, name))
        swaps = [_swap(out, pipeline, part) for part in SOURCES]
        rows.append(
            [
                Image.fromarray(read_photo(_photo(out, name))),
                *pipeline.swap().images,
                *(swap.images[0] for swap in swaps),
            ]
        )
    return DemoPicture(
        name="swaps",
        title="Parts from other people",
        caption="Left: photos, and what the networks make of them. Each further column takes the part that it is named "
        "after from the photo above it; the label map, the background and all other parts stay.",
        image=contact_sheet(rows, tile=112, row_names=["from", *SITTERS], column_names=["photo", "again", *SOURCES]),
        python=program(
            pipeline,
            f"sources = {SOURCES}",
            f"for name in {SITTERS}:",
            '    pipe.set_image(f"photos/{name}.png")',
            '    pipe.swap().save(f"{name}-again")',
            "    for part, source in sources.items():",
            '        pipe.swap(**{part: f"photos/{source}.png"}).save(f"{name}-{part}")',
        ),
        command=f"{command(pipeline)} --photo photos/{SITTERS[0]}.png --hair photos/{SOURCES['hair']}.png --out hair",
    )


def _edits(out: Path, pipeline: PortraitPipeline) -> DemoPicture:
    names = ("ada", "dora", "gita", "emil")
    rows: Rows = []
    for name in names:
        label_map = pipeline.set_image(_photo(out, name))
        maps = {"as-it-is": label_map, **{edit: change(label_map) for edit, change in EDITS.items()}}
        row: list[Image.Image] = [Image.fromarray(read_photo(_photo(out, name)))]
        for edit, edited in maps.items():
            save_label_map(out / f"maps/{name}-{edit}.png", edited, SCHEMA)
            row += [Image.fromarray(SCHEMA.colorize(edited)), *pipeline.repaint(edited).images]
        rows.append([*row, *pipeline.swap(skin=_photo(out, "fay"), eyes=_photo(out, "fay")).images])
    headings = [heading for edit in ("as it is", *EDITS) for heading in ("", edit.replace("-", " "))]
    return DemoPicture(
        name="edits",
        title="Edit the map, keep the person",
        caption="The parser's map of each photo, three edits of it, and what is painted of them with the person's own "
        "looks. Glasses are skin to the label map, so they come with the skin and the eyes of someone who wears some.",
        image=contact_sheet(rows, tile=88, row_names=names, column_names=["photo", *headings, "glasses"]),
        python=program(
            pipeline,
            f"for name in {names}:",
            '    pipe.set_image(f"photos/{name}.png")',
            f"    for edit in {tuple(EDITS)}:",
            '        pipe.repaint(f"maps/{name}-{edit}.png").save(f"{name}-{edit}")',
            '    pipe.swap(skin="photos/fay.png", eyes="photos/fay.png").save(f"{name}-glasses")',
        ),
        command=f"{command(pipeline)} --photo photos/ada.png --target maps/ada-mouth-open.png --out mouth-open",
    )


def _walks(out: Path, pipeline: PortraitPipeline) -> DemoPicture:
    pipeline.set_image(_photo(out, "ada"))
    walks = {part: pipeline.interpolate(steps=STEPS, **{part: _photo(out, who)}) for part, who in SOURCES.items()}
    return DemoPicture(
        name="walks",
        title="Walk from one look to another",
        caption="From left to right the code of one part (in the last row those of all) moves on a straight line to "
        "that of another photo.",
        image=contact_sheet(
            [walk.images for walk in walks.values()],
            row_names=list(walks),
            column_names=[f"{step / (STEPS - 1):.2f}" for step in range(STEPS)],
        ),
        python=program(
            pipeline,
            'pipe.set_image("photos/ada.png")',
            f"for part, source in {SOURCES}.items():",
            f'    pipe.interpolate(steps={STEPS}, **{{part: f"photos/{{source}}.png"}}).save(f"walk-{{part}}")',
        ),
        command=f"{command(pipeline)} --photo photos/ada.png --hair photos/{SOURCES['hair']}.png --steps {STEPS} "
        "--out walk-hair",
    )


def _gallery(out: Path, pipeline: PortraitPipeline) -> DemoPicture:
    photos = [_photo(out, name) for name in PEOPLE]
    layouts = ("ada", "ben", "fay")
    files = " ".join(f"photos/{name}.png" for name in PEOPLE)  # not the folder, which has the uncut scene too
    rows: Rows = [[Image.new("RGB", (1, 1), "white"), *(Image.fromarray(read_photo(photo)) for photo in photos)]]
    for name in layouts:
        label_map = pipeline.set_image(_photo(out, name))
        rows.append([Image.fromarray(SCHEMA.colorize(label_map)), *pipeline.gallery(photos).images])
    return DemoPicture(
        name="gallery",
        title="One layout, many looks",
        caption="Each row has the map and the background of one photo, each column all looks of the photo above it.",
        image=contact_sheet(rows),
        python=program(
            pipeline,
            f'photos = [f"photos/{{name}}.png" for name in {tuple(PEOPLE)}]',
            f"for name in {layouts}:",
            '    pipe.set_image(f"photos/{name}.png")',
            '    pipe.gallery(photos).save(f"gallery-{name}")',
        ),
        command=f"{command(pipeline)} --photo photos/ada.png --gallery {files} --out gallery",
    )


def _faces(out: Path, pipeline: PortraitPipeline) -> DemoPicture:
    pairs = (("ben", "emil"), ("cleo", "ada"), ("hal", "ben"), ("gita", "cleo"))
    ways = {"face": {"with_hair": False}, "face and hair": {}, "and layout": {"with_map": True}}
    rows = []
    for name, source in pairs:
        pipeline.set_image(_photo(out, name))
        swaps = [pipeline.face_swap(_photo(out, source), **options) for options in ways.values()]
        photos = [Image.fromarray(read_photo(_photo(out, who))) for who in (name, source)]
        rows.append([*photos, *(swap.images[0] for swap in swaps)])
    return DemoPicture(
        name="faces",
        title="Swap faces",
        caption="The second photo's face in the first one: with the hair and the layout of the first, with the hair of "
        "the second, and with its layout too, so that only the background of the first is left.",
        image=contact_sheet(rows, tile=128, column_names=["photo", "source", *ways]),
        python=program(
            pipeline,
            f"for name, source in {pairs}:",
            '    pipe.set_image(f"photos/{name}.png")',
            f"    for way, options in {ways}.items():",
            '        pipe.face_swap(f"photos/{source}.png", **options).save(f"{name}-{way}")',
        ),
        command=f"{command(pipeline)} --photo photos/ben.png --face photos/emil.png --out face",
    )


def _scene(out: Path, pipeline: PortraitPipeline) -> DemoPicture:
    photo, landmarks = _uncut(Image.fromarray(read_photo(_photo(out, "ben"))), degrees=12.0)
    photo.save(out / "photos/scene.png")
    np.savetxt(out / "photos/scene.txt", landmarks, fmt="%.2f")
    pipeline.set_image(out / "photos/scene.png", landmarks=landmarks)
    assert pipeline.sitter is not None  # it has just been set
    pasted = [pipeline.paste_back(_swap(out, pipeline, part))[0] for part in ("hair", "skin", "face")]
    return DemoPicture(
        name="scene",
        title="Any photo",
        caption="A photo that is not cut out is aligned by landmarks, edited, and gets the edited face back at its own "
        "size: the photo, the aligned crop, other hair, other skin, another face.",
        image=contact_sheet([[photo, Image.fromarray(pipeline.sitter.photo), *pasted]], tile=176),
        python=program(
            pipeline,
            "import numpy",
            'pipe.set_image("photos/scene.png", landmarks=numpy.loadtxt("photos/scene.txt"))',
            'result = pipe.swap(hair="photos/cleo.png")',
            'pipe.paste_back(result)[0].save("scene-hair.png")',
        ),
        command=f"{command(pipeline)} --photo photos/ben.png --hair photos/cleo.png --paste-back --out pasted",
    )


def _uncut(photo: Image.Image, *, degrees: float) -> tuple[Image.Image, NDArray[np.float64]]:
    """A larger picture with the photo turned in it, and where its eyes and mouth are."""
    people = {person.name: person for person in ready("face")}
    points = people[PEOPLE["ben"]].landmarks
    assert points is not None  # faces have them
    size, (x, y) = photo.width, (SCENE * 0.55, SCENE * 0.5)
    radians = np.radians(degrees)
    turn = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]]) * 1.5
    back = np.linalg.inv(turn)
    offset = size / 2 - back @ (x, y)
    data = (*back[0], offset[0], *back[1], offset[1])
    edges = np.asarray(photo)[:, [0, -1]].mean((0, 1))
    canvas = photo.transform(
        (SCENE, SCENE), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC, fillcolor=tuple(edges.astype(int))
    )
    return canvas, (points + 0.5 - size / 2) @ turn.T + (x, y) - 0.5


def _swap(out: Path, pipeline: PortraitPipeline, part: str) -> GenerationResult:
    """The set photo with the part that the sheet of swaps has."""
    return pipeline.swap(None, schema=None, **{part: _photo(out, SOURCES[part])})


def _photo(out: Path, name: str) -> Path:
    return out / f"photos/{name}.png"
