"""Talking people as clips with sound, in the layout of LRW or GRID; the readers of the real sets read them.

```
lipread_mp4/WORD/{train,val,test}/WORD_00001.mp4   LRW: 29 frames at 25 a second, the word in the middle; mono 16 kHz
lipread_mp4/WORD/{train,val,test}/WORD_00001.txt   "Duration: 0.53 seconds", the text around it
s1/video/bbaf2n.mp4, s1/align/bbaf2n.align         GRID: 75 frames of a sentence; start, end and word (25,000 a second)
....json (LRW: beside the clip; GRID: s1/labels)   per frame 68 points, opening of the mouth, phoneme; words, identity
splits.csv                                         GRID: name,split
people.json, records.jsonl                         the settings; what is finished
```
Seven clips in a row are one person; people, not clips, are split 80 / 10 / 10 %.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from limner.data.collection import Files, Progress, Record, write_collection
from limner.data.manifest import hash_split
from limner.errors import ConfigError, nearest
from limner.media import write_video
from limner.optional import optional
from limner.people.dice import Dice
from limner.people.person import Person, sample_person
from limner.people.speak import FRAMES_PER_SECOND, Talk, speak
from limner.people.speech import RATE_HZ, Speech, Timed, Voice, synthesise, voice_of
from limner.people.write.common import SIZES, generator, people_settings, rounded

LAYOUTS = ("lrw", "grid")
CLIPS_PER_PERSON = 7
LRW_FRAMES, GRID_FRAMES = 29, 75
WORDS = (
    "about", "absolutely", "because", "before", "children", "company", "everybody", "family", "february", "general",
    "important", "million", "people", "possible", "problem", "something", "thousand", "together", "weather", "welcome",
)  # fmt: skip
"""Of the LRW layout."""
CARRIERS = (
    "they say {} to us again",
    "we heard {} in the evening",
    "it may be {} as you know",
    "you read {} once more",
)
"""Sentences around a word, so that it has neighbours as in speech that goes on."""
_DIGITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero")
GRAMMAR: tuple[dict[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in "abcdefghijklmnopqrstuvxyz"},
    dict(zip("123456789z", _DIGITS, strict=True)),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
"""Of GRID's sentences: command, colour, preposition, letter, digit, adverb, each by its letter in the file names."""
SPELLED = {"a": "eigh"}
"""How letters are given to espeak-ng that would be read as words."""
UNITS_PER_SECOND = 25_000
_WORD = re.compile("[a-z]{1,30}")


