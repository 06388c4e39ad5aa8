"""The generator of HfGAN: AttnGAN's trunk and word attention, with coarse levels fused into fine ones.

Huang, Wang, Gong: "Hierarchically-Fused Generative Adversarial Network for Text to Realistic Image Synthesis", CRV
2019. The paper's own code was not found: the trunk is AttnGAN's (arXiv:1711.10485), whose variant with one
discriminator and without fusion its authors published as AttnDCGAN (`fusion="none"`); the fusion is built from the
operators that the paper names: identity addition, weighted addition, shortcut connection. Trunk and discriminator are
in `limner.nn.text_to_image`.

Differences: smaller pictures shorten the trunk, and levels that do not exist drop out of the fusion.

Letters: t = words, e = numbers in the code of a word or sentence, c = numbers of the condition, n = of the latent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.text_to_image import AttentionTrunk, Blend, CaptionGenerator, Kept, init_orthogonal

Fusion = Literal["weighted", "identity", "gated", "none"]
NUM_SOURCES = 3
"""Coarser levels that are fused into a level: the nearest ones."""


class Fuse(nn.Module):
    """A level with coarser ones added: each through a shortcut at its own size, then enlarged, then weighted.

    Weights are learned for each channel and sum to their number, so that at the start all are 1 and the result is the
    plain sum ("identity addition").

    Args:
        channels: of the level.
        sources: channels of the coarser maps.
        kind: "weighted"; "identity": weights stay 1; "gated": weights also depend on the maps' means.
        smooth_enlargement: enlarge bilinearly (ours); else pixels are copied.
    """

    def __init__(
        self,
        channels: int,
        sources: Sequence[int],
        *,
        kind: Literal["weighted", "identity", "gated"],
        smooth_enlargement: bool = False,
    ) -> None:
        super().__init__()
        self.enlargement: Literal["bilinear", "nearest"] = "bilinear" if smooth_enlargement else "nearest"
        self.shortcuts = nn.ModuleList(
            nn.Sequential(nn.Conv2d(source, channels, 1, bias=False), nn.BatchNorm2d(channels)) for source in sources
        )
        count = len(sources) + 1
        self.logits = nn.Parameter(torch.zeros(count, channels)) if kind != "identity" else None
        self.gate: nn.Sequential | None = None
        if kind == "gated":
            end = nn.Linear(channels, count * channels)
            self.gate = nn.Sequential(nn.Linear(count * channels, channels), nn.ReLU(), end)

    def reset_gate(self) -> None:
        """Let the gate begin without effect; called after the other first values are set."""
        if self.gate is not None:
            for parameter in self.gate[-1].parameters():
                nn.init.zeros_(parameter)

    def weights(self, maps: Sequence[Tensor]) -> Float[Tensor, "k b c"]:
        """The weight of each map (the level first) for every picture and channel; they sum to k over the maps."""
        batch, channels = maps[0].shape[:2]
        if self.logits is None:
            return maps[0].new_ones(len(maps), batch, channels)
        logits = self.logits[:, None].expand(-1, batch, -1)
        if self.gate is not None:
            means = torch.cat([part.mean(dim=(2, 3)) for part in maps], dim=1)
            logits = logits + self.gate(means).unflatten(1, (len(maps), channels)).transpose(0, 1)
        return len(maps) * logits.softmax(dim=0)

    def forward(
        self,
        level: Float[Tensor, "b c h w"],
        sources: Sequence[Float[Tensor, "b _ _ _"]],
        without: int | None = None,
    ) -> Float[Tensor, "b c h w"]:
        """The level and coarser maps, in the order of their channels; `without` leaves one of these out."""
        projected = [shortcut(source) for shortcut, source in zip(self.shortcuts, sources, strict=True)]
        weights = self.weights([level, *projected])[..., None, None]
        fused = weights[0] * level
        for number, source in enumerate(projected):
            if number != without:
                # The shortcut's 1x1 convolution commutes with the enlargement, and is cheaper before it.
                weighted = weights[number + 1] * source
                fused = fused + functional.interpolate(weighted, size=level.shape[2:], mode=self.enlargement)
        return fused


class Generator(CaptionGenerator):
    """A caption's codes and a latent -> a picture.

    Args:
        image_size: a power of two, at least 32 (256 in the paper).
        width: channels of the finest level, Ng (32; 48 for COCO).
        num_blocks: residual blocks of each attention stage (2; 3 for COCO).
        code_size: e (256).
        condition_size: c (100).
        latent_size: n (100).
        fusion: see `Fuse`; "none" leaves it out.
        smooth_enlargement: smooth what is enlarged, as in StyleGAN2, against a grid in the pictures (ours).

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int = 256,
        width: int = 32,
        num_blocks: int = 2,
        code_size: int = 256,
        condition_size: int = 100,
        latent_size: int = 100,
        fusion: Fusion = "weighted",
        smooth_enlargement: bool = False,
    ) -> None:
        super().__init__()
        self.trunk = AttentionTrunk(
            image_size=image_size,
            width=width,
            num_blocks=num_blocks,
            code_size=code_size,
            condition_size=condition_size,
            latent_size=latent_size,
            smooth_enlargement=smooth_enlargement,
        )
        channels = list(self.trunk.channels)
        fuses = []
        if fusion != "none":
            for _ in range(3):
                sources = channels[-NUM_SOURCES:]
                fuses.append(Fuse(width, sources, kind=fusion, smooth_enlargement=smooth_enlargement))
                channels.append(width)
        self.fuses = nn.ModuleList(fuses)
        self.to_rgb = nn.Conv2d(width, 3, 3, padding=1, bias=False)
        self.apply(init_orthogonal)
        for fuse in fuses:
            fuse.reset_gate()

    def condition(
        self, sentence: Float[Tensor, "b e"], noise: Float[Tensor, "b c"]
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """See `CaptionGenerator`."""
        return self.trunk.condition(sentence, noise)

    def paint(
        self,
        latent: Float[Tensor, "b n"],
        condition: Float[Tensor, "b c"],
        words: Float[Tensor, "b e t"],
        is_word: Bool[Tensor, "b t"],
        *,
        blend: Blend | None = None,
        kept: Kept | None = None,
        without: tuple[int, int] | None = None,
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """See `CaptionGenerator`; there is one picture.

        Args:
            latent: from N(0, 1).
            condition: of the sentence.
            words: codes of the words.
            is_word: False where a caption has ended.
            blend: a second caption, on the way to it.
            kept: a caption whose picture stays but for a place.
            without: (level, source) that is left out of the fusion, to see what it does.
        """

        def fuse(number: int, level: Tensor, below: Sequence[Tensor]) -> Tensor:
            if not self.fuses:
                return level
            left_out = without[1] if without is not None and without[0] == number else None
            fused: Tensor = self.fuses[number](level, below[-NUM_SOURCES:], left_out)
            return fused

        levels, attention = self.trunk(latent, condition, words, is_word, fuse, blend, kept)
        return (torch.tanh(self.to_rgb(levels[-1])),), attention

    def fusion_weights(self) -> dict[str, list[float]]:
        """Level -> mean weight of the level itself and of each source, coarse to fine; without a gate's part."""
        report = {}
        for number, fuse in enumerate(self.fuses):
            if isinstance(fuse, Fuse) and fuse.logits is not None:
                shares = len(fuse.logits) * fuse.logits.softmax(dim=0)
                report[str(self.config["image_size"] >> (2 - number))] = shares.mean(dim=1).tolist()
        return report

    def num_sources(self) -> list[int]:
        """How many coarser maps are fused into each of the three levels; empty without fusion."""
        return [len(fuse.shortcuts) for fuse in self.fuses if isinstance(fuse, Fuse)]
