"""Inception-v3 as a feature network, with the two ways to prepare its input that published numbers were made with."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from limner.backbones.inception import IMAGE_SIZE, NUM_FEATURES, InceptionV3
from limner.errors import ConfigError
from limner.metrics.features import FeatureNetwork
from limner.metrics.resize import Resize

Preparation = Literal["pytorch-fid", "tensorflow"]


def inception_network(
    file: str | Path,
    *,
    sha256: str,
    is_published: bool,
    preparation: Preparation = "pytorch-fid",
    device: torch.device | str = "cpu",
) -> FeatureNetwork:
    """The network of FID, KID and the Inception Score.

    Args:
        file: weights, as the PyTorch port has them (`limner.hub.published_file("inception-v3-fid")`).
        sha256: hash of the file.
        is_published: whether that is the hash of the published file. With other weights the metrics are not called
            FID, KID and Inception Score.
        preparation: "pytorch-fid": bilinear to 299 px without antialiasing, pixels scaled to [-1, 1]. "tensorflow":
            TensorFlow 1's bilinear and (pixel - 128) / 128, as the graph itself has it and torch-fidelity repeats it.
        device: where the network runs.

    Raises:
        WeightsError: if the file is not of this network.
        ConfigError: if there is no such preparation.
    """
    if preparation not in get_args(Preparation):
        raise ConfigError(f'There is no preparation "{preparation}"; there are {", ".join(get_args(Preparation))}.')
    network = InceptionV3.from_file(file).to(device)

    def features(image: Float[Tensor, "batch 3 299 299"]) -> Float[Tensor, "batch 2048"]:
        if preparation == "tensorflow":
            image = (image * 127.5 - 0.5) / 128  # of pixels 127.5 (image + 1): minus 128, divided by 128
        result: Tensor = network(image)
        return result

    return FeatureNetwork(
        name="inception-v3",
        weights=f"{Path(file).stem}, prepared as {preparation}",
        sha256=sha256,
        num_features=NUM_FEATURES,
        features=features,
        resize=Resize(IMAGE_SIZE, grid="corners" if preparation == "tensorflow" else "centres"),
        class_scores=network.class_scores,
        frechet_name="FID" if is_published else "",
    )
