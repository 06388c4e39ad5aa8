"""The networks of LGcGAN: a generator with landmark attention and a discriminator with an age head.

Huang, Gong: "Landmark-Guided Conditional GANs for Face Aging", ICIAP 2022. The paper's layers could not be read; they
are assembled from its closest relatives: the generator of IPCGAN (Wang et al., CVPR 2018) twice as wide, the age at
the bottleneck as in AgeGAN++ (Song et al., "Dual Conditional GANs for Face Aging and Rejuvenation", IJCAI 2018), and
the attention and the pair of colour and mask of ATVGnet (Chen et al., CVPR 2019, arXiv:1905.03820).

Letters: b batch, s side of the picture, n age groups, c the generator's width.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured
from limner.nn.resampling import double_and_convolve
from limner.systems.lgcgan.landmark_maps import NUM_LANDMARKS, PARTS

Landmarks = Literal["maps", "coords", "none"]
Upsampling = Literal["nearest", "transposed"]
NUM_MAPS = len(PARTS)
COORDS_SIDE = 8  # of the map that the coordinates become (ATVGnet: 64 numbers as 8 x 8)


class Aged(NamedTuple):
    """What a generator gives."""

    image: Float[Tensor, "b 3 s s"]
    """In [-1, 1]."""
    bottleneck: Float[Tensor, "b 4*c s/4 s/4"]
    """Features of the picture before the age comes in."""
    attention: tuple[Tensor, ...]
    """Masks in (0, 1), coarse to fine: (b, 1, s/4, s/4), (b, 1, s/2, s/2) where there is attention; 1 = changed."""
    mask: Float[Tensor, "b 1 s s"]
    """Pixel attention in (0, 1): 1 = repainted, 0 = as it was; ones without pixel attention."""


class Generator(Configured):
    """A face at another age.

    Args:
        image_size: side of the pictures, a multiple of 4.
        num_groups: age groups.
        width: channels of the first layer, c (64 in the specification).
        num_blocks: residual blocks (6).
        kernel: of the convolutions at full size (7).
        landmarks: how they come: as "maps", as coordinates ("coords", ATVGnet's form), or not at all.
        attention: whether landmarks decide where the encoder's features are kept.
        pixel_attention: whether the result is mixed with the input, pixel by pixel.
        upsampling: enlarge and convolve ("nearest"), or "transposed" convolutions as IPCGAN has, in whose blocks of 4
            pixels patterns hide that a discriminator sees and nobody else.
        age_at: whether the age enters at the "bottleneck" or beside the "input".
        both_ways: whether it brings results back, too (shared weights); only recorded here.
    """

    def __init__(
        self,
        *,
        image_size: int,
        num_groups: int = 10,
        width: int = 64,
        num_blocks: int = 6,
        kernel: int = 7,
        landmarks: Landmarks = "maps",
        attention: bool = True,
        pixel_attention: bool = True,
        upsampling: Upsampling = "nearest",
        age_at: Literal["bottleneck", "input"] = "bottleneck",
        both_ways: bool = False,
    ) -> None:
        super().__init__()
        self.age_at_input = age_at == "input"
        c, ages, half = width, num_groups, max(1, width // 2)
        self.e0 = _conv_block(3 + ages * self.age_at_input, c, kernel)
        self.e1 = _conv_block(c, 2 * c, 4, stride=2)
        self.e2 = _conv_block(2 * c, 4 * c, 4, stride=2)
        guide = {"maps": (c, 2 * c), "coords": (c, 2 * c), "none": (2 * c, 4 * c)}[landmarks]  # fine, coarse
        self.landmark_encoder: nn.Module | None = None
        if landmarks == "maps":
            self.landmark_encoder = MapEncoder(half, kernel)
        elif landmarks == "coords":
            self.landmark_encoder = CoordinateEncoder(c, image_size)
        self.inject = _conv_block(4 * c + (guide[1] if landmarks != "none" else 0) + ages, 4 * c, 3)
        self.body = nn.ModuleList(ResidualBlock(4 * c) for _ in range(num_blocks))
        self.attention_coarse = _attention(guide[1] + ages, c) if attention else None
        self.up1 = UpBlock(4 * c, 2 * c, upsampling)
        self.attention_fine = _attention(guide[0] + ages, c) if attention else None
        self.up2 = UpBlock(2 * c, c, upsampling)
        self.color = nn.Conv2d(c, 3, kernel, padding=kernel // 2)
        self.mask = nn.Conv2d(c, 1, kernel, padding=kernel // 2) if pixel_attention else None
        init(self)

    def forward(
        self,
        image: Float[Tensor, "b 3 s s"],
        age: Float[Tensor, "b n"],
        landmarks: Tensor | None = None,
    ) -> Aged:
        """A picture in [-1, 1], the wanted age (rows sum to 1; fractions lie between groups), and landmarks.

        Landmarks are maps (b, 7, s, s), coordinates (b, 68, 2) or nothing, as `landmarks` says.
        """
        e1 = self.e1(self.e0(_with_age(image, age) if self.age_at_input else image))
        e2 = self.e2(e1)
        if self.landmark_encoder is None:
            fine, coarse = e1, e2
            known = [e2]
        else:
            fine, coarse = self.landmark_encoder(landmarks)
            known = [e2, coarse]
        r = self.inject(_with_age(torch.cat(known, dim=1), age))
        for block in self.body:
            r = block(r)
        masks = []
        if self.attention_coarse is not None:
            masks.append(self.attention_coarse(_with_age(coarse, age)))
            r = torch.lerp(e2, r, masks[0].to(r.dtype))
        u = self.up1(r)
        if self.attention_fine is not None:
            masks.append(self.attention_fine(_with_age(fine, age)))
            u = torch.lerp(e1, u, masks[1].to(u.dtype))
        h = self.up2(u)
        color = torch.tanh(self.color(h))
        if self.mask is None:
            return Aged(color, e2, tuple(masks), torch.ones_like(color[:, :1]))
        mask = torch.sigmoid(self.mask(h))
        # Not lerp: where the mask is 0 the picture must come through to the bit.
        return Aged(mask * color + (1 - mask) * image, e2, tuple(masks), mask)


class Judged(NamedTuple):
    """What a discriminator says."""

    scores: Float[Tensor, "b k 1 s/16 s/16"]
    """For each of the k ages: how real a picture of that age, patch by patch; no sigmoid."""
    age_logits: Float[Tensor, "b n"]
    """Which age group the picture shows."""


class Discriminator(Configured):
    """Is this a real picture of that age, with those landmarks, and which age does it show?

    The trunk knows no age. It is run once for all ages that are asked about.

    Args:
        image_size: side of the pictures, a multiple of 16.
        num_groups: age groups.
        width: channels of the first layer (64 in the specification).
        landmarks: whether it sees landmark maps.
    """

    def __init__(self, *, image_size: int, num_groups: int = 10, width: int = 64, landmarks: bool = True) -> None:
        super().__init__()
        d = width
        layers: list[nn.Module] = [
            nn.Conv2d(3 + (NUM_MAPS if landmarks else 0), d, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        ]
        for before, after in ((d, 2 * d), (2 * d, 4 * d), (4 * d, 8 * d)):
            conv = nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.trunk = nn.Sequential(*layers)
        self.joint = nn.Sequential(
            nn.Conv2d(8 * d + num_groups, 8 * d, 3, padding=1, bias=False),
            nn.BatchNorm2d(8 * d),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8 * d, 1, 3, padding=1),
        )
        self.age_head = nn.Conv2d(8 * d, num_groups, image_size // 16)
        init(self)

    def forward(self, pair: Float[Tensor, "b m s s"], ages: Float[Tensor, "b k n"]) -> Judged:
        """Picture and maps side by side, and k ages to ask about (k may be 0)."""
        features = self.trunk(pair)
        # One pass an age: each has batch statistics of its own, as in the losses of IPCGAN.
        scores = [self.joint(_with_age(features, age)) for age in ages.unbind(1)]
        patches = features.shape[-1]
        empty = features.new_zeros(len(pair), 0, 1, patches, patches)
        return Judged(torch.stack(scores, dim=1) if scores else empty, self.age_head(features).flatten(1))


class MapEncoder(nn.Module):
    """Landmark maps -> features at a half and at a quarter of the size."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.l0 = _conv_block(NUM_MAPS, width, kernel)
        self.l1 = _conv_block(width, 2 * width, 4, stride=2)
        self.l2 = _conv_block(2 * width, 4 * width, 4, stride=2)

    def forward(self, maps: Float[Tensor, "b 7 s s"]) -> tuple[Tensor, Tensor]:
        """Fine and coarse features."""
        fine = self.l1(self.l0(maps))
        return fine, self.l2(fine)


class CoordinateEncoder(nn.Module):
    """Coordinates -> features at a half and at a quarter of the size, by way of a map of 8 x 8 (ATVGnet's form)."""

    def __init__(self, width: int, image_size: int) -> None:
        super().__init__()
        self.sides = (image_size // 2, image_size // 4)
        self.linear = nn.Linear(2 * NUM_LANDMARKS, COORDS_SIDE**2)
        self.fine = _conv_block(1, width, 3)
        self.coarse = _conv_block(1, 2 * width, 3)

    def forward(self, landmarks: Float[Tensor, "b 68 2"]) -> tuple[Tensor, Tensor]:
        """Fine and coarse features."""
        small = functional.relu(self.linear(landmarks.flatten(1))).unflatten(1, (1, COORDS_SIDE, COORDS_SIDE))
        fine, coarse = (functional.interpolate(small, size=side, mode="bilinear") for side in self.sides)
        return self.fine(fine), self.coarse(coarse)


class ResidualBlock(nn.Module):
    """x + BN(conv(ReLU(BN(conv(x)))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        out: Tensor = x + self.layers(x)
        return out


class UpBlock(nn.Module):
    """Twice the size, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, upsampling: Upsampling) -> None:
        super().__init__()
        self.conv: nn.Conv2d | nn.ConvTranspose2d
        if upsampling == "transposed":
            self.conv = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False)
        else:
            self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(b, in, s, s) -> (b, out, 2 s, 2 s)."""
        large = double_and_convolve(self.conv, x) if isinstance(self.conv, nn.Conv2d) else self.conv(x)
        return functional.relu(self.norm(large))


def init(network: nn.Module) -> None:
    """Weights of convolutions from N(0, 0.02^2), biases 0; batch norms stay 1 and 0 (IPCGAN)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _conv_block(in_channels: int, out_channels: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    padding = (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def _attention(in_channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(_conv_block(in_channels, width, 3), nn.Conv2d(width, 1, 3, padding=1), nn.Sigmoid())


def _with_age(x: Float[Tensor, "b i h w"], age: Float[Tensor, "b n"]) -> Float[Tensor, "b i+n h w"]:
    """x with one constant plane an age group."""
    planes = age[:, :, None, None].to(x.dtype).expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes], dim=1)
