"""The four networks of CAAE.

Zhang, Song, Qi: "Age Progression/Regression by Conditional Adversarial Autoencoder", CVPR 2017, arXiv:1702.08423, with
the sizes of the authors' code (MIT), which differ from the paper's figure: ten age groups and two genders are tiled to
about the length of z, and batch norms have offsets but no scales. Ours: the data's own ten groups; sizes other than
128 pixels have one level less or more.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured

NUM_GENDERS = 2
_BASE = 4  # side of the innermost map


class Encoder(Configured):
    """Picture -> z in (-1, 1): convolutions 5x5 with stride 2 (64, 128, ..., 1024), ReLU; a linear layer; tanh.

    Args:
        image_size: side of the pictures, a power of two from 32 on.
        width: channels of the first layer.
        latent_size: numbers of z.
    """

    def __init__(self, *, image_size: int, width: int = 64, latent_size: int = 50) -> None:
        super().__init__()
        channels = [3, *_channels(image_size, width)]
        self.convs = nn.Sequential(*(nn.Sequential(Halve(i, o), nn.ReLU()) for i, o in pairwise(channels)))
        self.linear = nn.Linear(channels[-1] * _BASE**2, latent_size)
        init(self)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b z"]:
        """Image in [-1, 1]."""
        return torch.tanh(self.linear(self.convs(image).flatten(1)))


class Generator(Configured):
    """z, age and gender -> picture: a linear layer, transposed 5x5 convolutions, ReLU, tanh.

    Args:
        image_size: side of the pictures.
        num_groups: age groups.
        width: as the encoder's.
        latent_size: numbers of z.
    """

    def __init__(self, *, image_size: int, num_groups: int = 10, width: int = 64, latent_size: int = 50) -> None:
        super().__init__()
        self.age_tiles, self.gender_tiles = latent_size // num_groups, latent_size // NUM_GENDERS
        channels = [*_channels(image_size, width)[::-1], width // 2]
        inputs = latent_size + self.age_tiles * num_groups + self.gender_tiles * NUM_GENDERS
        self.linear = nn.Linear(inputs, channels[0] * _BASE**2)
        self.ups = nn.Sequential(*(nn.Sequential(Double(i, o), nn.ReLU()) for i, o in pairwise(channels)))
        self.last = nn.Sequential(
            nn.ConvTranspose2d(width // 2, width // 4, 5, padding=2),
            nn.ReLU(),
            nn.ConvTranspose2d(width // 4, 3, 5, padding=2),
            nn.Tanh(),
        )
        init(self)

    def forward(
        self, latent: Float[Tensor, "b z"], age: Float[Tensor, "b n"], gender: Float[Tensor, "b 2"]
    ) -> Float[Tensor, "b 3 s s"]:
        """z, and labels in [-1, 1]: 1 for what holds, -1 for what does not, 0 for what is not known."""
        labels = [age.repeat(1, self.age_tiles), gender.repeat(1, self.gender_tiles)]
        x = functional.relu(self.linear(torch.cat([latent, *labels], dim=1)))
        return self.last(self.ups(x.unflatten(1, (-1, _BASE, _BASE))))


class LatentDiscriminator(Configured):
    """Is z drawn from the uniform prior? Linear layers of 64, 32, 16 with batch norm, and a score.

    Args:
        latent_size: numbers of z.
    """

    def __init__(self, *, latent_size: int = 50) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, o in pairwise((latent_size, 64, 32, 16)):
            layers += [nn.Linear(i, o), Offset(o), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(16, 1))
        init(self)

    def forward(self, latent: Float[Tensor, "b z"]) -> Float[Tensor, "b 1"]:
        """Logit."""
        return self.layers(latent)


class ImageDiscriminator(Configured):
    """Is the picture real, of that age and gender? Labels come in as planes after the first convolution.

    Args:
        image_size: side of the pictures, a multiple of 16.
        num_groups: age groups.
        width: a quarter of it are the channels of the first layer.
    """

    def __init__(self, *, image_size: int, num_groups: int = 10, width: int = 64) -> None:
        super().__init__()
        self.gender_tiles = max(1, num_groups // NUM_GENDERS)
        w, labels = width // 4, num_groups + self.gender_tiles * NUM_GENDERS
        self.first = nn.Sequential(Halve(3, w), Offset(w), nn.ReLU())
        layers: list[nn.Module] = []
        for i, o in ((w + labels, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w)):
            layers += [Halve(i, o), Offset(o), nn.ReLU()]
        self.rest = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(8 * w * (image_size // 16) ** 2, 16 * width), nn.LeakyReLU(0.2), nn.Linear(16 * width, 1)
        )
        init(self)

    def forward(
        self, image: Float[Tensor, "b 3 s s"], age: Float[Tensor, "b n"], gender: Float[Tensor, "b 2"]
    ) -> Float[Tensor, "b 1"]:
        """Logit."""
        x = self.first(image)
        labels = torch.cat([age, gender.repeat(1, self.gender_tiles)], dim=1)[:, :, None, None]
        x = torch.cat([x, labels.to(x.dtype).expand(-1, -1, *x.shape[2:])], dim=1)
        return self.head(self.rest(x).flatten(1))


class Halve(nn.Conv2d):
    """5x5 convolution with stride 2, padded as TensorFlow's SAME: one pixel before, two behind."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 5, stride=2)

    def forward(self, input: Tensor) -> Tensor:
        """(b, in, s, s) -> (b, out, s / 2, s / 2)."""
        return super().forward(functional.pad(input, (1, 2, 1, 2)))


class Double(nn.ConvTranspose2d):
    """Transposed 5x5 convolution with stride 2, cut as TensorFlow's SAME."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 5, stride=2, padding=1)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(b, in, s, s) -> (b, out, 2 s, 2 s)."""
        return super().forward(input, output_size)[..., :-1, :-1]


class Offset(nn.Module):
    """Batch norm with a learned offset and no scale (the authors' `batch_norm` of TensorFlow, scale off)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    running_mean: Tensor
    running_var: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        training = self.training and x.numel() > x.shape[1]  # one number a channel has no spread
        return functional.batch_norm(x, self.running_mean, self.running_var, bias=self.bias, training=training)


def init(network: nn.Module) -> None:
    """Weights from N(0, 0.02^2), biases 0 (authors' code)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def signed_labels(index: Tensor, number: int) -> Float[Tensor, "b n"]:
    """Numbers (b,) -> 1 at the index and -1 elsewhere; rows of 0 where the index is negative, that is unknown."""
    one_hot = functional.one_hot(index.clamp(min=0), number).float()
    return (2 * one_hot - 1) * (index >= 0)[:, None]


def _channels(image_size: int, width: int) -> list[int]:
    levels = int(math.log2(image_size // _BASE))
    return [width * 2**level for level in range(levels)]
