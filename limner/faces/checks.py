"""Does a label map show one upright face that can be edited?"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from limner.data.plausibility import face_score
from limner.data.transforms import resize_image, resize_label_map
from limner.errors import DataError
from limner.faces.parts import CLASSES, SCHEMA

MIN_FACE = 0.03  # share of the picture that a face covers at least
SECOND_FACE = 0.35  # a second face has at least this share of the first one's pixels
SECOND_FEATURE = 0.3  # the same of a second nose, mouth or eye
UPRIGHT = 0.5  # share of the tests of position that an upright face passes
MAX_TILT = 50.0  # degrees between the line from the eyes to the mouth and straight down
_GRID = 64  # side at which blobs are looked for

PLACES = {
    "l_eye": (30, 24),
    "r_eye": (30, 40),
    "nose": (38, 32),
    "u_lip": (46, 32),
    "l_lip": (49, 32),
    "l_brow": (26, 23),
    "r_brow": (26, 41),
}
"""Feature -> row and column of its middle in a crop of CelebAMask-HQ of 64 pixels."""
REACH = (9, 12)  # rows and columns of 64 by which a feature may lie off its place
MIN_PIXELS = 3  # of 64 x 64 pixels, for a feature to count
MIN_SEEN = 3  # features that an upright face has in their places: dark glasses hide brows and eyes
LEAD = 0.2  # by which a turned photo must look better; one feature and a little certainty say nothing
CERTAIN = 0.9  # a usual certainty of a parser that sees a face
WEIGHT = 4.0  # of the certainty, beside the share of features in their places
MIN_SCORE = 0.45  # noise has less, and the worst of 200 real photos has 0.47

FEATURES = tuple(SCHEMA.id(name) for name in (*PLACES, "mouth"))
MIN_KEPT = 0.35  # of the features, where the picture is changed; the usual real photo keeps 0.8, a pair or a bird 0.2
DOUBTFUL = 0.6  # upright people keep more, 95 of 100 real photos too; what is taken wrongly keeps less

INSTEAD = "its label map"
"""What the user can give where a photo is refused."""

_log = logging.getLogger(__name__)


def check_face(label_map: npt.NDArray[np.uint8], where: str, *, instead: str = INSTEAD) -> None:
    """Refuse what is no single upright face.

    Args:
        label_map: (S, S) ids of portrait-11.
        where: what the picture is called.
        instead: what helps where the photo does not.

    Raises:
        DataError: saying what is wrong and what to do.
    """
    parts = {part: np.isin(label_map, classes) for part, classes in CLASSES.items()}
    face = parts["left_eye"] | parts["right_eye"] | parts["mouth"] | parts["skin"]
    seen = [part for part in ("left_eye", "right_eye", "mouth") if parts[part].any()]
    if face.mean() < MIN_FACE or not (seen or (label_map == SCHEMA.id("nose")).any()):
        raise DataError(f"{where} shows no face that can be found; give a photo of one face, or {instead}.")
    score, tilt = face_score(label_map, SCHEMA), _tilt(parts)
    if score is not None and score < UPRIGHT:
        raise DataError(
            f"{where} shows a face that does not stand upright ({score:.0%} of the tests of position pass); turn it."
        )
    if tilt > MAX_TILT:
        raise DataError(
            f"{where} shows a face that does not stand upright (it is turned by {tilt:.0f} degrees); turn it."
        )
    features = face & ~np.isin(label_map, (SCHEMA.id("skin"),))
    if _second_blob(face, features) >= SECOND_FACE:
        raise DataError(f"{where} shows more than one face; cut out the one to edit.")


def check_doubles(label_map: npt.NDArray[np.uint8], where: str) -> None:
    """Refuse a map (S, S) in which two of eyes, nose and mouth are seen twice: faces whose cheeks or hair touch.

    A broken lip, or eyes cut by the rims of glasses, are one feature in pieces, and no other face.

    Raises:
        DataError: saying what is wrong and what to do.
    """
    names = {"eyes": ("left_eye", "right_eye"), "nose": ("nose",), "mouth": ("mouth",)}
    classes = {**CLASSES, "nose": (SCHEMA.id("nose"),)}
    doubled = []
    for name, features in names.items():
        blobs = [np.isin(label_map, classes[feature]) for feature in features]
        if any(_second_blob(blob, blob) >= SECOND_FEATURE for blob in blobs):
            doubled.append(name)
    if len(doubled) > 1:
        raise DataError(
            f"{where} shows more than one face, or one that does not stand upright ({' and '.join(doubled)} are seen "
            "twice); cut out one face, and turn it upright."
        )


def check_turns(turns: Sequence[tuple[npt.NDArray[np.uint8], float]], where: str, *, instead: str = INSTEAD) -> None:
    """Refuse a photo in which a parser would see a clearly better face if it was turned, or hardly one at all.

    A parser of faces draws an upright one into whatever it sees (a face on its side, two faces, noise), so its map
    alone says little; but it is surest, and its features lie where a portrait has them, where one stands.

    Args:
        turns: of the photo as it is, and after one, two and three quarter turns: the map (S, S) in ids of portrait-11
            that the parser makes, and its mean certainty in [0, 1] outside the background.
        where: what the picture is called.
        instead: what helps where the photo does not.

    Raises:
        DataError: saying what is wrong and what to do.
    """
    seen = [_features_in_place(label_map) for label_map, _ in turns]
    scores = [
        count / len(PLACES) + WEIGHT * (certainty - CERTAIN) for count, (_, certainty) in zip(seen, turns, strict=True)
    ]
    if seen[0] < MIN_SEEN or scores[0] < max(MIN_SCORE, max(scores) - LEAD):
        raise DataError(
            f"{where} shows no single face that stands upright and fills the picture like a portrait "
            f"({seen[0]} of {len(PLACES)} features lie in their places); turn it, cut out the face or align it, or "
            f"give {instead}."
        )


def changed_photos(photo: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """A photo (S, S, 3) mirrored, moved up by an eighth, and its middle three quarters enlarged."""
    return [photo[:, ::-1], _moved_up(photo), resize_image(_middle(photo), len(photo))]


def changed_maps(label_map: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """What `changed_photos` makes of the photo's map (S, S)."""
    mirrored = SCHEMA.flip_permutation()[label_map[:, ::-1]]
    return [mirrored, _moved_up(label_map), resize_label_map(_middle(label_map), len(label_map))]


