"""The networks of portrait: five encoders of looks with two heads each, the generator, the discriminator.

Gu, Bao, Yang, Chen, Wen, Yuan: "Mask-Guided Portrait Editing with Conditional GANs", CVPR 2019, arXiv:1905.10346. Layer
sizes are those of the authors' program (facts only; parts of it are CC BY-NC-SA). The frozen parser P_F is
`limner.nn.parsing`.

Differences: every width is a multiple of `width` (64 in the paper); sizes other than 256 px drop levels; batch norm
remembers a tenth of each batch, not nine tenths; the background photo is masked before its encoder too, so that no rim
of the old face leaks through; a code without noise has no variance branch; the codes of skin and hair can have places,
which can be aligned with another face; what is enlarged can be smoothed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.faces.parts import BACKGROUND, CLASSES, PARTS, SCHEMA
from limner.nn.configured import Configured
from limner.nn.init import init_normal
from limner.nn.patch_discriminator import PatchDiscriminator
from limner.nn.resampling import smooth
from limner.systems.portrait.config import Norm
from limner.systems.portrait.parts import PLACED, Geometry, Target, align, cut_parts, feature_centres, place

DEEPEST = 8  # channels of the deepest maps, and numbers of a code, in units of `width`
HIDDEN = 16  # hidden units between map and code, in units of `width`
NUM_SCALES = 2  # of the discriminator


def halvings(part: str, geometry: Geometry) -> int:
    """How often the encoder of a part halves its input: to 2x3 (eyes), 5x9 (mouth), 2x2 (skin, hair)."""
    smallest = {"mouth": 5}.get(part, 2)
    return int(math.log2(geometry.crop(part)[0] // smallest))


@dataclass(frozen=True)
class LocalCode:
    """The share of a code that says what a part looks like place by place; ours, the paper's codes have no places."""

    channels: int
    """Numbers a place; 0: there is none."""
    stride: int
    """Pixels of the photo from one place to the next."""

    def of(self, part: str) -> int:
        """Numbers a place of a part: those that are cut out are small enough for one code."""
        return 0 if part in PLACED else self.channels

    def shape(self, part: str, geometry: Geometry) -> tuple[int, int, int]:
        """Channels, height and width for a part."""
        side = geometry.image_size // self.stride
        return self.of(part), side, side

    def size(self, geometry: Geometry) -> int:
        """Numbers of the largest of them."""
        return math.prod(self.shape("skin", geometry))


class PartEncoder(nn.Module):
    """Convolutions of stride 2 to the smallest map, then a small network to the code's mean (and log variance).

    With a local code, a 1x1 convolution also takes a few channels of the map of its size; they follow in the code.
    """

    def __init__(
        self, part: str, geometry: Geometry, *, width: int, norm: Norm, variance: bool, local: LocalCode
    ) -> None:
        super().__init__()
        levels = halvings(part, geometry)
        # The deepest map always has the full width; short encoders start wider.
        widths = [width * 2 ** min(level, 3) for level in range(max(levels, 4))][-levels if levels < 4 else 0 :]
        self.convolutions = nn.Sequential(
            *(_down(i, o, norm) for i, o in pairwise([3, *widths])),
            nn.Flatten(),
        )
        height, breadth = geometry.crop(part)
        numbers = DEEPEST * width * (height * breadth) // 4**levels
        self.to_mean = _perceptron(numbers, width)
        self.to_log_variance = _perceptron(numbers, width) if variance else None
        self.shared = int(math.log2(local.stride))  # convolutions before the local code
        self.to_local = nn.Conv2d(widths[self.shared - 1], local.of(part), 1) if local.of(part) else None

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b z"], Float[Tensor, "b z"] | None]:
        """Image in [-1, 1] -> mean and log variance of the code."""
        if self.to_local is not None:
            shared = self.convolutions[: self.shared](image)
            mean = self.to_mean(self.convolutions[self.shared :](shared))
            local = spread_over_gaps(self.to_local(shared).float(), image)
            return torch.cat([mean, local.flatten(1)], dim=1), None
        hidden = self.convolutions(image)
        return self.to_mean(hidden), None if self.to_log_variance is None else self.to_log_variance(hidden)


