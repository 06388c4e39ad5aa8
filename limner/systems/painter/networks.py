"""The painter's networks: neural renderer, actor, critic, discriminator, attention.

All but the attention network are those of the painter this one builds on: Huang, Heng and Zhou, "Learning to Paint with
Model-based Deep Reinforcement Learning", ICCV 2019, arXiv:1903.04411 (code: MIT licence), down to the number of
parameters. The U-Net is that of Ronneberger et al., arXiv:1505.04597, made small; the paper of the attention-aware
painter names such a network and gives no layers.

Two things differ. Sizes are arguments, and pooling adapts, so that 64 or 32 pixels work as well. The renderer gives the
opacity itself; its parent gives one minus that.

Images are RGB in [0, 1] here, not [-1, 1]: opacities, strokes and canvases live in that range.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured

NUM_SHAPE = 10
"""Numbers that shape one stroke: x0 y0 x1 y1 x2 y2 r0 r2 w0 w2 (x is the row)."""
NUM_PARAMS = NUM_SHAPE + 3
"""Numbers of one stroke: its shape, then its colour."""


class Renderer(Configured):
    """The shape of strokes to their opacity maps, so that painting has a gradient.

    Args:
        image_size: side of the map in pixels, a multiple of 8.
        widths: outputs of the fully connected layers; the last is read as a map at an eighth of the size.
    """

    def __init__(self, *, image_size: int = 128, widths: Sequence[int] = (512, 1024, 2048, 4096)) -> None:
        super().__init__()
        self.image_size = image_size
        self.side = image_size // 8  # three doublings follow
        channels = widths[-1] // self.side**2
        self.fc1 = nn.Linear(NUM_SHAPE, widths[0])
        self.fc2 = nn.Linear(widths[0], widths[1])
        self.fc3 = nn.Linear(widths[1], widths[2])
        self.fc4 = nn.Linear(widths[2], widths[3])
        self.conv1 = nn.Conv2d(channels, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(8, 16, 3, padding=1)
        self.conv4 = nn.Conv2d(16, 16, 3, padding=1)
        self.conv5 = nn.Conv2d(4, 8, 3, padding=1)
        self.conv6 = nn.Conv2d(8, 4, 3, padding=1)
        # With PyTorch's own first values it can get stuck at a blank picture for good. (On the device "meta", where
        # weights are loaded, there are no values, and asking for normal ones costs a second.)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                module.bias.data.zero_()  # type: ignore[union-attr]

    def forward(self, shape: Float[Tensor, "n 10"]) -> Float[Tensor, "n 1 size size"]:
        """Opacity in [0, 1] of strokes whose numbers are in [0, 1]."""
        hidden = functional.relu(self.fc1(shape))
        hidden = functional.relu(self.fc2(hidden))
        hidden = functional.relu(self.fc3(hidden))
        hidden = functional.relu(self.fc4(hidden))
        hidden = hidden.view(shape.shape[0], -1, self.side, self.side)
        hidden = functional.relu(self.conv1(hidden))
        hidden = functional.pixel_shuffle(self.conv2(hidden), 2)
        hidden = functional.relu(self.conv3(hidden))
        hidden = functional.pixel_shuffle(self.conv4(hidden), 2)
        hidden = functional.relu(self.conv5(hidden))
        return functional.pixel_shuffle(self.conv6(hidden), 2).sigmoid()


def fingerprint(network: nn.Module) -> str:
    """Hash of a network's values in half precision, so that weights saved in halves keep it (16 hex digits)."""
    digest = hashlib.sha256()
    for key, tensor in sorted(network.state_dict().items()):
        half = tensor.detach().cpu().half() if tensor.is_floating_point() else tensor.detach().cpu()
        digest.update(f"{key} {tuple(half.shape)}\n".encode())
        digest.update(half.contiguous().numpy().data)
    return digest.hexdigest()[:16]


class ActorBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, and a 1x1 one around them where the size changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Float[Tensor, "b c_in h w"]) -> Float[Tensor, "b c_out h2 w2"]:
        hidden = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(hidden)) + self.shortcut(x))


