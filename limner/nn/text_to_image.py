"""Parts of AttnGAN that text-to-image systems share: the trunk with attention to words, and the discriminator.

Xu et al.: "AttnGAN: Fine-Grained Text to Image Generation with Attentional Generative Adversarial Networks", CVPR 2018,
arXiv:1711.10485. Sizes follow facts of the authors' MIT-licensed code.

Letters: t = words of a caption, e = numbers in the code of a word or a sentence.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.configured import Configured
from limner.nn.resampling import double_and_convolve, smooth

START = 4  # height and width of the first map
LevelChange = Callable[[int, Tensor, Sequence[Tensor]], Tensor]
"""Number of a level (0 to 2), the level, and all coarser maps -> the level as it goes on."""


class Blend(NamedTuple):
    """A second caption, and how far the first one has gone over to it."""

    words: Float[Tensor, "b e t2"]
    is_word: Bool[Tensor, "b t2"]
    amount: Float[Tensor, " b"]
    """0: the first caption alone; 1: the second one alone."""


class Kept(NamedTuple):
    """Another caption, whose picture stays but for the places where some words count."""

    condition: Float[Tensor, "b c"]
    words: Float[Tensor, "b e t"]
    """As many as of the caption that is painted, the shorter one filled up."""
    is_word: Bool[Tensor, "b t"]
    named: Bool[Tensor, "b2 t"]
    """Words that say where, of the kept captions and then of those that are painted; where there are none, all of the
    kept picture stays."""
    other_named: Bool[Tensor, "b2 t"] | None = None
    """The same of the kept captions and those of a `Blend`; None without one."""


class Painted(NamedTuple):
    """What a generator makes of latents and captions."""

    images: tuple[Tensor, ...]
    """Pictures (b, 3, h, w) in [-1, 1], the last one of full size; others are smaller, coarse to fine."""
    attention: tuple[Tensor, ...]
    """Share of each word at every pixel (b, t, h, w), coarse to fine; empty where words are not attended to."""
    mean: Float[Tensor, "b c"]
    """Of the sentence's condition."""
    log_variance: Float[Tensor, "b c"]
    """Of the same."""

    @property
    def image(self) -> Float[Tensor, "b 3 h w"]:
        """The picture of full size."""
        return self.images[-1]


