"""True English sentences about a picture of a person: a small grammar with synonyms.

`facts` says what can be said of a person in a scene, each fact with the phrases that express it; `sentences` puts
phrases together and remembers which facts each sentence states, so that a test (or a metric) can check them.
"""

from __future__ import annotations

import colorsys
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from limner.people import words
from limner.people.dice import check_type
from limner.people.person import ADULT_YEARS, Garment, Person
from limner.people.pose import is_seated
from limner.people.record import Color
from limner.people.scene import Scene

MAX_WORDS = 18
"""Longest sentence in words, counted at spaces: what text encoders of text-to-image systems read (hfgan.md 7)."""
MAX_TOKENS = 22
"""Longest sentence in tokens, runs of letters and digits: t-shirt is two of them (hfgan.md 13)."""

COLOR_NAMES = (
    "black", "white", "light grey", "grey", "dark grey", "beige", "brown", "pink", "navy", "red", "orange", "yellow",
    "green", "turquoise", "blue", "purple",
)  # fmt: skip
"""What `color_name` may return."""

_GROWN = ("young", "thirties", "forties", "middle-aged", "elderly")
_PICTURES = (("a portrait", "a picture", "a photo"), ("a full-length photo", "a picture", "a photo"))


@dataclass(frozen=True)
class Fact:
    """Something that is true of a picture, and the phrases that say it."""

    name: str
    """What it is about, such as "hair color"."""
    value: str
    has: tuple[str, ...] = ()
    """Phrases that follow "has" or "with"."""
    wears: tuple[str, ...] = ()
    """Phrases that follow "wears" or "in"."""
    does: tuple[str, ...] = ()
    """Phrases that follow "is"."""
    place: tuple[str, ...] = ()
    """Phrases that end a sentence."""
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False, compare=False)
    """Phrase -> all values of which it is true, where there are more than this one: a pixie cut is short hair too."""


@dataclass(frozen=True)
class Sentence:
    """A sentence and what it states."""

    text: str
    stated: tuple[Fact, ...]
    meant: Mapping[str, tuple[str, ...]] = field(hash=False, compare=False)
    """Name of each stated fact -> the values of which the chosen words are true: the sentence holds of every picture
    whose facts have one of them under each name."""

    def holds_of(self, values: Mapping[str, str]) -> bool:
        """Whether the sentence is true of a picture with these facts, name -> value."""
        return all(values.get(name) in meant for name, meant in self.meant.items())


def describe(
    person: Person,
    scene: Scene,
    rng: np.random.Generator,
    *,
    num: int = 10,
    visible: Collection[str] | None = None,
) -> list[str]:
    """Different true sentences about a picture, each of at most `MAX_WORDS` words and `MAX_TOKENS` tokens.

    Args:
        person: who is in it.
        scene: how they are seen.
        rng: chooses facts, words and order.
        num: how many sentences; fewer come back only if there are not so many.
        visible: what the picture shows, see `facts`; an earring behind hair is not spoken of. None: all.
    """
    return [sentence.text for sentence in sentences(person, scene, rng, num=num, visible=visible)]


def sentences(
    person: Person,
    scene: Scene,
    rng: np.random.Generator,
    *,
    num: int = 10,
    visible: Collection[str] | None = None,
) -> list[Sentence]:
    """`describe`, with the facts that each sentence states."""
    check_type("The person", person, Person)
    check_type("The scene", scene, Scene)
    check_type("rng", rng, np.random.Generator)
    check_type("num", num, int, np.integer)
    who, *rest = facts(person, scene, visible=visible)
    found: dict[str, Sentence] = {}
    waiting: list[Fact] = []
    for _ in range(50 * num):
        if len(found) == num:
            break
        # facts take turns, so that everything is said before anything is said often; the first sentence says most
        waiting = waiting or _shuffled(rest, rng)
        count = 1 + int(3 * rng.random()) if found else 3
        chosen, waiting = waiting[:count], waiting[count:]
        sentence = _sentence(scene, who, person.male, chosen, rng)
        if fits(sentence.text):
            found.setdefault(sentence.text, sentence)
    return list(found.values())


def fits(text: str) -> bool:
    """Whether a sentence is short enough for text encoders, counted both ways."""
    return len(text.split()) <= MAX_WORDS and len(tokens(text)) <= MAX_TOKENS


def tokens(text: str) -> list[str]:
    """The tokens of a text as AttnGAN's readers take them: lower case, runs of letters, digits and underscores."""
    found = (word.encode("ascii", "ignore").decode() for word in re.findall(r"\w+", text.lower()))
    return [word for word in found if word]


