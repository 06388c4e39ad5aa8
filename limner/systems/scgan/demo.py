"""What SCGAN can do, shown on the label maps of people who never lived: the ready-made ones of `limner.people`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.data.image_io import save_label_map
from limner.data.transforms import resize_label_map
from limner.demo import DemoPicture, contact_sheet
from limner.mask_to_image.demo import SCHEMA, color_map, command, copy_map, program
from limner.people.gallery import ReadyPerson, ready
from limner.systems.scgan.pipeline import SCGANPipeline

WORDS = "Paints a face from a label map and attributes: the map says where things are, a seed decides the rest."
NUM_FACES = 8
NUM_LATENTS = 8
NUM_STEPS = 10

CHANGES: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "hair: black\nto blond": ({"Black_Hair": 1, "Young": 1}, {"Black_Hair": 0, "Blond_Hair": 1}),
    "hair: black\nto brown": ({"Black_Hair": 1, "Young": 1}, {"Black_Hair": 0, "Brown_Hair": 1}),
    "female\nto male": ({"Brown_Hair": 1, "Young": 1}, {"Male": 1}),
    "young\nto old": ({"Brown_Hair": 1, "Young": 1}, {"Young": 0}),
}
"""Row -> attributes at the start and what changes."""
EDITS = ["before", "mouth open", "glasses", "long hair", "hat"]


def demo(out: Path, pipeline: SCGANPipeline) -> list[DemoPicture]:
    """Five sheets; the label maps that they are made from are written to `out/maps`."""
    (out / "maps").mkdir(parents=True, exist_ok=True)
    return [
        _faces(out, pipeline, ready("face")[:NUM_FACES]),
        _attributes(out, pipeline),
        _walks(out, pipeline),
        _edits(out, pipeline),
        _parses(out, pipeline),
    ]


def _faces(out: Path, pipeline: SCGANPipeline, people: tuple[ReadyPerson, ...]) -> DemoPicture:
    for index, person in enumerate(people):
        save_label_map(out / f"maps/face-{index}.png", person.label_map, SCHEMA)
    maps = [_small(person.label_map, pipeline) for person in people]
    attributes = [_known(person, pipeline) for person in people]
    result = pipeline(maps, attributes, num_images=NUM_LATENTS, schema=SCHEMA)
    rows = [
        [color_map(label_map), *result.images[index * NUM_LATENTS : (index + 1) * NUM_LATENTS]]
        for index, label_map in enumerate(maps)
    ]
    options = " ".join(f"--attribute {name}=1" for name in attributes[0])
    return DemoPicture(
        name="faces",
        title="One label map, many people",
        caption="Each row has one label map (left) and the attributes of its face; each column has one latent. The map "
        "decides where things are, the latent decides what nobody asked for.",
        image=contact_sheet(rows, column_names=["label map", *(f"seed {seed}" for seed in range(NUM_LATENTS))]),
        python=program(
            pipeline,
            f'maps = [f"maps/face-{{k}}.png" for k in range({NUM_FACES})]',
            "attributes = [",
            *(f"    {row}," for row in attributes),
            "]",
            f'result = pipe(maps, attributes, num_images={NUM_LATENTS}, schema="{SCHEMA.name}")',
            'result.save("faces")',
        ),
        command=f"{command(pipeline)} --label-map maps/face-0.png {options} --num-images {NUM_LATENTS} --out face-0",
    )


def _attributes(out: Path, pipeline: SCGANPipeline) -> DemoPicture:
    steps = 6
    walks = [
        pipeline.change_attributes(out / "maps/face-1.png", start, target, steps=steps, seed=3, schema=SCHEMA)
        for start, target in CHANGES.values()
    ]
    start, target = next(iter(CHANGES.values()))
    options = " ".join(
        f"--{option} {name}={value}"
        for option, values in (("attribute", start), ("change", target))
        for name, value in values.items()
    )
    return DemoPicture(
        name="attributes",
        title="Change an attribute, keep the rest",
        caption="One label map and one latent; from left to right the attributes of the row change in equal fractions.",
        image=contact_sheet(
            [walk.images for walk in walks],
            tile=128,
            row_names=list(CHANGES),
            column_names=[f"{step / (steps - 1):.1f}" for step in range(steps)],
        ),
        python=program(
            pipeline,
            "changes = [",
            *(f"    {change}," for change in CHANGES.values()),
            "]",
            "for row, (start, target) in enumerate(changes):",
            "    result = pipe.change_attributes(",
            f'        "maps/face-1.png", start, target, steps={steps}, seed=3, schema="{SCHEMA.name}"',
            "    )",
            '    result.save(f"change-{row}")',
        ),
        command=f"{command(pipeline)} --label-map maps/face-1.png {options} --steps {steps} --seed 3 --out change-0",
    )


def _walks(out: Path, pipeline: SCGANPipeline) -> DemoPicture:
    folder = out / "maps/walk"
    folder.mkdir(exist_ok=True)
    maps = [
        copy_map(f"turn-{step}", folder / f"{step}.png", image_size=pipeline.image_size) for step in range(NUM_STEPS)
    ]
    start = {"Black_Hair": 1.0, "Young": 1.0}
    target = {"Black_Hair": 0.0, "Blond_Hair": 1.0, "Male": 1.0}
    z = pipeline.interpolate(maps[0], start, what="z", steps=NUM_STEPS, schema=SCHEMA)
    c = pipeline.interpolate(maps[0], start, what="c", target=target, steps=NUM_STEPS, schema=SCHEMA)
    s = pipeline.interpolate(maps, start, what="s", schema=SCHEMA)
    together = pipeline.interpolate(maps, start, what="all", target=target, schema=SCHEMA)
    options = " ".join(f"--attribute {name}=1" for name in start)
    changes = " ".join(f"--change {name}={value:g}" for name, value in target.items())
    return DemoPicture(
        name="walks",
        title="Walk from one picture to another",
        caption="From top to bottom: the latent z alone, the attributes c alone (a woman with black hair to a man with "
        "blond hair), the label map s alone (its steps are in the last row), and all three at once.",
        image=contact_sheet(
            [z.images, c.images, s.images, together.images, [color_map(label_map) for label_map in maps]],
            row_names=["z", "c", "s", "all", "maps"],
        ),
        python=program(
            pipeline,
            f'maps = [f"maps/walk/{{k}}.png" for k in range({NUM_STEPS})]',
            f"start, target = {start}, {target}",
            f'options = {{"steps": {NUM_STEPS}, "schema": "{SCHEMA.name}"}}',
            'pipe.interpolate(maps[0], start, what="z", **options).save("walk-z")',
            'pipe.interpolate(maps[0], start, what="c", target=target, **options).save("walk-c")',
            'pipe.interpolate(maps, start, what="s", **options).save("walk-s")',
            'pipe.interpolate(maps, start, what="all", target=target, **options).save("walk-all")',
        ),
        command=f"{command(pipeline)} --label-map maps/walk --interpolate all {options} {changes} --out walk-all",
    )


def _edits(out: Path, pipeline: SCGANPipeline) -> DemoPicture:
    files = {name: out / f"maps/edit-{name.replace(' ', '-')}.png" for name in EDITS}
    maps = {name: copy_map(path.stem, path, image_size=pipeline.image_size) for name, path in files.items()}
    attributes = {"Brown_Hair": 1.0, "Young": 1.0}
    columns = NUM_LATENTS - 1
    before = pipeline(maps["before"], attributes, num_images=columns, schema=SCHEMA)
    rows = [[color_map(maps["before"]), *before.images]]
    for name in EDITS[1:]:
        rows.append([color_map(maps[name]), *pipeline.rerender(maps[name], like=before, schema=SCHEMA).images])
    options = " ".join(f"--attribute {name}=1" for name in attributes)
    return DemoPicture(
        name="edits",
        title="Edit the map, keep the person",
        caption="The first row is drawn from one map; below, the edited map (left) is drawn again with the same "
        "latents and attributes.",
        image=contact_sheet(
            rows,
            row_names=EDITS,
            column_names=["label map", *(f"seed {seed}" for seed in range(columns))],
        ),
        python=program(
            pipeline,
            f"attributes = {attributes}",
            f'before = pipe("maps/edit-before.png", attributes, num_images={columns}, schema="{SCHEMA.name}")',
            'before.save("before")',
            f"for name in {[path.stem for path in list(files.values())[1:]]}:",
            f'    pipe.rerender(f"maps/{{name}}.png", like=before, schema="{SCHEMA.name}").save(name)',
        ),
        command=f"{command(pipeline)} --label-map maps/edit-before.png {options} --num-images {columns} --out before\n"
        f"{command(pipeline)} --label-map maps/edit-hat.png --like before/result.json --out edit-hat",
    )


def _parses(out: Path, pipeline: SCGANPipeline) -> DemoPicture:
    faces = pipeline(
        [out / f"maps/face-{index}.png" for index in range(NUM_FACES)], {"Young": 1}, seed=1, schema=SCHEMA
    )
    asked = list(faces.plan.conditions["label_map"])
    seen = [pipeline.segment(image) for image in faces.images]
    agreement = [float((a == b).mean()) for a, b in zip(asked, seen, strict=True)]
    colorize = pipeline.spec.schema.colorize
    rows = [
        faces.images,
        [Image.fromarray(colorize(label_map)) for label_map in seen],
        [Image.fromarray(colorize(label_map)) for label_map in asked],
    ]
    return DemoPicture(
        name="parses",
        title="Was the map followed?",
        caption="The segmentor that was trained beside the generator labels the generated pictures (middle row); the "
        f"last row is what was asked for. Above: pixels where both agree, {np.mean(agreement):.1%} on average. It "
        "helped to train the generator, so it is a partial judge; limner evaluate also asks an independent one.",
        image=contact_sheet(
            rows,
            row_names=["picture", "seen", "asked"],
            column_names=[f"{value:.0%}" for value in agreement],
        ),
        python=program(
            pipeline,
            "from PIL import Image",
            f'maps = [f"maps/face-{{k}}.png" for k in range({NUM_FACES})]',
            f'faces = pipe(maps, {{"Young": 1}}, seed=1, schema="{SCHEMA.name}")',
            'faces.save("parsed")',
            "for k, image in enumerate(faces.images):",
            "    seen = pipe.spec.schema.colorize(pipe.segment(image))",
            '    Image.fromarray(seen).save(f"parsed/seen-{k}.png")',
        ),
        command=f"{command(pipeline)} --label-map maps/face-0.png --attribute Young=1 --seed 1 --out parsed-0\n"
        f"{command(pipeline, schema=False)} --segment parsed-0/seed-000001.png --out seen-0",
    )


def _small(label_map: NDArray[np.uint8], pipeline: SCGANPipeline) -> NDArray[np.uint8]:
    return resize_label_map(label_map, pipeline.image_size)


def _known(person: ReadyPerson, pipeline: SCGANPipeline) -> dict[str, float]:
    """The attributes that hold and that the weights know."""
    return {name: 1.0 for name in person.attributes if name in pipeline.spec.attribute_names}