def check_changes(
    label_map: npt.NDArray[np.uint8], found: Sequence[npt.NDArray[np.uint8]], where: str, *, instead: str = INSTEAD
) -> None:
    """Refuse a photo whose map does not follow when the photo is mirrored, moved or enlarged; warn if it hardly does.

    What a parser sees goes where the picture goes; what it imagines, as in two half faces, stays where faces are.

    Args:
        label_map: (S, S) that the parser makes of the photo, ids of portrait-11.
        found: the same of each of its `changed_photos`.
        where: what the picture is called.
        instead: what helps where the photo does not.

    Raises:
        DataError: saying what is wrong and what to do.
    """
    kept = float(np.mean([_overlap(*maps) for maps in zip(changed_maps(label_map), found, strict=True)]))
    if kept < MIN_KEPT:
        raise DataError(
            f"{where} shows no face that is plain to see ({kept:.0%} of its brows, eyes, nose and lips are found again "
            f"where it is mirrored, moved and enlarged); turn it upright, cut out one face or align it, or "
            f"give {instead}."
        )
    if kept < DOUBTFUL:
        _log.warning(
            "%s may show no face from the front: %.0f %% of its brows, eyes, nose and lips are found again where it is "
            "mirrored, moved and enlarged. Look at the result before you trust it, or give %s.",
            where,
            100 * kept,
            instead,
        )


def warn_of_hidden_parts(label_map: npt.NDArray[np.uint8], where: str) -> None:
    """Warn of eyes, mouth or hair that a map (S, S) does not show."""
    for part in ("left_eye", "right_eye", "mouth", "hair"):
        if not np.isin(label_map, CLASSES[part]).any():
            _log.warning(
                "%s shows no %s; it is painted where a face looks straight ahead, if the map asks for it.",
                where,
                part.replace("_", " "),
            )


def _features_in_place(label_map: npt.NDArray[np.uint8]) -> int:
    """How many of brows, eyes, nose and lips lie where a portrait has them."""
    scale = label_map.shape[0] / _GRID
    found = 0
    for name, place in PLACES.items():
        pixels = np.argwhere(label_map == SCHEMA.id(name))
        if len(pixels) >= MIN_PIXELS * scale**2:
            off = np.abs((pixels.mean(0) + 0.5) / scale - 0.5 - place)
            found += bool((off <= REACH).all())
    return found


def _tilt(parts: dict[str, npt.NDArray[np.bool_]]) -> float:
    """Degrees between the way from the eyes to the mouth and straight down; 0 where one of them is not seen."""
    eyes, mouth = np.argwhere(parts["left_eye"] | parts["right_eye"]), np.argwhere(parts["mouth"])
    if not len(eyes) or not len(mouth):
        return 0.0
    down, across = mouth.mean(0) - eyes.mean(0)
    return abs(math.degrees(math.atan2(across, down)))


def _moved_up(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    border = len(picture) // 8
    return np.concatenate([picture[border:], picture[-1:].repeat(border, axis=0)])


def _middle(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    border = len(picture) // 8
    return picture[border:-border, border:-border]


def _overlap(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> float:
    """Pixels that are the same feature in both maps, as a share of those that are a feature in one of them."""
    features = np.isin(first, FEATURES) | np.isin(second, FEATURES)
    return float((first == second)[features].mean()) if features.any() else 0.0


def _second_blob(face: npt.NDArray[np.bool_], features: npt.NDArray[np.bool_]) -> float:
    """Size of the second largest connected region that has eyes, nose or mouth, as a share of the largest."""
    step = max(1, face.shape[0] // _GRID)
    small, marks = face[::step, ::step], features[::step, ::step]
    blobs = np.where(small, np.arange(1, small.size + 1).reshape(small.shape), 0)
    while True:  # every pixel takes the largest number beside it, until each region has one number
        padded = np.pad(blobs, 1)
        beside = [padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        spread = np.where(small, np.maximum.reduce(beside), 0)
        if np.array_equal(spread, blobs):
            break
        blobs = spread
    sizes = sorted((int((blobs == number).sum()) for number in np.unique(blobs[marks & small])), reverse=True)
    return sizes[1] / sizes[0] if len(sizes) > 1 else 0.0
