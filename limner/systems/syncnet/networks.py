"""Two encoders into one space: of five frames of a lower face, and of 0.2 s of speech.

Prajwal, Mukhopadhyay, Namboodiri, Jawahar: "A Lip Sync Expert Is All You Need for Speech to Lip Generation In the
Wild", ACM Multimedia 2020, arXiv:2008.10010; sizes follow facts of the authors' code.

Differences: widths and the size of the faces are parameters; the last map of smaller faces is smaller, and so is the
kernel that reads it.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured

NUM_FRAMES = 5
"""Frames of one judgement."""


class SyncNetwork(Configured):
    """Frames and speech -> codes whose cosine says whether they belong together.

    Args:
        width: channels of the first layer (32).
        face_size: height and width of the faces in pixels (96); their lower half is looked at.
    """

    def __init__(self, *, width: int = 32, face_size: int = 96) -> None:
        super().__init__()
        code = 16 * width
        rows = face_size // 2 - 2
        for _ in range(4):
            rows = (rows + 1) // 2
        columns = (face_size - 3) // 2 + 1
        for _ in range(4):
            columns = (columns + 1) // 2
        face: list[nn.Module] = [
            _Block(3 * NUM_FRAMES, width, 7, padding=3),
            _Block(width, 2 * width, 5, stride=(1, 2), padding=1),
        ]
        face += [_Block(2 * width, 2 * width, residual=True) for _ in range(2)]
        for i, o, count in ((2, 4, 3), (4, 8, 2), (8, 16, 2)):
            face.append(_Block(i * width, o * width, stride=2))
            face += [_Block(o * width, o * width, residual=True) for _ in range(count)]
        face += [_Block(code, code, stride=2), _Block(code, code, (rows, columns), padding=0)]
        self.face = nn.Sequential(*face, _Block(code, code, 1, padding=0), nn.Flatten())
        speech: list[nn.Module] = [_Block(1, width)]
        speech += [_Block(width, width, residual=True) for _ in range(2)]
        for i, o, stride in ((1, 2, (3, 1)), (2, 4, (3, 3)), (4, 8, (3, 2))):
            speech.append(_Block(i * width, o * width, stride=stride))
            speech += [_Block(o * width, o * width, residual=True) for _ in range(2)]
        speech += [_Block(8 * width, code, padding=0), _Block(code, code, 1, padding=0)]
        self.speech = nn.Sequential(*speech, nn.Flatten())

    def forward(
        self, frames: Float[Tensor, "b 5 3 h w"], mel: Float[Tensor, "b 80 16"]
    ) -> tuple[Float[Tensor, "b e"], Float[Tensor, "b e"]]:
        """Faces in [-1, 1] and bands in [-4, 4] -> codes of length 1 and without negative numbers."""
        lower = frames[..., frames.shape[-2] // 2 :, :].flatten(1, 2)
        face, speech = self.face((lower + 1) / 2), self.speech(mel[:, None])
        return functional.normalize(face, dim=1), functional.normalize(speech, dim=1)


class _Block(nn.Module):
    """Convolution, batch norm, the input added where asked for, ReLU."""

    def __init__(
        self,
        i: int,
        o: int,
        kernel: int | tuple[int, int] = 3,
        *,
        stride: int | tuple[int, int] = 1,
        padding: int = 1,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(i, o, kernel, stride=stride, padding=padding)
        self.norm = nn.BatchNorm2d(o)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv(x)
        if self.training and hidden.numel() == hidden.shape[1]:  # one value a channel has no variance of its own
            norm = self.norm
            hidden = functional.batch_norm(
                hidden, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
        else:
            hidden = self.norm(hidden)
        return functional.relu(hidden + x if self.residual else hidden)
