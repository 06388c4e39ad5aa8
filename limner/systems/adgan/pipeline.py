"""Inference of ADGAN: a photo with its key points and parts, and a pose -> the person in that pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.data.fields import Field
from limner.data.manifest import Manifest
from limner.data.sample import Sample
from limner.losses.perceptual import PerceptualFeatures
from limner.nn.pose_transfer import Discriminator
from limner.plan import Condition
from limner.pose_transfer.data import label_map_of
from limner.pose_transfer.inputs import PersonPhoto
from limner.pose_transfer.parts import PARTS, check_parsing, part_masks, parts_of, to_parts
from limner.pose_transfer.pipeline import Arrays, PosePipeline, pose_maps
from limner.systems.adgan.features import open_style_features
from limner.systems.adgan.networks import Generator


class ADGANPipeline(PosePipeline):
    """Shows a person in another pose; each part of the person has a code of its own.

    Example:
        >>> pipe = limner.load("runs/adgan")
        >>> pipe("me.jpg", "pose.json", source_pose="me.json", parsing="me-parts.png").save("out")
    """

    name: ClassVar[str] = "adgan"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"image_discriminator", "pose_discriminator"})
    _features: PerceptualFeatures | None = None
    _features_at: torch.device | None = None

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator; the discriminators stay with a training run."""
        return {"generator": Generator, "image_discriminator": Discriminator, "pose_discriminator": Discriminator}

    def data_fields(self) -> tuple[Field, ...]:
        """See `PosePipeline.data_fields`; label maps too."""
        return (*super().data_fields(), "label_map")

    def open_data(self, path: Any, **options: Any) -> Manifest:
        """See `PosePipeline.open_data`.

        Raises:
            DataError: if the folder cannot be used, or has no body parsing.
        """
        manifest = super().open_data(path, **options)
        check_parsing(manifest)
        return manifest

    def person_arrays(self, person: PersonPhoto, parsing: Any = None) -> Arrays:
        """The photo's parts."""
        return {"parts": parts_of(person, parsing, system=self.name, colors=self.colors)}

    def pair_arrays(self, source: Sample) -> Arrays:
        """See `PosePipeline.pair_arrays`."""
        return {"parts": to_parts(label_map_of(source))}

    def plan_conditions(self) -> Mapping[str, Condition]:
        """As of all pose transfer, and the parts."""
        parts = Condition("uint8", tuple(self.size), low=0, high=len(PARTS) - 1)
        return {**super().plan_conditions(), "parts": parts}

    def style_features(self) -> PerceptualFeatures:
        """The frozen network beside the style encoder; opened once.

        Raises:
            ConfigError: if these weights want VGG-19 and its file is not there.
        """
        if self._features is None or self._features_at != self.device:
            self._features = open_style_features(self.config("generator")["features"], None, self.device)
            self._features_at = self.device
        return self._features

    def paint(self, arrays: Arrays, seeds: Sequence[int] | None) -> Float[Tensor, "b 3 h w"]:
        """See `PosePipeline.paint`."""
        pose = pose_maps(self, arrays["points"])
        parts = part_masks(arrays["parts"]).to(self.device)
        picture: Tensor = self.joined("paint")(self.to_images(arrays["image"]), parts, pose)
        return picture.float()

    def joined_networks(self) -> dict[str, nn.Module]:
        """`paint`: the generator with the frozen network beside its style encoder."""
        return {"paint": _Paint(self.components["generator"], self.style_features())}


class _Paint(nn.Module):
    """A generator that has its features."""

    def __init__(self, network: nn.Module, features: PerceptualFeatures) -> None:
        super().__init__()
        self.network, self.features = network, features

    def forward(self, image: Tensor, parts: Tensor, pose: Tensor) -> Tensor:
        """Photo in [-1, 1], one-hot parts and heatmaps -> picture."""
        picture: Tensor = self.network(image, parts, pose, self.features)
        return picture
