"""The generators of SCA-GAN: PCT-Net moves the edges, IS-Net paints them. The discriminators are in `limner.nn`.

Li, Zhang, Liu, Lu, He: "Spatial Content Alignment for Pose Transfer", ICME 2021, arXiv:2103.16828. Layers follow facts
of the authors' code, which has no licence; nothing is copied. The released PCT-Net has no pose attention blocks: it is
the residual generator of CycleGAN with batch norm.

Differences from the authors' networks: every width is a parameter, and pictures of other sizes double the first map
less often, with blocks left out at its coarse end (`decoder_plan`).

Letters: e = channels of the content (1 for edges), p = joints (18), s = channels of the style map, n = latent numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.configured import Configured
from limner.nn.pose_transfer import NUM_JOINTS, init_normal
from limner.nn.spade import MapModulation, SyncBatchNorm
from limner.pose_transfer import moved
from limner.systems.scagan.plates import PlateBorder, PlateScale

Content = Literal["edge", "semantic", "none"]
SpadeNorm = Literal["instance", "batch"]
CONTENT_CHANNELS: dict[Content, int] = {"edge": 1, "semantic": 8, "none": 0}
"""What the content branch is given: an edge map, a map of eight garment classes, or nothing (ablation)."""


class DecoderBlock(NamedTuple):
    """One block of IS-Net's decoder."""

    name: str
    in_channels: int
    out_channels: int
    size: tuple[int, int]
    """Height and width at which the block works."""


def decoder_plan(image_size: tuple[int, int], *, width: int, start_height: int = 8) -> list[DecoderBlock]:
    """The blocks of IS-Net's decoder, coarse to fine.

    The paper's 256 x 176 doubles a map of 8 x 6 five times. A smaller picture leaves out blocks of the coarse end: with
    four doublings `middle_1` and `up_0`, with three `middle_0` too.

    Args:
        image_size: height and width in pixels.
        width: channels of the finest block (64 in the paper).
        start_height: of the first map.

    Raises:
        ShapeError: if the height is not `start_height` times 8, 16 or 32, or the widths of the maps come out empty.
    """
    height, breadth = image_size
    doublings = int(math.log2(height // start_height)) if height >= start_height else 0
    if height != start_height * 2**doublings or doublings not in (3, 4, 5) or breadth < 2 ** (doublings + 1):
        raise ShapeError(
            f"SCA-GAN's pictures are {height} pixels high and {breadth} wide; the height must be {start_height} times "
            f"8, 16 or 32, and the width at least a quarter of it (256 x 176, 128 x 88, 64 x 44)."
        )
    sizes = [map_size(image_size, start_height * 2**level) for level in range(doublings + 1)]
    wide = 8 * width
    names = {
        3: [("head_0", 0)],
        4: [("head_0", 0), ("middle_0", 1)],
        5: [("head_0", 0), ("middle_0", 1), ("middle_1", 1), ("up_0", 2)],
    }[doublings]
    stages = [DecoderBlock(name, wide, wide, sizes[level]) for name, level in names]
    fine = [("up_1", wide, 4 * width), ("up_2", 4 * width, 2 * width), ("up_3", 2 * width, width)]
    return stages + [DecoderBlock(name, i, o, sizes[doublings - 2 + k]) for k, (name, i, o) in enumerate(fine)]


def map_size(image_size: tuple[int, int], height: int) -> tuple[int, int]:
    """The size of a map of that height: as wide as the picture's shape says, halves rounded up (8 x 6 of 256 x 176)."""
    return height, math.floor(height * image_size[1] / image_size[0] + 0.5)


class PCTNet(Configured):
    """F(E_s, P_t, plates): the content of the source in the target's pose ("Prior Content Transfer").

    Batch norm throughout, and no bias before one.

    Args:
        content_channels: e of the content that goes in and comes out.
        width: channels of the first layer (64).
        num_blocks: residual blocks (6).
        plate_scale: of its plates; kept for those who make them.
        plate_border: likewise.
    """

    def __init__(
        self,
        *,
        content_channels: int = 1,
        width: int = 64,
        num_blocks: int = 6,
        plate_scale: PlateScale = "unit",
        plate_border: PlateBorder = "crop",
    ) -> None:
        super().__init__()
        inputs = content_channels + 2 * NUM_JOINTS
        self.layers = nn.Sequential(
            *_conv_norm_relu(nn.Conv2d(inputs, width, 7, padding=3, padding_mode="reflect", bias=False)),
            *_conv_norm_relu(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)),
            *_conv_norm_relu(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1, bias=False)),
            *[_BatchNormBlock(4 * width) for _ in range(num_blocks)],
            *_conv_norm_relu(_upwards(4 * width, 2 * width)),
            *_conv_norm_relu(_upwards(2 * width, width)),
            nn.Conv2d(width, content_channels, 7, padding=3, padding_mode="reflect"),
        )
        self.is_edge = content_channels == 1
        self.apply(init_normal)

    def forward(
        self,
        content: Float[Tensor, "b e h w"],
        pose: Float[Tensor, "b 18 h w"],
        plates: Float[Tensor, "b 18 h w"],
    ) -> Float[Tensor, "b e h w"]:
        """Source content, target heat maps in [0, 1] and plates -> content in the target's pose.

        Edges come out in (-1, 1), classes as shares that sum to 1.
        """
        logits = self.layers(torch.cat([content, pose, plates], dim=1))
        return torch.tanh(logits) if self.is_edge else logits.softmax(dim=1)


