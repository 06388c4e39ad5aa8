"""Synthetic, fully labelled people: who they are, how they are seen, and their pictures.

`render(sample_person(seed, index), sample_scene(seed, index), 128)` is picture `index` of the collection `seed`, with
all its labels; `Clip` takes many pictures of one person before one camera; `speak` films somebody who says a text;
`describe` says in words what is on a picture; `ready` gives people that come with the package. Rendering needs the
extra "people", speech the extra "speech", all else does not.
"""

from limner.people.clip import Clip
from limner.people.describe import describe
from limner.people.gallery import ReadyClip, ReadyPerson, ready, ready_clips
from limner.people.person import Person, sample_person
from limner.people.rendering import Rendering, render
from limner.people.scene import Scene, sample_scene
from limner.people.speak import Talk, speak
from limner.people.speech import Speech, Timed

__all__ = [
    "Clip",
    "Person",
    "ReadyClip",
    "ReadyPerson",
    "Rendering",
    "Scene",
    "Speech",
    "Talk",
    "Timed",
    "describe",
    "ready",
    "ready_clips",
    "render",
    "sample_person",
    "sample_scene",
    "speak",
]
