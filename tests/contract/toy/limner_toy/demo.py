"""What the toy can do."""

from pathlib import Path

from limner.demo import DemoPicture
from limner_toy.pipeline import ToyPipeline


def demo(out: Path, pipeline: ToyPipeline) -> list[DemoPicture]:
    """One clip and its last frame; the clip is written to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    assert pipeline.spec.vocabulary is not None  # of weights that learned from captions
    caption = " ".join(pipeline.spec.vocabulary.words[1:4])
    result = pipeline(caption)
    return [
        DemoPicture(
            name="clip",
            title="A clip from a caption",
            caption=f"The middle of a clip of “{caption}”.",
            image=result.images[0] if result.images else result.media[0].still(),
            python=f'import limner\nlimner.load("toy")({caption!r}).save("clip")',
            command=f"limner generate toy --caption '{caption}' --out clip",
        )
    ]