class StyleEncoder(nn.Module):
    """I_s to a small map of what the person looks like; not aligned with the target.

    Args:
        image_size: height and width in pixels; halved until the height is `start_height`.
        width: channels at full size (64).
        style_channels: s of the map, and the most that any layer has (512).
        norm: after each convolution; "none" in the paper's full model.
        start_height: of the map.
    """

    def __init__(
        self,
        *,
        image_size: tuple[int, int],
        width: int = 64,
        style_channels: int = 512,
        norm: Literal["none", "batch", "instance"] = "none",
        start_height: int = 8,
    ) -> None:
        super().__init__()
        num_halvings = int(math.log2(image_size[0] // start_height))
        channels = [min(width * 2**level, style_channels) for level in range(num_halvings)] + [style_channels]
        blocks = [_StyleBlock(3, channels[0], kernel=7, stride=1, norm=norm)]
        for i, o in pairwise(channels):
            blocks.append(_StyleBlock(i, o, kernel=3, stride=2, norm=norm))
        self.blocks = nn.Sequential(*blocks)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b s h2 w2"]:
        """Photo in [-1, 1] -> style map."""
        return self.blocks(image)


class CSSPADE(MapModulation):
    """A norm without scale and shift, modulated by a condition of any size (Sec. 3.2).

    Args:
        channels: of x.
        num_classes: channels of the condition.
        hidden: channels between the two convolutions (128).
        at_map_size: every cell of the condition is taken alone, as if its neighbours were equal, and gamma and beta are
            enlarged. Ours: the same as the paper's inside the enlarged cells, other within two pixels of their borders,
            and half of the cost of the whole network less where a small style map is the condition.
        gamma_plus_one: scale by 1 + gamma (the authors' code) and not by gamma (the paper's formula).
        norm: "instance" (the authors' code), or "batch" as in SPADE itself: ours. Instance norm takes from every map
            how strong it is in this picture, and with it how saturated a garment is.
    """

    def __init__(
        self,
        channels: int,
        *,
        num_classes: int,
        hidden: int = 128,
        at_map_size: bool = False,
        gamma_plus_one: bool = True,
        norm: SpadeNorm = "instance",
    ) -> None:
        super().__init__(channels, num_classes=num_classes, hidden=hidden)
        self.norm = SyncBatchNorm(channels) if norm == "batch" else functional.instance_norm
        self.at_map_size = at_map_size
        self.offset = 1.0 if gamma_plus_one else 0.0

    def forward(self, x: Float[Tensor, "b c h w"], condition: Float[Tensor, "b n h2 w2"]) -> Float[Tensor, "b c h w"]:
        """The condition may have any size; it is enlarged by the nearest pixel."""
        size = x.shape[-2:]
        if self.at_map_size:
            hidden = functional.relu(_among_equals(self.shared, condition))
            gamma, beta = (
                functional.interpolate(_among_equals(conv, hidden), size=size, mode="nearest")
                for conv in (self.gamma, self.beta)
            )
        else:
            hidden = functional.relu(self.shared(functional.interpolate(condition, size=size, mode="nearest")))
            gamma, beta = self.gamma(hidden), self.beta(hidden)
        return self.norm(x) * (self.offset + gamma) + beta


class ContentStyleBlock(nn.Module):
    """ "Content-Style DeBlk": a content branch and a pose branch, each painted with the style first (Sec. 3.2, Fig. 3).

    Each branch: SPADE by the style, conv, SPADE by its condition, conv, SPADE by its condition, conv; the results are
    added. There is no shortcut around the block.

    Args:
        in_channels: of x.
        out_channels: of the result.
        content_channels: e of the content; 0 leaves the pose branch alone (ablation).
        style_channels: s.
        hidden: of every SPADE.
        style_at_map_size: see `CSSPADE`.
        gamma_plus_one: see `CSSPADE`.
        content_weight: W in W * content + (1 - W) * pose; 0 adds the two.
        spade_norm: see `CSSPADE`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        content_channels: int,
        style_channels: int,
        hidden: int,
        style_at_map_size: bool = False,
        gamma_plus_one: bool = True,
        content_weight: float = 0.0,
        spade_norm: SpadeNorm = "instance",
    ) -> None:
        super().__init__()
        self.content_weight = content_weight
        middle = min(in_channels, out_channels)
        spade = partial(CSSPADE, hidden=hidden, gamma_plus_one=gamma_plus_one, norm=spade_norm)

        def branch(channels: int) -> _Branch:
            style = spade(in_channels, num_classes=style_channels, at_map_size=style_at_map_size)
            conditions = [spade(middle, num_classes=channels) for _ in range(2)]
            return _Branch(in_channels, middle, out_channels, [style, *conditions])

        self.content = branch(content_channels) if content_channels else None
        self.pose = branch(NUM_JOINTS)

    def forward(
        self,
        x: Float[Tensor, "b i h w"],
        style: Float[Tensor, "b s h2 w2"],
        content: Float[Tensor, "b e h3 w3"],
        pose: Float[Tensor, "b 18 h3 w3"],
    ) -> Float[Tensor, "b o h w"]:
        """Style, content and pose may have any size."""
        posed = self.pose(x, style, pose)
        if self.content is None:
            return posed
        painted = self.content(x, style, content)
        weight = self.content_weight
        return painted + posed if weight == 0 else weight * painted + (1 - weight) * posed


class SPADEResidualBlock(nn.Module):
    """The ablation: SPADE's own residual block, with everything as one condition at the block's size.

    Arguments as of `ContentStyleBlock`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        content_channels: int,
        style_channels: int,
        hidden: int,
        spade_norm: SpadeNorm = "instance",
    ) -> None:
        super().__init__()
        condition = content_channels + NUM_JOINTS + style_channels
        middle = min(in_channels, out_channels)
        spade = partial(CSSPADE, num_classes=condition, hidden=hidden, norm=spade_norm)
        self.norm_0 = spade(in_channels)
        self.conv_0 = nn.Conv2d(in_channels, middle, 3, padding=1)
        self.norm_1 = spade(middle)
        self.conv_1 = nn.Conv2d(middle, out_channels, 3, padding=1)
        self.norm_s = spade(in_channels)
        self.conv_s = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b i h w"],
        style: Float[Tensor, "b s h2 w2"],
        content: Float[Tensor, "b e h3 w3"],
        pose: Float[Tensor, "b 18 h3 w3"],
    ) -> Float[Tensor, "b o h w"]:
        """Style, content and pose may have any size."""
        parts = [functional.interpolate(part, size=x.shape[-2:], mode="nearest") for part in (content, pose, style)]
        condition = torch.cat(parts, dim=1)
        main = self.conv_0(functional.leaky_relu(self.norm_0(x, condition), 0.2))
        main = self.conv_1(functional.leaky_relu(self.norm_1(main, condition), 0.2))
        return main + self.conv_s(self.norm_s(x, condition))


