"""What the toy can do."""

from pathlib import Path

from limner.demo import DemoPicture
from limner_toy.pipeline import ToyPipeline


def demo(out: Path, pipeline: ToyPipeline) -> list[DemoPicture]:
    """The middle of a clip."""
    python = 'import limner\nlimner.load("toy")("a red circle").save("clip")'
    command = "limner generate toy --caption 'a red circle' --out clip"
    middle = pipeline("a red circle").media[0].still()
    return [DemoPicture("clip", "A clip from a caption", "The middle of a clip.", middle, python, command)]
