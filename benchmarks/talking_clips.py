"""Real clips of GRID: where the mouth is in every frame, and how well a talking face's mouth follows it.

```
pip install --no-deps mediapipe==0.10.14 && pip install "protobuf<5" absl-py attrs flatbuffers opencv-python-headless
python benchmarks/talking_clips.py mark GRID --out MARKED     # a copy with landmarks, for training
python benchmarks/talking_clips.py score --weights RUN --data MARKED --num 20
```

MediaPipe's face mesh (Apache-2.0) finds the points, in true and generated frames alike; its own unrest is in both. They
are its vertices nearest to the 68 points of iBUG, so that distances to other programs' points mean little; openings do.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from limner import load
from limner.data.transforms import resize_image
from limner.errors import LimnerError
from limner.metrics.talking import best_lag, correlation, mouth_opening
from limner.talking_faces.data import MOUTH, open_clips
from limner.talking_faces.evaluation import clip_batches, spoken, swap_score

NEAREST = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""Vertices of the face mesh nearest to the 68 points of iBUG, in their order."""
SIDE = 256
"""Pixels to which frames are enlarged before the mesh is fitted."""


class Mesh:
    """68 points a frame, followed through a clip."""

    def __init__(self) -> None:
        self.face_mesh = importlib.import_module("mediapipe").solutions.face_mesh

    def points(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64] | None:
        """(t, H, W, 3) RGB -> (t, 68, 2) x, y in pixels; where no face is found, those of the frame before.

        None if there is no face in the first frame.
        """
        height, width = frames.shape[1:3]
        found: list[npt.NDArray[np.float64]] = []
        with self.face_mesh.FaceMesh(static_image_mode=False, max_num_faces=1) as mesh:
            for frame in frames:
                faces = mesh.process(resize_image(frame, SIDE) if height < SIDE else frame).multi_face_landmarks
                if faces:
                    marks = [faces[0].landmark[one] for one in NEAREST]
                    found.append(np.array([(one.x * width - 0.5, one.y * height - 0.5) for one in marks]))
                elif found:
                    found.append(found[-1])
                else:
                    return None
        return np.stack(found)


def opening(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(t, 68, 2) -> (t,): how far the mouth is open, in pixels."""
    distances: npt.NDArray[np.float64] = mouth_opening(torch.from_numpy(points[:, MOUTH])).numpy()
    return distances


def mark(source: Path, out: Path, mesh: Mesh) -> None:
    """Copy a data set and write a JSON file with the landmarks of all frames beside every clip."""
    shutil.copytree(source, out)
    manifest, missing = open_clips(out, asked_by="talking_clips"), 0
    reader: Any = manifest.reader
    for number, row in enumerate(manifest.rows):
        points = mesh.points(reader.read_clip(row).frames)
        missing += points is None
        if points is not None:
            frames = [
                {"phoneme": "", "mouth_opening": round(float(wide), 3), "landmarks": np.round(one, 2).tolist()}
                for wide, one in zip(opening(points), points, strict=True)
            ]
            (out / str(row.video)).with_suffix(".json").write_text(json.dumps({"frames": frames}))
        if number % 20 == 0:
            print(f"{number} of {len(manifest.rows)} clips", flush=True)
    print(f"{len(manifest.rows)} clips, {missing} of them without a face in the first frame")


def opening_of(mesh: Mesh, clip: Float[Tensor, "f 3 h w"]) -> npt.NDArray[np.float64] | None:
    """(f,) of a clip in [-1, 1], in pixels; none if no face is found."""
    frames = ((clip.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    points = mesh.points(frames)
    return None if points is None else opening(points)


def scores(weights: str, data: Path, num: int, mesh: Mesh) -> Iterator[dict[str, float]]:
    """What is measured of each held-out clip."""
    pipeline: Any = load(weights)
    manifest = open_clips(data, asked_by="talking_clips")
    rows, clip = clip_batches(pipeline.image_size, manifest, split="test", num_images=num, words=None)
    for number in range(len(rows)):
        batch = clip(number)
        with pipeline.inference():
            made = spoken(pipeline, batch, batch.speech)
            swapped = swap_score(pipeline, batch, made, clip((number + 1) % len(rows)))
        wanted, seen = opening_of(mesh, batch.frames[0]), opening_of(mesh, made)
        if wanted is None or seen is None:
            continue
        moved = float(np.std(seen) / np.std(wanted)) if np.std(wanted) > 0 else float("nan")
        yield {
            "correlation of the opening with that of the true clip": correlation(seen, wanted),
            "frames by which it fits best, absolute": float(abs(best_lag(seen, wanted)[1])),
            "spread of the opening, as a share of the true one": moved,
            "change by other speech, outside to inside the mouth's box": swapped,
        }


def main() -> None:
    """Mark or score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    marking = commands.add_parser("mark", help="write landmarks beside the clips of a copy")
    marking.add_argument("source", type=Path)
    marking.add_argument("--out", type=Path, required=True)
    scoring = commands.add_parser("score", help="how well mouths follow")
    scoring.add_argument("--weights", required=True)
    scoring.add_argument("--data", type=Path, required=True)
    scoring.add_argument("--num", type=int, default=20)
    options = parser.parse_args()
    try:
        if options.command == "mark":
            if options.out.exists():
                parser.error(f"--out {options.out} exists; name a new folder.")
            mark(options.source, options.out, Mesh())
            return
        found = list(scores(options.weights, options.data, options.num, Mesh()))
    except ImportError as error:
        parser.error(f"{error}; how MediaPipe is installed stands in --help.")
    except (LimnerError, OSError) as error:
        parser.exit(1, f"error: {error}\n")
    for name in found[0] if found else ():
        values = np.array([row[name] for row in found if np.isfinite(row[name])])
        error = values.std() / max(len(values), 1) ** 0.5
        print(f"{name}: {values.mean():.3f} (standard error {error:.3f}, {len(values)} clips)")


if __name__ == "__main__":
    main()
