"""What systems of pose transfer share: the joints, the discriminators of PATN and SCA-GAN, first values of generators.

Zhu et al.: "Progressive Pose Attention Transfer", CVPR 2019, arXiv:1904.03349, whose code is MIT-licensed (facts only);
APS, ADGAN and SCA-GAN took its discriminators over.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.nn.configured import Configured
from limner.nn.patch_discriminator import PatchDiscriminator

NUM_JOINTS = 18
"""Of a pose: OpenPose's order of COCO."""


class Discriminator(Configured):
    """D_s or D_c: a picture beside its condition -> a map of numbers that least squares pull to 1 or 0.

    The authors' network ends with its last residual block: the judgement is the 256-channel map itself, without a head.

    Args:
        in_channels: of picture and condition together: 2 or 19 for edges, 6 or 21 for photos.
        width: channels of the first layer (64).
        num_blocks: residual blocks (3).
        head: a last 1x1 convolution to one channel; ours.
        patch: pix2pix's discriminator of 70x70 patches in place of all that, with instance norm; ours.
    """

    def __init__(
        self, *, in_channels: int, width: int = 64, num_blocks: int = 3, head: bool = False, patch: bool = False
    ) -> None:
        super().__init__()
        if patch:
            self.layers: nn.Module = PatchDiscriminator(in_channels=in_channels, width=width, norm="instance")
            return
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, width, 7, padding=3, padding_mode="reflect"),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
        ]
        for i, o in ((width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(i, o, 3, stride=2, padding=1), nn.InstanceNorm2d(o), nn.ReLU()]
        layers += [_DropoutBlock(4 * width) for _ in range(num_blocks)]
        if head:
            layers.append(nn.Conv2d(4 * width, 1, 1))
        self.layers = nn.Sequential(*layers)

    def forward(
        self, picture: Float[Tensor, "b c h w"], condition: Float[Tensor, "b d h w"]
    ) -> Float[Tensor, "b o h2 w2"]:
        """The picture comes first."""
        verdict = self.layers(torch.cat([picture, condition], dim=1))
        return verdict[-1] if self.config["patch"] else verdict


class SeededDropout(nn.Module):
    """Dropout whose draws follow from a seed that is set before each step: a resumed run drops the same values.

    Args:
        share: of the values that training drops.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.seed = 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share or x.is_meta:
            return x
        self.seed += 1  # the next pass of the same step draws other values
        generator = torch.Generator(device=x.device).manual_seed(self.seed % 2**63)
        kept = torch.rand(x.shape, generator=generator, device=x.device) >= self.share
        return x * kept / (1 - self.share)


def seed_dropout(network: nn.Module, seed: int) -> None:
    """Give every `SeededDropout` of a network a seed of its own.

    Args:
        network: as it is called in this step.
        seed: of the step and the process.
    """
    layers = [module for module in network.modules() if isinstance(module, SeededDropout)]
    for number, layer in enumerate(layers):
        layer.seed = seed + number * 2**32


class _DropoutBlock(nn.Module):
    """x + [conv3 - IN - ReLU - dropout 0.5 - conv3 - IN], reflected at the border."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
            SeededDropout(0.5),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def init_normal(module: nn.Module) -> None:
    """Generators' first values: weights N(0, 0.02), batch norm N(1, 0.02) and 0; biases as the framework has them."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
