"""The networks of AVWnet: a coarse and a fine branch that speech drives, and discriminators of level and sequence.

Huang, Wang, Gong: "Fine-grained talking face generation with video reinterpretation", The Visual Computer 2020. The
body of the paper could not be read: what its abstract leaves open is taken from the works that it names: the branches
from StackGAN++ (arXiv:1710.10916), masks over the photo and the speech encoder from ATVGnet (arXiv:1905.03820), two
heads of each discriminator from HDGAN (arXiv:1802.09178). The word network is the system `wordnet`.

Letters: f = video frames of a clip, a = numbers in the code of speech.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.configured import Configured
from limner.nn.resampling import halve
from limner.nn.talking_faces import ConvNormRelu, ResidualBlock, SpeechEncoder, init_normal

NUM_GROUPS = 5
"""Landmark maps: jaw, brows, nose, eyes, mouth."""
NUM_LANDMARK_NUMBERS = 136  # x and y of 68 points
NUM_MOUTH_POINTS = 20
NEARLY_1 = 0.99  # white and black have no finite inverse of tanh
Memory = tuple[Tensor, Tensor]
"""State of the LSTM after a part of a clip: (layers, batch, hidden) twice."""


class Level(NamedTuple):
    """One branch's frames: `mask` takes `color`, the rest is the photo's."""

    frame: Float[Tensor, "b f 3 h w"]
    mask: Float[Tensor, "b f 1 h w"]
    color: Float[Tensor, "b f 3 h w"]


class Spoken(NamedTuple):
    """What one forward pass gives."""

    coarse: Level
    """At half of the size."""
    fine: Level
    speech: Float[Tensor, "b f a"]
    """Codes of the speech, before the LSTM."""
    memory: Memory
    """From which the next part of the clip goes on."""
    mouth: Float[Tensor, "b f 20 2"] | None = None
    """How the speech moves the points of the mouth; none: the generator does not tell."""


class Generator(Configured):
    """A photo, its landmark maps and speech -> the frames of a person who speaks.

    Args:
        image_size: height and width of the photo and of fine frames in pixels: a multiple of 16, at least 32 (128).
        width: channels of the first layers (64).
        num_blocks: residual blocks of the coarse branch (4).
        num_fine_blocks: residual blocks of the fine branch (2).
        num_layers: of the LSTM (3).
        is_normalized: whether codes of speech and states of the LSTM are brought to unit variance (no; an option of
            ours, without parameters): what changes from frame to frame is small beside what the photo gives, and small
            networks would learn to move the mouth very late.
        tells_mouth: whether a linear layer tells from the states of the LSTM how the mouth's points move, so that a
            loss can teach speech and LSTM without the way through the pixels (no; an option of ours).
        paints_change: whether colours are the photo's own, changed by what the heads paint, which begins with nothing,
            so that no network has to learn first to repeat the photo (no; an option of ours for short trainings).

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int = 128,
        width: int = 64,
        num_blocks: int = 4,
        num_fine_blocks: int = 2,
        num_layers: int = 3,
        is_normalized: bool = False,
        tells_mouth: bool = False,
        paints_change: bool = False,
    ) -> None:
        super().__init__()
        if image_size < 32 or image_size % 16:
            raise ShapeError(
                f"AVWnet's image_size is {image_size}; it must be a multiple of 16, at least 32 (64, 128)."
            )
        code, deep = 4 * width, 8 * width
        self.speech = SpeechEncoder(width=width)
        self.identity = IdentityEncoder(width=width)
        self.memory = nn.LSTM(2 * code, code, num_layers=num_layers, batch_first=True)
        norms = [nn.BatchNorm1d(code, affine=False) if is_normalized else nn.Identity() for _ in range(2)]
        self.speech_norm, self.state_norm = norms
        self.fuse = ConvNormRelu(deep + code, deep)
        self.blocks = nn.Sequential(*[ResidualBlock(deep) for _ in range(num_blocks)])
        self.up = nn.ModuleList(_Up(i, skip, i // 2) for i, skip in ((8 * width, 4 * width), (4 * width, 2 * width)))
        self.up.append(_Up(2 * width, width, width))
        self.coarse = _Heads(width, num_conditions=NUM_GROUPS, hidden=width // 2, paints_change=paints_change)
        self.condition = nn.Linear(code, 2 * width)
        self.join = ConvNormRelu(3 * width, width)
        self.fine_blocks = nn.Sequential(*[ResidualBlock(width) for _ in range(num_fine_blocks)])
        self.fine_up = _Up(width, width, width // 2, middle=width)
        self.fine = _Heads(width // 2, num_conditions=NUM_GROUPS + 1, hidden=width // 2, paints_change=paints_change)
        self.tell = nn.Linear(code, 2 * NUM_MOUTH_POINTS) if tells_mouth else None
        self.apply(init_normal)
        if paints_change:
            for head in (self.coarse, self.fine):
                nn.init.zeros_(head.color.weight)

    def forward(
        self,
        photo: Float[Tensor, "b 3 h w"],
        landmark_maps: Float[Tensor, "b 5 h w"],
        windows: Float[Tensor, "b f 28 12"],
        memory: Memory | None = None,
        gain: float = 1.0,
        painted: Int64[Tensor, "b k"] | None = None,
    ) -> Spoken:
        """Speak.

        Args:
            photo: in [-1, 1].
            landmark_maps: of the photo, in [0, 1].
            windows: of speech, one a frame.
            memory: of the part of the clip before; none: the clip begins.
            gain: how far the state that moves the mouth goes from its mean over these frames; 1 leaves it.
            painted: numbers of the frames that are painted; none: all. All are heard.
        """
        identity = self.identity(photo, landmark_maps)
        heard = self.listen(identity.code, windows, memory)
        state = heard.state
        if gain != 1.0:
            state = louder(state, state.mean(dim=1, keepdim=True), gain)
        shown = state if painted is None else state.gather(1, painted[..., None].expand(-1, -1, state.shape[2]))
        coarse, fine = self.paint(photo, landmark_maps, identity.maps, shown)
        mouth = None if self.tell is None else self.tell(state).unflatten(2, (NUM_MOUTH_POINTS, 2))
        return Spoken(coarse, fine, heard.speech, heard.memory, mouth)

    def listen(
        self,
        identity: Float[Tensor, "b z"],
        windows: Float[Tensor, "b f 28 12"],
        memory: Memory | None = None,
        codes: Float[Tensor, "n a"] | None = None,
    ) -> Heard:
        """What the speech says and how the mouth goes on from `memory`: little work beside `paint`.

        `codes` are those of all windows by `speech`; none: they are made here.
        """
        batch, frames = windows.shape[:2]
        codes = self.speech(windows.flatten(0, 1)) if codes is None else codes
        speech, normal = (part.unflatten(0, (batch, frames)) for part in (codes, self.speech_norm(codes)))
        spoken = torch.cat([normal, identity[:, None].expand(-1, frames, -1)], dim=2)
        state, memory = self.memory(spoken, memory)
        state = self.state_norm(state.flatten(0, 1)).unflatten(0, (batch, frames))
        return Heard(state, speech, memory)

    def paint(
        self,
        photo: Float[Tensor, "b 3 h w"],
        landmark_maps: Float[Tensor, "b 5 h w"],
        identity_maps: list[Tensor],
        state: Float[Tensor, "b f a"],
    ) -> tuple[Level, Level]:
        """The frames of both levels from the states of the recurrent part; each frame by itself."""
        flat = state.flatten(0, 1)
        maps = [_each_frame(part, state) for part in identity_maps]
        points = _each_frame(landmark_maps, state)

        deepest = maps[-1]
        x = self.blocks(self.fuse(torch.cat([deepest, _tile(flat, deepest)], dim=1)))
        for up, skip in zip(self.up, reversed(maps[1:-1]), strict=True):
            x = up(x, skip)
        coarse = self.coarse(x, halve(points), halve(photo), state)

        joined = self.fine_blocks(self.join(torch.cat([x, _tile(self.condition(flat), x)], dim=1)))
        gated = coarse.mask * joined + (1 - coarse.mask) * maps[1]
        mask = functional.interpolate(coarse.mask, scale_factor=2, mode="bilinear", align_corners=False)
        fine = self.fine(self.fine_up(gated, maps[0]), torch.cat([points, mask], dim=1), photo, state)
        return _as_clips(coarse, state), _as_clips(fine, state)


class Heard(NamedTuple):
    """What the recurrent part makes of speech."""

    state: Float[Tensor, "b f a"]
    """Moves the mouth."""
    speech: Float[Tensor, "b f a"]
    """Codes of the speech, before the LSTM."""
    memory: Memory
    """From which the next part of the clip goes on."""


def louder(state: Tensor, mean: Tensor, gain: float) -> Tensor:
    """States `gain` times as far from their mean."""
    return mean + gain * (state - mean)


class Identity(NamedTuple):
    """What the photo gives."""

    maps: list[Tensor]
    """At all of the size, a half, a quarter, an eighth and a sixteenth."""
    code: Float[Tensor, "b z"]


class IdentityEncoder(nn.Module):
    """A photo and its landmark maps -> maps of five sizes and a code of the person.

    Args:
        width: channels of the first two maps.
    """

    def __init__(self, *, width: int) -> None:
        super().__init__()
        stem = [nn.ReflectionPad2d(3), *ConvNormRelu(3 + NUM_GROUPS, width, 7, padding=0)]
        self.layers = nn.ModuleList([nn.Sequential(*stem), ConvNormRelu(width, width, stride=2)])
        for factor in (1, 2, 4):
            self.layers.append(ConvNormRelu(factor * width, 2 * factor * width, stride=2))
        self.to_code = nn.Sequential(nn.Linear(8 * width, 4 * width), nn.ReLU())

    def forward(self, photo: Float[Tensor, "b 3 h w"], landmark_maps: Float[Tensor, "b 5 h w"]) -> Identity:
        """Photo in [-1, 1], maps in [0, 1]."""
        x = torch.cat([photo, landmark_maps], dim=1)
        maps = []
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return Identity(maps, self.to_code(x.mean(dim=(2, 3))))


class LevelDiscriminator(Configured):
    """One level's frames: real by their patches, and fitting to the speech (two purposes).

    Args:
        image_size: of the frames: 32, 64, 128 or 256 pixels; halved until 8.
        width: channels of the first layer (64).
        speech_size: a.

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(self, *, image_size: int, width: int = 64, speech_size: int = 256) -> None:
        super().__init__()
        if image_size not in (32, 64, 128, 256):
            raise ShapeError(f"A level of AVWnet has {image_size} pixels; the discriminator knows 32, 64, 128 and 256.")
        num_layers = image_size.bit_length() - 4
        channels = [3] + [min(8, 2**level) * width for level in range(num_layers)]
        layers = [_down(i, o, norm=i > 3) for i, o in pairwise(channels)]
        self.trunk = nn.Sequential(*layers)
        self.fidelity = nn.Conv2d(channels[-1], 1, 4)
        self.deep = _down(channels[-1], 8 * width)
        self.to_condition = nn.Sequential(nn.Linear(speech_size, 2 * width), nn.LeakyReLU(0.2))
        joined = nn.Conv2d(10 * width, 8 * width, 1, bias=False)
        self.consistency = nn.Sequential(
            joined, nn.BatchNorm2d(8 * width), nn.LeakyReLU(0.2), nn.Conv2d(8 * width, 1, 4)
        )
        self.apply(init_normal)

    def forward(
        self, frames: Float[Tensor, "n 3 h w"], speech: Float[Tensor, "n a"]
    ) -> tuple[Float[Tensor, "n 1 5 5"], Float[Tensor, " n"]]:
        """Frames in [-1, 1] and codes of speech, which get no gradient -> logits of patches, and of the pair."""
        features = self.trunk(frames)
        deep = self.deep(features)
        condition = _tile(self.to_condition(speech.detach()), deep)
        return self.fidelity(features), self.consistency(torch.cat([deep, condition], dim=1)).flatten()


class SequenceDiscriminator(Configured):
    """A whole clip: do its frames follow each other and the speech? Its second head finds the landmarks.

    Args:
        width: channels of the first layer (32).
        speech_size: a.
    """

    SIZE = 64  # of the frames that it looks at

    def __init__(self, *, width: int = 32, speech_size: int = 256) -> None:
        super().__init__()
        code = 8 * width
        downs = [_down(3, width, norm=False), _down(width, 2 * width), _down(2 * width, 4 * width)]
        self.layers = nn.Sequential(
            *downs, _down(4 * width, code), nn.Flatten(), nn.Linear(16 * code, code), nn.LeakyReLU(0.2)
        )
        self.follow = nn.GRU(code + speech_size, code, batch_first=True)
        self.judge = nn.Linear(code, 1)
        self.landmarks = nn.Linear(code, NUM_LANDMARK_NUMBERS)
        self.apply(init_normal)

    def forward(
        self, frames: Float[Tensor, "b f 3 h w"], speech: Float[Tensor, "b f a"]
    ) -> tuple[Float[Tensor, " b"], Float[Tensor, "b f 136"]]:
        """Frames in [-1, 1] of any size and codes of speech -> one logit a clip, and landmarks of its frames."""
        flat = functional.adaptive_avg_pool2d(frames.flatten(0, 1), self.SIZE)
        codes = self.layers(flat).unflatten(0, frames.shape[:2])
        followed, _ = self.follow(torch.cat([codes, speech.detach()], dim=2))
        return self.judge(followed).mean(dim=(1, 2)), self.landmarks(codes)


class _Up(nn.Module):
    """Nearest x2, convolution, a skip beside it, convolution."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, middle: int | None = None) -> None:
        super().__init__()
        middle = out_channels if middle is None else middle
        self.first = ConvNormRelu(in_channels, middle)
        self.second = ConvNormRelu(middle + skip_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        large = functional.interpolate(x, scale_factor=2, mode="nearest")
        return self.second(torch.cat([self.first(large), skip], dim=1))


class _Painted(NamedTuple):
    frame: Tensor
    mask: Tensor
    color: Tensor


class _Heads(nn.Module):
    """Colour and mask of one level, laid over the photo."""

    def __init__(self, channels: int, *, num_conditions: int, hidden: int, paints_change: bool) -> None:
        super().__init__()
        self.paints_change = paints_change
        self.color = nn.Conv2d(channels, 3, 7, padding=3)
        self.attend = nn.Sequential(ConvNormRelu(channels + num_conditions, hidden), nn.Conv2d(hidden, 1, 7, padding=3))

    def forward(self, x: Tensor, conditions: Tensor, photo: Tensor, state: Float[Tensor, "b f a"]) -> _Painted:
        painted = self.color(x)
        if self.paints_change:
            painted = painted + _each_frame(torch.atanh(NEARLY_1 * photo), state)
        color = torch.tanh(painted)
        mask = torch.sigmoid(self.attend(torch.cat([x, conditions], dim=1)))
        return _Painted(mask * color + (1 - mask) * _each_frame(photo, state), mask, color)


def _down(i: int, o: int, *, norm: bool = True) -> nn.Sequential:
    conv = nn.Conv2d(i, o, 4, stride=2, padding=1, bias=not norm)
    return nn.Sequential(conv, *([nn.BatchNorm2d(o)] if norm else []), nn.LeakyReLU(0.2))


def _tile(vector: Tensor, like: Tensor) -> Tensor:
    return vector[:, :, None, None].expand(-1, -1, *like.shape[2:])


def _as_clips(painted: _Painted, state: Float[Tensor, "b f a"]) -> Level:
    return Level(*[part.unflatten(0, state.shape[:2]) for part in painted])


def _each_frame(x: Float[Tensor, "b c h w"], state: Float[Tensor, "b f a"]) -> Float[Tensor, "n c h w"]:
    """The same for every frame of a clip."""
    return x[:, None].expand(-1, state.shape[1], -1, -1, -1).flatten(0, 1)
