"""The three networks of SCGAN: generator, discriminator with a classifier head, segmentor.

Jiang, Liu, Wu, Fu: "Spatially Constrained GAN for Face and Fashion Synthesis", FG 2021, arXiv:1905.02320. Layers follow
the architecture table of the paper; where the table contradicts itself or the authors' MIT-licensed code (facts only),
the choice and its reason stand at the layer.

Differences from the paper: every width is a multiple of `width` (64 in the paper), and sizes other than 128 keep the
paper's 8x8 bottleneck and its injection of the attributes at a quarter of the resolution.

Letters: s = segmentation (one-hot label map), c = attributes, z = latent, n_s, n_c, n_z = their numbers of channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.configured import Configured
from limner.nn.resampling import double_and_convolve, smooth

BOTTLENECK_SIZE = 8  # the encoder's last map is 8x8 (paper's table, step 4)


class ResidualUp(nn.Module):
    """Residual block that doubles height and width ("ResUp" in the table).

    main:     conv3 - IN - ReLU - nearest x2 - conv3 - IN
    shortcut: nearest x2 - conv1, without a norm: a spatially constant input (tiled attributes) would lose its value in
    an instance norm, and the shortcut is what carries it through.

    With `latent_size` the latent scales and shifts the channels after the second norm; the map may be added before the
    last ReLU; what is enlarged, and that map, may be smoothed. All three are ours, see `Generator`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        latent_size: int = 0,
        num_classes: int = 0,
        smooth_enlargement: bool = False,
    ) -> None:
        super().__init__()
        self.smooth_enlargement = smooth_enlargement
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm1 = nn.InstanceNorm2d(out_channels, affine=True)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.norm2 = nn.InstanceNorm2d(out_channels, affine=True)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)
        self.modulation = nn.Linear(latent_size, 2 * out_channels) if latent_size else None
        self.from_map = nn.Conv2d(num_classes, out_channels, 1, bias=False) if num_classes else None

    def forward(
        self,
        x: Float[Tensor, "b i h w"],
        latent: Float[Tensor, "b n_z"] | None = None,
        one_hot: Float[Tensor, "b n_s h3 w3"] | None = None,
    ) -> Float[Tensor, "b o h2 w2"]:
        main = functional.relu(self.norm1(self.conv1(x)))
        main = double_and_convolve(self.conv2, main)
        main = self.norm2(smooth(main) if self.smooth_enlargement else main)
        if self.modulation is not None:
            gamma, beta = self.modulation(latent)[:, :, None, None].chunk(2, dim=1)
            main = (1 + gamma) * main + beta
        if self.from_map is not None:
            # Its steps from pixel to pixel would be dotted outlines in the picture, as only one convolution follows.
            shown = cast(Tensor, one_hot)
            main = main + self.from_map(smooth(shown) if self.smooth_enlargement else shown)
        # A 1x1 convolution commutes with the enlargement; before it, it costs a quarter.
        mode = "bilinear" if self.smooth_enlargement else "nearest"  # nearest and `smooth` together are bilinear
        return functional.relu(main + functional.interpolate(self.shortcut(x), scale_factor=2, mode=mode))