def facts(person: Person, scene: Scene, *, visible: Collection[str] | None = None) -> list[Fact]:
    """What can be said of a picture; the first fact is who is in it.

    Args:
        person: who is in it.
        scene: how they are seen.
        visible: classes of celebamask-19 that the picture shows and, where it shows a whole body, also those of
            body-20, without which nothing is said of trousers and shoes; None: all.
    """

    def shown(name: str) -> bool:
        return visible is None or name in visible

    found = [_who(person, person.age_in(scene))]
    found += _hair(person, scene, hat=person.accessories.hat != "none", shown=shown("hair"))
    found += _skin(person, scene)
    if shown("l_eye") or shown("r_eye"):
        found += _eyes(person, scene)
    if shown("u_lip") or shown("l_lip"):
        found += _lower_face(person, scene, mouth_open=scene.mouth_open if visible is None else "mouth" in visible)
    found += _direction(scene)
    if is_seated(scene.joints):
        found.append(Fact("pose", "sitting", does=("sitting", "seated")))
    worn = person.accessories
    if worn.glasses != "none" and shown("eye_g"):
        found.append(_worded("glasses", worn.glasses, words.GLASSES, worn=True))
    if worn.hat != "none" and shown("hat"):
        found.append(_described("hat", color_name(worn.hat_color), worn.hat, words.HATS))
    if worn.earrings != "none" and shown("ear_r"):
        found.append(_worded("earrings", worn.earrings, words.EARRINGS, worn=True))
    if worn.necklace != "none" and shown("neck_l"):
        found.append(_worded("necklace", worn.necklace, words.NECKLACES, worn=True))
    if shown("cloth"):
        found += _garments(person, scene, visible)
    found.append(Fact("place", scene.background.kind, place=words.PLACES[scene.background.kind]))
    return found


def color_name(color: Color) -> str:
    """The everyday name of a linear RGB colour."""
    red, green, blue = (1.055 * c ** (1 / 2.4) - 0.055 if c > 0.0031308 else 12.92 * c for c in color)
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.2:
        return "black"
    if saturation < 0.14:
        return "white" if value > 0.84 else "light grey" if value > 0.62 else "grey" if value > 0.32 else "dark grey"
    degrees = 360 * hue
    if 14 <= degrees < 48 and saturation < 0.4 and value > 0.6:
        return "beige"
    if (14 <= degrees < 48 and value < 0.65) or ((degrees < 14 or degrees >= 345) and saturation < 0.5 and value < 0.5):
        return "brown"
    if (degrees >= 300 or degrees < 14) and value > 0.6 and saturation < 0.6:
        return "pink"
    if 200 <= degrees < 260 and value < 0.4:
        return "navy"
    names = ((14, "red"), (42, "orange"), (66, "yellow"), (160, "green"), (195, "turquoise"), (255, "blue"),
             (300, "purple"), (345, "pink"), (361, "red"))  # fmt: skip
    return next(name for limit, name in names if degrees < limit)


def age_group(years: float) -> str:
    """The word for an age: baby, child, teenager, young, thirties, forties, middle-aged, elderly."""
    limits = ((2, "baby"), (13, "child"), (18, "teenager"), (30, "young"), (40, "thirties"), (50, "forties"),
              (65, "middle-aged"))  # fmt: skip
    return next((name for limit, name in limits if years < limit), "elderly")


def _who(person: Person, years: float) -> Fact:
    group, sex = age_group(years), "male" if person.male else "female"
    grown, small, his = ("man", "boy", "his") if person.male else ("woman", "girl", "her")
    phrases = {
        "baby": (f"a baby {small}", "a baby"),
        "child": (f"a {small}", f"a young {small}", "a child"),
        "teenager": (f"a teenage {small}", "a teenager"),
        "young": (f"a young {grown}",),
        "thirties": (f"a {grown} in {his} thirties", f"a {grown}"),
        "forties": (f"a {grown} in {his} forties", f"a {grown}"),
        "middle-aged": (f"a middle-aged {grown}",),
        "elderly": (f"an elderly {grown}", f"an old {grown}"),
    }
    also: dict[str, tuple[str, ...]] = {
        f"a {name}": (f"{name} male", f"{name} female") for name in ("baby", "child", "teenager")
    }
    also |= {f"a {grown}": tuple(f"{name} {sex}" for name in _GROWN), f"a {small}": (f"child {sex}", f"teenager {sex}")}
    also["he" if person.male else "she"] = tuple(f"{name} {sex}" for name in phrases)
    return Fact("who", f"{group} {sex}", does=phrases[group], also=also)