class ISNet(Configured):
    """G(I_s, E_g, P_t): the person of a photo in another pose ("Image Synthesis Network").

    Args:
        image_size: height and width in pixels: see `decoder_plan`.
        width: channels of the finest block (64).
        style_channels: s of the style map (512).
        hidden: of every SPADE (128).
        content: what the content branch is given.
        moved_photo: whether it is also given the photo, moved limb by limb (`moved.CHANNELS` more channels), and the
            picture may take that photo's pixels as they are, by a mask; ours.
        block: the paper's block, or SPADE's residual block (ablation).
        encoder_norm: see `StyleEncoder`.
        content_weight: see `ContentStyleBlock`.
        latent_size: n of the latent that the first map is made from (256); 0: it is made from the pose, and the
            picture has no seed.
        style_at_map_size: see `CSSPADE`.
        gamma_plus_one: see `CSSPADE`.
        start_height: of the first map (8; 4 for Market-1501's 128 x 64).
        prior_transfer: whether its content was moved by PCT-Net; kept for those who make it.
        spade_norm: see `CSSPADE`.
    """

    def __init__(
        self,
        *,
        image_size: Sequence[int] = (256, 176),
        width: int = 64,
        style_channels: int = 512,
        hidden: int = 128,
        content: Content = "edge",
        moved_photo: bool = False,
        block: Literal["csdeblk", "spade_resblk"] = "csdeblk",
        encoder_norm: Literal["none", "batch", "instance"] = "none",
        content_weight: float = 0.0,
        latent_size: int = 256,
        style_at_map_size: bool = False,
        gamma_plus_one: bool = True,
        start_height: int = 8,
        prior_transfer: bool = True,
        spade_norm: SpadeNorm = "instance",
    ) -> None:
        super().__init__()
        self.image_size = (image_size[0], image_size[1])
        self.latent_size = latent_size
        self.plan = decoder_plan(self.image_size, width=width, start_height=start_height)
        self.encoder = StyleEncoder(
            image_size=self.image_size,
            width=width,
            style_channels=style_channels,
            norm=encoder_norm,
            start_height=start_height,
        )
        first = self.plan[0]
        self.first_map: nn.Module = (
            nn.Linear(latent_size, first.in_channels * math.prod(first.size))
            if latent_size
            else nn.Conv2d(NUM_JOINTS, first.in_channels, 3, padding=1)
        )

        def new_block(stage: DecoderBlock) -> nn.Module:
            shared: dict[str, Any] = {
                "content_channels": CONTENT_CHANNELS[content] + (moved.CHANNELS if moved_photo else 0),
                "style_channels": style_channels,
                "hidden": hidden,
                "spade_norm": spade_norm,
            }
            if block == "spade_resblk":
                return SPADEResidualBlock(stage.in_channels, stage.out_channels, **shared)
            return ContentStyleBlock(
                stage.in_channels,
                stage.out_channels,
                **shared,
                style_at_map_size=style_at_map_size,
                gamma_plus_one=gamma_plus_one,
                content_weight=content_weight,
            )

        self.blocks = nn.ModuleDict({stage.name: new_block(stage) for stage in self.plan})
        self.to_rgb = nn.Conv2d(width, 3, 3, padding=1)
        self.to_mask = nn.Conv2d(width, 1, 3, padding=1) if moved_photo else None
        self.apply(init_normal)

    def forward(
        self,
        source: Float[Tensor, "b 3 h w"],
        content: Float[Tensor, "b e h w"],
        pose: Float[Tensor, "b 18 h w"],
        latent: Float[Tensor, "b n"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Photo in [-1, 1], content in the target's pose, heat maps in [0, 1], latent from N(0, 1) -> (-1, 1).

        With `moved_photo` its channels follow those of the content.

        Raises:
            ShapeError: if the photo is of another size than the network's.
        """
        if tuple(source.shape[-2:]) != self.image_size:
            found = " x ".join(map(str, source.shape[-2:]))
            raise ShapeError(f"The photo is {found}; this network's is {self.image_size[0]} x {self.image_size[1]}.")
        style = self.encoder(source)
        first = self.plan[0]
        if self.latent_size:
            x = self.first_map(latent).unflatten(1, (first.in_channels, *first.size))
        else:
            x = self.first_map(functional.interpolate(pose, size=first.size, mode="nearest"))
        for stage in self.plan:
            if tuple(x.shape[-2:]) != stage.size:
                x = functional.interpolate(x, size=stage.size, mode="bilinear", align_corners=False)
            x = self.blocks[stage.name](x, style, content, pose)
        x = functional.leaky_relu(x, 0.2)
        painted = torch.tanh(self.to_rgb(x))
        if self.to_mask is None:
            return painted
        colours, share = content[:, -moved.CHANNELS :].split((3, 1), dim=1)
        mask = torch.sigmoid(self.to_mask(x))
        return mask * colours + (1 - mask * share) * painted  # colours are weighted by their share already


class _Branch(nn.Module):
    """SPADE by the style, then twice by the branch's condition; a convolution after each."""

    def __init__(self, in_channels: int, middle: int, out_channels: int, norms: list[CSSPADE]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norms)
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in ((in_channels, middle), (middle, middle), (middle, out_channels))
        )

    def forward(self, x: Tensor, style: Tensor, condition: Tensor) -> Tensor:
        for norm, conv, given in zip(self.norms, self.convs, (style, condition, condition), strict=True):
            x = conv(functional.leaky_relu(norm(x, given), 0.2))
        return x


class _StyleBlock(nn.Module):
    """relu(conv3(relu(conv x))) + relu(conv x), reflected at the border."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int, stride: int, norm: str) -> None:
        super().__init__()
        wide = max(in_channels, out_channels)

        def conv(i: int, o: int, kernel: int, stride: int) -> nn.Sequential:
            layer = nn.Conv2d(i, o, kernel, stride=stride, padding=kernel // 2, padding_mode="reflect")
            norms = {"none": nn.Identity, "batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}
            return nn.Sequential(layer, norms[norm](o), nn.ReLU())

        self.first = conv(in_channels, wide, kernel, stride)
        self.second = conv(wide, out_channels, 3, 1)
        self.shortcut = conv(in_channels, out_channels, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)) + self.shortcut(x)


class _BatchNormBlock(nn.Module):
    """x + [conv3 - BN - ReLU - conv3 - BN], reflected at the border."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv_norm_relu(nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _among_equals(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """What a convolution gives where all the positions that it sees have the value of the middle one."""
    return functional.conv2d(x, conv.weight.sum((2, 3), keepdim=True), conv.bias)


def _upwards(i: int, o: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(i, o, 3, stride=2, padding=1, output_padding=1, bias=False)


def _conv_norm_relu(conv: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()]
