"""What the painter can do, shown on portraits of people who never lived: the ready-made ones of `limner.people`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from limner import hub
from limner.data.image_io import read_photo
from limner.demo import DemoPicture, command, contact_sheet
from limner.people.gallery import ready
from limner.systems.painter.drawing import OVERLAYS, Files
from limner.systems.painter.pipeline import PainterPipeline

WORDS = "Paints any picture with an exact number of brush strokes, the subject first; strokes can be drawn at any size."
BUDGETS = (50, 100, 200, 500)
MOMENTS = (5, 10, 20, 50, 100, 200)
"""Strokes after which the time lapse is shown."""
NUM_FACES = 3
SIZE = (384, 384)


def demo(out: Path, pipeline: PainterPipeline) -> list[DemoPicture]:
    """Three sheets; `out/painting` has one painting as PNG, strokes, SVG and time lapse, `out/faces` the pictures."""
    (out / "faces").mkdir(parents=True, exist_ok=True)
    faces = []
    for index, person in enumerate(ready("face")[:NUM_FACES]):
        faces.append(out / f"faces/{index}.png")
        Image.fromarray(person.image).save(faces[-1])
    return [_budgets(pipeline, faces), _order(pipeline, faces[0], out / "painting"), _attention(pipeline, faces)]


def _budgets(pipeline: PainterPipeline, faces: list[Path]) -> DemoPicture:
    results = [pipeline(face, BUDGETS, size=SIZE) for face in faces]
    rows = [[Image.fromarray(read_photo(face)), *result.images] for face, result in zip(faces, results, strict=True)]
    numbers = ",".join(map(str, BUDGETS))
    return DemoPicture(
        name="budgets",
        title="A portrait in so many strokes",
        caption="Left the picture, then paintings of it with the number of strokes above them. Every stroke is a curve "
        "of changing width and opacity with one colour; a larger number spends the rest on finer strokes, most where "
        "attention is.",
        image=contact_sheet(rows, tile=160, column_names=["picture", *map(str, BUDGETS)]),
        python=_python(
            pipeline,
            f"for k in range({len(faces)}):",
            f'    result = paint(f"faces/{{k}}.png", {BUDGETS}, size={SIZE})',
            '    result.save(f"budgets-{k}")',
        ),
        command=f"{command(pipeline)} --image faces/0.png --strokes {numbers} --size {_size()} --out budgets-0",
    )


def _order(pipeline: PainterPipeline, face: Path, folder: Path) -> DemoPicture:
    result = pipeline(face, MOMENTS[-1], size=SIZE)
    result.save(folder, files=Files(svg="discs", gif=True, attention=True, seconds=6.0))
    document = result.documents[0]
    moments = [document.replace(strokes=document.strokes[:number]).redraw() for number in MOMENTS]
    return DemoPicture(
        name="order",
        title="How it comes about",
        caption="One painting after its first strokes. In the folder painting beside this page it is there as PNG, as "
        "strokes (JSON), as SVG and as a time lapse (GIF).",
        image=contact_sheet([moments], tile=160, column_names=list(map(str, MOMENTS))),
        python=_python(
            pipeline,
            "from limner.systems.painter.drawing import Files",
            f'result = paint("faces/0.png", {MOMENTS[-1]}, size={SIZE})',
            'result.save("painting-again", files=Files(svg="discs", gif=True, attention=True, seconds=6.0))',
        ),
        command=f"{command(pipeline)} --image faces/0.png --strokes {MOMENTS[-1]} --size {_size()} --svg --gif "
        "--show-attention --duration 6 --out painting-again",
    )


def _attention(pipeline: PainterPipeline, faces: list[Path]) -> DemoPicture:
    results = [pipeline(face, MOMENTS[-1], size=SIZE) for face in faces]
    rows = [
        [Image.fromarray(read_photo(face)), *(result.overlay(key) for key in OVERLAYS), *result.images]
        for face, result in zip(faces, results, strict=True)
    ]
    return DemoPicture(
        name="attention",
        title="Where it looks",
        caption="The picture under its attention (where the subject is), its feature mask (what makes it "
        "recognisable) and the weights that both give to a pixel; right, the painting.",
        image=contact_sheet(rows, tile=160, column_names=["picture", *OVERLAYS, f"{MOMENTS[-1]} strokes"]),
        python=_python(
            pipeline,
            "from limner.systems.painter.drawing import Files",
            f"for k in range({len(faces)}):",
            f'    result = paint(f"faces/{{k}}.png", {MOMENTS[-1]}, size={SIZE})',
            '    result.save(f"attention-{k}", files=Files(attention=True))',
        ),
        command=f"{command(pipeline)} --image faces/0.png --strokes {MOMENTS[-1]} --size {_size()} --show-attention "
        "--out attention-0",
    )


def _size() -> str:
    return "x".join(map(str, SIZE))


def _python(pipeline: PainterPipeline, *lines: str) -> str:
    name = hub.short_name(pipeline.name, pipeline.weights_name)
    return "\n".join(["import limner", f'paint = limner.load("{name}")', *lines])
