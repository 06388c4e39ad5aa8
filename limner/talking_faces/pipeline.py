"""What the pipelines of talking faces share: a photo and speech become a plan, and a plan becomes videos.

A plan has a row a video: `view` says what it shows of the same photo and speech. All frames are drawn while they are
written, so that memory does not grow with the length; the speech itself is held as 16-bit samples (1.9 MB a minute).
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from limner.ageing.inputs import Align, FacePhoto, paste_change, read_face_photo
from limner.arguments import as_array
from limner.data.audio import NUM_COEFFICIENTS, WINDOW_ROWS, speech_windows_between
from limner.data.transforms import resize_image
from limner.errors import ConfigError, ShapeError, named, nearest, quoted
from limner.faces.alignment import Alignment
from limner.inputs import PhotoInput, to_tensor
from limner.media import Frame
from limner.mode import mode, plan_of
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.talking_faces.data import landmark_maps, mean_shape
from limner.talking_faces.sound import FRAME_SAMPLES, Sound, SoundInput, read_sound, to_float
from limner.talking_faces.stream import SpokenClip

CHUNK = 16
"""Frames of one pass."""
MAX_GAIN = 5.0
MAX_SHOWN_SIDE = 1920
"""Of a whole photo with its face put back, pixels: larger videos take gigabytes, and few players show them."""
VIEWS = ("talk", "coarse", "both", "attention")
"""What a video can show: the frames; the coarse ones; coarse and fine side by side; these with masks and colours."""
Views = dict[str, Float[Tensor, "f 3 h w"]]


_log = logging.getLogger(__name__)


class TalkingPipeline(Pipeline):
    """Base of the inference side of talking faces; a subclass says how a part of a clip is drawn.

    Attributes:
        own_views: of `VIEWS`.
        has_gain: whether the mouth can be made to move more or less.
    """

    suffix: ClassVar[str] = ".mp4"
    unit: ClassVar[str] = "video"
    own_views: ClassVar[tuple[str, ...]] = ("talk",)
    has_gain: ClassVar[bool] = False

    @abstractmethod
    def begin(self, photo: Float[Tensor, "1 3 h w"], maps: Float[Tensor, "1 5 h w"], points: Tensor) -> Any:
        """What is made of the photo once.

        Args:
            photo: in [-1, 1].
            maps: its landmark maps.
            points: (1, 68, 2) landmarks, shares of the side.
        """

    @abstractmethod
    def go_on(
        self, start: Any, windows: Float[Tensor, "1 f 28 12"], memory: Any, views: Sequence[str], gain: Gain | None
    ) -> tuple[Views, Any]:
        """The next frames of a clip, in [-1, 1], for each view; and the memory from which the clip goes on."""

    def mean_state(self, start: Any, parts: Iterator[Float[Tensor, "1 f 28 12"]]) -> Tensor:
        """The mean over a whole clip of what `gain` moves away from."""
        raise ConfigError(f"{self.name} knows no gain of the mouth; leave it out.")

    @mode
    def __call__(
        self,
        photo: PhotoInput,
        audio: SoundInput | Sound,
        *,
        landmarks: npt.ArrayLike | None = None,
        align: Align = "auto",
        paste_back: bool = False,
        gain: float = 1.0,
        show: Sequence[str] = ("talk",),
    ) -> GenerationPlan:
        """A photo says what is heard.

        Args:
            photo: of one face: a file, picture or array of any size.
            audio: a file with sound (any rate, any number of channels; also a video), samples at 16 kHz, or what
                `limner.talking_faces.sound.said` makes of a text.
            landmarks: 68 positions in the photo; none: looked for, or those of the mean face.
            align: whether the photo is cut and turned.
            paste_back: show the whole photo, with the face put back where it was; a longer side than
                `MAX_SHOWN_SIDE` is made as long as that.
            gain: how far the mouth moves from its mean over the clip; 1 leaves it.
            show: views, each a video.

        Raises:
            ConfigError: if a number or a view is not possible.
            DataError, ShapeError: if photo or sound cannot be used.
        """
        views = list(dict.fromkeys(show))
        self._check_views(views, gain)
        sound = audio if isinstance(audio, Sound) else read_sound(audio)
        face = self._face(photo, landmarks, align)
        arrays: dict[str, npt.NDArray[Any]] = {
            "image": face.image[None],
            "landmarks": face.landmarks[None],
            "samples": sound.samples[None],
            "view": np.array([VIEWS.index(view) for view in views], np.int64),
        }
        if paste_back:
            if "talk" not in views:
                raise ConfigError('paste_back has an effect on the view "talk" alone; ask for it, or leave it out.')
            whole, matrix = _to_show(face)
            arrays |= {"photo": whole[None], "matrix": matrix[None]}
        settings = {
            "photo": face.name,
            "audio": sound.name,
            "seconds": round(len(sound.samples) / 16_000, 3),
            "show": views,
            "gain": float(gain),
            "paste_back": paste_back,
            "landmarks": "measured" if face.measured else "mean face",
        }
        return GenerationPlan([None] * len(views), settings, arrays, names=views, from_photo=True)

    plan = plan_of(__call__)

    def _check_views(self, views: Sequence[str], gain: float) -> None:
        for view in views:
            if not isinstance(view, str) or view not in self.own_views:
                raise ConfigError(
                    f"{self.name} has no view {named(view)}; it shows {', '.join(self.own_views)}."
                    f"{nearest(str(view), self.own_views)}"
                )
        if not views:
            raise ConfigError(f"show is empty; name one of {', '.join(self.own_views)}.")
        if isinstance(gain, bool) or not isinstance(gain, int | float) or not 0 <= gain <= MAX_GAIN:
            raise ConfigError(f"gain (--mouth-gain) is {quoted(gain)}; it must be a number from 0 to {MAX_GAIN:g}.")
        if gain != 1 and not self.has_gain:
            raise ConfigError(f"{self.name} knows no gain of the mouth; leave it out.")

    def _face(self, photo: PhotoInput, landmarks: npt.ArrayLike | None, align: Align) -> FacePhoto:
        return read_face_photo(
            photo,
            image_size=self.image_size,
            mean_shape=mean_shape().double().numpy(),
            landmarks=landmarks,
            align=align,
            fit=self.fit,
            framing="people-talking",
        )

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Every array that a plan may hold."""
        size = self.image_size
        return {
            "image": Condition("uint8", (size, size, 3), is_shared=True),
            "landmarks": Condition("float32", (68, 2), -1.0, 2.0, is_shared=True),
            "samples": Condition("int16", (None,), is_shared=True),
            "view": Condition("int64", (), 0, len(VIEWS) - 1),
            "photo": Condition("uint8", (None, None, 3), is_required=False, is_shared=True),
            "matrix": Condition("float64", (2, 3), -1e6, 1e6, is_required=False, is_shared=True),
        }

    def check_plan(self, plan: GenerationPlan) -> None:
        """See `Pipeline.check_plan`; also what arrays must be to each other.

        Raises:
            ConfigError, ShapeError: naming what is wrong.
        """
        super().check_plan(plan)
        if plan.conditions["samples"].shape[1] < FRAME_SAMPLES:
            raise ConfigError("The plan's sound is shorter than a frame.")
        if ("photo" in plan.conditions) != ("matrix" in plan.conditions):
            raise ConfigError('The plan has one of "photo" and "matrix"; it must have both or none.')
        for view in plan.conditions["view"].tolist():
            if VIEWS[view] not in self.own_views:
                raise ConfigError(f'The plan shows "{VIEWS[view]}"; {self.name} shows {", ".join(self.own_views)}.')
        gain = plan.settings.get("gain", 1.0)
        if isinstance(gain, bool) or not isinstance(gain, int | float) or not 0 <= gain <= MAX_GAIN:
            raise ConfigError(f"The plan's gain is {quoted(gain)}; it must be a number from 0 to {MAX_GAIN:g}.")
        if "matrix" in plan.conditions and abs(np.linalg.det(plan.conditions["matrix"][0][:, :2])) < 1e-12:
            raise ConfigError("The plan's matrix has no inverse, so nothing can be put back into the photo.")

    def _draw(self, plan: GenerationPlan, rows: range) -> list[SpokenClip]:
        return [self._clip(plan, VIEWS[int(plan.conditions["view"][row])]) for row in rows]

    def _clip(self, plan: GenerationPlan, view: str) -> SpokenClip:
        arrays = plan.conditions
        samples, gain = arrays["samples"][0], float(plan.settings.get("gain", 1.0))
        name = f"{plan.settings.get('audio', 'speech')}, {view}"

        def frames() -> Iterator[Frame]:
            parts = self.frames(arrays["image"][0], arrays["landmarks"][0], samples, view=view, gain=gain)
            if view == "talk" and "photo" in arrays:
                back = _PutBack(arrays["photo"][0], arrays["matrix"][0], arrays["image"][0])
                return (back(frame) for frame in parts)
            return parts

        return SpokenClip(name, samples, frames, self)

    def frames(
        self,
        image: npt.NDArray[np.uint8],
        landmarks: npt.NDArray[np.float32],
        samples: npt.NDArray[np.int16],
        *,
        view: str = "talk",
        gain: float = 1.0,
    ) -> Iterator[Frame]:
        """The frames of a clip one by one, `CHUNK` of them in memory.

        Args:
            image: (S, S, 3) the aligned face, of the pipeline's size.
            landmarks: (68, 2) shares of the side.
            samples: (n,) at 16 kHz.
            view: one of `own_views`.
            gain: of the mouth's motion.

        Raises:
            ConfigError: for a view or a gain that is not possible.
            ShapeError: if the arrays are not so.
        """
        self._check_views((view,), gain)
        given = {"image": image, "landmarks": landmarks, "samples": samples}
        arrays = {name: as_array(value, name)[None] for name, value in given.items()}
        for name, array in arrays.items():
            fault = self.plan_conditions()[name].fault(array)
            if fault is not None:
                raise ShapeError(f"{name} {fault}.")
        return self._frames(arrays["image"][0], arrays["landmarks"][0], arrays["samples"][0], view, gain)

    def _frames(
        self,
        image: npt.NDArray[np.uint8],
        landmarks: npt.NDArray[np.float32],
        samples: npt.NDArray[np.int16],
        view: str,
        gain: float,
    ) -> Iterator[Frame]:
        with self.inference():
            photo = to_tensor(image, self.device)
            points = torch.from_numpy(landmarks.copy())[None].to(self.device)
            usual = mean_shape()
            maps = landmark_maps(points * self.image_size - 0.5, self.image_size, usual=usual)
            start = self.begin(photo, maps, points)
            moved = None if gain == 1 else Gain(gain, self.mean_state(start, self._windows(samples)))
        memory = None
        for windows in self._windows(samples):
            with self.inference():  # left before a frame is given away: the caller's own work needs its own mode
                shown, memory = self.go_on(start, windows, memory, (view,), moved)
                pixels = ((shown[view].float().clamp(-1, 1) + 1) * 127.5).round().byte()
                part = pixels.permute(0, 2, 3, 1).cpu().numpy()
            yield from part

    def speak(
        self, photo: Float[Tensor, "1 3 h w"], points: Float[Tensor, "1 68 2"], windows: Float[Tensor, "1 f 28 12"]
    ) -> Float[Tensor, "f 3 h w"]:
        """All frames of a short clip at once, for evaluations.

        Args:
            photo: in [-1, 1].
            points: shares of the side; NaN: those of the mean face are taken.
            windows: of speech, one a frame.
        """
        usual = mean_shape()
        known = torch.where(points.isnan(), usual.to(points), points)
        found, memory = [], None
        with self.inference():
            maps = landmark_maps(known * self.image_size - 0.5, self.image_size, usual=usual)
            start = self.begin(photo, maps, known)
            for part in windows.split(CHUNK, dim=1):
                shown, memory = self.go_on(start, part, memory, ("talk",), None)
                found.append(shown["talk"].float())
        return torch.cat(found)

    def _windows(self, samples: npt.NDArray[np.int16]) -> Iterator[Float[Tensor, "1 f 28 12"]]:
        """What each chunk of frames hears."""
        num = len(samples) // FRAME_SAMPLES
        for first in range(0, num, CHUNK):
            last = min(first + CHUNK, num)
            # Only the samples around the chunk become floating-point numbers: the whole may be an hour.
            low = max(0, (first - 8) * FRAME_SAMPLES)
            high = min(len(samples), (last + 8) * FRAME_SAMPLES)
            part = speech_windows_between(to_float(samples[low:high]), first - low // FRAME_SAMPLES,
                                          last - low // FRAME_SAMPLES)  # fmt: skip
            yield torch.from_numpy(part)[None].to(self.device)

    def _example(self, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Photo, landmark maps and windows that a network could meet."""
        random, size = torch.Generator().manual_seed(batch), self.image_size
        photo = torch.rand(batch, 3, size, size, generator=random) * 2 - 1
        maps = torch.rand(batch, 5, size, size, generator=random)
        windows = torch.randn(batch, CHUNK, WINDOW_ROWS, NUM_COEFFICIENTS, generator=random)
        return photo.to(self.device), maps.to(self.device), windows.to(self.device)

    def export_targets(self) -> dict[str, ExportTarget]:
        """None unless a system has some."""
        return {}


def _to_show(face: FacePhoto) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """The photo as a video can show it, and what takes its positions to those in the crop."""
    height, width = face.photo.shape[:2]
    factor = MAX_SHOWN_SIDE / max(height, width)
    if factor >= 1:
        return face.photo, face.alignment.matrix
    rows, columns = (max(2, round(factor * side)) for side in (height, width))
    _log.warning("%s is %dx%d; its video shows it at %dx%d.", face.name, width, height, columns, rows)
    return resize_image(face.photo, (rows, columns)), face.alignment.matrix * [width / columns, height / rows, 1.0]


class Gain:
    """How the mouth is made to move more or less.

    Attributes:
        factor: 1 leaves it.
        mean: of the states of the whole clip.
    """

    def __init__(self, factor: float, mean: Tensor) -> None:
        self.factor, self.mean = factor, mean


class _PutBack:
    """Puts frames back into a photo: what they change of the crop is added to it, so its detail stays."""

    def __init__(
        self, photo: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64], crop: npt.NDArray[np.uint8]
    ) -> None:
        size = len(crop)
        self.photo, self.mask = photo, np.ones((size, size))
        # Only the part of the photo that the crop shows is worked on: the photo may be much larger.
        inverse = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2]
        corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ inverse.T
        limits = np.array(photo.shape[1::-1])
        left, top = np.clip(np.floor(corners.min(axis=0)), 0, limits).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, limits).astype(int)
        self.box = (slice(top, bottom), slice(left, right))
        moved = matrix.copy()
        moved[:, 2] += matrix[:, :2] @ (left, top)
        part = photo[self.box]
        none = np.zeros((0, 2), np.float32)
        self.face = FacePhoto("photo", crop, none, False, part, Alignment(moved, size)) if part.size else None

    def __call__(self, frame: Frame) -> Frame:
        whole = self.photo.copy()
        if self.face is not None:
            whole[self.box] = paste_change(self.face, frame, self.mask)
        return whole