def spread_over_gaps(local: Float[Tensor, "b c s s"], image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c s s"]:
    """A local code in which places that show little of the part have more of the mean of all places.

    Else the code would carry the part's outline, and hair that is exchanged the fringe of the other head.

    Args:
        local: numbers of each place.
        image: the part, 0 where it is not; no pixel of 8 bits is exactly 0 in [-1, 1].
    """
    shown = functional.avg_pool2d((image != 0).any(1, keepdim=True).float(), image.shape[-1] // local.shape[-1])
    mean = (local * shown).sum((2, 3), keepdim=True) / shown.sum((2, 3), keepdim=True).clamp_min(1e-6)
    return shown * local + (1 - shown) * mean


class CodeDecoder(nn.Module):
    """Code -> its smallest map -> transposed convolutions; the local code joins the map of its size."""

    def __init__(
        self,
        part: str,
        geometry: Geometry,
        widths: Sequence[int],
        *,
        width: int,
        norm: Norm,
        local: LocalCode,
        smooth_enlargement: bool,
    ) -> None:
        super().__init__()
        self.code_size = DEEPEST * width
        self.local_shape = local.shape(part, geometry)
        self.to_map = _CodeToMap(part, geometry, width)
        joined = halvings(part, geometry) - int(math.log2(local.stride))  # convolutions before the local code
        self.joined = joined if local.of(part) else -1
        self.convolutions = nn.Sequential(
            *(
                _up(i + (local.of(part) if number == joined else 0), o, norm, smooth_enlargement)
                for number, (i, o) in enumerate(pairwise(widths))
            )
        )

    def forward(self, code: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """Numbers beyond those of this part are padding."""
        hidden = self.to_map(code[:, : self.code_size])
        for number, convolution in enumerate(self.convolutions):
            if number == self.joined:
                numbers = math.prod(self.local_shape)
                local = code[:, self.code_size : self.code_size + numbers].unflatten(1, self.local_shape)
                hidden = torch.cat([hidden, local.to(hidden.dtype)], dim=1)
            hidden = convolution(hidden)
        return hidden


class FeatureHead(CodeDecoder):
    """Code -> features of a part for the generator, at least 0; the options are those of `CodeDecoder`."""

    def __init__(self, part: str, geometry: Geometry, *, width: int, **options: Any) -> None:
        ups = halvings(part, geometry) - int(math.log2(geometry.feature_stride))
        widths = [DEEPEST * width, *[4 * width] * ups]
        super().__init__(part, geometry, widths, width=width, **options)


class ImageHead(CodeDecoder):
    """Code -> the part again, in (-1, 1); the options are those of `CodeDecoder`."""

    def __init__(self, part: str, geometry: Geometry, *, width: int, **options: Any) -> None:
        levels = halvings(part, geometry)
        factors = [4, 2, 1, 1][:levels] if part in PLACED else [*[8] * (levels - 3), 4, 2, 1]
        widths = [DEEPEST * width, *(factor * width for factor in factors)]
        super().__init__(part, geometry, widths, width=width, **options)
        self.to_rgb = nn.Sequential(nn.ReflectionPad2d(2), nn.Conv2d(widths[-1], 3, 5), nn.Tanh())

    def forward(self, code: Float[Tensor, "b z"]) -> Float[Tensor, "b 3 h w"]:
        return self.to_rgb(super().forward(code))


class Appearance(Configured):
    """The five encoders and their feature heads: what the parts of a photo look like.

    Args:
        image_size: height and width of the photo; a power of two.
        width: channels of the first layers (paper: 64).
        feature_stride: pixels of the photo for one pixel of the features, 2 or 4.
        latent: "deterministic", or "vae": codes are distributions.
        norm: "batch", "instance" or "group".
        eye_input: what the eye encoders see; see `parts.cut_parts`.
        grow: how much eyes and mouth of the maps are enlarged; see `parts.grow_parts`.
        local_channels: numbers of the codes of skin and hair for each place; 0: codes have no places.
        local_stride: pixels from one place to the next, more than `feature_stride`; a power of two.
        local_alignment: "none", or "similarity": codes with places also say where eyes and mouth were, and features of
            skin and hair are moved so that these come where the target map has its own.
        smooth_enlargement: smooth what transposed convolutions of the heads enlarge.

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int = 64,
        feature_stride: int = 4,
        latent: Literal["deterministic", "vae"] = "deterministic",
        norm: Norm = "batch",
        eye_input: Literal["crop", "masked"] = "crop",
        grow: float = 1.1,
        local_channels: int = 0,
        local_stride: int = 8,
        local_alignment: Literal["none", "similarity"] = "none",
        smooth_enlargement: bool = False,
    ) -> None:
        super().__init__()
        self.geometry = geometry = check_size(image_size, feature_stride)
        local = LocalCode(local_channels, local_stride)
        self.eye_input: Literal["crop", "masked"] = eye_input
        self.grow = grow
        self.aligned = local_alignment == "similarity"
        self.code_size = DEEPEST * width + local.size(geometry) + (2 * len(PLACED) if self.aligned else 0)
        options: dict[str, Any] = {"width": width, "norm": norm, "local": local}
        self.encoders = nn.ModuleDict(
            {part: PartEncoder(part, geometry, variance=latent == "vae", **options) for part in PARTS}
        )
        options["smooth_enlargement"] = smooth_enlargement
        self.feature_heads = nn.ModuleDict({part: FeatureHead(part, geometry, **options) for part in PARTS})
        init_convolutions(self)

    def target(self, label_map: Int64[Tensor, "b h w"]) -> Target:
        """Maps as this network and its generator want them."""
        return Target(label_map, self.geometry, self.grow)

    def cut(self, photo: Float[Tensor, "b 3 h w"], target: Target) -> dict[str, Tensor]:
        """What the encoders see of photos with these maps."""
        return cut_parts(photo, target, self.geometry, eye_input=self.eye_input)

    def forward(
        self, parts: Mapping[str, Tensor], noise: Float[Tensor, "b parts z"] | None = None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
        """Cut-out parts -> their features, their codes, and the log variances (empty unless "vae").

        The features are for the photos' own maps; `align` moves them to others.

        Args:
            parts: from `cut`.
            noise: N(0, 1), for codes that are drawn from their distributions; none: the means.
        """
        codes, log_variances = self._encode(parts)
        if noise is not None:
            for index, part in enumerate(log_variances):
                codes[part] = codes[part] + (log_variances[part] / 2).exp() * noise[:, index]
        return self._features(codes), codes, log_variances

    def encode(
        self, parts: Mapping[str, Tensor], centres: Int64[Tensor, "b 3 2"]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Means and log variances of the codes, all of one length: zeros follow those of parts without a local code.

        Args:
            parts: from `cut`.
            centres: of eyes and mouth in the photos' own maps; the last numbers of codes that are aligned.
        """
        means, log_variances = self._encode(parts)
        if self.aligned:
            share = (centres.flatten(1) / self.geometry.image_size).to(means["skin"].dtype)
            means = {part: torch.cat([mean[:, : -share.shape[1]], share], dim=1) for part, mean in means.items()}
        return means, log_variances

    def decode(self, codes: Mapping[str, Tensor], centres: Int64[Tensor, "b 3 2"]) -> dict[str, Tensor]:
        """Codes (b, z) -> features of each part, for maps with these centres."""
        features = self._features(codes)
        if self.aligned:
            size = self.geometry.image_size
            for part in (part for part in PARTS if part not in PLACED):
                found = codes[part][:, -2 * len(PLACED) :].unflatten(1, (len(PLACED), 2)) * size
                features[part] = align(features[part], found, centres, size)
        return features

    def align(self, features: dict[str, Tensor], found: Tensor, wanted: Int64[Tensor, "b 3 2"]) -> dict[str, Tensor]:
        """Features for maps whose eyes and mouth are at `found`, as they are for those that have them at `wanted`.

        Those of eyes and mouth stay, as the generator puts them where the map wants them.
        """
        if not self.aligned:
            return features
        return {
            part: block if part in PLACED else align(block, found, wanted, self.geometry.image_size)
            for part, block in features.items()
        }

    def _encode(self, parts: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        means, log_variances = {}, {}
        for part in PARTS:
            mean, log_variance = self.encoders[part](parts[part])
            means[part] = functional.pad(mean, (0, self.code_size - mean.shape[1]))
            if log_variance is not None:
                log_variances[part] = log_variance
        return means, log_variances

    def _features(self, codes: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {part: self.feature_heads[part](codes[part]) for part in PARTS}


class Reconstruction(Configured):
    """The five image heads, which training needs for the local loss and nothing else.

    The arguments are those of `Appearance`.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int = 64,
        feature_stride: int = 4,
        norm: Norm = "batch",
        local_channels: int = 0,
        local_stride: int = 8,
        smooth_enlargement: bool = False,
    ) -> None:
        super().__init__()
        geometry = check_size(image_size, feature_stride)
        options: dict[str, Any] = {"width": width, "norm": norm, "local": LocalCode(local_channels, local_stride)}
        options["smooth_enlargement"] = smooth_enlargement
        self.image_heads = nn.ModuleDict({part: ImageHead(part, geometry, **options) for part in PARTS})
        init_convolutions(self)

    def forward(self, codes: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Codes -> the parts again, in (-1, 1)."""
        return {part: self.image_heads[part](codes[part]) for part in PARTS}


class Generator(Configured):
    """Target map, features of the parts and background photo -> portrait.

    E_m encodes the map, the parts' features are put where the map wants them, G_m makes the foreground of both, E_b
    encodes the photo outside the face, G_b fuses the two.

    Args:
        image_size: height and width; a power of two.
        width: channels of the first layers (paper: 64).
        appearance_width: width of the `Appearance` that the features come from.
        feature_stride: pixels of the photo for one pixel of the features, 2 or 4.
        num_blocks: residual blocks of G_m (9).
        mask_encoder: "single", or "multi": one encoder for the classes of each part.
        norm: "batch", "instance" or "group".
        smooth_enlargement: smooth what the transposed convolutions of G_m enlarge.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int = 64,
        appearance_width: int = 64,
        feature_stride: int = 4,
        num_blocks: int = 9,
        mask_encoder: Literal["single", "multi"] = "single",
        norm: Norm = "batch",
        smooth_enlargement: bool = False,
    ) -> None:
        super().__init__()
        self.geometry = check_size(image_size, feature_stride)
        groups = [CLASSES[part] for part in PARTS] if mask_encoder == "multi" else [tuple(range(SCHEMA.num_classes))]
        self.groups = groups
        self.map_encoders = nn.ModuleList(_map_encoder(len(classes), width, feature_stride, norm) for classes in groups)
        channels = 4 * width
        ups = [channels, 2 * width, width] if feature_stride == 4 else [channels, width]
        self.foreground = nn.Sequential(
            nn.Conv2d(len(groups) * channels + len(PARTS) * 4 * appearance_width, channels, 1),
            *(_Residual(channels, norm) for _ in range(num_blocks)),
            *(_up(i, o, norm, smooth_enlargement) for i, o in pairwise(ups)),
        )
        self.background_encoder = _conv7(3, width, norm)
        self.fusion = nn.Sequential(
            nn.Conv2d(2 * width, width, 1), nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()
        )
        init_convolutions(self)

    def forward(
        self,
        one_hot: Float[Tensor, "b 11 h w"],
        photo: Float[Tensor, "b 3 h w"],
        features: Mapping[str, Tensor],
        centres: Int64[Tensor, "b 3 2"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Paint a portrait in (-1, 1).

        Args:
            one_hot: target map, eyes and mouth grown.
            photo: in [-1, 1]; only its pixels where the map has background are looked at.
            features: of each part, from `Appearance`.
            centres: of eyes and mouth in the target map, from `parts.part_centres`.
        """
        maps = [encoder(one_hot[:, list(group)]) for encoder, group in zip(self.map_encoders, self.groups, strict=True)]
        foreground = self.foreground(torch.cat([*maps, *self.assemble(features, centres)], dim=1))
        outside = one_hot[:, BACKGROUND : BACKGROUND + 1]
        background = self.background_encoder(photo * outside) * outside
        return self.fusion(torch.cat([foreground, background], dim=1))

    def assemble(self, features: Mapping[str, Tensor], centres: Tensor) -> list[Float[Tensor, "b c s s"]]:
        """The features of each part where the target map wants them, at the size of the feature maps."""
        middles, size = feature_centres(centres, self.geometry), self.geometry.feature_size
        return [
            place(features[part], middles[:, PLACED.index(part)], size) if part in PLACED else features[part]
            for part in PARTS
        ]


class Discriminator(Configured):
    """Two patch discriminators, on map and picture and on both at half the size (pix2pixHD).

    Args:
        width: channels of the first layer (64).
    """

    def __init__(self, *, width: int = 64) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            PatchDiscriminator(in_channels=SCHEMA.num_classes + 3, width=width, norm="batch", padding=2, bias=True)
            for _ in range(NUM_SCALES)
        )
        init_normal(self)

    def forward(
        self, one_hot: Float[Tensor, "b 11 h w"], image: Float[Tensor, "b 3 h w"]
    ) -> list[tuple[Float[Tensor, "b _ _ _"], Float[Tensor, "b 1 _ _"]]]:
        """For each scale the last hidden layer and the logits."""
        pair = torch.cat([one_hot, image], dim=1)
        outputs = []
        for discriminator in self.scales:
            *_, hidden, logits = discriminator(pair)
            outputs.append((hidden, logits))
            pair = functional.avg_pool2d(pair, 3, stride=2, padding=1, count_include_pad=False)
        return outputs


def check_size(image_size: int, feature_stride: int) -> Geometry:
    """The geometry of a size.

    Raises:
        ShapeError: if there is none.
    """
    least = 32 * feature_stride
    if feature_stride not in (2, 4) or image_size < least or image_size & (image_size - 1):
        raise ShapeError(
            f"portrait cannot have image_size {image_size} with feature_stride {feature_stride}; the stride must be 2 "
            "or 4 and the size a power of two of at least 32 times as much."
        )
    return Geometry(image_size, feature_stride)


def init_convolutions(network: nn.Module) -> None:
    """N(0, 0.02) for convolutions and N(1, 0.02) for scales of norms; linear layers stay as PyTorch makes them."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d | nn.InstanceNorm2d):
            init_normal(module)


class _CodeToMap(nn.Module):
    """A linear layer to the smallest map of a part; that of the eyes has no bias (authors' code)."""

    def __init__(self, part: str, geometry: Geometry, width: int) -> None:
        super().__init__()
        self.shape = (DEEPEST * width, *(side // 2 ** halvings(part, geometry) for side in geometry.crop(part)))
        self.linear = nn.Linear(DEEPEST * width, math.prod(self.shape), bias=not part.endswith("eye"))

    def forward(self, code: Tensor) -> Tensor:
        return cast(Tensor, self.linear(code)).unflatten(1, self.shape)


class _Residual(nn.Module):
    """x + [pad, conv3, norm, ReLU, pad, conv3, norm]; nothing after the sum."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), _norm(norm, channels), nn.ReLU()),
            *(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), _norm(norm, channels)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _norm(kind: Norm, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    return nn.GroupNorm(math.gcd(channels, 8), channels)


def _down(i: int, o: int, norm: Norm) -> nn.Module:
    return nn.Sequential(nn.Conv2d(i, o, 4, stride=2, padding=1), _norm(norm, o), nn.ReLU())


class _SmoothTransposedConv(nn.ConvTranspose2d):
    """A transposed convolution whose result is smoothed, so that its even and odd pixels cannot differ as a grid."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return smooth(super().forward(input, output_size))


def _up(i: int, o: int, norm: Norm, smooth_enlargement: bool) -> nn.Module:
    convolution = _SmoothTransposedConv if smooth_enlargement else nn.ConvTranspose2d
    return nn.Sequential(convolution(i, o, 4, stride=2, padding=1), _norm(norm, o), nn.ReLU())


def _conv7(i: int, o: int, norm: Norm) -> nn.Module:
    return nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(i, o, 7), _norm(norm, o), nn.ReLU())


def _map_encoder(in_channels: int, width: int, feature_stride: int, norm: Norm) -> nn.Module:
    """E_m: conv7, then convolutions of stride 2 to the size of the features."""
    widths = [width, 2 * width, 4 * width] if feature_stride == 4 else [width, 4 * width]
    layers: list[nn.Module] = [_conv7(in_channels, width, norm)]
    for i, o in pairwise(widths):
        layers += [nn.Conv2d(i, o, 3, stride=2, padding=1), _norm(norm, o), nn.ReLU()]
    return nn.Sequential(*layers)


def _perceptron(numbers: int, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(numbers, HIDDEN * width), nn.ReLU(), nn.Linear(HIDDEN * width, DEEPEST * width))