class Actor(Configured):
    """What is on the canvas and what is wanted, to the next strokes: a ResNet-18 whose four stages all halve the size.

    Args:
        in_channels: 11, or 9 without attention and feature mask.
        num_strokes: strokes of one action.
        width: channels of the first stage; the paper has 64.
        steps: actions of the episodes it was trained with; a note, as are all that follow.
        features: kind of the feature mask it was trained with, "gradient" or "vgg16".
        renderer_hash: `fingerprint` of the renderer it was trained with; "" if there was none.
        weighting, epsilon, kappa: how its reward weighed the pixels, see `weight_map.pixel_weights`.
    """

    def __init__(
        self,
        *,
        in_channels: int = 11,
        num_strokes: int = 5,
        width: int = 64,
        steps: int = 40,
        features: str = "gradient",
        renderer_hash: str = "",
        weighting: str = "both",
        epsilon: float = 0.1,
        kappa: float = 0.5,
    ) -> None:
        super().__init__()
        self.num_strokes = num_strokes
        self.conv1 = nn.Conv2d(in_channels, width, 3, 2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _actor_stage(width, width)
        self.layer2 = _actor_stage(width, 2 * width)
        self.layer3 = _actor_stage(2 * width, 4 * width)
        self.layer4 = _actor_stage(4 * width, 8 * width)
        self.fc = nn.Linear(8 * width, num_strokes * NUM_PARAMS)

    def forward(self, state: Float[Tensor, "b c h w"]) -> Float[Tensor, "b params"]:
        """The strokes of one action, 13 numbers each, in (0, 1)."""
        hidden = functional.relu(self.bn1(self.conv1(state)))
        hidden = self.layer4(self.layer3(self.layer2(self.layer1(hidden))))
        return self.fc(hidden.mean(dim=(2, 3))).sigmoid()


def _actor_stage(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(ActorBlock(in_channels, out_channels, 2), ActorBlock(out_channels, out_channels, 1))


class WeightNormConv2d(nn.Conv2d):
    """A convolution whose filters have a learned length and a learned direction: Salimans and Kingma 2016."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, padding)
        direction = self.weight
        del self.weight
        self.weight_v = direction
        self.weight_g = nn.Parameter(direction.detach().flatten(1).norm(dim=1)[:, None, None, None])

    def forward(self, x: Float[Tensor, "b c_in h w"]) -> Float[Tensor, "b c_out h2 w2"]:
        length = self.weight_v.flatten(1).norm(dim=1)[:, None, None, None]
        return functional.conv2d(x, self.weight_v * (self.weight_g / length), self.bias, self.stride, self.padding)


class TReLU(nn.Module):
    """relu(x - a) + a with one learned threshold a, 0 at first."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1))

    def forward(self, x: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        return functional.relu(x - self.alpha) + self.alpha


class CriticBlock(nn.Module):
    """The actor's block without batch norm: weight norm and translated ReLUs."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = WeightNormConv2d(in_channels, out_channels, 3, stride, padding=1)
        self.relu1 = TReLU()
        self.conv2 = WeightNormConv2d(out_channels, out_channels, 3, padding=1)
        self.relu2 = TReLU()
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut = nn.Sequential(WeightNormConv2d(in_channels, out_channels, 1, stride))

    def forward(self, x: Float[Tensor, "b c_in h w"]) -> Float[Tensor, "b c_out h2 w2"]:
        return self.relu2(self.conv2(self.relu1(self.conv1(x))) + self.shortcut(x))


class Critic(Configured):
    """The value of the canvas after an action.

    Args:
        in_channels: 14, or 12 without attention and feature mask.
        width: channels of the first stage; the paper has 64.
    """

    def __init__(self, *, in_channels: int = 14, width: int = 64) -> None:
        super().__init__()
        self.conv1 = WeightNormConv2d(in_channels, width, 3, 2, padding=1)
        self.relu1 = TReLU()
        self.layer1 = _critic_stage(width, width)
        self.layer2 = _critic_stage(width, 2 * width)
        self.layer3 = _critic_stage(2 * width, 4 * width)
        self.layer4 = _critic_stage(4 * width, 8 * width)
        self.fc = nn.Linear(8 * width, 1)

    def forward(self, state: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1"]:
        hidden = self.relu1(self.conv1(state))
        hidden = self.layer4(self.layer3(self.layer2(self.layer1(hidden))))
        return self.fc(hidden.mean(dim=(2, 3)))


def _critic_stage(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(CriticBlock(in_channels, out_channels, 2), CriticBlock(out_channels, out_channels, 1))


class Discriminator(Configured):
    """How much a pair of pictures looks like one picture twice; the critic of a Wasserstein GAN.

    Args:
        width: channels of the first layer; the paper has 16.
    """

    def __init__(self, *, width: int = 16) -> None:
        super().__init__()
        widths = (6, width, 2 * width, 4 * width, 8 * width)
        layers: list[nn.Module] = []
        for in_channels, out_channels in pairwise(widths):
            layers += [WeightNormConv2d(in_channels, out_channels, 5, 2, padding=2), TReLU()]
        self.layers = nn.Sequential(*layers, WeightNormConv2d(widths[-1], 1, 5, 2, padding=2))

    def forward(self, target: Float[Tensor, "b 3 h w"], candidate: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1"]:
        """The score of each pair, the mean over the last map."""
        return self.layers(torch.cat([target, candidate], dim=1)).mean(dim=(2, 3))


class AttentionNetwork(Configured):
    """A U-Net that says where the subject of a picture is.

    Args:
        width: channels at full size; 32 is the full network.
    """

    def __init__(self, *, width: int = 32) -> None:
        super().__init__()
        self.down1 = _double(3, width)
        self.down2 = _double(width, 2 * width)
        self.down3 = _double(2 * width, 4 * width)
        self.down4 = _double(4 * width, 8 * width)
        self.up3 = _double(12 * width, 4 * width)
        self.up2 = _double(6 * width, 2 * width)
        self.up1 = _double(3 * width, width)
        self.to_logit = nn.Conv2d(width, 1, 1)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Attention logits; their sigmoid is the attention. Height and width must be multiples of 8."""
        full = self.down1(image)
        half = self.down2(functional.max_pool2d(full, 2))
        quarter = self.down3(functional.max_pool2d(half, 2))
        hidden = self.down4(functional.max_pool2d(quarter, 2))
        hidden = self.up3(torch.cat([_double_size(hidden), quarter], dim=1))
        hidden = self.up2(torch.cat([_double_size(hidden), half], dim=1))
        hidden = self.up1(torch.cat([_double_size(hidden), full], dim=1))
        return self.to_logit(hidden)


def _double(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3x3 convolutions, each with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers += [
            nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


def _double_size(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
