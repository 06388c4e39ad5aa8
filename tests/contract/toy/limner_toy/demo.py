"""What the toy can do."""

from pathlib import Path

from limner.demo import DemoPicture
from limner_toy.pipeline import ToyPipeline


def demo(out: Path, pipeline: ToyPipeline) -> list[DemoPicture]:
    """The middle of a clip."""
    caption = "a red circle"
    return [
        DemoPicture(
            name="clip",
            title="A clip from a caption",
            caption=f"The middle of a clip of “{caption}”.",
            image=pipeline(caption).media[0].still(),
            python=f'import limner\nlimner.load("toy")({caption!r}).save("clip")',
            command=f"limner generate toy --caption '{caption}' --out clip",
        )
    ]