class Generator(Configured):
    """G(z, c, s): an image from a latent, attributes and a segmentation.

    `stepwise` (the paper's generator) feeds s, then z, then c; `all_at_once` is the ablation that concatenates z and c
    with the 8x8 code of s. The z branch's linear layer gives width x 8 x 8 = 4096 values: the table prints 8192, but
    only 4096 fits the 576 channels of its next row.

    Four variants are ours, for small networks and short trainings. `map_injection="skips"`: every block also sees the
    encoder's map of its size, and the last one the label map itself, so that what is a few pixels wide need not pass
    the 8x8 bottleneck. `latent_injection="all"`: z also scales and shifts the channels of every block (as a style does
    in AdaIN), so that it reaches skin and hair at full size too. `smooth_enlargement`: what is enlarged is smoothed by
    (1, 2, 1), as in StyleGAN2, and so is the label map of the last block: copies of pixels become stripes, and outlines
    of the map dots. `merged_pairs`: left and right parts as one class, so that the same weights paint both, and not one
    eye of each face better than the other.

    Args:
        image_size: height and width of the output in pixels; a power of two, at least 32.
        num_classes: n_s.
        num_attributes: n_c; may be 0.
        latent_size: n_z, 512 in the authors' code.
        architecture: "stepwise" or "all_at_once".
        width: channels of the first layer.
        map_injection: "encoder" (paper) or "skips".
        latent_injection: "map" (paper) or "all".
        smooth_enlargement: enlarge smoothly (paper: copies of pixels).
        merged_pairs: ids of two classes each, of which the generator sees the first for both (paper: none).

    Raises:
        ShapeError: if a size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int,
        num_classes: int,
        num_attributes: int,
        latent_size: int = 512,
        architecture: Literal["stepwise", "all_at_once"] = "stepwise",
        width: int = 64,
        map_injection: Literal["encoder", "skips"] = "encoder",
        latent_injection: Literal["map", "all"] = "map",
        smooth_enlargement: bool = False,
        merged_pairs: Sequence[Sequence[int]] = (),
    ) -> None:
        super().__init__()
        check_sizes(image_size=image_size, num_classes=num_classes, num_attributes=num_attributes)
        if not all(len(pair) == 2 and all(0 <= number < num_classes for number in pair) for pair in merged_pairs):
            raise ShapeError(
                f"SCGAN's merged_pairs are {merged_pairs}; each must be two ids of classes from 0 to {num_classes - 1}."
            )
        self.merged_pairs = merged_pairs
        self.latent_size = latent_size
        self.skips = map_injection == "skips"
        self.stepwise = architecture == "stepwise"
        num_levels = int(math.log2(image_size // BOTTLENECK_SIZE))
        channels = [width * 2**level for level in range(num_levels)]  # 64, 128, 256, 512

        encoder: list[nn.Module] = []
        for i, o in zip([num_classes, *channels], channels, strict=False):
            encoder += [nn.Conv2d(i, o, 4, stride=2, padding=1), nn.InstanceNorm2d(o, affine=True), nn.ReLU()]
        self.encoder = nn.Sequential(*encoder)

        if self.stepwise:
            self.latent_linear = nn.Linear(latent_size, width * BOTTLENECK_SIZE**2)
            self.latent_norm = nn.InstanceNorm2d(width, affine=True)
            inputs = [channels[-1] + width, *channels[:0:-1]]
            inputs[-2] += num_attributes  # c joins at a quarter of the resolution, before the last two blocks
        else:
            inputs = [channels[-1] + latent_size + num_attributes, *channels[:0:-1]]
            self.output_norm = nn.InstanceNorm2d(width, affine=True)
        if self.skips:  # the first block has the encoder's last map already
            inputs = [inputs[0], *(i + skip for i, skip in zip(inputs[1:], channels[-2::-1], strict=True))]
        last = len(inputs) - 1
        self.decoder = nn.ModuleList(
            ResidualUp(
                i,
                o,
                latent_size=latent_size if latent_injection == "all" else 0,
                num_classes=num_classes if self.skips and number == last else 0,
                smooth_enlargement=smooth_enlargement,
            )
            for number, (i, o) in enumerate(zip(inputs, channels[::-1], strict=True))
        )
        self.to_rgb = nn.Conv2d(width, 3, 3, padding=1)
        self.apply(_init_xavier)

    def forward(
        self,
        latent: Float[Tensor, "b n_z"],
        attributes: Float[Tensor, "b n_c"],
        one_hot: Float[Tensor, "b n_s h w"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Latent from N(0, 1), attributes in [0, 1] (fractions mix), one-hot segmentation -> image in (-1, 1)."""
        one_hot = self.merge(one_hot)
        maps = self.encode(one_hot)
        code = maps.pop()
        if self.stepwise:
            latent_map = self.latent_linear(latent).unflatten(1, (-1, BOTTLENECK_SIZE, BOTTLENECK_SIZE))
            x = torch.cat([code, functional.relu(self.latent_norm(latent_map))], dim=1)
        else:
            x = torch.cat([code, _tile(latent, code), _tile(attributes, code)], dim=1)
        for number, block in enumerate(self.decoder):
            if self.stepwise and number == len(self.decoder) - 2:
                x = torch.cat([x, _tile(attributes, x)], dim=1)
            if self.skips and number > 0:
                x = torch.cat([x, maps.pop()], dim=1)
            x = block(x, latent, one_hot)
        if not self.stepwise:
            x = functional.relu(self.output_norm(x))
        return torch.tanh(self.to_rgb(x))

    def merge(self, one_hot: Float[Tensor, "b n_s h w"]) -> Float[Tensor, "b n_s h w"]:
        """The map with the second class of each merged pair added to the first."""
        if not self.merged_pairs:
            return one_hot
        parts = list(one_hot.split(1, dim=1))
        for first, second in self.merged_pairs:
            parts[first], parts[second] = parts[first] + parts[second], torch.zeros_like(parts[second])
        return torch.cat(parts, dim=1)

    def encode(self, one_hot: Float[Tensor, "b n_s h w"]) -> list[Tensor]:
        """The encoder's maps, from half the size to the 8x8 code."""
        maps = [one_hot]
        for start in range(0, len(self.encoder), 3):  # convolution, norm, ReLU
            maps.append(self.encoder[start : start + 3](maps[-1]))
        return maps[1:]


