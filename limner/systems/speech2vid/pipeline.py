"""Inference of Speech2Vid: photo + speech -> talking video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from limner.pipelines import ExportTarget
from limner.systems.speech2vid.networks import Generator, Sharpener
from limner.talking_faces.pipeline import Gain, TalkingPipeline, Views


class Speech2VidPipeline(TalkingPipeline):
    """A photo says what is heard, frame by frame.

    Example:
        >>> pipe = limner.load("speech2vid")
        >>> pipe("face.jpg", "speech.wav").save("talking")
    """

    name: ClassVar[str] = "speech2vid"
    own_views: ClassVar[tuple[str, ...]] = ("talk", "coarse")

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator, and what sharpens its frames."""
        return {"generator": Generator, "sharpener": Sharpener}

    def begin(self, photo: Float[Tensor, "1 3 h w"], maps: Float[Tensor, "1 5 h w"], points: Tensor) -> Any:
        """See `TalkingPipeline.begin`."""
        return self._generator.encode(photo)

    def go_on(
        self, start: Any, windows: Float[Tensor, "1 f 28 12"], memory: Any, views: Sequence[str], gain: Gain | None
    ) -> tuple[Views, Any]:
        """See `TalkingPipeline.go_on`; the coarse frames are those before they are sharpened."""
        maps, code = start
        frames = self._generator.decode(maps, code, windows)[0]
        shown = {"coarse": frames}
        if "talk" in views:
            shown["talk"] = self.components["sharpener"](frames)
        return {view: shown[view] for view in views}, None

    @property
    def _generator(self) -> Generator:
        network = self.components["generator"]
        assert isinstance(network, Generator)  # by `network_classes`
        return network

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (photo, windows -> frames), of clips of 16 frames, not sharpened."""

        def example(batch: int) -> tuple[Tensor, ...]:
            photo, _, windows = self._example(batch)
            return photo, windows

        return {"generator": ExportTarget(self._generator, ("photo", "windows"), ("frames",), example)}
