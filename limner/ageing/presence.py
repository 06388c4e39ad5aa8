"""Does a photo show one upright face, where nobody knows its landmarks? A parser of faces looks at it.

The parser of rendered people (weights `parser-people-64`) labels the photo as it is, turned and changed, and
`limner.faces.checks` judges the label maps. It tells no face, several faces and turned ones; a face in profile where
it hides an eye.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from numpy.typing import NDArray

from limner.data.schema import converter
from limner.data.transforms import resize_image
from limner.errors import DataError, WeightsError
from limner.faces.checks import MIN_PIXELS, changed_photos, check_changes, check_doubles, check_face, check_turns
from limner.faces.parts import SCHEMA
from limner.metrics.judge import Judge
from limner.pipelines import load

PARSER = "parser-people-64"
INSTEAD = "its landmarks"
EYES, EYES_APART = (0.5, 0.47), 0.25
"""Middle between the eyes (x, y) and their distance in a portrait, as shares of its side."""
NEARLY = 0.9
"""A face that must shrink by less than this to be a portrait's is taken as it is."""
GROUND = 160
"""Grey around a face that fills more of its picture than one in a portrait."""
HIDDEN = 0.15
"""An eye with a smaller share of the other's pixels is not seen."""


def check_photo(photo: NDArray[np.uint8], where: str, *, template: npt.NDArray[np.floating] | None = None) -> bool:
    """Refuse a photo that does not show one upright face.

    Args:
        photo: (S, S, 3) RGB.
        where: what it is called in messages.
        template: eyes and mouth (3, 2) of the faces that it should look like, as shares of the side; none: those of a
            portrait, which head and neck fill. The parser knows these alone, so closer faces get grey around them, and
            a photo is refused that shows no face either way.

    Returns:
        Whether it was looked at: False where the weights of the parser are not at hand.

    Raises:
        DataError: if it shows no face, several, or one that does not stand upright or look forward.
    """
    parser = _parser()
    if parser is None:
        return False
    refused: DataError | None = None
    for small in _framings(photo, parser.image_size, template):
        try:
            _check_framed(parser, small, where)
        except DataError as error:
            refused = refused or error
        else:
            return True
    assert refused is not None  # there is one framing at least
    raise refused


def _check_framed(parser: Judge, photo: NDArray[np.uint8], where: str) -> None:
    turned = [np.rot90(photo, quarters) for quarters in range(4)]
    parsed = _parse(parser, [*turned, *changed_photos(photo)])
    ids = parsed[0][0]
    check_face(ids, where, instead=INSTEAD)
    check_turns(parsed[:4], where, instead=INSTEAD)
    check_doubles(ids, where)
    check_front(ids, where)
    check_changes(ids, [changed for changed, _ in parsed[4:]], where, instead=INSTEAD)


def check_front(label_map: NDArray[np.uint8], where: str) -> None:
    """Refuse a map (S, S) in ids of portrait-11 with one eye alone; where dark glasses hide both, nothing is known.

    In renders of five people the far eye is lost between 23 and 52 degrees to the side.

    Raises:
        DataError: saying what to do.
    """
    fewer, more = sorted(int((label_map == SCHEMA.id(name)).sum()) for name in ("l_eye", "r_eye"))
    if more >= MIN_PIXELS * (label_map.shape[0] / 64) ** 2 and fewer < HIDDEN * more:
        raise DataError(
            f"{where} shows one eye alone: the face is in profile, or half hidden; give a photo from the front, or "
            "its landmarks."
        )


def _framings(
    photo: NDArray[np.uint8], size: int, template: npt.NDArray[np.floating] | None
) -> list[NDArray[np.uint8]]:
    """The photo at a size, and before it, where its face should be nearer than in a portrait, smaller within grey.

    Both, as a photo whose face lies as in a portrait shows one upright face too.
    """
    whole = resize_image(photo, size)
    if template is None:
        return [whole]
    left, right, _ = template
    scale = EYES_APART / float(np.linalg.norm(right - left))
    if scale > NEARLY:
        return [whole]
    side = round(scale * size)
    place = size * (np.array(EYES) - scale * (left + right) / 2)
    x, y = (int(value) for value in np.clip(place.round(), 0, size - side))
    portrait = np.full((size, size, 3), GROUND, np.uint8)
    portrait[y : y + side, x : x + side] = resize_image(photo, side)
    return [portrait, whole]


@lru_cache(maxsize=1)
def _parser() -> Judge | None:
    try:
        return cast(Judge, load(PARSER, system="parser"))
    except WeightsError:
        return None


def _parse(parser: Judge, photos: list[NDArray[np.uint8]]) -> list[tuple[NDArray[np.uint8], float]]:
    """Of each photo the ids of portrait-11, and the mean certainty outside of the background."""
    images = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float() / 127.5 - 1
    highest, ids = parser.logits(images).float().softmax(1).max(1)
    table, found = converter(parser.spec.schema, SCHEMA), []
    for certainty, classes in zip(highest.cpu().numpy(), ids.cpu().numpy(), strict=True):
        face = table[classes]
        seen = face != SCHEMA.id("background")
        found.append((face, float(certainty[seen].mean()) if seen.any() else 0.0))
    return found
