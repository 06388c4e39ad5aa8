"""What maskface can do, shown on the label maps and pictures of people who never lived: those of `limner.people`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from limner.data.image_io import read_label_map, read_photo, save_label_map
from limner.data.transforms import resize_label_map
from limner.demo import DemoPicture, contact_sheet
from limner.mask_to_image.demo import SCHEMA, color_map, command, copy_map, program
from limner.people.gallery import ready
from limner.systems.maskface.pipeline import MaskFacePipeline

WORDS = "Paints many faces for one label map: each seed, or each photo, gives the same layout another look."
NUM_FACES = 8
NUM_STYLES = 8
NUM_STEPS = 10
EDITS = ["before", "mouth open", "glasses", "long hair", "hat"]


def demo(out: Path, pipeline: MaskFacePipeline) -> list[DemoPicture]:
    """Five sheets; their label maps are written to `out/maps`, the photos (rendered ones) to `out/photos`."""
    for folder in ("maps/walk", "photos"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for index, person in enumerate(ready("face")[:NUM_FACES]):
        save_label_map(out / f"maps/face-{index}.png", person.label_map, SCHEMA)
        Image.fromarray(person.image).save(out / f"photos/{index}.png")
    return [
        _faces(out, pipeline),
        _photos(out, pipeline),
        _edits(out, pipeline),
        _walks(out, pipeline),
        _inversions(out, pipeline),
    ]


def _faces(out: Path, pipeline: MaskFacePipeline) -> DemoPicture:
    result = pipeline.stylize(_maps(out), list(range(NUM_STYLES)), schema=SCHEMA)
    return DemoPicture(
        name="faces",
        title="One label map, many faces",
        caption="Each row has one label map (left), each column one style, drawn by its seed. The map decides where "
        "things are, the style how they look: down a column the look stays.",
        image=contact_sheet(
            _grid(out, pipeline, result.images, columns=NUM_STYLES),
            column_names=["label map", *(f"seed {seed}" for seed in range(NUM_STYLES))],
        ),
        python=program(
            pipeline,
            f'maps = [f"maps/face-{{k}}.png" for k in range({NUM_FACES})]',
            f'pipe.stylize(maps, list(range({NUM_STYLES})), schema="{SCHEMA.name}").save("faces")',
        ),
        command=f"{command(pipeline)} --label-map maps/face-0.png --num-images {NUM_STYLES} --out face-0",
    )


def _photos(out: Path, pipeline: MaskFacePipeline) -> DemoPicture:
    photos = _photo_files(out)
    result = pipeline.stylize(_maps(out), list(photos), schema=SCHEMA)
    blank = Image.new("RGB", (1, 1), "white")
    return DemoPicture(
        name="photos",
        title="The look of a photo, the layout of a map",
        caption="The style decoder reads a style from each picture of the first row; below, every label map (left) "
        "is painted in it. On the diagonal map and picture are of the same person.",
        image=contact_sheet(
            [
                [blank, *(Image.fromarray(read_photo(photo)) for photo in photos)],
                *_grid(out, pipeline, result.images, columns=len(photos)),
            ]
        ),
        python=program(
            pipeline,
            f'maps = [f"maps/face-{{k}}.png" for k in range({NUM_FACES})]',
            f'photos = [f"photos/{{k}}.png" for k in range({NUM_FACES})]',
            f'pipe.stylize(maps, photos, schema="{SCHEMA.name}").save("photos-grid")',
        ),
        command=f"{command(pipeline)} --label-map maps/face-0.png --photo photos --out styled-0",
    )


def _edits(out: Path, pipeline: MaskFacePipeline) -> DemoPicture:
    files = {name: out / f"maps/edit-{name.replace(' ', '-')}.png" for name in EDITS}
    maps = {name: copy_map(path.stem, path, image_size=pipeline.image_size) for name, path in files.items()}
    before = pipeline.sample(maps["before"], num_images=NUM_STYLES, schema=SCHEMA)
    rows = [[color_map(maps["before"]), *before.images]]
    for name in EDITS[1:]:
        rows.append([color_map(maps[name]), *pipeline.rerender(maps[name], like=before, schema=SCHEMA).images])
    return DemoPicture(
        name="edits",
        title="Repaint the map, keep the look",
        caption="The first row is drawn from one map; below, the repainted map (left) is drawn again in the same "
        "styles.",
        image=contact_sheet(
            rows, row_names=EDITS, column_names=["label map", *(f"seed {seed}" for seed in range(NUM_STYLES))]
        ),
        python=program(
            pipeline,
            f'before = pipe.sample("maps/edit-before.png", num_images={NUM_STYLES}, schema="{SCHEMA.name}")',
            'before.save("before")',
            f"for name in {[path.stem for path in list(files.values())[1:]]}:",
            f'    pipe.rerender(f"maps/{{name}}.png", like=before, schema="{SCHEMA.name}").save(name)',
        ),
        command=f"{command(pipeline)} --label-map maps/edit-before.png --num-images {NUM_STYLES} --out before\n"
        f"{command(pipeline)} --label-map maps/edit-hat.png --like before/result.json --out edit-hat",
    )


def _walks(out: Path, pipeline: MaskFacePipeline) -> DemoPicture:
    maps = [
        copy_map(f"turn-{step}", out / f"maps/walk/{step}.png", image_size=pipeline.image_size)
        for step in range(NUM_STEPS)
    ]
    photo = out / "photos/0.png"
    styles = pipeline.interpolate(maps[0], 0, 1, steps=NUM_STEPS, schema=SCHEMA)
    to_photo = pipeline.interpolate(maps[0], 0, photo, steps=NUM_STEPS, schema=SCHEMA)
    turn = pipeline.interpolate(maps, 0, schema=SCHEMA)
    together = pipeline.interpolate(maps, 0, 1, schema=SCHEMA)
    return DemoPicture(
        name="walks",
        title="Walk from one face to another",
        caption="From top to bottom: from the style of seed 0 to that of seed 1; from seed 0 to the style of a photo; "
        "the style of seed 0 while the head turns (the maps are in the last row); both at once.",
        image=contact_sheet(
            [styles.images, to_photo.images, turn.images, together.images, [color_map(one) for one in maps]],
            row_names=["style", "to photo", "map", "both", "maps"],
        ),
        python=program(
            pipeline,
            f'maps = [f"maps/walk/{{k}}.png" for k in range({NUM_STEPS})]',
            f'options = {{"steps": {NUM_STEPS}, "schema": "{SCHEMA.name}"}}',
            'pipe.interpolate(maps[0], 0, 1, **options).save("walk-style")',
            'pipe.interpolate(maps[0], 0, "photos/0.png", **options).save("walk-photo")',
            'pipe.interpolate(maps, 0, **options).save("walk-map")',
            'pipe.interpolate(maps, 0, 1, **options).save("walk-both")',
        ),
        command=f"{command(pipeline)} --label-map maps/walk --interpolate --to-seed 1 --out walk-both",
    )


def _inversions(out: Path, pipeline: MaskFacePipeline) -> DemoPicture:
    photos = _photo_files(out)
    again = [
        pipeline.invert(photo, label_map, schema=SCHEMA).images[0]
        for photo, label_map in zip(photos, _maps(out), strict=True)
    ]
    return DemoPicture(
        name="inversions",
        title="What a style code keeps",
        caption="Above, pictures; below, each painted again from its own label map and the "
        f"{pipeline.style_size} numbers of its own style: colours and light stay, the person does not.",
        image=contact_sheet(
            [[Image.fromarray(read_photo(photo)) for photo in photos], again], row_names=["picture", "again"]
        ),
        python=program(
            pipeline,
            f"for k in range({NUM_FACES}):",
            f'    again = pipe.invert(f"photos/{{k}}.png", f"maps/face-{{k}}.png", schema="{SCHEMA.name}")',
            '    again.save(f"again-{k}")',
        ),
        command=f"{command(pipeline)} --label-map maps/face-0.png --photo photos/0.png --out again-0",
    )


def _maps(out: Path) -> list[Path]:
    return [out / f"maps/face-{index}.png" for index in range(NUM_FACES)]


def _photo_files(out: Path) -> list[Path]:
    return [out / f"photos/{index}.png" for index in range(NUM_FACES)]


def _grid(out: Path, pipeline: MaskFacePipeline, images: list[Image.Image], *, columns: int) -> list[list[Image.Image]]:
    """A row for each of the faces' maps: the map as the network sees it, then its pictures."""
    small = [resize_label_map(read_label_map(file, SCHEMA), pipeline.image_size) for file in _maps(out)]
    return [[color_map(label_map), *images[row * columns : (row + 1) * columns]] for row, label_map in enumerate(small)]