@dataclass(frozen=True)
class Talking:
    """A `limner.data.collection.Maker` of clips."""

    noun: ClassVar[str] = "clips"
    settings_file: ClassVar[str] = "people.json"

    seed: int
    size: int
    layout: str
    words: tuple[str, ...] = WORDS
    carriers: tuple[str, ...] = CARRIERS

    def settings(self) -> dict[str, Any]:
        """Kind, layout, seed, size, version, and words and sentences where they are not the usual ones."""
        usual = people_settings("people-talking", self.seed, self.size) | {"layout": self.layout}
        own = {"words": (self.words, WORDS), "carriers": (self.carriers, CARRIERS)}
        return usual | {name: list(value) for name, (value, known) in own.items() if value != known}

    def person(self, index: int) -> Person:
        """Who speaks in a clip."""
        return sample_person(self.seed, index // CLIPS_PER_PERSON)

    def asked(self, index: int) -> tuple[str, str]:
        """The word of a clip of the LRW layout, and the sentence around it."""
        dice = Dice(self.seed, index, "words")
        word = self.words[dice.integer(len(self.words))]
        return word, self.carriers[dice.integer(len(self.carriers))].replace("{}", word)

    def make(self, index: int) -> tuple[Files, Record]:
        """Film one clip."""
        return self._lrw(index) if self.layout == "lrw" else self._grid(index)

    def tables(self, records: Sequence[Record]) -> dict[str, str]:
        """The splits of the GRID layout; folders are those of the LRW layout."""
        if self.layout == "lrw":
            return {}
        rows = [f"{record['name']},{record['split']}" for record in records]
        return {"splits.csv": "\n".join(["name,split", *rows]) + "\n"}

    def _lrw(self, index: int) -> tuple[Files, Record]:
        person, (word, sentence) = self.person(index), self.asked(index)
        said = synthesise(sentence, voice_of(person))
        spoken = _spoken(said, word, sentence)
        seconds = LRW_FRAMES / FRAMES_PER_SECOND
        talk = self._film(person, index, said.cut(spoken.middle - seconds / 2, seconds))
        split = self._split(index)
        stem = f"lipread_mp4/{word.upper()}/{split}/{word.upper()}_{index + 1:05d}"
        duration = spoken.end - spoken.start
        text = f"Text:  {' '.join(timed.text for timed in talk.words).upper()}\nDuration: {duration:.3f} seconds\n"
        files = {f"{stem}.txt": text.encode(), f"{stem}.json": frame_labels(talk), f"{stem}.mp4": encode_clip(talk)}
        return files, {"name": Path(stem).name, "split": split, "identity": talk.identity, "text": word}

    def _grid(self, index: int) -> tuple[Files, Record]:
        person, speaker = self.person(index), f"s{index // CLIPS_PER_PERSON + 1}"
        code = sentence_code(self.seed, index)
        words = [choices[letter] for choices, letter in zip(GRAMMAR, code, strict=True)]
        said = synthesise(" ".join(SPELLED.get(word, word.upper() if len(word) == 1 else word) for word in words),
                          voice_of(person))  # fmt: skip
        named = tuple(Timed(word, timed.start, timed.end) for word, timed in zip(words, said.words, strict=True))
        said = Speech(said.waveform, named, said.phonemes)
        seconds = GRID_FRAMES / FRAMES_PER_SECOND
        talk = self._film(person, index, said.cut((said.seconds - seconds) / 2, seconds))
        files = {
            f"{speaker}/align/{code}.align": align_text(talk).encode(),
            f"{speaker}/labels/{code}.json": frame_labels(talk),
            f"{speaker}/video/{code}.mp4": encode_clip(talk),
        }
        name, text = f"{speaker}-{code}", " ".join(words)
        return files, {"name": name, "split": self._split(index), "identity": talk.identity, "text": text}

    def _film(self, person: Person, index: int, speech: Speech) -> Talk:
        return speak(person, "", generator(self.seed, index, "talking"), size=self.size, speech=speech)

    def _split(self, index: int) -> str:
        return hash_split(f"id{index // CLIPS_PER_PERSON}", seed=self.seed, val_share=0.1)


def _spoken(said: Speech, word: str, sentence: str) -> Timed:
    """Raises: ConfigError if the word has no time of its own."""
    found = next((timed for timed in said.words if timed.text == word), None)
    if found is None:
        raise ConfigError(
            f'espeak-ng runs "{word}" in "{sentence}" together with its neighbours: give another word (--words) or '
            "another sentence (--carriers)."
        )
    return found


def sentence_code(seed: int, index: int) -> str:
    """The six letters of a sentence of GRID's grammar; the clips of one person have different ones."""
    total = int(np.prod([len(choices) for choices in GRAMMAR]))
    speaker, number = divmod(index, CLIPS_PER_PERSON)
    place = (Dice(seed, speaker, "sentences").integer(total) + number * (total // CLIPS_PER_PERSON + 1)) % total
    letters = []
    for choices in reversed(GRAMMAR):
        place, letter = divmod(place, len(choices))
        letters.append(list(choices)[letter])
    return "".join(reversed(letters))


def align_text(talk: Talk) -> str:
    """The lines "start end word" of a clip, with sil before and after."""
    edges = [(round(w.start * UNITS_PER_SECOND), round(w.end * UNITS_PER_SECOND), w.text) for w in talk.words]
    last = round(len(talk.frames) / FRAMES_PER_SECOND * UNITS_PER_SECOND)
    rows = [(0, edges[0][0], "sil"), *edges, (edges[-1][1], last, "sil")]
    return "".join(f"{start} {end} {word}\n" for start, end, word in rows)


def frame_labels(talk: Talk) -> bytes:
    """What is known of every frame, as JSON."""
    timed = {
        name: [[item.text, round(item.start, 4), round(item.end, 4)] for item in items]
        for name, items in (("words", talk.words), ("phonemes", talk.phonemes))
    }
    labels = {
        "identity": talk.identity,
        "size": talk.size,
        **timed,
        "frames": [
            {"phoneme": phoneme, "mouth_opening": round(float(opening), 3), "landmarks": rounded(points)}
            for phoneme, opening, points in zip(talk.frame_phonemes, talk.mouth_opening, talk.landmarks68, strict=True)
        ],
    }
    return json.dumps(labels, separators=(",", ":")).encode()


def encode_clip(talk: Talk) -> bytes:
    """The content of an MP4 file: H.264 and AAC."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_video(path, talk.frames, frames_per_second=FRAMES_PER_SECOND, waveform=talk.waveform,
                    sample_rate_hz=RATE_HZ)  # fmt: skip
        return path.read_bytes()


def write_talking(
    out: str | Path,
    *,
    num: int,
    size: int = 128,
    seed: int = 0,
    layout: str = "lrw",
    words: Sequence[str] | None = None,
    carriers: Sequence[str] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Record]:
    """Film clips 0 to `num` - 1 of the collection `seed` and write them with their labels; what is there is kept.

    Args:
        out: folder, made if missing.
        num: number of clips, at least 1.
        size: side of a frame in pixels, 64 to 512, even.
        seed: of the collection, at least 0.
        layout: one of `LAYOUTS`.
        words: of the LRW layout, such as ones that a model never heard; none: `WORDS`.
        carriers: sentences around them, {} where the word is said; none: `CARRIERS`.
        workers: number of processes; more than one needs an importable main module.
        progress: wraps the indices as they are finished, as `tqdm` does.

    Returns:
        The records of all clips.

    Raises:
        ConfigError: if an argument is out of range or the folder holds something else.
        DataError: if a file cannot be written or a worker is killed.
        MissingExtraError: if the extra "people", "speech" or "video" is not installed.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f'There is no layout "{layout}" of clips.{nearest(layout, LAYOUTS)}')
    for name, value, low in (("num", num, 1), ("seed", seed, 0)):
        if value < low:
            raise ConfigError(f"{name} is {value}, but must be at least {low}.")
    if not SIZES[0] <= size <= SIZES[1] or size % 2:
        raise ConfigError(f"size is {size}, but must be an even number from {SIZES[0]} to {SIZES[1]}.")
    said = [_checked_words(words, layout), _checked_carriers(carriers, layout)]
    talking = Talking(seed, size, layout, *said)
    _refuse_twice(talking)
    for module, extra in (("warp", "people"), ("espeakng_loader", "speech"), ("av", "video")):
        optional(module, extra=extra)  # before anything is written
    if (talking.words, talking.carriers) != (WORDS, CARRIERS):
        _refuse_unheard(talking, num)
    return write_collection(Path(out), talking, range(num), workers=workers, progress=progress)


def _checked_words(words: Sequence[str] | None, layout: str) -> tuple[str, ...]:
    """Raises: ConfigError if these are no words, or the layout has a grammar of its own."""
    if words is None:
        return WORDS
    if layout != "lrw":
        raise ConfigError(f"words are of the layout lrw; sentences of {layout} have a grammar of their own.")
    for word in words:
        if not _WORD.fullmatch(word):
            raise ConfigError(
                f'"{word}" is no word that can be filmed; give words of the letters a to z, in lower case.'
            )
    if not words or len(set(words)) < len(words):
        raise ConfigError(f"The words are {', '.join(words) or 'none'}; give at least one, and none twice.")
    return tuple(words)


def _checked_carriers(carriers: Sequence[str] | None, layout: str) -> tuple[str, ...]:
    """Raises: ConfigError if a sentence has no place for a word, or the layout has a grammar of its own."""
    if carriers is None:
        return CARRIERS
    if layout != "lrw":
        raise ConfigError(f"carriers are of the layout lrw; sentences of {layout} have a grammar of their own.")
    for carrier in carriers:
        if carrier.split().count("{}") != 1 or not all(
            _WORD.fullmatch(word) for word in carrier.split() if word != "{}"
        ):
            raise ConfigError(
                f'The sentence "{carrier}" must be words of the letters a to z, and {{}} once among them.'
            )
    if not carriers:
        raise ConfigError("There is no sentence; give at least one.")
    return tuple(carriers)


def _refuse_twice(talking: Talking) -> None:
    """Raises: ConfigError if a sentence says a word itself, so that nobody knows which of the two is meant."""
    for word in talking.words:
        for carrier in talking.carriers:
            if word in carrier.split():
                raise ConfigError(f'"{word}" is said by "{carrier}" already; leave one of the two out.')


def _refuse_unheard(talking: Talking, num: int) -> None:
    """Raises: ConfigError if espeak-ng runs a word of the clips together with others, which depends on the accent."""
    asked = dict[tuple[str, str, str], Voice]()
    for index in range(num):
        voice = voice_of(talking.person(index))
        asked.setdefault((*talking.asked(index), voice.name.partition("+")[0]), voice)
    for (word, sentence, _), voice in asked.items():
        _spoken(synthesise(sentence, voice), word, sentence)
