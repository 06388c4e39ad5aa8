"""The encoders of DAMSM: of a caption and its words, of a picture and its regions, in one space.

Xu et al.: "AttnGAN", CVPR 2018, arXiv:1711.10485, Sec. 3.2; sizes follow facts of the authors' MIT-licensed code.

Differences: beside Inception-v3 there is a small image encoder, trained with the text encoder, for machines without the
ImageNet file; sizes are parameters.

Letters: t = words of a caption, r = regions of a picture, e = numbers in a code.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from limner.backbones.inception import IMAGE_SIZE, NUM_FEATURES, InceptionV3
from limner.nn.configured import Configured

REGION_FEATURES = 768  # channels of Inception's Mixed_6e


class TextEncoder(Configured):
    """A bidirectional LSTM over the words of a caption.

    Args:
        num_words: of the vocabulary, its end mark (0) included.
        code_size: e (256): half of it from either direction.
        embedding_size: numbers of a word before the LSTM (300).
    """

    def __init__(self, *, num_words: int, code_size: int = 256, embedding_size: int = 300) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_words, embedding_size)
        self.lstm = nn.LSTM(embedding_size, code_size // 2, batch_first=True, bidirectional=True)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)

    def forward(
        self,
        token_ids: Int64[Tensor, "b t"],
        lengths: Int64[Tensor, " b"],
        kept: Float[Tensor, "b t n"] | None = None,
    ) -> tuple[Float[Tensor, "b e t"], Float[Tensor, "b e"]]:
        """Numbers of words, 0 after the last of each caption, and how many there are -> codes of words and sentence.

        Codes after the last word are 0, and change nothing of the others. `kept` are factors of the words' numbers, for
        training's dropout: the caller draws them, so that a run that goes on draws the same.
        """
        embedded = self.embedding(token_ids) if kept is None else self.embedding(token_ids) * kept
        packed = pack_padded_sequence(embedded, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, (last, _) = self.lstm(packed)
        words, _ = pad_packed_sequence(outputs, batch_first=True, total_length=token_ids.shape[1])
        return words.transpose(1, 2), torch.cat([last[0], last[1]], dim=1)


def is_word(token_ids: Int64[Tensor, "b t"]) -> Bool[Tensor, "b t"]:
    """Where a caption has words; everything behind them is 0."""
    return token_ids != 0


class ImageEncoder(Configured):
    """A picture -> codes of its regions and of the whole.

    Args:
        code_size: e (256).
        backbone: "inception": ImageNet's Inception-v3, frozen, on 299 px, whose file must be loaded; "small": a few
            convolutions that are trained.
        widths: channels of the small one's convolutions, each of which halves the size.
        region_layer: which of them gives the regions, counted from the first.
    """

    def __init__(
        self,
        *,
        code_size: int = 256,
        backbone: Literal["inception", "small"] = "inception",
        widths: Sequence[int] = (32, 64, 128, 256),
        region_layer: int = 3,
    ) -> None:
        super().__init__()
        self.region_layer = region_layer
        self.inception: InceptionV3 | None = None
        if backbone == "inception":
            self.inception = InceptionV3(graph="imagenet").requires_grad_(False)
            self.layers = nn.ModuleList()
            region_channels, channels = REGION_FEATURES, NUM_FEATURES
        else:
            self.layers = nn.ModuleList(
                nn.Sequential(nn.Conv2d(i, o, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
                for i, o in pairwise((3, *widths))
            )
            region_channels, channels = widths[region_layer], widths[-1]
        self.to_regions = nn.Conv2d(region_channels, code_size, 1, bias=False)
        self.to_code = nn.Linear(channels, code_size)
        for layer in (self.to_regions, self.to_code):
            nn.init.uniform_(layer.weight, -0.1, 0.1)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b e r"], Float[Tensor, "b e"]]:
        """Picture in [-1, 1] of any size -> codes of the regions, row by row, and of the picture."""
        if self.inception is not None:
            large = functional.interpolate(image, size=(IMAGE_SIZE, IMAGE_SIZE), mode="bilinear", align_corners=False)
            regions, last = self.inception.maps(large)
        else:
            maps = []
            for layer in self.layers:
                image = layer(image)
                maps.append(image)
            regions, last = maps[self.region_layer], maps[-1]
        return self.to_regions(regions).flatten(2), self.to_code(last.mean(dim=(2, 3)))

    def train(self, mode: bool = True) -> ImageEncoder:
        """Inception's batch norms keep the statistics of ImageNet, whatever the mode."""
        super().train(mode)
        if self.inception is not None:
            self.inception.eval()
        return self
