"""Parts that systems of talking faces share: the encoder of speech, and blocks with batch norm.

Chung, Jamaludin, Zisserman: "You said that?", BMVC 2017, arXiv:1705.02966; Chen et al.: "Hierarchical Cross-Modal
Talking Face Generation with Dynamic Pixel-Wise Loss" (ATVGnet), CVPR 2019, arXiv:1905.03820, whose code is MIT-licensed
(facts only).
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from limner.data.audio import NUM_COEFFICIENTS, WINDOW_ROWS


class ConvNormRelu(nn.Sequential):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, i: int, o: int, kernel: int = 3, *, stride: int = 1, padding: int = 1) -> None:
        conv = nn.Conv2d(i, o, kernel, stride=stride, padding=padding, bias=False)
        super().__init__(conv, nn.BatchNorm2d(o), nn.ReLU())


class ResidualBlock(nn.Module):
    """x + [conv3 - BN - ReLU - conv3 - BN]; nothing after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.body = nn.Sequential(*ConvNormRelu(channels, channels), last, nn.BatchNorm2d(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.body(x)


class SpeechEncoder(nn.Module):
    """The window of speech of one video frame -> a code of it.

    Args:
        width: channels of the first layer (64); the code has four times as many numbers.
    """

    def __init__(self, *, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ConvNormRelu(1, width),
            ConvNormRelu(width, 2 * width),
            nn.MaxPool2d(3, stride=(1, 2)),
            ConvNormRelu(2 * width, 4 * width),
            ConvNormRelu(4 * width, 4 * width),
            ConvNormRelu(4 * width, 8 * width),
            nn.MaxPool2d(3, stride=2),
            nn.Flatten(),
            nn.Linear(8 * width * 12 * 2, 32 * width),
            nn.ReLU(),
            nn.Linear(32 * width, 4 * width),
            nn.ReLU(),
        )

    def forward(self, windows: Float[Tensor, f"n {WINDOW_ROWS} {NUM_COEFFICIENTS}"]) -> Float[Tensor, "n a"]:
        """Windows from `limner.data.audio.speech_windows` -> codes."""
        return self.layers(windows[:, None])


def init_normal(module: nn.Module) -> None:
    """ATVGnet's first values: convolutions and linear layers N(0, 0.02) and 0, batch norm N(1, 0.02) and 0."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
