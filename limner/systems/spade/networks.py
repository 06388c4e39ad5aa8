"""The networks of SPADE: generator, discriminator of two scales, image encoder.

Park, Liu, Wang, Zhu: "Semantic Image Synthesis with Spatially-Adaptive Normalization", CVPR 2019, arXiv:1903.07291,
Sec. 3 and appendix A. Written from the paper and a list of facts; the authors' code is under a non-commercial licence
and was not used.

Sizes other than 256: the seed has 1/32 of the side but at least 4 pixels, for which the first enlargements are left
out; the encoder has as many steps as lead to 4x4.

Letters: m = label map (one-hot), z = latent.
"""

from __future__ import annotations

import math
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.configured import Configured
from limner.nn.init import init_xavier_normal
from limner.nn.patch_discriminator import PatchDiscriminator
from limner.nn.spade import SPADE
from limner.nn.spectral_norm import SpectralConv2d

INIT_GAIN = 0.02  # appendix A: Xavier's rule, scaled
LEAST_SEED = 4
NUM_SCALES = 2
BLOCKS = (16, 16, 16, 8, 4, 2, 1)  # widths of the generator's blocks (appendix A, Fig. 12)
ENLARGED = (1, 3, 4, 5, 6)  # blocks that see their input at twice the size


class Generator(Configured):
    """m -> image: seven residual blocks from a small seed, every normalisation modulated by m.

    The seed is a convolution over the small m or, with a latent, a linear map of z.

    Args:
        num_classes: channels of m.
        image_size: a power of two, at least 32.
        width: channels of the last block (paper: 64).
        modulation_width: channels inside a SPADE layer (paper: 128).
        latent_size: numbers in z; 0 for none.

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self, *, num_classes: int, image_size: int, width: int = 64, modulation_width: int = 128, latent_size: int = 0
    ) -> None:
        super().__init__()
        if image_size < 32 or image_size & (image_size - 1):
            raise ShapeError(f"SPADE's image_size is {image_size}; it must be a power of two of at least 32.")
        self.latent_size = latent_size
        self.seed_size = max(image_size // 2 ** len(ENLARGED), LEAST_SEED)
        self.enlarged = ENLARGED[len(ENLARGED) - int(math.log2(image_size // self.seed_size)) :]
        channels = [factor * width for factor in BLOCKS]
        self.seed: nn.Module
        if latent_size:
            self.seed = nn.Linear(latent_size, channels[0] * self.seed_size**2)
        else:
            self.seed = nn.Conv2d(num_classes, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList(
            _Block(i, o, num_classes=num_classes, hidden=modulation_width)
            for i, o in pairwise([channels[0], *channels])
        )
        self.to_rgb = nn.Conv2d(width, 3, 3, padding=1)
        init_xavier_normal(self, gain=INIT_GAIN)

    def forward(
        self, one_hot: Float[Tensor, "b n h w"], latent: Float[Tensor, "b z"] | None = None
    ) -> Float[Tensor, "b 3 h w"]:
        """m, and z from N(0, 1) where the generator has a latent -> image in (-1, 1)."""
        size = (self.seed_size, self.seed_size)
        if latent is None:
            x = self.seed(functional.interpolate(one_hot, size=size, mode="nearest"))
        else:
            x = self.seed(latent).unflatten(1, (-1, *size))
        for number, block in enumerate(self.blocks):
            if number in self.enlarged:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(x, one_hot)
        return self.to_rgb(functional.leaky_relu(x, 0.2)).tanh()


class _Block(nn.Module):
    """shortcut(x) + [SPADE - LeakyReLU - conv3 - SPADE - LeakyReLU - conv3], convolutions with spectral norm (Fig. 4).

    Where the channels change, the shortcut is SPADE - conv1 without bias.
    """

    def __init__(self, in_channels: int, out_channels: int, *, num_classes: int, hidden: int) -> None:
        super().__init__()
        middle = min(in_channels, out_channels)
        options = {"num_classes": num_classes, "hidden": hidden}
        self.norm1 = SPADE(in_channels, **options)
        self.conv1 = SpectralConv2d(in_channels, middle, 3, padding=1)
        self.norm2 = SPADE(middle, **options)
        self.conv2 = SpectralConv2d(middle, out_channels, 3, padding=1)
        self.learned_shortcut = in_channels != out_channels
        if self.learned_shortcut:
            self.norm_shortcut = SPADE(in_channels, **options)
            self.conv_shortcut = SpectralConv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor, one_hot: Tensor) -> Tensor:
        main = self.conv1(functional.leaky_relu(self.norm1(x, one_hot), 0.2))
        main = self.conv2(functional.leaky_relu(self.norm2(main, one_hot), 0.2))
        if self.learned_shortcut:
            x = self.conv_shortcut(self.norm_shortcut(x, one_hot))
        return x + main


class Discriminator(nn.Module):
    """Patches of the pair (m, image) at full and at half size, by two networks.

    Args:
        num_classes: channels of m.
        width: channels of the first layers (paper: 64).
    """

    def __init__(self, *, num_classes: int, width: int = 64) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            PatchDiscriminator(in_channels=num_classes + 3, width=width, norm="spectral", padding=2)
            for _ in range(NUM_SCALES)
        )
        init_xavier_normal(self, gain=INIT_GAIN)

    def forward(self, pair: Float[Tensor, "b c h w"]) -> list[list[Float[Tensor, "b _ _ _"]]]:
        """m and image in [-1, 1], concatenated -> for each scale the outputs of all layers, the last ones logits."""
        results = []
        for discriminator in self.scales:
            results.append(discriminator(pair))
            pair = functional.avg_pool2d(pair, 3, stride=2, padding=1, count_include_pad=False)
        return results


class Encoder(Configured):
    """Image -> mean and log variance of z (appendix A, Fig. 14).

    Args:
        image_size: a power of two, at least 32.
        latent_size: numbers in z (paper: 256).
        width: channels of the first layer (paper: 64).
    """

    def __init__(self, *, image_size: int, latent_size: int = 256, width: int = 64) -> None:
        super().__init__()
        steps = int(math.log2(image_size)) - 2
        channels = [3, *(width * min(2**step, 8) for step in range(steps))]  # 64, 128, 256, 512, 512, 512
        layers: list[nn.Module] = []
        for i, o in pairwise(channels):
            conv = SpectralConv2d(i, o, 3, stride=2, padding=1, bias=False)
            layers += [conv, nn.InstanceNorm2d(o), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.to_mean = nn.Linear(channels[-1] * 16, latent_size)
        self.to_log_variance = nn.Linear(channels[-1] * 16, latent_size)
        init_xavier_normal(self, gain=INIT_GAIN)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b z"], Float[Tensor, "b z"]]:
        """Image in [-1, 1] of that size -> mean, log variance."""
        x = self.layers(image).flatten(1)
        return self.to_mean(x), self.to_log_variance(x)
