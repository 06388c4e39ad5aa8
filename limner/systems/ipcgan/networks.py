"""The networks of IPCGAN: generator, discriminator, and the face network that keeps identity and age.

Wang, Tang, Luo, Gao: "Face Aging with Identity-Preserved Conditional Generative Adversarial Networks", CVPR 2018, with
the sizes of the authors' code (MIT). All convolutions have biases, those before batch norms too. What differs: pictures
are in [-1, 1] everywhere; a public port shares one residual block six times, here there are six.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured

LEVEL = 127.5
"""The face network sees pixels of 0 to 255 less this mean; the weight of the identity loss is made for that range."""


class Generator(Configured):
    """Picture and planes of the wanted age -> picture.

    Args:
        num_groups: age groups.
        width: channels of the first layer.
        num_blocks: residual blocks.
    """

    def __init__(self, *, num_groups: int = 10, width: int = 32, num_blocks: int = 6) -> None:
        super().__init__()
        w = width
        self.down = nn.Sequential(
            *_block(nn.Conv2d(3 + num_groups, w, 7, padding=3), w),
            *_block(nn.Conv2d(w, 2 * w, 3, stride=2, padding=1), 2 * w),
            *_block(nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1), 4 * w),
        )
        self.body = nn.Sequential(*(ResidualBlock(4 * w) for _ in range(num_blocks)))
        self.up = nn.Sequential(
            *_block(nn.ConvTranspose2d(4 * w, 2 * w, 3, stride=2, padding=1, output_padding=1), 2 * w),
            *_block(nn.ConvTranspose2d(2 * w, w, 3, stride=2, padding=1, output_padding=1), w),
            nn.Conv2d(w, 3, 7, padding=3),
            nn.Tanh(),
        )
        init(self)

    def forward(self, image: Float[Tensor, "b 3 s s"], age: Float[Tensor, "b n"]) -> Float[Tensor, "b 3 s s"]:
        """Image in [-1, 1] and the wanted age (rows sum to 1)."""
        return self.up(self.body(self.down(with_age(image, age))))


class Discriminator(Configured):
    """How real a picture of that age is, averaged over 512 maps and all places (authors' code).

    Args:
        num_groups: age groups.
        width: channels of the first layer.
    """

    def __init__(self, *, num_groups: int = 10, width: int = 64) -> None:
        super().__init__()
        w = width
        self.first = nn.Sequential(nn.Conv2d(3, w, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
        self.rest = nn.Sequential(
            nn.Conv2d(w + num_groups, 2 * w, 4, stride=2, padding=1),
            nn.BatchNorm2d(2 * w),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * w, 4 * w, 4, stride=2, padding=1),
            nn.BatchNorm2d(4 * w),
            nn.LeakyReLU(0.2),
            nn.ZeroPad2d((1, 2, 1, 2)),  # TensorFlow's SAME for an even kernel
            nn.Conv2d(4 * w, 8 * w, 4),
            nn.BatchNorm2d(8 * w),
            nn.LeakyReLU(0.2),
            nn.ZeroPad2d((1, 2, 1, 2)),
            nn.Conv2d(8 * w, 8 * w, 4),
        )
        init(self)

    def forward(self, image: Float[Tensor, "b 3 s s"], age: Float[Tensor, "b n"]) -> Float[Tensor, "b m s/8 s/8"]:
        """Scores without sigmoid."""
        return self.rest(with_age(self.first(image), age))


class FaceVerdict(NamedTuple):
    """What the face network says."""

    features: Tensor
    """Of the fifth convolution, (b, c, h, w)."""
    person_logits: Float[Tensor, "b people"]
    age_logits: Float[Tensor, "b n"]


class FaceNetwork(Configured):
    """AlexNet with one trunk for people and ages (Krizhevsky et al. 2012; the authors' two heads).

    Args:
        num_groups: age groups.
        num_people: people of the training data at most.
        width: channels of the first layer (96).
        input_size: side to which pictures are enlarged (227).
    """

    def __init__(
        self, *, num_groups: int = 10, num_people: int = 2_000, width: int = 96, input_size: int = 227
    ) -> None:
        super().__init__()
        w, self.input_size = width, input_size
        c2, c3, c5, fc = 8 * w // 3 // 2 * 2, 4 * w, 8 * w // 3 // 2 * 2, 128 * w // 3
        self.before = nn.Sequential(
            nn.Conv2d(3, w, 11, stride=4),
            nn.ReLU(),
            # The authors' radius 2, alpha 2e-5 for the sum; torch divides by the size, 5.
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(w, c2, 5, padding=2, groups=2),
            nn.ReLU(),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(c2, c3, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(c3, c3, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.Conv2d(c3, c5, 3, padding=1, groups=2),
        )
        side = (((input_size - 11) // 4 + 1 - 3) // 2 + 1 - 3) // 2 + 1
        pooled = max(1, (side - 3) // 2 + 1)
        self.pool = nn.Sequential(nn.ReLU(), nn.AdaptiveMaxPool2d(pooled) if side < 3 else nn.MaxPool2d(3, stride=2))
        flat = c5 * pooled**2

        def head(*sizes: int) -> nn.Sequential:
            layers: list[nn.Module] = []
            for before, after in zip((flat, *sizes), sizes, strict=False):
                layers += [nn.Linear(before, after), nn.ReLU()]
            return nn.Sequential(*layers[:-1])

        self.people = head(fc, fc, 8 * w // 3, num_people)
        self.ages = head(fc, fc, num_groups)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> FaceVerdict:
        """Image in [-1, 1]."""
        large = functional.interpolate(image, size=(self.input_size, self.input_size), mode="bilinear")
        features = self.before(LEVEL * large)
        flat = self.pool(features).flatten(1)
        return FaceVerdict(features, self.people(flat), self.ages(flat))


class ResidualBlock(nn.Module):
    """x + BN(conv(ReLU(BN(conv(x)))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_block(nn.Conv2d(channels, channels, 3, padding=1), channels),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        out: Tensor = x + self.layers(x)
        return out


def with_age(x: Float[Tensor, "b i h w"], age: Float[Tensor, "b n"]) -> Float[Tensor, "b i+n h w"]:
    """x with one constant plane an age group."""
    planes = age[:, :, None, None].to(x.dtype).expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes], dim=1)


def init(network: nn.Module) -> None:
    """Weights of convolutions from N(0, 0.02^2), biases 0; batch norms stay 1 and 0 (authors' code)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _block(conv: nn.Module, channels: int) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(channels), nn.ReLU()
