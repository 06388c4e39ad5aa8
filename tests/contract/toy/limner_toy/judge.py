"""A judge of its own: which colour is a picture? It has learned nothing, so nothing has to be loaded."""

from pathlib import Path

from limner.metrics.judges import JudgeEntry

ENTRY = JudgeEntry(
    name="toy-colours",
    kind="facts",
    about="the colour of what is shown",
    license="CC0-1.0",
    size_bytes=0,
    sha256={},
    package="limner_toy",
    install="pip install limner-toy",
    data="nothing",
    limits="knows red, green and blue",
    network="limner_toy.judge:Colours",
)


class Colours:
    """Names the strongest of the three channels."""

    def __init__(self, files: list[Path]) -> None:
        pass

    def facts(self, images):  # type: ignore[no-untyped-def]
        """Images (b, 3, h, w) in [-1, 1] -> "red", "green" or "blue", one an image."""
        return [("red", "green", "blue")[int(image.mean((1, 2)).argmax())] for image in images]
