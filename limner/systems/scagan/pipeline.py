"""Inference of SCA-GAN: a photo with its key points, and a pose -> the person in that pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.data.fields import Field
from limner.data.points import gaussian_heatmaps
from limner.data.sample import Sample
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.data.transforms import resize_image
from limner.errors import ConfigError, DataError, WeightsError
from limner.inputs import PhotoInput, read_pixels, seed_range
from limner.mode import mode
from limner.nn.pose_transfer import NUM_JOINTS, Discriminator
from limner.pipelines import ExportTarget
from limner.plan import Condition, GenerationPlan, safe_name
from limner.pose_transfer import moved
from limner.pose_transfer.data import image_of, label_map_of
from limner.pose_transfer.inputs import PersonPhoto, read_person, target_pose
from limner.pose_transfer.parts import PARTS, parts_of, to_parts
from limner.pose_transfer.pipeline import Arrays, PosePipeline, latents
from limner.pose_transfer.poses import PoseInput
from limner.systems.scagan.data import content_input, patches_of
from limner.systems.scagan.edges import edge_map
from limner.systems.scagan.networks import ISNet, PCTNet
from limner.systems.scagan.plates import as_input, plates, radius_of

SIGMA = 12 / 256
"""Width of a joint's heat map, as a share of the height (authors' data tool)."""
_RATIO = 0.03  # by which the proportions of a drawing may be off


class SCAGANPipeline(PosePipeline):
    """Shows a person in another pose.

    Example:
        >>> pipe = limner.load("scagan")
        >>> pipe("me.jpg", "pose.json", source_pose="me.json").save("out")
        >>> pipe.dress("me.jpg", "friend.jpg").save("swapped")
    """

    name: ClassVar[str] = "scagan"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"style_discriminator", "content_discriminator"})
    variant_networks: ClassVar[frozenset[str]] = frozenset({"generator"})
    seeded: ClassVar[bool] = True
    own_views: ClassVar[tuple[str, ...]] = ("edges", "plates", "content", "moved")

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        if "generator" in networks and tuple(self.config("generator")["image_size"]) != tuple(self.size):
            raise WeightsError(
                f"IS-Net has the image_size {self.config('generator')['image_size']}, but its description says "
                f"{self.size}."
            )

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """PCT-Net and IS-Net; a run of stage content has no IS-Net yet."""
        return {
            "content_network": PCTNet,
            "generator": ISNet,
            "style_discriminator": Discriminator,
            "content_discriminator": Discriminator,
        }

    @mode
    def dress(
        self,
        photo: PhotoInput,
        clothes: PhotoInput,
        *,
        pose: PoseInput | None = None,
        source_pose: PoseInput | None = None,
        clothes_pose: PoseInput | None = None,
        swap_sides: bool = False,
        show: Sequence[str] = ("picture",),
        seed: int = 0,
        num_images: int = 1,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """One person's lines in another's clothes: edges and pose of `photo`, colours of `clothes`.

        Args:
            photo: who is dressed.
            clothes: who wears the clothes.
            pose: another pose to take; none: that of the photo.
            source_pose: key points of the photo, see `repose`.
            clothes_pose: key points of the other photo; they only say where the person stands in it.
            swap_sides: see `repose`.
            show: see `repose`.
            seed: see `repose`.
            num_images: see `repose`.
            batch_size: see `repose`.

        Raises:
            ConfigError, DataError, ShapeError, WeightsError: as in `repose`.
        """
        self._needs_edges()
        person = read_person(photo, size=self.size, pose=source_pose, swap_sides=swap_sides)
        other = read_person(clothes, size=self.size, pose=clothes_pose, swap_sides=swap_sides)
        wanted = person.points if pose is None else target_pose(pose, person, swap_sides=swap_sides)[1]
        arrays = {**self.person_arrays(person), "image": other.image, "is_content": np.array(pose is None, np.uint8)}
        if self.moves_photos or "moved" in show:
            arrays["style_points"] = other.points.astype(np.float32)  # the photo's own are those of its edges
        return self.pose_plan(
            person,
            {safe_name(f"{person.name}-in-{other.name}"): wanted},
            arrays=arrays,
            show=show,
            seeds=seed_range(seed, num_images),
            settings={"mode": "dress", "photo": person.name, "clothes": other.name},
            batch_size=batch_size,
        )

    @mode
    def redraw(
        self,
        photo: PhotoInput,
        pose: PoseInput,
        content: PhotoInput,
        *,
        source_pose: PoseInput | None = None,
        swap_sides: bool = False,
        show: Sequence[str] = ("picture",),
        seed: int = 0,
        num_images: int = 1,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A person painted with edges that were drawn by hand, or moved before and edited since.

        Args:
            photo: see `repose`.
            pose: what is wanted.
            content: edges in that pose, dark lines on white, in the networks' proportions; a picture of `show`
                "content" of another result can be edited and given here.
            source_pose: see `repose`.
            swap_sides: see `repose`.
            show: see `repose`.
            seed: see `repose`.
            num_images: see `repose`.
            batch_size: see `repose`.

        Raises:
            ConfigError, DataError, ShapeError: as in `repose`, and for the drawing.
            WeightsError: as in `repose`, and if these weights paint without edges.
        """
        self._needs_edges()
        person = read_person(photo, size=self.size, pose=source_pose, swap_sides=swap_sides)
        name, points = target_pose(pose, person, swap_sides=swap_sides)
        arrays = {**self.person_arrays(person), "edges": self._drawing(content), "is_content": np.array(1, np.uint8)}
        return self.pose_plan(
            person,
            {safe_name(f"{person.name}-{name}"): points},
            arrays=arrays,
            show=show,
            seeds=seed_range(seed, num_images),
            settings={"mode": "redraw", "photo": person.name, "poses": [name]},
            batch_size=batch_size,
        )

    @property
    def is_semantic(self) -> bool:
        """Whether these weights move classes of a label map, not edges."""
        return int(self.config("content_network")["content_channels"]) > 1

    @property
    def moves_photos(self) -> bool:
        """Whether these weights also look at the photo moved limb by limb, where the key points put it."""
        return "generator" in self.components and bool(self.config("generator")["moved_photo"])

    def data_fields(self) -> tuple[Field, ...]:
        """See `PosePipeline.data_fields`; label maps where classes are moved."""
        return (*super().data_fields(), "label_map") if self.is_semantic else super().data_fields()

    def person_arrays(self, person: PersonPhoto, parsing: Any = None) -> Arrays:
        """The photo's edges, or parts, which are still to be moved."""
        if self.is_semantic:
            return {
                "edges": parts_of(person, parsing, system="this ablation of scagan"),
                "is_content": np.array(0, np.uint8),
            }
        super().person_arrays(person, parsing)
        return {"edges": edge_map(person.image), "is_content": np.array(0, np.uint8)}

    def pair_arrays(self, source: Sample) -> Arrays:
        """See `PosePipeline.pair_arrays`."""
        edges = to_parts(label_map_of(source)) if self.is_semantic else edge_map(image_of(source))
        return {"edges": edges, "is_content": np.array(0, np.uint8)}

    def plan_conditions(self) -> Mapping[str, Condition]:
        """As of all pose transfer, and edges: of the photo, or as they are to be painted."""
        return {
            **super().plan_conditions(),
            "edges": Condition("uint8", tuple(self.size), high=len(PARTS) - 1 if self.is_semantic else 255),
            "is_content": Condition("uint8", (), low=0, high=1),
            "style_points": Condition("float32", (18, 2), may_be_nan=True, is_required=False),
        }

    def check_plan(self, plan: GenerationPlan) -> None:
        """See `PosePipeline.check_plan`; what needs IS-Net is refused without it."""
        super().check_plan(plan)
        if "generator" not in self.components and 0 in plan.conditions["view"]:
            raise ConfigError(
                "These weights are of stage content: they move edges and paint no picture; name a run of stage image, "
                "or show edges, plates, content and moved only."
            )

    def view(self, name: str, arrays: Arrays, seeds: Sequence[int] | None) -> Float[Tensor, "b 3 h w"]:
        """See `PosePipeline.view`; edges are shown as dark lines on white."""
        if name == "edges":
            return shown_content(-self._content(arrays) if not self.is_semantic else self._content(arrays))
        if name == "plates":
            return self._plates(arrays).amin(dim=1, keepdim=True).clamp(-1, 1).expand(-1, 3, -1, -1)
        if name == "content":
            return shown_content(-self._moved(arrays) if not self.is_semantic else self._moved(arrays))
        if name == "moved":
            return self._moved_photo(arrays)[:, :3]
        return super().view(name, arrays, seeds)

    def paint(self, arrays: Arrays, seeds: Sequence[int] | None) -> Float[Tensor, "b 3 h w"]:
        """See `PosePipeline.paint`.

        Raises:
            WeightsError: if these weights are of stage content.
        """
        if "generator" not in self.components:
            raise WeightsError("These weights are of stage content and paint no picture; name a run of stage image.")
        config = self.config("generator")
        latent = latents(seeds or [0] * len(arrays["points"]), config["latent_size"], self.device)
        image = self.to_images(arrays["image"])
        if config["content"] == "none":
            content = image[:, :0]
        elif config["prior_transfer"]:
            content = self._moved(arrays)
        else:
            content = self._content(arrays)
        if self.moves_photos:
            content = torch.cat([content, self._moved_photo(arrays)], dim=1)
        picture: Tensor = self.components["generator"](image, content, self._heatmaps(arrays["points"]), latent)
        return picture.float()

    def _heatmaps(self, points: npt.NDArray[np.float32]) -> Float[Tensor, "b 18 h w"]:
        """Gaussians of the joints, in [0, 1]."""
        size = (self.size.height, self.size.width)
        return gaussian_heatmaps(torch.from_numpy(points.copy()).to(self.device), size, sigma=SIGMA * size[0])

    def export_targets(self) -> dict[str, ExportTarget]:
        """IS-Net, where there is one, and PCT-Net."""
        height, width = self.size

        def edges(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            channels = self.config("content_network")["content_channels"]
            content = torch.rand(batch, channels, height, width, generator=random) * 2 - 1
            pose = torch.rand(batch, NUM_JOINTS, height, width, generator=random)
            moved = torch.rand(batch, NUM_JOINTS, height, width, generator=random) * 2 - 1
            return tuple(tensor.to(self.device) for tensor in (content, pose, moved))

        found = {
            "content_network": ExportTarget(
                self.components["content_network"], ("content", "pose", "plates"), ("moved",), edges
            )
        }
        if "generator" not in self.components:
            return found
        config = self.config("generator")

        def picture(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            content, pose, _ = edges(batch)
            source = torch.rand(batch, 3, height, width, generator=random) * 2 - 1
            latent = torch.randn(batch, config["latent_size"], generator=random)
            content = content if config["content"] != "none" else content[:, :0]
            if self.moves_photos:
                photo = torch.rand(batch, moved.CHANNELS, height, width, generator=random).to(self.device)
                content = torch.cat([content, photo], dim=1)
            return source.to(self.device), content, pose, latent.to(self.device)

        names = ("source", "content", "pose", "latent")
        return {"generator": ExportTarget(self.components["generator"], names, ("image",), picture), **found}

    def _needs_edges(self) -> None:
        if "generator" in self.components and self.config("generator")["content"] != "edge":
            raise WeightsError("These weights paint without edges, so none can be kept or drawn.")

    def _plates(self, arrays: Arrays) -> Float[Tensor, "b 18 h w"]:
        config = self.config("content_network")
        rows = zip(arrays["edges"], arrays["source_points"], arrays["points"], strict=True)
        options = {"radius": radius_of(self.size.height), "border": config["plate_border"]}
        found = [plates(patches_of(edges, is_semantic=self.is_semantic), *points, **options) for edges, *points in rows]
        return torch.from_numpy(np.stack([as_input(one, config["plate_scale"]) for one in found])).to(self.device)

    def _content(self, arrays: Arrays) -> Float[Tensor, "b e h w"]:
        return content_input(arrays["edges"], is_semantic=self.is_semantic).to(self.device)

    def _moved(self, arrays: Arrays) -> Float[Tensor, "b 1 h w"]:
        """Edges in the wanted pose: by PCT-Net, or as they are where they are there already."""
        content = self._content(arrays)
        is_content = torch.from_numpy(arrays["is_content"].astype(bool)).to(self.device)[:, None, None, None]
        if bool(is_content.all()):
            return content
        moved = self.components["content_network"](content, self._heatmaps(arrays["points"]), self._plates(arrays))
        return torch.where(is_content, content, moved.float())

    def _moved_photo(self, arrays: Arrays) -> Float[Tensor, "b 4 h w"]:
        """The photo moved limb by limb, as far as its key points show it."""
        ends = arrays.get("style_points", arrays["source_points"]), arrays["points"]
        points = [torch.from_numpy(one.copy()).to(self.device) for one in ends]
        return moved.moved_photo(self.to_images(arrays["image"]), *points)

    def _drawing(self, content: PhotoInput) -> npt.NDArray[np.uint8]:
        """A drawn edge map, as grey pixels of the networks' size.

        Raises:
            DataError: if it cannot be read, or has other proportions.
        """
        pixels, where = read_pixels(content)
        height, width = pixels.shape[:2]
        if abs(width * self.size.height / (height * self.size.width) - 1) > _RATIO:
            raise DataError(
                f"{where}: the drawing is {width}x{height}, but must have the proportions of "
                f"{self.size.width}x{self.size.height}."
            )
        grey = resize_image(pixels, self.size).astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        return np.asarray(np.rint(grey), np.uint8)


def shown_content(content: Float[Tensor, "b e h w"]) -> Float[Tensor, "b 3 h w"]:
    """Content as a picture in [-1, 1]: edges as they are, the likeliest class of several as a shade of grey."""
    if content.shape[1] == 1:
        return content.expand(-1, 3, -1, -1)
    shade = content.argmax(dim=1, keepdim=True).float() / (content.shape[1] - 1)
    return (shade * 2 - 1).expand(-1, 3, -1, -1)
