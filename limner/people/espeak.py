"""A script of its own, run in a new process for every text: espeak-ng through its C interface.

The library is GPL-3, keeps its state from one text to the next (the same text sounds different the second time), and
has one voice at a time per process; so nothing of it is loaded into the caller's. Standard input is a JSON object with
library, data, text, voice, rate (words a minute), pitch and range (0 to 100), and max_seconds; standard output is one
line of JSON (`rate_hz`, and `events`: kind, milliseconds, name of a phoneme or place of a word in the text), then
16 bit samples.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

# Of espeak-ng's speak_lib.h.
SYNCHRONOUS, WITH_PHONEMES, DO_NOT_EXIT, UTF8 = 2, 1, 0x8000, 1
RATE, PITCH, RANGE = 1, 3, 4
WORD, PHONEME = 1, 7


class Identifier(ctypes.Union):
    """What an event is about."""

    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Named(ctypes.Structure):
    """The beginning of espeak_VOICE."""

    _fields_ = [("name", ctypes.c_char_p), ("languages", ctypes.c_void_p), ("identifier", ctypes.c_char_p)]


class Event(ctypes.Structure):
    """espeak_EVENT."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", Identifier),
    ]


def languages(library: Any) -> dict[str, str]:
    """Language -> identifier of the voice that suits it best."""
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(Named))
    voices, best = library.espeak_ListVoices(None), dict[str, tuple[int, str]]()
    index = 0
    while voices[index]:
        voice, place = voices[index].contents, 0
        while voice.languages and (priority := ctypes.string_at(voice.languages + place, 1)[0]):  # then a name, then 0
            name = ctypes.string_at(voice.languages + place + 1)
            place += len(name) + 2
            found = (priority, voice.identifier.decode())
            best[name.decode()] = min(found, best.get(name.decode(), found))
        index += 1
    return {name: identifier for name, (_, identifier) in best.items()}


def choose(library: Any, voice: str) -> bool:
    """Take a voice by its name, or by its language: "en-gb" is the language of a voice of another name."""
    if library.espeak_SetVoiceByName(voice.encode()) == 0:
        return True
    language, plus, variant = voice.partition("+")
    identifier = languages(library).get(language)
    return identifier is not None and library.espeak_SetVoiceByName(f"{identifier}{plus}{variant}".encode()) == 0


def main() -> int:
    """Synthesise what standard input asks for; 2 and the known languages where there is no such voice, 3 where it takes
    longer than it may."""
    request = json.load(sys.stdin)
    library = ctypes.CDLL(request["library"])
    rate_hz = library.espeak_Initialize(SYNCHRONOUS, 0, request["data"].encode(), WITH_PHONEMES | DO_NOT_EXIT)
    if rate_hz <= 0:
        return 1
    samples, events = bytearray(), list[tuple[str, int, str | int]]()
    most = int(2 * rate_hz * request["max_seconds"])

    def receive(wave: Any, count: int, found: Any) -> int:
        if count > 0 and wave:
            samples.extend(ctypes.string_at(wave, 2 * count))
        index = 0
        while found[index].type:
            event = found[index]
            if event.type in (WORD, PHONEME):
                if event.type == WORD:
                    events.append(("word", event.audio_position, event.text_position - 1))
                else:
                    events.append(("phoneme", event.audio_position, event.id.string.decode("utf-8", "replace")))
            index += 1
        return int(len(samples) > most)  # 1 stops espeak-ng

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))(
        receive
    )
    library.espeak_SetSynthCallback(callback)
    if not choose(library, request["voice"]):
        print(json.dumps(sorted(languages(library))))
        return 2
    for parameter, name in ((RATE, "rate"), (PITCH, "pitch"), (RANGE, "range")):
        library.espeak_SetParameter(parameter, int(request[name]), 0)
    if hasattr(library, "espeak_ng_SetRandSeed"):  # else the breath of some voices (f2, f3, f5) goes by the clock
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    text = request["text"].encode() + b"\0"
    library.espeak_Synth(text, len(text), 0, 0, 0, UTF8, None, None)
    library.espeak_Synchronize()
    if len(samples) > most:
        return 3
    sys.stdout.buffer.write(json.dumps({"rate_hz": rate_hz, "events": events}).encode() + b"\n" + bytes(samples))
    return 0


if __name__ == "__main__":
    sys.exit(main())