class CaptionGenerator(Configured, ABC):
    """Base of generators that paint captions: a condition of the sentence, then pictures.

    A subclass implements `condition` and `paint`.
    """

    @abstractmethod
    def condition(
        self, sentence: Float[Tensor, "b e"], noise: Float[Tensor, "b c"]
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """A sentence and noise from N(0, 1) -> condition, its mean and its log-variance; zero noise gives the mean."""

    @abstractmethod
    def paint(
        self,
        latent: Float[Tensor, "b n"],
        condition: Float[Tensor, "b c"],
        words: Float[Tensor, "b e t"],
        is_word: Bool[Tensor, "b t"],
        *,
        blend: Blend | None = None,
        kept: Kept | None = None,
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Images and attention of `Painted`.

        Args:
            latent: from N(0, 1).
            condition: of the sentence.
            words: codes of the words.
            is_word: False where a caption has ended.
            blend: a second caption, on the way to it.
            kept: a caption whose picture stays but for a place; of generators that attend to words.
        """

    def forward(
        self,
        latent: Float[Tensor, "b n"],
        noise: Float[Tensor, "b c"],
        sentence: Float[Tensor, "b e"],
        words: Float[Tensor, "b e t"],
        is_word: Bool[Tensor, "b t"],
    ) -> Painted:
        """Paint captions; `noise` from N(0, 1) varies the sentence's condition."""
        condition, mean, log_variance = self.condition(sentence, noise)
        images, attention = self.paint(latent, condition, words, is_word)
        return Painted(images, attention, mean, log_variance)


class UpBlock(nn.Module):
    """Nearest x2, conv3 to twice the channels, batch norm, gated linear unit; what is enlarged may be smoothed."""

    def __init__(self, in_channels: int, out_channels: int, *, smooth_enlargement: bool = False) -> None:
        super().__init__()
        self.smooth_enlargement = smooth_enlargement
        self.conv = nn.Conv2d(in_channels, 2 * out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(2 * out_channels)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        larger = double_and_convolve(self.conv, x)
        return functional.glu(self.norm(smooth(larger) if self.smooth_enlargement else larger), dim=1)


class ResidualBlock(nn.Module):
    """x + [conv3 - BN - gated linear unit - conv3 - BN]; nothing after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(2 * channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        hidden = functional.glu(self.norm1(self.conv1(x)), dim=1)
        return x + self.norm2(self.conv2(hidden))


class ConditioningAugmentation(nn.Module):
    """A sentence -> mean and log-variance of its condition (Zhang et al. 2017, StackGAN, arXiv:1612.03242, Sec. 3.2).

    The gated linear unit acts on both halves, so that mean and log-variance are gated, as in AttnGAN's code.

    Args:
        sentence_size: e.
        size: of the condition.
    """

    def __init__(self, *, sentence_size: int, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(sentence_size, 4 * size)

    def forward(self, sentence: Float[Tensor, "b e"]) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """Mean and log-variance."""
        mean, log_variance = functional.glu(self.linear(sentence), dim=1).chunk(2, dim=1)
        return mean, log_variance


class WordAttention(nn.Module):
    """For every pixel the words that matter there (Eq. 2 and 3).

    Args:
        channels: of the map.
        word_size: e.
    """

    def __init__(self, channels: int, *, word_size: int) -> None:
        super().__init__()
        self.key = nn.Conv1d(word_size, channels, 1, bias=False)

    def forward(
        self, x: Float[Tensor, "b c h w"], words: Float[Tensor, "b e t"], is_word: Bool[Tensor, "b t"]
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b t h w"]]:
        """A map and codes of words -> what the words say at each pixel, and the share of each word there.

        Shares sum to 1 over the words; they are exactly 0 where `is_word` is False.
        """
        keys = self.key(words)
        scores = torch.einsum("bchw,bct->bthw", x, keys)
        shares = scores.masked_fill(~is_word[:, :, None, None], -torch.inf).softmax(dim=1)
        return torch.einsum("bthw,bct->bchw", shares, keys), shares


PLACE_SHARE = 0.3
"""Share of its peak from which on a word's attention says that a place is meant, as in the paper of `place_of`."""


def place_of(shares: Float[Tensor, "b2 t h w"], named: Bool[Tensor, "b2 t"]) -> Float[Tensor, "b 1 h w"]:
    """1 where the named words count in either of two pictures, else 0.

    The "local blend" of Hertz et al.: "Prompt-to-Prompt Image Editing with Cross Attention Control",
    arXiv:2208.01626. Attention is smoothed over 3x3 pixels first, so that no single one sets the peak.

    Args:
        shares: of the words of the first captions, then of the second ones.
        named: words that say where, in the same order.
    """
    share = (shares * named[:, :, None, None].to(shares.dtype)).sum(dim=1, keepdim=True)
    either = torch.maximum(*share.chunk(2))
    smooth = functional.avg_pool2d(either, 3, stride=1, padding=1, count_include_pad=False)
    return (smooth > PLACE_SHARE * smooth.amax(dim=(2, 3), keepdim=True)).to(shares.dtype)


def kept_outside(level: Float[Tensor, "b2 c h w"], place: Float[Tensor, "b 1 h2 w2"]) -> Float[Tensor, "b2 c h w"]:
    """A level of kept and of other captions -> the same, the others as the kept ones outside of the place."""
    first, second = level.chunk(2)
    inside = functional.interpolate(place, size=level.shape[2:], mode="bilinear").to(level.dtype)
    return torch.cat([first, torch.lerp(first, second, inside)])


def _place(
    attention: nn.Module,
    level: Float[Tensor, "b2 c h w"],
    words: Float[Tensor, "b2 e t"],
    is_word: Bool[Tensor, "b2 t"],
    blend: Blend | None,
    kept: Kept,
) -> Float[Tensor, "b 1 h w"]:
    """Where the kept picture does not stay; on the way to a blend's caption, between its place and the other one."""
    place = place_of(attention(level, words, is_word)[1], kept.named)
    if blend is None or kept.other_named is None:
        return place
    other = place_of(attention(level, blend.words, blend.is_word)[1], kept.other_named)
    return torch.lerp(place, other, blend.amount.chunk(2)[1][:, None, None, None].to(place.dtype))


class AttentionTrunk(nn.Module):
    """A latent and a caption -> three levels, at a quarter, a half and all of the size (Eq. 1).

    Args:
        image_size: of the last level: a power of two, at least 32.
        width: channels of the three levels, Ng (32; 48 for COCO).
        num_blocks: residual blocks after each attention (2; 3 for COCO).
        code_size: e.
        condition_size: numbers of the sentence's condition (100).
        latent_size: numbers of the latent (100).
        smooth_enlargement: smooth what is enlarged by (1, 2, 1), as in StyleGAN2 (ours).

    Attributes:
        channels: of the maps below the first level, coarse to fine.

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int,
        num_blocks: int,
        code_size: int,
        condition_size: int,
        latent_size: int,
        smooth_enlargement: bool = False,
    ) -> None:
        super().__init__()
        check_image_size(image_size, least=32)
        grown = partial(UpBlock, smooth_enlargement=smooth_enlargement)
        self.augmentation = ConditioningAugmentation(sentence_size=code_size, size=condition_size)
        doublings = int(math.log2(image_size // (4 * START)))
        channels = [width * 2**level for level in range(doublings, -1, -1)]  # 16Ng, 8Ng, ..., Ng
        self.channels = channels[:-1]
        self.stem = nn.Linear(condition_size + latent_size, 2 * channels[0] * START**2, bias=False)
        self.stem_norm = nn.BatchNorm1d(2 * channels[0] * START**2)
        self.coarse = nn.ModuleList(grown(i, o) for i, o in pairwise(channels))
        self.attention = nn.ModuleList(WordAttention(width, word_size=code_size) for _ in range(2))
        self.refine = nn.ModuleList(
            nn.Sequential(*[ResidualBlock(2 * width) for _ in range(num_blocks)]) for _ in range(2)
        )
        self.grow = nn.ModuleList(grown(2 * width, width) for _ in range(2))

    def condition(
        self, sentence: Float[Tensor, "b e"], noise: Float[Tensor, "b c"]
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """A sentence and noise from N(0, 1) -> condition, its mean and its log-variance; zero noise gives the mean."""
        mean, log_variance = self.augmentation(sentence)
        return mean + noise * (0.5 * log_variance).exp(), mean, log_variance

    def forward(
        self,
        latent: Float[Tensor, "b n"],
        condition: Float[Tensor, "b c"],
        words: Float[Tensor, "b e t"],
        is_word: Bool[Tensor, "b t"],
        change: LevelChange = lambda number, level, below: level,
        blend: Blend | None = None,
        kept: Kept | None = None,
    ) -> tuple[list[Float[Tensor, "b _ _ _"]], tuple[Float[Tensor, "b t h w"], Float[Tensor, "b t h2 w2"]]]:
        """The three levels, and the share of each word at every pixel of the first two.

        Args:
            latent: from N(0, 1).
            condition: of the sentence, from `condition`.
            words: codes of the words.
            is_word: False where a caption has ended.
            change: called as change(number, level, maps below it) on each level before it is used.
            blend: a second caption; what its words say at each pixel is mixed in.
            kept: another caption; both pictures are painted side by side, and every level is that of the kept one
                where the named words do not count.
        """
        if kept is not None:
            latent, condition = torch.cat([latent, latent]), torch.cat([kept.condition, condition])
            words, is_word = torch.cat([kept.words, words]), torch.cat([kept.is_word, is_word])
            blend = blend and Blend(
                torch.cat([kept.words, blend.words]),
                torch.cat([kept.is_word, blend.is_word]),
                torch.cat([torch.zeros_like(blend.amount), blend.amount]),
            )
        first = functional.glu(self.stem_norm(self.stem(torch.cat([condition, latent], dim=1))), dim=1)
        maps = [first.unflatten(1, (-1, START, START))]
        for block in self.coarse:
            maps.append(block(maps[-1]))
        level, shares, place = maps.pop(), [], None
        for number, (attention, refine, grow) in enumerate(zip(self.attention, self.refine, self.grow, strict=True)):
            level = change(number, level, maps)
            if kept is not None:
                place = _place(attention, level, words, is_word, blend, kept) if place is None else place
                level = kept_outside(level, place)
            maps.append(level)
            context, share = attention(level, words, is_word)
            shares.append(share)
            if blend is not None:
                other, _ = attention(level, blend.words, blend.is_word)
                context = torch.lerp(context, other, blend.amount[:, None, None, None].to(context.dtype))
            level = grow(refine(torch.cat([level, context], dim=1)))
        levels = [*maps[-2:], change(2, level, maps)]
        if place is not None:
            levels[-1] = kept_outside(levels[-1], place)
            levels, shares = ([part.chunk(2)[1] for part in parts] for parts in (levels, shares))
        return levels, (shares[0], shares[1])


class Judged(NamedTuple):
    """What a discriminator says of pictures."""

    picture: Tensor | None
    """Is the picture real? Logits (b,); None where this head is missing."""
    pairs: tuple[Tensor, ...]
    """Is it real, and does the sentence belong to it? Logits of each sentence."""


class JointDiscriminator(Configured):
    """One trunk with two judgements: is the picture real, and does it belong to the sentence (Sec. 3.1)?

    Args:
        image_size: of the pictures: a power of two, at least 16.
        width: channels of the first layer (64; 96 for COCO).
        sentence_size: e.
        unconditional: whether the first judgement is there (AttnDCGAN has the second alone).

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self, *, image_size: int, width: int = 64, sentence_size: int = 256, unconditional: bool = True
    ) -> None:
        super().__init__()
        check_image_size(image_size, least=16)
        channels = [width * 2**level for level in range(int(math.log2(image_size // 4)))]
        top = 8 * width
        trunk: list[nn.Module] = [nn.Conv2d(3, width, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2)]
        for i, o in pairwise(channels):
            trunk += [nn.Conv2d(i, o, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.2)]
        narrowing = [2**level * width for level in range(int(math.log2(channels[-1] // width)), 2, -1)]
        if channels[-1] < top:
            narrowing = [channels[-1], top]
        for i, o in pairwise(narrowing):
            trunk += [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.2)]
        self.trunk = nn.Sequential(*trunk)
        self.picture_head = nn.Conv2d(top, 1, 4, stride=4) if unconditional else None
        self.join = nn.Sequential(
            nn.Conv2d(top + sentence_size, top, 3, padding=1, bias=False), nn.BatchNorm2d(top), nn.LeakyReLU(0.2)
        )
        self.pair_head = nn.Conv2d(top, 1, 4, stride=4)
        self.apply(init_orthogonal)

    def forward(self, image: Float[Tensor, "b 3 h w"], *sentences: Float[Tensor, "b e"]) -> Judged:
        """A picture in [-1, 1], judged alone and with each of the sentences."""
        features = self.trunk(image)
        pairs = tuple(self.pair_logits(features, sentence) for sentence in sentences)
        return Judged(self.picture_logits(features), pairs)

    def picture_logits(self, features: Float[Tensor, "b f 4 4"]) -> Float[Tensor, " b"] | None:
        """Is it real? None where this head is missing."""
        return None if self.picture_head is None else self.picture_head(features).flatten()

    def pair_logits(self, features: Float[Tensor, "b f 4 4"], sentence: Float[Tensor, "b e"]) -> Float[Tensor, " b"]:
        """Is it real and does the sentence belong to it?"""
        tiled = sentence[:, :, None, None].expand(-1, -1, *features.shape[2:]).to(features.dtype)
        return self.pair_head(self.join(torch.cat([features, tiled], dim=1))).flatten()


def check_image_size(image_size: int, *, least: int) -> None:
    """Refuse sizes for which the networks do not exist.

    Raises:
        ShapeError: naming the value and what is allowed.
    """
    if image_size < least or image_size & (image_size - 1):
        raise ShapeError(f"image_size is {image_size}; it must be a power of two of at least {least} (64, 128, 256).")


def init_orthogonal(module: nn.Module) -> None:
    """AttnGAN's first values: orthogonal weights, batch norm N(1, 0.02) and 0, no bias of linear layers."""
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
        nn.init.orthogonal_(module.weight)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
