"""Inference of ATVGnet: photo + speech -> landmarks -> talking video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.data.audio import NUM_COEFFICIENTS, WINDOW_ROWS
from limner.pipelines import ExportTarget
from limner.systems.atvgnet.networks import (
    NUM_DIRECTIONS,
    Discriminator,
    FrameNetwork,
    LandmarkBasis,
    LandmarkNetwork,
    shape_numbers,
)
from limner.talking_faces.pipeline import CHUNK, Gain, TalkingPipeline, Views


class Start(NamedTuple):
    """A photo and its landmarks in ATVGnet's numbers."""

    photo: Float[Tensor, "1 3 h w"]
    own: Float[Tensor, "1 136"]


class ATVGnetPipeline(TalkingPipeline):
    """A photo says what is heard: landmarks first, frames from them.

    Example:
        >>> pipe = limner.load("atvgnet")
        >>> pipe("face.jpg", "speech.wav").save("talking")
    """

    name: ClassVar[str] = "atvgnet"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"discriminator"})
    torch_networks: ClassVar[frozenset[str]] = frozenset({"basis", "landmark_network"})  # recurrent, and little work

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Both generators, what landmarks are described in, and what judges frames in training."""
        return {
            "frame_network": FrameNetwork,
            "landmark_network": LandmarkNetwork,
            "basis": LandmarkBasis,
            "discriminator": Discriminator,
        }

    def begin(self, photo: Float[Tensor, "1 3 h w"], maps: Float[Tensor, "1 5 h w"], points: Tensor) -> Start:
        """See `TalkingPipeline.begin`."""
        return Start(photo, shape_numbers(points, 1))

    def go_on(
        self,
        start: Start,
        windows: Float[Tensor, "1 f 28 12"],
        memory: Any,
        views: Sequence[str],
        gain: Gain | None,
    ) -> tuple[Views, Any]:
        """See `TalkingPipeline.go_on`."""
        basis = self.components["basis"]
        assert isinstance(basis, LandmarkBasis)  # by `network_classes`
        spoken, hidden = (None, None) if memory is None else memory
        numbers, spoken = self.components["landmark_network"](basis(start.own), windows, spoken)
        painted = self.components["frame_network"](start.photo, start.own, basis.shapes(numbers.float()), hidden)
        return dict.fromkeys(views, painted.frame[0]), (spoken, painted.hidden)

    def export_targets(self) -> dict[str, ExportTarget]:
        """`landmark_network` (person, windows -> landmarks in six numbers), of clips of 16 frames."""

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            person = torch.randn(batch, NUM_DIRECTIONS, generator=random)
            windows = torch.randn(batch, CHUNK, WINDOW_ROWS, NUM_COEFFICIENTS, generator=random)
            return person.to(self.device), windows.to(self.device)

        network = _Landmarks(self.components["landmark_network"])
        return {"landmark_network": ExportTarget(network, ("person", "windows"), ("landmarks",), example)}


class _Landmarks(nn.Module):
    """The landmarks alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, person: Tensor, windows: Tensor) -> Tensor:
        """(b, 6), (b, f, 28, 12) -> (b, f, 6)."""
        landmarks: Tensor = self.network(person, windows)[0]
        return landmarks
