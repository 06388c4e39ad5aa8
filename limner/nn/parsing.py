"""A U-Net that labels every pixel, with a head for the attributes of the whole image.

The network of the system `parser`; `portrait` and `maskface` train generators against it.

Own design, no paper and no foreign code; the shape (an encoder, a decoder and skip connections between equal sizes) is
that of Ronneberger et al., "U-Net", MICCAI 2015, arXiv:1505.04597. What differs: residual blocks, group normalisation
(an image is judged the same alone and in a batch), nearest upsampling, a linear attribute head on the pooled deepest
map.
"""

from __future__ import annotations

from itertools import islice, pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nn.configured import Configured

_CHANNELS_PER_GROUP = 8
_WIDTHS = (1, 2, 4, 6, 8)  # channels of each level in units of `width`; level i works at 1 / 2^i of the size
_STRIDE = 2 ** (len(_WIDTHS) - 1)


class ParserOutput(NamedTuple):
    """What one forward pass gives."""

    logits: Float[Tensor, "batch classes height width"]
    attribute_logits: Float[Tensor, "batch attributes"]
    features: Float[Tensor, "batch features"]
    damage: Float[Tensor, "batch damages"]
    """Amounts of damage; no columns where the network was not trained to see it."""


class ResidualBlock(nn.Module):
    """conv3, norm, SiLU, conv3, norm, plus the input (through a 1x1 conv where the channels change), then SiLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(out_channels // _CHANNELS_PER_GROUP, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(out_channels // _CHANNELS_PER_GROUP, out_channels)
        same = in_channels == out_channels
        self.shortcut: nn.Module = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Float[Tensor, "batch c_in h w"]) -> Float[Tensor, "batch c_out h w"]:
        hidden = F.silu(self.norm1(self.conv1(x)))
        hidden = self.norm2(self.conv2(hidden))
        return F.silu(hidden + self.shortcut(x))


class ParsingNetwork(Configured):
    """Image to a class per pixel, attributes and a feature vector.

    Args:
        num_classes: classes of the label map.
        num_attributes: attributes of the whole image; 0 for none.
        width: channels at full size, a multiple of 8; the deepest map has 8 times as many, which are the features.
        num_damages: kinds of damage to tell the amount of; 0 for a judge.
    """

    def __init__(self, *, num_classes: int, num_attributes: int, width: int, num_damages: int = 0) -> None:
        super().__init__()
        widths = [width * factor for factor in _WIDTHS]
        self.level_channels = tuple(widths)
        self.num_features = widths[-1]
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        # A strided conv, not pooling: it sees all the pixels it drops, which matters for classes two pixels wide.
        self.downs = nn.ModuleList(nn.Conv2d(wide, wider, 4, stride=2, padding=1) for wide, wider in pairwise(widths))
        self.encoders = nn.ModuleList(ResidualBlock(wide, wide) for wide in widths)
        self.decoders = nn.ModuleList(ResidualBlock(wide + wider, wide) for wide, wider in pairwise(widths))
        self.to_logits = nn.Conv2d(widths[0], num_classes, 1)
        self.to_attributes = nn.Linear(self.num_features, num_attributes) if num_attributes else None
        self.to_damage = nn.Linear(self.num_features, num_damages) if num_damages else None

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> ParserOutput:
        """Parse images in [-1, 1] of any size; what 16 does not divide is padded inside by repeating the border."""
        height, width = image.shape[-2:]
        maps = self.encode(image)
        features = maps[-1].mean(dim=(2, 3))
        hidden = maps.pop()
        for skip, decoder in zip(reversed(maps), reversed(self.decoders), strict=True):
            hidden = decoder(torch.cat([skip, F.interpolate(hidden, scale_factor=2.0, mode="nearest")], dim=1))
        logits = self.to_logits(hidden)[..., :height, :width]
        damage = features[:, :0] if self.to_damage is None else self.to_damage(features)
        return ParserOutput(logits, self._attribute_logits(features), features, damage)

    def features(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features"]:
        """The mean of the deepest map over all positions: the feature vector of "FD-parser" and "FID-people"."""
        return self.encode(image)[-1].mean(dim=(2, 3))

    def attribute_logits(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch attributes"]:
        """The attribute head alone, without the decoder."""
        return self._attribute_logits(self.features(image))

    def encode(self, image: Float[Tensor, "batch 3 height width"], *, num_levels: int | None = None) -> list[Tensor]:
        """The maps of all levels, or of the first ones: (batch, channels, height / 2^i, width / 2^i), finest first."""
        height, width = image.shape[-2:]
        image = F.pad(image, (0, -width % _STRIDE, 0, -height % _STRIDE), mode="replicate")
        maps = [self.encoders[0](self.stem(image))]
        deeper = zip(self.downs, self.encoders[1:], strict=True)
        for down, encoder in islice(deeper, None if num_levels is None else num_levels - 1):
            maps.append(encoder(down(maps[-1])))
        return maps

    def _attribute_logits(self, features: Tensor) -> Tensor:
        return features[:, :0] if self.to_attributes is None else self.to_attributes(features)