def _hair(person: Person, scene: Scene, *, hat: bool, shown: bool) -> list[Fact]:
    years = person.age_in(scene)
    style, grey = person.hair_style(years), person.grey_fraction(years)
    if style == "bald":
        return [] if hat else [Fact("hair", "bald", does=("bald",), has=("no hair",))]
    if style == "horseshoe":
        return [] if hat else [Fact("hair", "horseshoe", does=("bald on top",), has=("a bald crown",))]
    if not shown or (hat and style not in words.HANGS_BELOW_HATS):
        return []
    found = [_hair_color(person.hair.color_name, grey)]
    if not hat:
        wavy = style == "long_straight" and person.hair.wave > 0.6
        found.append(_worded("hair style", "long_wavy" if wavy else style, words.HAIR_STYLES))
        fringe = person.fringe(years)
        if fringe != "none":
            found.append(_worded("fringe", fringe, words.FRINGES))
    return found


def _hair_color(name: str, grey: float) -> Fact:
    """Of hair of which the share `grey` has lost its colour."""
    if grey > 0.55:
        return Fact("hair color", "grey", has=("grey hair", "gray hair"))
    phrases = words.HAIR_COLORS[name]
    if grey > 0.25:
        return Fact("hair color", f"greying {name}", has=tuple(f"greying {phrase} hair" for phrase in phrases))
    also = {f"{phrase} hair": (name, f"greying {name}", *words.BROADER.get(f"{phrase} hair", ())) for phrase in phrases}
    return Fact("hair color", name, has=tuple(also), also=also)


def _skin(person: Person, scene: Scene) -> list[Fact]:
    if person.attributes(scene)["Pale_Skin"]:
        return [Fact("skin", "pale", has=("pale skin", "a fair complexion"))]
    return [Fact("skin", "dark", has=("dark skin", "a dark complexion"))] if person.skin.melanin > 0.6 else []


def _eyes(person: Person, scene: Scene) -> list[Fact]:
    if scene.actions.get("eyeBlinkLeft", 0.0) + scene.actions.get("eyeBlinkRight", 0.0) > 1.0:
        return [Fact("eyelids", "closed", has=("closed eyes",))]
    if person.accessories.glasses == "sunglasses":
        return []
    return [Fact("eyes", person.eyes.color_name, has=(f"{person.eyes.color_name.replace('_', ' ')} eyes",))]


def _lower_face(person: Person, scene: Scene, *, mouth_open: bool) -> list[Fact]:
    found = []
    beard = person.beard_style(person.age_in(scene))
    if beard != "none":
        found.append(_worded("beard", beard, words.BEARDS))
    elif person.male and person.age_in(scene) >= ADULT_YEARS:
        found.append(Fact("beard", "none", does=("clean-shaven",), has=("no beard",)))
    if person.skin.freckles > 0.35:
        found.append(Fact("freckles", "yes", has=("freckles",)))
    if person.attributes(scene)["Wearing_Lipstick"]:
        found.append(Fact("lipstick", "yes", wears=("lipstick",), has=("painted lips",)))
    return [*found, _mouth(smiling=scene.smiling, is_open=mouth_open)]


def _mouth(*, smiling: bool, is_open: bool) -> Fact:
    if smiling and is_open:
        return Fact("mouth", "smiling open", does=("smiling with an open mouth", "grinning"), has=("a broad smile",))
    if smiling:
        either = dict.fromkeys(("smiling", "a smile"), ("smiling", "smiling open"))
        return Fact("mouth", "smiling", does=("smiling",), has=("a smile", "a closed-mouth smile"), also=either)
    if is_open:
        phrases = ("parted lips", "a slightly open mouth")
        return Fact("mouth", "open", has=phrases, also={phrases[0]: ("open", "smiling open")})
    phrases = ("closed lips", "a closed mouth")
    return Fact("mouth", "closed", has=phrases, also=dict.fromkeys(phrases, ("closed", "smiling")))


def _direction(scene: Scene) -> list[Fact]:
    around = scene.joints.get("root", (0.0, 0.0, 0.0))[2]
    turn = math.remainder(around + scene.head_yaw - scene.camera.yaw, 2 * math.pi)
    if abs(turn) < 0.12:
        return [Fact("direction", "front", does=("facing the camera", "turned to the camera"))]
    if 0.3 < abs(turn) < 2.0:
        return [Fact("direction", "side", does=("turned to the side", "turned half aside"))]
    return [Fact("direction", "back", does=("seen from behind",))] if abs(turn) > 2.8 else []


