"""Inception-v3 with the exact graph of the weights that define FID and the Inception Score.

Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, arXiv:1512.00567. FID
(arXiv:1706.08500) and the Inception Score (arXiv:1606.03498) are defined by one frozen TensorFlow graph of it,
"inception-2015-12-05". Its PyTorch port (github.com/mseitzer/pytorch-fid, Apache-2.0, file
pt_inception-2015-12-05-6726825d.pth) keeps torchvision's names of the tensors. The graph differs from torchvision's:

- average pooling divides by the pixels under the window, not by 9, at the border;
- the pooling of the very last block takes the maximum, not the mean;
- 1008 classes instead of 1000, no auxiliary classifier;
- the Inception Score's logits have no bias.

`InceptionV3(graph="imagenet")` is torchvision's own, for systems that were trained beside it.

What else differs between programs that compute FID is the way to 299 pixels and the scale of the input; see
`limner.metrics.inception`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from limner.backbones.state import load_network, read_state

NUM_FEATURES = 2048
NUM_CLASSES = 1008
IMAGE_SIZE = 299

Kernel = int | tuple[int, int]
Layer = tuple[int, Kernel]
"""Output channels and kernel of one convolution."""
Chain = list[Layer | list[Layer]]
"""Convolutions one after the other; a list of two is a fork, whose results are joined."""


class ConvNorm(nn.Module):
    """Convolution, batch norm, ReLU; stride 1 keeps the size unless `padded` is False, stride 2 never pads."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: Kernel, *, stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (rows // 2, columns // 2) if stride == 1 and padded else 0
        self.conv = nn.Conv2d(in_channels, out_channels, (rows, columns), stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Float[Tensor, "batch c_in h w"]) -> Float[Tensor, "batch c_out h2 w2"]:
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Chains of convolutions side by side over one input, and a pooled branch; the results are joined by channels.

    Args:
        in_channels: of the input.
        chains: name -> chain. Layers are called `<name>_<number>`, those of a fork `<name>_<number>a` and `b`; a chain
            of one layer has just the name.
        pool_channels: of the 1x1 convolution after the pooling; 0: there is none, and the block halves the size (the
            last layer of every chain and the pooling have stride 2).
        max_pool: whether the pooling before that convolution takes the maximum.
    """

    counts_padding = False
    """Whether the mean of the pooling counts the zeros around the map."""

    def __init__(
        self, in_channels: int, chains: dict[str, Chain], *, pool_channels: int = 0, max_pool: bool = False
    ) -> None:
        super().__init__()
        self.max_pool = max_pool
        self.chains: list[list[list[str]]] = []
        for name, chain in chains.items():
            channels = in_channels
            names: list[list[str]] = []
            for number, layer in enumerate(chain, start=1):
                stem = name if len(chain) == 1 else f"{name}_{number}"
                fork = layer if isinstance(layer, list) else [layer]
                stride = 2 if pool_channels == 0 and number == len(chain) else 1
                names.append([f"{stem}{letter}" for letter in ("ab" if len(fork) == 2 else ("",))])
                for child, (width, kernel) in zip(names[-1], fork, strict=True):
                    self.add_module(child, ConvNorm(channels, width, kernel, stride=stride))
                channels = sum(width for width, _ in fork)
            self.chains.append(names)
        self.branch_pool = ConvNorm(in_channels, pool_channels, 1) if pool_channels else None

    def forward(self, x: Float[Tensor, "batch c_in h w"]) -> Float[Tensor, "batch c_out h2 w2"]:
        results = []
        for chain in self.chains:
            hidden = x
            for names in chain:
                hidden = torch.cat([self.get_submodule(name)(hidden) for name in names], dim=1)
            results.append(hidden)
        if self.branch_pool is None:
            results.append(F.max_pool2d(x, 3, stride=2))
        elif self.max_pool:
            results.append(self.branch_pool(F.max_pool2d(x, 3, stride=1, padding=1)))
        else:
            pooled = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=self.counts_padding)
            results.append(self.branch_pool(pooled))
        return torch.cat(results, dim=1)


def _mixed_35(in_channels: int, pool_channels: int) -> Mixed:
    """Fig. 5 of the paper, at 35x35."""
    chains: dict[str, Chain] = {
        "branch1x1": [(64, 1)],
        "branch5x5": [(48, 1), (64, 5)],
        "branch3x3dbl": [(64, 1), (96, 3), (96, 3)],
    }
    return Mixed(in_channels, chains, pool_channels=pool_channels)


def _mixed_17(width: int) -> Mixed:
    """Fig. 6 of the paper, at 17x17."""
    row, column = (1, 7), (7, 1)
    chains: dict[str, Chain] = {
        "branch1x1": [(192, 1)],
        "branch7x7": [(width, 1), (width, row), (192, column)],
        "branch7x7dbl": [(width, 1), (width, column), (width, row), (width, column), (192, row)],
    }
    return Mixed(768, chains, pool_channels=192)


def _mixed_8(in_channels: int, *, max_pool: bool) -> Mixed:
    """Fig. 7 of the paper, at 8x8."""
    fork: list[Layer] = [(384, (1, 3)), (384, (3, 1))]
    chains: dict[str, Chain] = {
        "branch1x1": [(320, 1)],
        "branch3x3": [(384, 1), fork],
        "branch3x3dbl": [(448, 1), (384, 3), fork],
    }
    return Mixed(in_channels, chains, pool_channels=192, max_pool=max_pool)


class InceptionV3(nn.Module):
    """Images to 2048 features, and those to class scores. The parts have torchvision's names.

    Args:
        graph: "fid", as above, with 1008 classes; "imagenet": torchvision's, with 1000.
    """

    def __init__(self, graph: Literal["fid", "imagenet"] = "fid") -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvNorm(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvNorm(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = ConvNorm(32, 64, 3)
        self.Conv2d_3b_1x1 = ConvNorm(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvNorm(80, 192, 3, padded=False)
        self.Mixed_5b = _mixed_35(192, 32)
        self.Mixed_5c = _mixed_35(256, 64)
        self.Mixed_5d = _mixed_35(288, 64)
        self.Mixed_6a = Mixed(288, {"branch3x3": [(384, 3)], "branch3x3dbl": [(64, 1), (96, 3), (96, 3)]})
        self.Mixed_6b = _mixed_17(128)
        self.Mixed_6c = _mixed_17(160)
        self.Mixed_6d = _mixed_17(160)
        self.Mixed_6e = _mixed_17(192)
        down: dict[str, Chain] = {
            "branch3x3": [(192, 1), (320, 3)],
            "branch7x7x3": [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)],
        }
        self.Mixed_7a = Mixed(768, down)
        self.Mixed_7b = _mixed_8(1280, max_pool=False)
        self.Mixed_7c = _mixed_8(2048, max_pool=graph == "fid")
        self.fc = nn.Linear(NUM_FEATURES, NUM_CLASSES if graph == "fid" else 1000)
        if graph == "imagenet":
            for module in self.modules():
                if isinstance(module, Mixed):
                    module.counts_padding = True

    @classmethod
    def from_file(cls, path: str | Path) -> InceptionV3:
        """The network with the weights of the port's file, frozen.

        Raises:
            WeightsError: if the file is not of this network.
        """
        return load_network(cls, read_state(path), where=path)

    def forward(self, image: Float[Tensor, "batch 3 299 299"]) -> Float[Tensor, "batch 2048"]:
        """The pooled last map, the space of FID: of images of 299 px, scaled as the caller's protocol wants them."""
        features: Tensor = self.maps(image)[1].mean(dim=(2, 3))
        return features

    def maps(
        self, image: Float[Tensor, "batch 3 299 299"]
    ) -> tuple[Float[Tensor, "batch 768 17 17"], Float[Tensor, "batch 2048 8 8"]]:
        """The last map of 17x17 and the last one of all."""
        x = self.Conv2d_1a_3x3(image)  # 32, 149x149
        x = self.Conv2d_2a_3x3(x)  # 32, 147x147
        x = self.Conv2d_2b_3x3(x)  # 64, 147x147
        x = F.max_pool2d(x, 3, stride=2)  # 64, 73x73
        x = self.Conv2d_3b_1x1(x)  # 80, 73x73
        x = self.Conv2d_4a_3x3(x)  # 192, 71x71
        x = F.max_pool2d(x, 3, stride=2)  # 192, 35x35
        x = self.Mixed_5b(x)  # 256, 35x35
        x = self.Mixed_5c(x)  # 288, 35x35
        x = self.Mixed_5d(x)  # 288, 35x35
        x = self.Mixed_6a(x)  # 768, 17x17
        x = self.Mixed_6b(x)
        x = self.Mixed_6c(x)
        x = self.Mixed_6d(x)
        middle = self.Mixed_6e(x)  # 768, 17x17
        x = self.Mixed_7a(middle)  # 1280, 8x8
        x = self.Mixed_7b(x)  # 2048, 8x8
        return middle, self.Mixed_7c(x)  # 2048, 8x8

    def class_scores(self, features: Float[Tensor, "batch 2048"]) -> Float[Tensor, "batch 1008"]:
        """Logits of features, without the bias, as the Inception Score takes them."""
        return F.linear(features, self.fc.weight)
