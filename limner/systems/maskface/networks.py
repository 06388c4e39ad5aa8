"""The four networks of maskface: generator, style encoder, style decoder, discriminator.

Sun, Zhao, Mateen, Chen, Wen: "Mask guided diverse face image synthesis", Frontiers of Computer Science 16(3), 2022,
doi:10.1007/s11704-020-0400-7. Of the paper only the abstract and the references could be read, and no code was
published: the abstract fixes the four networks and their tasks, the layers are those of the nearest relative it cites,
Choi et al., "StarGAN v2", CVPR 2020, arXiv:1912.01865 (facts of its CC BY-NC code only, none of the code).

Differences from StarGAN v2: one domain; the generator reads a label map in place of a photo; the discriminator reads
the map beside the image; widths are options; the code may enter by modulated convolutions in place of AdaIN.

Letters: m = one-hot label map with n_s classes, z = noise, s = style code, n_z and n_w = their sizes.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.configured import Configured
from limner.nn.init import init_he
from limner.nn.resampling import convolve_and_halve, double_and_convolve, halve, smooth
from limner.nn.spade import MapModulation

SLOPE = 0.2  # of every leaky ReLU
BOTTLENECK_SIZE = 16  # side of the generator's deepest map
NUM_FLAT = 2  # blocks there that do not change the size, in the encoder and in the decoder
TRUNK_SIZE = 4  # side of the last map of style decoder and discriminator
Enlargement = Literal["nearest", "bilinear"]
"""How the decoder's shortcuts double the size."""
StyleInjection = Literal["adain", "demodulation"]
"""How the style code enters the decoder: `AdaIN` before each convolution, or each a `ModulatedConv` without norms."""


class ResidualBlock(nn.Module):
    """(norm, LReLU, conv3) twice, plus a shortcut without a norm, divided by sqrt 2; may halve the size.

    The shortcut must stay free of norms: it is what carries flat label regions past the instance norms.
    """

    def __init__(self, in_channels: int, out_channels: int, *, normalize: bool, downsample: bool) -> None:
        super().__init__()
        self.downsample = downsample
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm1 = nn.InstanceNorm2d(in_channels, affine=True) if normalize else nn.Identity()
        self.norm2 = nn.InstanceNorm2d(in_channels, affine=True) if normalize else nn.Identity()
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        main = functional.leaky_relu(self.norm1(x), SLOPE)
        if self.downsample:
            # A 1x1 convolution without bias commutes with pooling; after it, it costs a quarter.
            x, main = halve(x), convolve_and_halve(self.conv1, main)
        else:
            main = self.conv1(main)
        main = self.conv2(functional.leaky_relu(self.norm2(main), SLOPE))
        return (main + self.shortcut(x)) / math.sqrt(2)


