"""The networks of ATVGnet: speech to landmarks, landmarks to frames, and what judges both.

Chen, Maddox, Duan, Xu: "Hierarchical Cross-Modal Talking Face Generation with Dynamic Pixel-Wise Loss", CVPR 2019,
arXiv:1905.03820, whose code is MIT-licensed (facts only; sizes are those of that code to the unit).

Landmarks are 68 points (136 numbers) in six directions of their variation. The published network for frames has 1,920
biases before batch norms, where they have no effect; where they lie is inferred. The published discriminator has a
decoder of landmarks that is never used (594,568 parameters); it is left out.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.errors import ShapeError
from limner.nn.configured import Configured
from limner.nn.pose_transfer import SeededDropout
from limner.nn.talking_faces import ConvNormRelu, SpeechEncoder, init_normal

NUM_DIRECTIONS = 6
"""Directions of variation that landmarks are described in."""
NUM_NUMBERS = 136
BOTTOM = 8  # pixels of the smallest map
Memory = tuple[Tensor, Tensor]


class LandmarkNetwork(Configured):
    """AT-net: the landmarks of a photo and speech -> the landmarks of each frame, in six numbers.

    Args:
        width: channels of the speech encoder's first layers (64).
    """

    def __init__(self, *, width: int = 64) -> None:
        super().__init__()
        code = 4 * width
        self.speech = SpeechEncoder(width=width)
        self.person = nn.Sequential(nn.Linear(NUM_DIRECTIONS, code), nn.ReLU(), nn.Linear(code, 2 * code), nn.ReLU())
        self.memory = nn.LSTM(3 * code, code, num_layers=3, batch_first=True)
        self.to_landmarks = nn.Linear(code, NUM_DIRECTIONS)
        self.apply(init_normal)

    def forward(
        self,
        person: Float[Tensor, "b 6"],
        windows: Float[Tensor, "b f 28 12"],
        memory: Memory | None = None,
    ) -> tuple[Float[Tensor, "b f 6"], Memory]:
        """The photo's landmarks and windows of speech -> landmarks of the frames, and where the clip goes on."""
        speech = self.speech(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])
        known = self.person(person)[:, None].expand(-1, windows.shape[1], -1)
        states, memory = self.memory(torch.cat([known, speech], dim=2), memory)
        return self.to_landmarks(states), memory


class Painted(NamedTuple):
    """What one forward pass gives."""

    frame: Float[Tensor, "b f 3 h w"]
    mask: Float[Tensor, "b f 1 h w"]
    color: Float[Tensor, "b f 3 h w"]
    hidden: Float[Tensor, "b c h2 w2"]
    """Of the recurrent part, from which the clip goes on."""


