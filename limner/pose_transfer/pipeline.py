"""What the pipelines of pose transfer share: photos and poses become plans, and plans become pictures.

A plan has a row a picture: the photo, its key points, the wanted ones, and `view`, which says what is shown of the row.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from limner.data.config import Fit
from limner.data.fields import Field
from limner.data.keypoints import LIMBS
from limner.data.manifest import Manifest, open_manifest
from limner.data.point_schema import FAR_PX
from limner.data.points import gaussian_heatmaps, one_hot_heatmaps, polylines
from limner.data.sample import Sample
from limner.errors import ConfigError, ShapeError
from limner.inputs import PhotoInput, seed_range, to_pictures, usual_batch_size
from limner.mode import mode, plan_of
from limner.pipelines import Pipeline
from limner.plan import Condition, GenerationPlan, safe_name
from limner.pose_transfer.background import keep_background
from limner.pose_transfer.data import FIELDS
from limner.pose_transfer.inputs import PersonPhoto, read_person, target_pose
from limner.pose_transfer.poses import Interpolation, Points, Pose, PoseInput, between, read_poses

Arrays = dict[str, npt.NDArray[Any]]
VIEWS = ("picture", "source", "pose", "edges", "plates", "content", "moved")
"""What a picture of a plan can show; the last four by SCA-GAN alone."""
DEFAULT_STEPS = 8
PARSING: tuple[Field, ...] = ("label_map",)
_LINE = 0.012  # width of a drawn limb, as a share of the height


class PosePipeline(Pipeline):
    """Base of the inference side of pose transfer; a subclass says how people are painted.

    Attributes:
        seeded: whether a seed changes a picture.
        own_views: of `VIEWS`, beside the picture, its photo and its pose.
    """

    seeded: ClassVar[bool] = False
    own_views: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def paint(self, arrays: Arrays, seeds: Sequence[int] | None) -> Float[Tensor, "b 3 h w"]:
        """People in other poses, in [-1, 1].

        Args:
            arrays: `image` (b, H, W, 3) uint8, `source_points` and `points` (b, 18, 2) in pixels, NaN where not seen,
                and what `person_arrays` adds.
            seeds: one a picture; none where the system draws nothing at random.
        """

    def person_arrays(self, person: PersonPhoto, parsing: Any = None) -> Arrays:
        """What the networks are given of a photo beside its pixels and key points; rows without the first axis.

        Raises:
            ConfigError: if a label map is given that these networks do not look at.
        """
        if parsing is not None:
            raise ConfigError(f"{self.name} looks at no label map; leave parsing out.")
        return {}

    def pair_arrays(self, source: Sample) -> Arrays:
        """The same of a photo of a data set, which `data_fields` has read."""
        return {}

    def data_fields(self) -> tuple[Field, ...]:
        """Fields that its evaluation reads of a data folder."""
        return FIELDS

    @mode
    def repose(
        self,
        photo: PhotoInput,
        pose: PoseInput | Sequence[PoseInput],
        *,
        source_pose: PoseInput | None = None,
        parsing: Any = None,
        swap_sides: bool = False,
        show: Sequence[str] = ("picture",),
        seed: int = 0,
        num_images: int = 1,
        keep_background: bool = False,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A person in one pose or several.

        Args:
            photo: of one person: a file, picture or array of any size.
            pose: what is wanted: a file (see `limner.pose_transfer.poses`), a photo of somebody whose key points are
                known, or 18 points in pixels of `photo`; or a list of these.
            source_pose: key points of the photo; none: those beside it, or what a detector finds.
            parsing: label map of the photo, for the systems that need one.
            swap_sides: exchange left and right in all key points, but where they are surely right already.
            show: of each pose, one after the other: "picture", "source", "pose", and what else the system knows.
            seed: of the first picture; it changes details only.
            num_images: pictures of each pose, a seed each.
            keep_background: lay the painted person over the photo's own background (`limner.pose_transfer.background`),
                a step that is in no paper; without it the networks paint the background, too.
            batch_size: pictures in one pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if an option is out of range.
            DataError: if photo or pose cannot be used.
            ShapeError: if an array is no picture, or no 18 points.
            WeightsError: if these weights paint no pictures.
        """
        person = read_person(photo, size=self.size, pose=source_pose, swap_sides=swap_sides)
        wanted: list[Any] = list(pose) if _is_several(pose) else [pose]  # type: ignore[arg-type]
        poses = [target_pose(one, person, swap_sides=swap_sides) for one in wanted]
        names = [safe_name(f"{person.name}-{name}") for name, _ in poses]
        return self.pose_plan(
            person,
            _numbered(names, [points for _, points in poses]),
            arrays=self.person_arrays(person, parsing),
            show=show,
            seeds=seed_range(seed, num_images),
            settings={"mode": "repose", "photo": person.name, "poses": [name for name, _ in poses]},
            keep_background=keep_background,
            batch_size=batch_size,
        )

    __call__ = repose
    plan = plan_of(repose)

    @mode
    def sequence(
        self,
        photo: PhotoInput,
        poses: str | Path | Sequence[PoseInput],
        *,
        steps: int = DEFAULT_STEPS,
        interpolation: Interpolation = "linear",
        source_pose: PoseInput | None = None,
        parsing: Any = None,
        swap_sides: bool = False,
        seed: int = 0,
        keep_background: bool = True,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A person moving through poses: one picture after the other, all from one seed, so that nothing flickers.

        Args:
            photo: see `repose`.
            poses: a list, or a file or folder with several.
            steps: pictures from each pose to the next.
            interpolation: the way between two poses: "linear", or "cubic", which has no corners.
            source_pose: see `repose`.
            parsing: see `repose`.
            swap_sides: see `repose`.
            seed: of all pictures.
            keep_background: see `repose`; nothing but the person then changes from picture to picture. False: as the
                networks paint it.
            batch_size: see `repose`.

        Raises:
            ConfigError, DataError, ShapeError, WeightsError: as in `repose`.
        """
        person = read_person(photo, size=self.size, pose=source_pose, swap_sides=swap_sides)
        wanted: Sequence[PoseInput] = read_poses(poses) if isinstance(poses, str | Path) else list(poses)
        keys = [target_pose(one, person, swap_sides=swap_sides)[1] for one in wanted]
        way = between(keys, steps, interpolation)
        stem = safe_name(person.name)
        return self.pose_plan(
            person,
            {f"{stem}-{number:04d}": points for number, points in enumerate(way)},
            arrays=self.person_arrays(person, parsing),
            show=("picture",),
            seeds=seed_range(seed, 1),
            settings={"mode": "sequence", "photo": person.name, "steps": steps, "interpolation": interpolation},
            columns=min(len(way), 16),
            keep_background=keep_background,
            batch_size=batch_size,
        )

    def pose_plan(
        self,
        person: PersonPhoto,
        poses: Mapping[str, Points],
        *,
        arrays: Arrays,
        show: Sequence[str],
        seeds: Sequence[int],
        settings: dict[str, Any],
        columns: int | None = None,
        keep_background: bool = False,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A plan with a picture for each pose, seed and view.

        Args:
            person: the photo.
            poses: name of the picture -> wanted points.
            arrays: rows without the first axis, of `person_arrays`; `image` and `source_points` may be among them.
            show: what is shown of each.
            seeds: of each pose.
            settings: what was asked for.
            columns: of the sheet; none: a row a pose.
            keep_background: whether people stand in front of the background of `image`.
            batch_size: pictures in one pass.

        Raises:
            ConfigError: if a view is unknown, or a seed has no effect.
        """
        known = ("picture", "source", "pose", *self.own_views)
        show = list(show)
        unknown = [view for view in show if view not in known]
        if unknown or not show or len(set(show)) != len(show):
            raise ConfigError(
                f"show is {', '.join(show) or 'empty'}; it must be some of {', '.join(known)}, none twice."
            )
        if not self.seeded and list(seeds) != [0]:
            raise ConfigError(f"{self.name} draws nothing at random: leave seed and num_images out.")
        rows = [(name, points, seed, view) for name, points in poses.items() for seed in seeds for view in show]
        of_seed = len(seeds) > 1

        def label(name: str, seed: int, view: str) -> str:
            return name + (f"-seed-{seed:06d}" if of_seed else "") + ("" if view == "picture" else f"-{view}")

        shared: Arrays = {"image": person.image, "source_points": person.points.astype(np.float32), **arrays}
        if keep_background:
            shared["keep_background"] = np.array(1, np.uint8)
            settings = {**settings, "keep_background": True}
        return GenerationPlan(
            seeds=[seed if self.seeded else None for _, _, seed, _ in rows],
            names=[label(name, seed, view) for name, _, seed, view in rows],
            from_photo=True,
            settings={**settings, "columns": columns or len(seeds) * len(show)},
            conditions={
                **{name: array[None] for name, array in shared.items()},
                "points": np.stack([points for _, points, _, _ in rows]).astype(np.float32),
                "view": np.array([VIEWS.index(view) for *_, view in rows], np.uint8),
            },
            batch_size=usual_batch_size(self.device) if batch_size is None else batch_size,
        )

    def plan_conditions(self) -> Mapping[str, Condition]:
        """The photo, both poses, and what is shown."""
        height, width = self.size
        return {
            "image": Condition("uint8", (height, width, 3)),
            "source_points": Condition("float32", (18, 2), may_be_nan=True),
            "points": Condition("float32", (18, 2), may_be_nan=True),
            "view": Condition("uint8", (), low=0, high=len(VIEWS) - 1),
            "keep_background": Condition("uint8", (), low=1, high=1, is_required=False),
        }

    def check_plan(self, plan: GenerationPlan) -> None:
        """See `Pipeline.check_plan`; a view of another system is refused."""
        super().check_plan(plan)
        for name in (name for name in plan.conditions if name.endswith("points")):
            array = plan.conditions[name]
            if np.abs(array[~np.isnan(array)]).max(initial=0) > FAR_PX:
                raise ShapeError(f'The plan\'s condition "{name}" has points without end; they must be pixels.')
        known = {VIEWS.index(view) for view in ("picture", "source", "pose", *self.own_views)}
        other = set(plan.conditions["view"].tolist()) - known
        if other:
            raise ConfigError(f'The plan shows "{VIEWS[min(other)]}", which {self.name} does not have.')
        if self.seeded and None in plan.seeds:
            raise ConfigError("The plan has no seeds, but these weights draw from seeds; it is another kind of plan.")

    def open_data(
        self, path: str | Path, *, kind: str = "auto", fit: Fit | None = None, fix_sides: bool = False
    ) -> Manifest:
        """Pictures of people with key points, and their parts where there are any."""
        self.refuse_unread(fit=fit, fix_sides=fix_sides)
        return open_manifest(path, kind=kind, needs=self.data_fields(), uses=PARSING, asked_by=self.name)

    def view(self, name: str, arrays: Arrays, seeds: Sequence[int] | None) -> Float[Tensor, "b 3 h w"]:
        """What one view shows of rows, in [-1, 1]."""
        if name == "source":
            return self.to_images(arrays["image"])
        if name == "pose":
            points = torch.from_numpy(arrays["points"]).to(self.device)
            drawn = polylines(points, [LIMBS], (self.size.height, self.size.width), sigma=_LINE * self.size.height)
            return (drawn * 2 - 1).expand(-1, 3, -1, -1)
        painted = self.paint(arrays, seeds)
        return self.on_background(painted, arrays) if "keep_background" in arrays else painted

    def on_background(self, painted: Float[Tensor, "b 3 h w"], arrays: Arrays) -> Float[Tensor, "b 3 h w"]:
        """Painted people in front of the background of their photos."""
        photo, source, points = self.to_images(arrays["image"]), arrays["source_points"], arrays["points"]
        return keep_background(painted, photo, photo_points=source, points=points)

    def to_images(self, image: npt.NDArray[np.uint8]) -> Float[Tensor, "b 3 h w"]:
        """Pictures (b, H, W, 3) as the networks see them."""
        return torch.from_numpy(image.copy()).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        arrays = {name: plan.condition(name, rows) for name in plan.conditions}
        seeds = plan.seeds_of(rows) if self.seeded else None
        pictures: list[Image.Image | None] = [None] * len(rows)
        for number in np.unique(arrays["view"]).tolist():
            places = np.flatnonzero(arrays["view"] == number)
            chosen = None if seeds is None else [seeds[place] for place in places]
            shown = self.view(VIEWS[number], {name: array[places] for name, array in arrays.items()}, chosen)
            for place, picture in zip(places.tolist(), to_pictures(shown.float().clamp(-1, 1)), strict=True):
                pictures[place] = picture
        return [picture for picture in pictures if picture is not None]


def _is_several(pose: Any) -> bool:
    """Whether it is a list of poses, and not the 18 points of one."""
    if not isinstance(pose, list | tuple) or not pose:
        return False
    return any(isinstance(one, str | Path | Pose | np.ndarray) or _has_points(one) for one in pose)


def _has_points(one: Any) -> bool:
    return isinstance(one, list | tuple) and len(one) == 18


def _numbered(names: Sequence[str], poses: Sequence[Points]) -> dict[str, Points]:
    """Names of files, with a number where one occurs twice."""
    if len(set(names)) < len(names):
        names = [f"{number:04d}-{name}" for number, name in enumerate(names)]
    return dict(zip(names, poses, strict=True))


def latents(seeds: Sequence[int], size: int, device: torch.device) -> Float[Tensor, "b n"]:
    """Normal numbers, a row a seed."""
    rows = [torch.randn(size, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows).to(device)


def pose_maps(pipeline: PosePipeline, points: npt.NDArray[np.float32]) -> Float[Tensor, "b 18 h w"]:
    """Poses (b, 18, 2) of a plan as the generator of a pipeline was trained to see them; see `heatmaps`."""
    config = pipeline.config("generator")
    size = (pipeline.size.height, pipeline.size.width)
    joints = torch.from_numpy(points.copy()).to(pipeline.device)
    return heatmaps(joints, size, kind=config["heatmap"], sigma=config["sigma"])


def heatmaps(
    points: Float[Tensor, "b 18 2"], size: tuple[int, int], *, kind: str, sigma: float
) -> Float[Tensor, "b 18 h w"]:
    """Joints as PATN's and ADGAN's generators see them.

    Args:
        points: x and y in pixels, NaN where not seen.
        size: height and width.
        kind: "one_hot" or "gaussian".
        sigma: of Gaussians, in pixels of a picture 128 high.
    """
    if kind == "one_hot":
        return one_hot_heatmaps(points, size)
    return gaussian_heatmaps(points, size, sigma=sigma * size[0] / 128)
