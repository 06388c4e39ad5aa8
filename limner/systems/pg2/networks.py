"""The networks of PG2: G1 paints the pose roughly, G2 adds what is missing, D compares with photos.

Ma, Jia, Sun, Schiele, Tuytelaars, Van Gool: "Pose Guided Person Image Generation", NIPS 2017, arXiv:1705.09368; sizes
of the layers follow facts of the authors' code, which is MIT-licensed (facts only).

Differences: the width and the number of levels are parameters; maps whose sides are odd are enlarged to the size of the
encoder's; joints are drawn by `discs`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured
from limner.nn.pose_transfer import NUM_JOINTS

CODE = 64
"""Numbers of G1's bottleneck."""
RADIUS = 4 / 256
"""Of a joint's disc, as a share of the height (authors' data tool)."""


def num_levels(height: int) -> int:
    """Levels of G1 for pictures of that height: 6 at 256, 5 at 128; the smallest map has 8 rows."""
    return int(math.log2(height)) - 2


class Coarse(Configured):
    """G1: photo and pose -> a blurred picture of the person in that pose (Sec. 3.2).

    Args:
        image_size: height and width; the code's layers fit this size alone.
        width: channels of the first level (128).
        levels: of encoder and decoder (6 at 256).
    """

    def __init__(self, *, image_size: Sequence[int], width: int = 128, levels: int = 6) -> None:
        super().__init__()
        self.bottom = _bottom((image_size[0], image_size[1]), levels)
        self.width = width
        self.first = nn.Conv2d(3 + NUM_JOINTS, width, 3, padding=1)
        widths = [width * level for level in range(1, levels + 1)]
        self.encoders = nn.ModuleList(_Residual(wide) for wide in widths)
        self.downs = nn.ModuleList(nn.Conv2d(wide, wide + width, 3, stride=2, padding=1) for wide in widths[:-1])
        cells = math.prod(self.bottom)
        self.to_code = nn.Linear(widths[-1] * cells, CODE)
        self.from_code = nn.Linear(CODE, width * cells)
        # What comes up has as many channels as the encoder's level beside it, but for the first, which has `width`.
        coming = [width, *widths[-2::-1]]
        self.decoders = nn.ModuleList(
            _Residual(wide + beside) for wide, beside in zip(coming, widths[::-1], strict=True)
        )
        self.ups = nn.ModuleList(
            nn.Conv2d(wide + beside, after, 1)
            for wide, beside, after in zip(coming[:-1], widths[::-1], coming[1:], strict=False)
        )
        self.to_rgb = nn.Conv2d(coming[-1] + widths[0], 3, 3, padding=1)

    def forward(self, source: Float[Tensor, "b 3 h w"], pose: Float[Tensor, "b 18 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Photo in [-1, 1] and discs of the wanted joints in [0, 1] -> picture; not cut to [-1, 1]."""
        x = functional.relu(self.first(torch.cat([source, pose], dim=1)))
        kept = []
        for level, encoder in enumerate(self.encoders):
            x = encoder(x)
            kept.append(x)
            if level < len(self.downs):
                x = functional.relu(self.downs[level](x))
        code = self.to_code(x.flatten(1))
        x = self.from_code(code).unflatten(1, (self.width, *self.bottom))
        for level, decoder in enumerate(self.decoders):
            x = decoder(torch.cat([x, kept[-1 - level]], dim=1))
            if level < len(self.ups):
                x = functional.interpolate(x, size=kept[-2 - level].shape[-2:], mode="nearest")
                x = functional.relu(self.ups[level](x))
        picture: Tensor = self.to_rgb(x)
        return picture


class Refiner(Configured):
    """G2: the rough picture and the photo -> what is to be added to the rough picture (Sec. 3.3).

    Args:
        width: channels of the first level, and of all of the decoder (128).
        levels: two fewer than G1 has (4 at 256).
    """

    def __init__(self, *, width: int = 128, levels: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv2d(6, width, 3, padding=1)
        widths = [width * level for level in range(1, levels + 1)]
        self.encoders = nn.ModuleList(_Pair(before, wide) for before, wide in pairwise([width, *widths]))
        self.downs = nn.ModuleList(nn.Conv2d(wide, wide, 3, stride=2, padding=1) for wide in widths[:-1])
        beside = [*widths[:0:-1], 0]  # the first level's map is not taken again
        coming = [widths[-1], *[width] * (levels - 1)]
        self.decoders = nn.ModuleList(_Pair(wide + extra, width) for wide, extra in zip(coming, beside, strict=True))
        self.to_rgb = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, rough: Float[Tensor, "b 3 h w"], source: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Both pictures -> a difference to be added to the first."""
        x = functional.relu(self.first(torch.cat([rough, source], dim=1)))
        sizes, kept = [], []
        for level, encoder in enumerate(self.encoders):
            x = encoder(x)
            sizes.append(x.shape[-2:])
            if level:
                kept.append(x)
            if level < len(self.downs):
                x = functional.relu(self.downs[level](x))
        for level, decoder in enumerate(self.decoders):
            x = decoder(torch.cat([x, kept[-1 - level]], dim=1) if level < len(kept) else x)
            if level < len(self.downs):
                x = functional.interpolate(x, size=sizes[-2 - level], mode="nearest")
        difference: Tensor = self.to_rgb(x)
        return difference


class Critic(Configured):
    """D: DCGAN's discriminator; it sees a picture alone.

    Args:
        image_size: height and width.
        width: channels of the first layer (64).
    """

    def __init__(self, *, image_size: Sequence[int], width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = [3, width, 2 * width, 4 * width, 8 * width]
        for number, (i, o) in enumerate(pairwise(channels)):
            layers.append(nn.Conv2d(i, o, 5, stride=2, padding=2))
            layers += [nn.BatchNorm2d(o)] if number else []
            layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers)
        height, breadth = (math.ceil(side / 16) for side in image_size)
        self.to_logit = nn.Linear(channels[-1] * height * breadth, 1)

    def forward(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1"]:
        """Pictures in [-1, 1] -> logits."""
        return self.to_logit(self.layers(picture).flatten(1))


def discs(points: Float[Tensor, "b 18 2"], size: tuple[int, int]) -> Float[Tensor, "b 18 h w"]:
    """One map a joint: 1 within a solid disc, 0 elsewhere, and throughout where the joint is not seen."""
    radius = max(1.0, RADIUS * size[0])
    rows = torch.arange(size[0], device=points.device).float()[:, None]
    columns = torch.arange(size[1], device=points.device).float()[None]
    x, y = (points[..., axis, None, None].float() for axis in (0, 1))
    return ((columns - x).square() + (rows - y).square() <= radius**2).float()


class _Residual(nn.Module):
    """x + [conv3 - ReLU - conv3 - ReLU]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = _Pair(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class _Pair(nn.Sequential):
    """conv3 - ReLU - conv3 - ReLU."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__(nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU())


def _bottom(image_size: tuple[int, int], levels: int) -> tuple[int, int]:
    """Height and width of the smallest map."""
    height, width = image_size
    for _ in range(levels - 1):
        height, width = (height + 1) // 2, (width + 1) // 2
    return height, width