class Discriminator(Configured):
    """Wasserstein critic D_d with an auxiliary classifier head D_c on one convolutional trunk.

    The trunk halves the size until it is 2x2 and has no normalisation, which the per-sample gradient penalty needs.
    D_c's kernel is 2x2 without padding: the table's 3x3 with padding could not give a 1x1 map from 2x2.

    Args:
        image_size: a power of two, at least 32.
        num_attributes: n_c; with 0 there is no classifier head.
        width: channels of the first layer.
        latent_size: n_z; with 0 (paper) there is no third head that finds z in a fake.
    """

    def __init__(self, *, image_size: int, num_attributes: int, width: int = 64, latent_size: int = 0) -> None:
        super().__init__()
        check_sizes(image_size=image_size, num_classes=1, num_attributes=num_attributes)
        channels = [3] + [width * 2**level for level in range(int(math.log2(image_size)) - 1)]  # 3, 64, ..., 2048
        trunk: list[nn.Module] = []
        for i, o in pairwise(channels):
            trunk += [nn.Conv2d(i, o, 4, stride=2, padding=1), nn.LeakyReLU(0.01)]
        self.trunk = nn.Sequential(*trunk)
        self.critic_head = nn.Conv2d(channels[-1], 1, 3, padding=1, bias=False)
        self.classifier_head = nn.Conv2d(channels[-1], num_attributes, 2, bias=False) if num_attributes else None
        self.latent_head = nn.Conv2d(channels[-1], latent_size, 2) if latent_size else None

    def forward(
        self, image: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b 1 2 2"], Float[Tensor, "b n_c"], Float[Tensor, "b n_z"]]:
        """Image in [-1, 1] -> unbounded critic scores, attribute logits, the latent as far as the image shows it.

        What has no head has no columns.
        """
        x = self.trunk(image)
        none = x.new_zeros(len(x), 0)
        logits, latent = (
            none if head is None else head(x).flatten(1) for head in (self.classifier_head, self.latent_head)
        )
        return self.critic_head(x), logits, latent

    def features(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """The maps of all levels of the trunk, half the size first."""
        maps = [image]
        for start in range(0, len(self.trunk), 2):  # convolution, leaky ReLU
            maps.append(self.trunk[start : start + 2](maps[-1]))
        return maps[1:]


class Segmentor(Configured):
    """S(x): per-pixel class logits; trained on real images only, and the spatial constraint of the generator.

    `paper` is the network of the paper's table, `large` the one of the authors' code (four times the parameters). All
    convolutions are free of bias.

    Args:
        num_classes: n_s.
        architecture: "paper" or "large".
        width: channels of the first layer.
    """

    def __init__(self, *, num_classes: int, architecture: Literal["paper", "large"] = "paper", width: int = 64) -> None:
        super().__init__()
        large = architecture == "large"
        inner = width * 4 if large else width * 2
        layers: list[nn.Module] = []
        if large:
            layers += _conv_norm_relu(nn.Conv2d(3, width, 7, padding=3, bias=False))
            layers += _conv_norm_relu(nn.Conv2d(width, inner // 2, 4, stride=2, padding=1, bias=False))
        else:
            layers += _conv_norm_relu(nn.Conv2d(3, inner // 2, 4, stride=2, padding=1, bias=False))
        layers += _conv_norm_relu(nn.Conv2d(inner // 2, inner, 4, stride=2, padding=1, bias=False))
        layers += [_Residual(inner) for _ in range(4)]
        layers += _conv_norm_relu(nn.ConvTranspose2d(inner, inner // 2, 4, stride=2, padding=1, bias=False))
        layers += _conv_norm_relu(nn.ConvTranspose2d(inner // 2, inner // 4, 4, stride=2, padding=1, bias=False))
        kernel = 7 if large else 3
        layers.append(nn.Conv2d(inner // 4, num_classes, kernel, padding=kernel // 2, bias=False))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n_s h w"]:
        """Image in [-1, 1], height and width divisible by 4 -> logits."""
        return self.layers(image)


def check_sizes(*, image_size: int, num_classes: int, num_attributes: int) -> None:
    """Refuse sizes for which the networks do not exist.

    Raises:
        ShapeError: naming the value and what is allowed.
    """
    if image_size < 32 or image_size & (image_size - 1):
        raise ShapeError(
            f"SCGAN's image_size is {image_size}; it must be a power of two of at least 32 (64, 128, 256)."
        )
    if num_classes < 1:
        raise ShapeError(f"SCGAN needs at least one class in the label map, got num_classes = {num_classes}.")
    if num_attributes < 0:
        raise ShapeError(f"SCGAN's num_attributes is {num_attributes}; it must be 0 or more.")


class _Residual(nn.Module):
    """x + [conv3 - IN - ReLU - conv3 - IN]; nothing after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv_norm_relu(nn.Conv2d(channels, channels, 3, padding=1, bias=False)),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _conv_norm_relu(conv: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [conv, nn.InstanceNorm2d(conv.out_channels, affine=True), nn.ReLU()]


def _tile(vector: Float[Tensor, "b n"], like: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n h w"]:
    return vector[:, :, None, None].expand(-1, -1, *like.shape[2:]).to(like.dtype)


def _init_xavier(module: nn.Module) -> None:
    """Xavier-uniform weights, framework default biases (authors' code); only the generator is initialised so."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
