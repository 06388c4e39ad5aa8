"""The generator of CycleGAN; the discriminator is `limner.nn.patch_discriminator`.

Zhu, Park, Isola, Efros: "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017,
arXiv:1703.10593, Sec. 4 and appendix 7.2. Written from the paper; biases before the norms are kept, as in the authors'
parameter counts.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from limner.nn.configured import Configured


class Generator(Configured):
    """Picture to picture: two steps down, residual blocks, two steps up; instance norm without scale and shift.

    Args:
        width: channels of the first layer (paper: 64).
        num_blocks: residual blocks in the middle (paper: 9, or 6 for 128 px).
    """

    def __init__(self, *, width: int = 64, num_blocks: int = 9) -> None:
        super().__init__()
        inner = 4 * width

        def norm_relu(channels: int) -> list[nn.Module]:
            return [nn.InstanceNorm2d(channels), nn.ReLU()]

        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), *norm_relu(width)]
        for i in (width, 2 * width):
            layers += [nn.Conv2d(i, 2 * i, 3, stride=2, padding=1), *norm_relu(2 * i)]
        layers += [_Residual(inner) for _ in range(num_blocks)]
        for i in (inner, inner // 2):
            up = nn.ConvTranspose2d(i, i // 2, 3, stride=2, padding=1, output_padding=1)
            layers += [up, *norm_relu(i // 2)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Picture in [-1, 1], height and width divisible by 4 -> picture in (-1, 1)."""
        return self.layers(picture)


class _Residual(nn.Module):
    """x + [pad - conv3 - IN - ReLU - pad - conv3 - IN]; borders are reflected (appendix 7.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)