class FrameNetwork(Configured):
    """VG-net: a photo, its landmarks and those of each frame -> the frames.

    Args:
        image_size: height and width in pixels: 64 or 128.
        width: channels of the first layers (64).
        num_blocks: residual blocks (9).
        dropout: share of the numbers that are left out in training (0.5).

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(self, *, image_size: int = 128, width: int = 64, num_blocks: int = 9, dropout: float = 0.5) -> None:
        super().__init__()
        if image_size not in (64, 128):
            raise ShapeError(f"ATVGnet's image_size is {image_size}; it must be 64 or 128.")
        deep, stride = 8 * width, 1 if image_size == 64 else 2  # a quarter of 128 or half of 64: 32 pixels
        self.early = nn.Sequential(
            nn.ReflectionPad2d(3),
            ConvNormRelu(3, width, 7, padding=0),
            ConvNormRelu(width, width, stride=stride),
            ConvNormRelu(width, 2 * width, stride=2),
        )
        self.late = nn.Sequential(_biased(2 * width, 4 * width, stride=2), _biased(4 * width, deep, stride=2))
        self.landmarks = nn.Sequential(nn.Linear(NUM_NUMBERS, BOTTOM**2), nn.ReLU())
        self.landmark_maps = nn.Sequential(_biased(1, 4 * width), _biased(4 * width, deep))
        self.bottleneck = ConvNormRelu(2 * deep, 2 * width)
        self.follow = _ConvGRU(2 * width, deep)
        self.blocks = nn.Sequential(*[_DroppingBlock(deep, dropout) for _ in range(num_blocks)])
        self.up = nn.Sequential(_Up(deep, 4 * width, is_biased=True), _Up(4 * width, 2 * width, is_biased=True))
        self.attend = nn.Sequential(
            _Up(deep, 4 * width), _Up(4 * width, 2 * width), nn.Conv2d(2 * width, 1, 3, padding=1), nn.Sigmoid()
        )
        scale = image_size // 64
        self.last = nn.Sequential(_Up(2 * width, width), _Up(width, width // 2, factor=scale))
        self.color = nn.Conv2d(width // 2, 3, 7, padding=3)
        self.mask = nn.Conv2d(width // 2, 1, 7, padding=3)
        self.apply(init_normal)

    def forward(
        self,
        photo: Float[Tensor, "b 3 h w"],
        photo_landmarks: Float[Tensor, "b 136"],
        landmarks: Float[Tensor, "b f 136"],
        hidden: Float[Tensor, "b c h2 w2"] | None = None,
    ) -> Painted:
        """Paint.

        Args:
            photo: in [-1, 1].
            photo_landmarks: of the photo.
            landmarks: of the frames.
            hidden: of the part of the clip before; none: the clip begins.
        """
        early = self.early(photo)
        late = self.late(early)
        own = self._maps(photo_landmarks)
        if hidden is None:
            hidden = torch.zeros_like(late)
        frames = []
        for moment in landmarks.unbind(dim=1):
            moved = self._maps(moment) - own
            hidden = self.follow(self.bottleneck(torch.cat([late, moved], dim=1)), hidden)
            attention = self.attend(moved)
            x = attention * self.up(self.blocks(hidden)) + (1 - attention) * early
            x = self.last(x)
            color, mask = torch.tanh(self.color(x)), torch.sigmoid(self.mask(x))
            frames.append((mask * color + (1 - mask) * photo, mask, color))
        frame, mask, color = (torch.stack(parts, dim=1) for parts in zip(*frames, strict=True))
        return Painted(frame, mask, color, hidden)

    def _maps(self, landmarks: Float[Tensor, "b 136"]) -> Tensor:
        return self.landmark_maps(self.landmarks(landmarks).unflatten(1, (1, BOTTOM, BOTTOM)))


class Discriminator(Configured):
    """A whole clip: is it real, and where are its landmarks?

    Args:
        image_size: height and width of the frames in pixels (128).
        width: channels of the first layer (64).
    """

    def __init__(self, *, image_size: int = 128, width: int = 64) -> None:
        super().__init__()
        code = 4 * width
        first = nn.Conv2d(3, width, 3, stride=2, padding=1)
        layers: list[nn.Module] = [first, nn.LeakyReLU(0.2)]
        for i, o in ((1, 2), (2, 4), (4, 8)):
            conv = nn.Conv2d(i * width, o * width, 3, stride=2, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(o * width), nn.LeakyReLU(0.2)]
        area = (image_size // 16) ** 2
        self.frames = nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * width * area, 2 * code), nn.LeakyReLU(0.2))
        self.person = nn.Sequential(nn.Linear(NUM_NUMBERS, code), nn.ReLU(), nn.Linear(code, 2 * code), nn.ReLU())
        self.follow = nn.LSTM(4 * code, code, num_layers=3, batch_first=True)
        self.judge = nn.Linear(code, 1)
        self.to_landmarks = nn.Linear(code, NUM_NUMBERS)
        self.apply(init_normal)

    def forward(
        self, frames: Float[Tensor, "b f 3 h w"], photo_landmarks: Float[Tensor, "b 136"]
    ) -> tuple[Float[Tensor, " b"], Float[Tensor, "b f 136"]]:
        """Frames in [-1, 1] and the photo's landmarks -> one logit a clip, and landmarks of its frames."""
        codes = self.frames(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        known = self.person(photo_landmarks)[:, None].expand(-1, frames.shape[1], -1)
        states, _ = self.follow(torch.cat([codes, known], dim=2))
        return self.judge(states).mean(dim=(1, 2)), self.to_landmarks(states) + photo_landmarks[:, None]


class _Up(nn.Sequential):
    """Larger by a factor, convolution, batch norm, ReLU."""

    def __init__(self, i: int, o: int, *, factor: int = 2, is_biased: bool = False) -> None:
        larger: list[nn.Module] = [nn.Upsample(scale_factor=factor, mode="nearest")] if factor > 1 else []
        conv = nn.Conv2d(i, o, 3, padding=1, bias=is_biased)
        super().__init__(*larger, conv, nn.BatchNorm2d(o), nn.ReLU())


class _DroppingBlock(nn.Module):
    """x + [conv3 - BN - ReLU - dropout - conv3 - BN]."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        first, last = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.body = nn.Sequential(
            first, nn.BatchNorm2d(channels), nn.ReLU(), SeededDropout(dropout), last, nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class _ConvGRU(nn.Module):
    """A gated recurrent unit of convolutions with a dilation of 2."""

    def __init__(self, i: int, hidden: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(i + hidden, 2 * hidden, 3, padding=2, dilation=2)
        self.candidate = nn.Conv2d(i + hidden, hidden, 3, padding=2, dilation=2)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        reset, update = torch.sigmoid(self.gates(torch.cat([x, hidden], dim=1))).chunk(2, dim=1)
        candidate = torch.tanh(self.candidate(torch.cat([x, reset * hidden], dim=1)))
        return torch.lerp(hidden, candidate, update)


def _biased(i: int, o: int, *, stride: int = 1) -> nn.Sequential:
    """A convolution with bias, batch norm, ReLU."""
    return nn.Sequential(nn.Conv2d(i, o, 3, stride=stride, padding=1), nn.BatchNorm2d(o), nn.ReLU())


class LandmarkBasis(Configured):
    """Sums over training landmarks, from which their mean and the directions of their variation follow."""

    number: Tensor
    total: Tensor
    products: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("number", torch.zeros(()))
        self.register_buffer("total", torch.zeros(NUM_NUMBERS))
        self.register_buffer("products", torch.zeros(NUM_NUMBERS, NUM_NUMBERS))

    def add(self, shapes: Float[Tensor, "n 136"]) -> None:
        """Count more landmarks."""
        self.number += len(shapes)
        self.total += shapes.sum(dim=0)
        self.products += shapes.T @ shapes

    def directions(self) -> tuple[Float[Tensor, " 136"], Float[Tensor, "6 136"]]:
        """The mean, and the six orthonormal directions in which landmarks vary most, the largest first."""
        number = self.number.double().clamp(min=1)
        mean = self.total.double() / number
        _, vectors = torch.linalg.eigh(self.products.double() / number - mean[:, None] * mean)
        return mean.float(), vectors.flip(1).T[:NUM_DIRECTIONS].contiguous().float()

    def forward(self, shapes: Float[Tensor, "*b 136"]) -> Float[Tensor, "*b 6"]:
        """Landmarks in these directions."""
        mean, directions = self.directions()
        return (shapes - mean) @ directions.T

    def shapes(self, numbers: Float[Tensor, "*b 6"]) -> Float[Tensor, "*b 136"]:
        """The reverse of `forward`, but for what lies in no direction."""
        mean, directions = self.directions()
        return mean + numbers @ directions


def shape_numbers(landmarks: Float[Tensor, "*b 68 2"], size: int) -> Float[Tensor, "*b 136"]:
    """Landmarks in pixels as ATVGnet's numbers: moved to their middle, in shares of the side, five times as large."""
    shares = landmarks / size
    return (5 * (shares - shares.mean(dim=-2, keepdim=True))).flatten(-2)