class AdaIN(nn.Module):
    """Instance norm whose scale 1 + gamma and shift beta are linear in the style code.

    Huang and Belongie, ICCV 2017, arXiv:1703.06868, in StarGAN v2's form.
    """

    def __init__(self, style_size: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(channels)
        self.linear = nn.Linear(style_size, 2 * channels)

    def forward(self, x: Float[Tensor, "b c h w"], style: Float[Tensor, "b n_w"]) -> Float[Tensor, "b c h w"]:
        gamma, beta = self.linear(style)[:, :, None, None].chunk(2, dim=1)
        return (1 + gamma) * self.norm(x) + beta


class ModulatedConv(nn.Conv2d):
    """3x3 convolution whose inputs the style code scales by 1 + gamma, and whose outputs are brought back to power 1.

    The power is computed for inputs of power 1 before a leaky ReLU, not measured as in AdaIN: with a norm that measures
    it pays to make one spike that outweighs the rest of the picture, seen as a blister at one place of most faces.

    Karras et al., CVPR 2020, arXiv:1912.04958, Sec. 2.2, Eq. 1 and 3, here on activations in the place of weights.
    """

    EPS = 1e-8
    GAIN = math.sqrt(2)  # of the ReLU before

    def __init__(self, in_channels: int, out_channels: int, *, style_size: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=False)
        self.linear = nn.Linear(style_size, in_channels)
        self.shift = nn.Parameter(torch.zeros(out_channels))

    def modulated(
        self, x: Float[Tensor, "b i h w"], style: Float[Tensor, "b n_w"], *, upsample: bool
    ) -> Float[Tensor, "b o h2 w2"]:
        """With `upsample` of x doubled in size, by a smooth filter."""
        scale = 1 + self.linear(style)
        power = scale.square() @ self.weight.square().sum((2, 3)).T
        x = x * scale[:, :, None, None]
        x = smooth(double_and_convolve(self, x)) if upsample else self(x)
        return x * (self.GAIN * (power + self.EPS).rsqrt())[:, :, None, None] + self.shift[:, None, None]


class StyledBlock(nn.Module):
    """The decoder's residual block: AdaIN in place of the norms, or modulated convolutions; may double the size.

    With `num_classes` the map modulates before each leaky ReLU (SPADE without its norm: AdaIN has normalised already).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        style_size: int,
        upsample: bool,
        num_classes: int = 0,
        enlargement: Enlargement = "nearest",
        injection: StyleInjection = "adain",
    ) -> None:
        super().__init__()
        self.upsample = upsample
        self.enlargement = enlargement
        self.norm1: AdaIN | None = None
        self.norm2: AdaIN | None = None
        if injection == "adain":
            self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
            self.norm1 = AdaIN(style_size, in_channels)
            self.norm2 = AdaIN(style_size, out_channels)
        else:
            self.conv1 = ModulatedConv(in_channels, out_channels, style_size=style_size)
            self.conv2 = ModulatedConv(out_channels, out_channels, style_size=style_size)
        self.map1 = MapModulation(in_channels, num_classes=num_classes) if num_classes else None
        self.map2 = MapModulation(out_channels, num_classes=num_classes) if num_classes else None
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(
        self, x: Float[Tensor, "b i h w"], style: Float[Tensor, "b n_w"], one_hot: Float[Tensor, "b n_s h0 w0"]
    ) -> Float[Tensor, "b o h2 w2"]:
        main = _styled(self.conv1, self.norm1, self.map1, x, style, one_hot, upsample=self.upsample)
        main = _styled(self.conv2, self.norm2, self.map2, main, style, one_hot)
        # The 1x1 convolution commutes with both enlargements; before them, it costs a quarter.
        x = self.shortcut(x)
        if self.upsample:
            x = functional.interpolate(x, scale_factor=2.0, mode=self.enlargement)
        return (main + x) / math.sqrt(2)


def _styled(
    conv: nn.Conv2d,
    norm: AdaIN | None,
    shown: MapModulation | None,
    x: Float[Tensor, "b i h w"],
    style: Float[Tensor, "b n_w"],
    one_hot: Float[Tensor, "b n_s h0 w0"],
    *,
    upsample: bool = False,
) -> Float[Tensor, "b o h2 w2"]:
    """Norm, map and leaky ReLU before a convolution; the style enters by the norm or by the convolution."""
    if norm is not None:
        x = norm(x, style)
    if shown is not None:
        x = shown(x, one_hot)
    x = functional.leaky_relu(x, SLOPE)
    if isinstance(conv, ModulatedConv):
        return conv.modulated(x, style, upsample=upsample)
    return double_and_convolve(conv, x) if upsample else conv(x)


class Generator(Configured):
    """G(m, s): a face with the layout of the map and the look of the style code.

    The map is encoded to 16x16; the code enters the decoder's blocks only.

    Args:
        image_size: height and width in pixels; a power of two, at least 32.
        num_classes: n_s.
        style_size: n_w.
        width: channels at full size; they double with each halving of the size, up to `max_width`.
        max_width: largest number of channels.
        mask_injection: "encoder"; "spade" to also show the map to every block of the decoder; "skips" to also add what
            the encoder saw at 32 px and more to what the decoder's block of that size makes, at full size smoothed
            (ours).
        shortcut_enlargement: of the decoder's shortcuts; "nearest", or "bilinear" against blocks in the faces (ours).
        style_injection: "adain", or "demodulation" for a generator without norms, against blisters (ours).

    Raises:
        ShapeError: if a size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int,
        num_classes: int,
        style_size: int = 64,
        width: int = 64,
        max_width: int = 512,
        mask_injection: Literal["encoder", "spade", "skips"] = "encoder",
        shortcut_enlargement: Enlargement = "nearest",
        style_injection: StyleInjection = "adain",
    ) -> None:
        super().__init__()
        check_sizes(image_size, num_classes)
        norms = style_injection == "adain"
        channels = channel_plan(width, max_width, int(math.log2(image_size // BOTTLENECK_SIZE)))
        shown = num_classes if mask_injection == "spade" else 0

        def styled(i: int, o: int, *, upsample: bool) -> StyledBlock:
            return StyledBlock(
                i,
                o,
                style_size=style_size,
                upsample=upsample,
                num_classes=shown,
                enlargement=shortcut_enlargement,
                injection=style_injection,
            )

        self.from_map = nn.Conv2d(num_classes, channels[0], 3, padding=1)
        self.encoder = nn.Sequential(
            *(ResidualBlock(i, o, normalize=norms, downsample=True) for i, o in pairwise(channels)),
            *(ResidualBlock(channels[-1], channels[-1], normalize=norms, downsample=False) for _ in range(NUM_FLAT)),
        )
        self.decoder = nn.ModuleList(
            [styled(channels[-1], channels[-1], upsample=False) for _ in range(NUM_FLAT)]
            + [styled(i, o, upsample=True) for i, o in pairwise(channels[::-1])]
        )
        larger = channels[-2::-1] if mask_injection == "skips" else []
        self.skips = nn.ModuleList(nn.Conv2d(count, count, 1) for count in larger)
        self.to_rgb = nn.Sequential(
            nn.InstanceNorm2d(channels[0], affine=True) if norms else nn.Identity(),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels[0], 3, 1),
        )
        init_he(self)

    def forward(self, one_hot: Float[Tensor, "b n_s h w"], style: Float[Tensor, "b n_w"]) -> Float[Tensor, "b 3 h w"]:
        """One-hot map and style code -> image around [-1, 1]; nothing bounds it, so clamp what is saved."""
        x = self.from_map(one_hot)
        seen = []  # from the full size down to twice the bottleneck's
        for stage in self.encoder:
            seen.append(x)
            x = stage(x)
        for block in self.decoder[:NUM_FLAT]:
            x = block(x, style, one_hot)
        for level, block in enumerate(self.decoder[NUM_FLAT:]):
            x = block(x, style, one_hot)
            if self.skips:
                shown = self.skips[level](seen[len(self.skips) - 1 - level])
                if level == len(self.skips) - 1:
                    # Only a 1x1 convolution follows, so steps of the map would be dotted outlines.
                    shown = smooth(shown)
                x = (x + shown) / math.sqrt(2)
        return self.to_rgb(x)


class StyleEncoder(Configured):
    """E_z(z): noise to a style code (StarGAN v2's mapping network with one domain: eight linear layers).

    Args:
        latent_size: n_z.
        style_size: n_w.
        width: of the hidden layers.
    """

    def __init__(self, *, latent_size: int = 16, style_size: int = 64, width: int = 512) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in (latent_size, *[width] * 6):
            layers += [nn.Linear(size, width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, style_size))
        init_he(self)

    def forward(self, latent: Float[Tensor, "b n_z"]) -> Float[Tensor, "b n_w"]:
        """N(0, 1) -> unbounded code."""
        return self.layers(latent)


class StyleDecoder(Configured):
    """D_s(image): the style code of a generated face or of a photo.

    Without norms: an instance norm would erase the global colours, which are most of a style.

    Args:
        image_size: height and width in pixels; a power of two, at least 32.
        style_size: n_w.
        width: channels at full size.
        max_width: largest number of channels.
    """

    def __init__(self, *, image_size: int, style_size: int = 64, width: int = 64, max_width: int = 512) -> None:
        super().__init__()
        check_sizes(image_size, 1)
        trunk, channels = _trunk(3, image_size, width, max_width)
        self.trunk = nn.Sequential(*trunk)
        self.to_style = nn.Linear(channels, style_size)
        init_he(self)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n_w"]:
        """Image in [-1, 1] -> code."""
        return self.to_style(self.trunk(image).flatten(1))


class Discriminator(Configured):
    """D(m, image): one logit, high for a real face that fits its map.

    Without norms: R1 is a penalty for each sample.

    Args:
        image_size: height and width in pixels; a power of two, at least 32.
        num_classes: n_s; 0 for a discriminator that does not see the map.
        width: channels at full size.
        max_width: largest number of channels.
    """

    def __init__(self, *, image_size: int, num_classes: int, width: int = 64, max_width: int = 512) -> None:
        super().__init__()
        check_sizes(image_size, max(num_classes, 1))
        self.sees_map = num_classes > 0
        trunk, channels = _trunk(num_classes + 3, image_size, width, max_width)
        self.trunk = nn.Sequential(*trunk)
        self.to_logit = nn.Conv2d(channels, 1, 1)
        init_he(self)

    def forward(self, image: Float[Tensor, "b 3 h w"], one_hot: Float[Tensor, "b n_s h w"]) -> Float[Tensor, " b"]:
        """Image in [-1, 1] and one-hot map -> logits."""
        x = torch.cat([one_hot, image], dim=1) if self.sees_map else image
        return self.to_logit(self.trunk(x)).flatten()


def channel_plan(width: int, max_width: int, num_halvings: int) -> list[int]:
    """Channels at full size and after each halving of the size."""
    return [min(width * 2**level, max_width) for level in range(num_halvings + 1)]


def check_sizes(image_size: int, num_classes: int) -> None:
    """Refuse sizes for which the networks do not exist.

    Raises:
        ShapeError: naming the value and what is allowed.
    """
    if image_size < 32 or image_size & (image_size - 1):
        raise ShapeError(
            f"The image_size of maskface is {image_size}; it must be a power of two of at least 32 (64, 128, 256)."
        )
    if num_classes < 1:
        raise ShapeError(f"maskface needs at least one class in the label map, got num_classes = {num_classes}.")


def _trunk(in_channels: int, image_size: int, width: int, max_width: int) -> tuple[list[nn.Module], int]:
    """Residual blocks down to 4x4, then a 4x4 convolution to 1x1; and the channels that come out."""
    channels = channel_plan(width, max_width, int(math.log2(image_size // TRUNK_SIZE)))
    blocks = [ResidualBlock(i, o, normalize=False, downsample=True) for i, o in pairwise(channels)]
    return [
        nn.Conv2d(in_channels, channels[0], 3, padding=1),
        *blocks,
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(channels[-1], channels[-1], TRUNK_SIZE),
        nn.LeakyReLU(SLOPE),
    ], channels[-1]
