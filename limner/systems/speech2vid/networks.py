"""Speech2Vid: codes of speech and of a photo, decoded to a frame, which a second network sharpens.

Chung, Jamaludin, Zisserman: "You said that?", BMVC 2017, arXiv:1705.02966.

The paper states inputs, losses and the forms of its parts, not every layer; the rest is inferred. Differences: one
photo in place of five; speech is heard as AVWnet hears it (28 rows of 12 coefficients, not 35), so that systems are
compared on the same input; batch norm after every convolution; frames of 64 or 128 pixels in place of 109.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.configured import Configured
from limner.nn.talking_faces import ConvNormRelu, SpeechEncoder, init_normal

BOTTOM = 8  # pixels of the smallest map


class Generator(Configured):
    """A photo and the speech of one frame -> that frame; there is no memory.

    Args:
        image_size: height and width of photo and frames in pixels: 64 or 128.
        width: channels of the first layers (64).
    """

    def __init__(self, *, image_size: int = 128, width: int = 64) -> None:
        super().__init__()
        if image_size not in (64, 128):
            raise ShapeError(f"Speech2Vid's image_size is {image_size}; it must be 64 or 128.")
        self.speech = SpeechEncoder(width=width)
        halvings = image_size.bit_length() - BOTTOM.bit_length()
        channels = [min(8, 2**level) * width for level in range(halvings + 1)]
        self.stem = ConvNormRelu(3, width, 7, padding=3)
        self.downs = nn.ModuleList(ConvNormRelu(i, o, stride=2) for i, o in pairwise(channels))
        code, self.deep = 4 * width, channels[-1]
        self.to_code = nn.Sequential(nn.Linear(self.deep * BOTTOM**2, code), nn.ReLU())
        self.join = nn.Sequential(nn.Linear(2 * code, self.deep * BOTTOM**2), nn.ReLU())
        ups = list(pairwise(reversed(channels)))
        self.first_skip = ConvNormRelu(2 * self.deep, self.deep)
        self.ups = nn.ModuleList(ConvNormRelu(i, o) for i, o in ups)
        self.mixes = nn.ModuleList(ConvNormRelu(2 * o, o) for _, o in ups)
        self.color = nn.Conv2d(width, 3, 3, padding=1)
        self.apply(init_normal)

    def encode(self, photo: Float[Tensor, "b 3 h w"]) -> tuple[list[Tensor], Float[Tensor, "b c"]]:
        """Maps of a photo in [-1, 1], the largest first, and its code."""
        maps = [self.stem(photo)]
        for down in self.downs:
            maps.append(down(maps[-1]))
        return maps, self.to_code(maps[-1].flatten(1))

    def decode(
        self, maps: list[Tensor], code: Float[Tensor, "b c"], windows: Float[Tensor, "b f 28 12"]
    ) -> Float[Tensor, "b f 3 h w"]:
        """Frames in [-1, 1], each by itself."""
        speech = self.speech(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])
        joined = torch.cat([speech, code[:, None].expand_as(speech)], dim=2).flatten(0, 1)
        skips = [part[:, None].expand(-1, windows.shape[1], -1, -1, -1).flatten(0, 1) for part in maps]
        x = self.join(joined).unflatten(1, (self.deep, BOTTOM, BOTTOM))
        x = self.first_skip(torch.cat([x, skips[-1]], dim=1))
        for up, mix, skip in zip(self.ups, self.mixes, reversed(skips[:-1]), strict=True):
            x = mix(torch.cat([up(functional.interpolate(x, scale_factor=2.0, mode="nearest")), skip], dim=1))
        return torch.tanh(self.color(x)).unflatten(0, windows.shape[:2])

    def forward(
        self, photo: Float[Tensor, "b 3 h w"], windows: Float[Tensor, "b f 28 12"]
    ) -> Float[Tensor, "b f 3 h w"]:
        """Photo in [-1, 1] and windows of speech, one a frame -> frames in [-1, 1]."""
        return self.decode(*self.encode(photo), windows)


class Sharpener(Configured):
    """A frame -> the same, sharper: what it lacks is added (after VDSR, Kim et al., CVPR 2016).

    Args:
        width: channels (64).
        num_layers: convolutions, the last one included (10).
    """

    def __init__(self, *, width: int = 64, num_layers: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.ReLU()]
        for _ in range(num_layers - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(width, 3, 3, padding=1)
        self.layers = nn.Sequential(*layers, last)
        nn.init.zeros_(last.weight)  # it begins by changing nothing
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, frames: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        """Frames in [-1, 1], whose sum with what is added is cut to it."""
        return (frames + self.layers(frames)).clamp(-1, 1)
