"""Synthetic, fully labelled people: who they are, how they are seen, and their pictures.

`render(sample_person(seed, index), sample_scene(seed, index), 128)` is picture `index` of the collection `seed`, with
all its labels; `Clip` takes many pictures of one person before one camera; `describe` says in words what is on it;
`ready` gives people that come with the package. Rendering needs the extra "people", all else does not.
"""

from limner.people.clip import Clip
from limner.people.describe import describe
from limner.people.gallery import ReadyPerson, ready
from limner.people.person import Person, sample_person
from limner.people.rendering import Rendering, render
from limner.people.scene import Scene, sample_scene

__all__ = [
    "Clip",
    "Person",
    "ReadyPerson",
    "Rendering",
    "Scene",
    "describe",
    "ready",
    "render",
    "sample_person",
    "sample_scene",
]