def _garments(person: Person, scene: Scene, visible: Collection[str] | None) -> list[Fact]:
    def shown(*labels: str) -> bool:
        return visible is None or any(label in visible for label in labels)

    pieces = {"top": person.top}
    if scene.kind == "body":
        if person.top.kind != "dress" and shown("pants", "skirt"):
            pieces["bottom"] = person.bottom
        if person.shoes.kind != "barefoot" and shown("l_shoe", "r_shoe"):
            pieces["shoes"] = person.shoes
    return [_garment(name, piece) for name, piece in pieces.items()]


def _garment(name: str, piece: Garment) -> Fact:
    # of two colours, the name of one would be half the truth
    look = color_name(piece.color) if piece.pattern == "plain" else piece.pattern
    return _described(name, look, piece.kind, words.GARMENTS)


def _described(name: str, look: str, kind: str, table: Mapping[str, tuple[str, ...]]) -> Fact:
    """Something worn: a noun of its kind, and how it looks in front of it."""
    article = str if kind in words.PLURAL else _article
    also = {
        article(f"{adjective} {noun}"): tuple(f"{look} {other}" for other in _kinds(noun, kind, table))
        for adjective in words.PATTERNS.get(look, (look,))
        for noun in table[kind]
    }
    return Fact(name, f"{look} {kind}", wears=tuple(also), also=also)


def _worded(name: str, value: str, table: Mapping[str, tuple[str, ...]], *, worn: bool = False) -> Fact:
    """A fact whose phrases are listed under its value; they follow "wears" where it is worn, else "has"."""
    also = {phrase: _kinds(phrase, value, table) for phrase in table[value]}
    has, wears = ((), table[value]) if worn else (table[value], ())
    return Fact(name, value, has=has, wears=wears, also=also)


def _kinds(phrase: str, own: str, table: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The entries of a table of which a phrase of one of them is true."""
    broader = words.BROADER.get(phrase, ())
    return tuple(kind for kind in table if kind == own or phrase in table[kind] or kind in broader)


def _article(phrase: str) -> str:
    return f"an {phrase}" if phrase[0] in "aeio" else f"a {phrase}"


def _sentence(scene: Scene, who: Fact, male: bool, chosen: Sequence[Fact], rng: np.random.Generator) -> Sentence:
    """One sentence from who it is about and one to three more facts."""
    has, wears, does, place = list[str](), list[str](), list[str](), ""
    spoken = [(fact, "") for fact in chosen if fact.place]
    for fact in chosen:
        if fact.place:
            place = f" {_pick(fact.place, rng)}"
            continue
        if fact.wears:
            phrase, said = _pick(fact.wears, rng), wears
        elif fact.has and not (fact.does and rng.random() < 0.5):
            phrase, said = _pick(fact.has, rng), has
        else:
            phrase, said = _pick(fact.does, rng), does
        said.append(phrase)
        spoken.append((fact, phrase))
    person, style = _pick(who.does, rng), rng.random()
    if style < 0.35 or (place and not (wears or does)):
        text = f"{_pick(_PICTURES[scene.kind == 'body'], rng)} of {person}{_aside(' with ', has)}"
        text += _aside(", wearing " if has else " wearing ", wears) + _aside(" who is ", does)
    elif style < 0.65 and has and (wears or does):
        text = f"{person} with {_join(has)} {_predicate([], wears, does)}"
    elif style < 0.8 and wears and (has or does):
        text = f"{person} wearing {_join(wears)} {_predicate(has, [], does)}"
    else:
        person = person if rng.random() < 0.6 else "he" if male else "she"
        text = f"{person} {_predicate(has, wears, does)}"
    text += place
    return Sentence(f"{text[0].upper()}{text[1:]}.", (who, *chosen), _meant([(who, person), *spoken]))


def _meant(spoken: Iterable[tuple[Fact, str]]) -> dict[str, tuple[str, ...]]:
    return {fact.name: fact.also.get(phrase, (fact.value,)) for fact, phrase in spoken}


def _predicate(has: list[str], wears: list[str], does: list[str]) -> str:
    verbs = (("is", does), ("has", has), ("wears", wears))
    parts = [f"{verb} {_join(phrases)}" for verb, phrases in verbs if phrases]
    return (", and " if any(" and " in part for part in parts) else " and ").join(parts)


def _aside(word: str, phrases: list[str]) -> str:
    return f"{word}{_join(phrases)}" if phrases else ""


def _join(phrases: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, (", ".join(phrases[:-1]), phrases[-1]))) if phrases else ""


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    # random() alone: numpy keeps its stream, and may change that of its other methods
    return choices[int(len(choices) * rng.random())]


def _shuffled(facts: list[Fact], rng: np.random.Generator) -> list[Fact]:
    return sorted(facts, key=lambda _: rng.random())
