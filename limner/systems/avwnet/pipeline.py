"""Inference of AVWnet: photo + speech -> talking video, with both levels and their masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.pipelines import ExportTarget
from limner.systems.avwnet.networks import (
    Generator,
    Heard,
    Identity,
    Level,
    LevelDiscriminator,
    Memory,
    SequenceDiscriminator,
    louder,
)
from limner.talking_faces.pipeline import CHUNK, Gain, TalkingPipeline, Views


class Start(NamedTuple):
    """What is made of a photo once."""

    photo: Float[Tensor, "1 3 h w"]
    maps: Float[Tensor, "1 5 h w"]
    identity: Identity


class AVWnetPipeline(TalkingPipeline):
    """A photo says what is heard.

    Example:
        >>> pipe = limner.load("avwnet")
        >>> pipe("face.jpg", "speech.wav", show=["talk", "attention"]).save("talking")
    """

    name: ClassVar[str] = "avwnet"
    optional_networks: ClassVar[frozenset[str]] = frozenset(
        {"coarse_discriminator", "fine_discriminator", "sequence_discriminator"}
    )
    own_views: ClassVar[tuple[str, ...]] = ("talk", "coarse", "both", "attention")
    has_gain: ClassVar[bool] = True

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator, and what judges it in training."""
        return {
            "generator": Generator,
            "coarse_discriminator": LevelDiscriminator,
            "fine_discriminator": LevelDiscriminator,
            "sequence_discriminator": SequenceDiscriminator,
        }

    @property
    def generator(self) -> Generator:
        """The network that speaks."""
        network = self.components["generator"]
        assert isinstance(network, Generator)  # by `network_classes`
        return network

    def begin(self, photo: Float[Tensor, "1 3 h w"], maps: Float[Tensor, "1 5 h w"], points: Tensor) -> Start:
        """See `TalkingPipeline.begin`."""
        return Start(photo, maps, self.generator.identity(photo, maps))

    def mean_state(self, start: Start, parts: Iterator[Float[Tensor, "1 f 28 12"]]) -> Tensor:
        """See `TalkingPipeline.mean_state`."""
        total, number, memory = torch.zeros(1, device=self.device), 0, None
        for windows in parts:
            heard = self._heard(start, windows, memory)
            total, number, memory = total + heard.state.sum(dim=1), number + windows.shape[1], heard.memory
        return (total / number)[:, None]

    def go_on(
        self,
        start: Start,
        windows: Float[Tensor, "1 f 28 12"],
        memory: Memory | None,
        views: Sequence[str],
        gain: Gain | None,
    ) -> tuple[Views, Any]:
        """See `TalkingPipeline.go_on`."""
        heard = self._heard(start, windows, memory)
        state = heard.state if gain is None else louder(heard.state, gain.mean, gain.factor)
        frames = state.shape[1]
        if self._runs_onnx:  # one length for all parts of a clip, as each is exported by itself
            state = functional.pad(state, (0, 0, 0, CHUNK - frames))
        coarse, fine = (
            Level(*(part[:, :frames] for part in level))
            for level in self.joined("paint")(start.photo, start.maps, start.identity.maps, state)
        )
        return {view: _shown(view, coarse, fine) for view in views}, heard.memory

    def _heard(self, start: Start, windows: Float[Tensor, "1 f 28 12"], memory: Memory | None) -> Heard:
        codes = self.joined("speech")(windows.flatten(0, 1))
        return self.generator.listen(start.identity.code, windows, memory, codes)

    def joined_networks(self) -> dict[str, nn.Module]:
        """What is before and behind the recurrent part: `speech`, and `paint`, nearly all of the work."""
        return {"speech": self.generator.speech, "paint": _Paint(self.generator)}

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (photo, landmark_maps, windows -> coarse, fine), of clips of 16 frames that begin in silence."""
        return {
            "generator": ExportTarget(
                _Tensors(self.generator),
                ("photo", "landmark_maps", "windows"),
                ("coarse", "fine"),
                self._example,
            )
        }


class _Paint(nn.Module):
    """A generator's `paint`."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor, maps: Tensor, identity_maps: list[Tensor], state: Tensor) -> tuple[Level, Level]:
        """See `Generator.paint`."""
        return self.network.paint(photo, maps, identity_maps, state)


class _Tensors(nn.Module):
    """Frames as plain tensors."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor, landmark_maps: Tensor, windows: Tensor) -> tuple[Tensor, Tensor]:
        """(b, 3, h, w), (b, 5, h, w), (b, f, 28, 12) -> (b, f, 3, h / 2, w / 2), (b, f, 3, h, w)."""
        spoken = self.network(photo, landmark_maps, windows)
        return spoken.coarse.frame, spoken.fine.frame


def _shown(view: str, coarse: Level, fine: Level) -> Float[Tensor, "f 3 h w"]:
    """A view of the only clip of a batch."""
    if view == "talk":
        return fine.frame[0]
    if view == "coarse":
        return coarse.frame[0]
    size = fine.frame.shape[-1]
    enlarged = _enlarged(coarse.frame[0], size)
    if view == "both":
        return torch.cat([enlarged, fine.frame[0]], dim=3)
    columns = [enlarged, _heat(coarse, size), _enlarged(coarse.color[0], size)]
    columns += [fine.frame[0], _heat(fine, size), fine.color[0]]
    return torch.cat(columns, dim=3)


def _heat(level: Level, size: int) -> Float[Tensor, "f 3 h w"]:
    """A level's mask over its grey frame: red where it takes the painted colour, blue where it keeps the photo."""
    mask = _enlarged(level.mask[0], size).clamp(0, 1)
    grey = _enlarged(level.frame[0], size).mean(dim=1, keepdim=True)
    red = torch.tensor([1.0, -0.6, -1.0], device=mask.device)[:, None, None]
    blue = torch.tensor([-1.0, -0.6, 0.6], device=mask.device)[:, None, None]
    return 0.45 * grey + 0.55 * (mask * red + (1 - mask) * blue)


def _enlarged(image: Tensor, size: int) -> Tensor:
    if image.shape[-1] == size:
        return image
    return functional.interpolate(image.float(), size=size, mode="bilinear", align_corners=False)
