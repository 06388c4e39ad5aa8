"""Film the ten talking people that come with the package, for `limner.people.ready_clips`.

Each is a clip of `limner data make people-talking --layout lrw --size 64` of another person who says another word.
Needs the extras people, speech and video.

    python tools/make_ready_clips.py
"""

from __future__ import annotations

import json
from pathlib import Path

from limner.people.gallery import CLIPS
from limner.people.write.talking import CLIPS_PER_PERSON, Talking

SEED, SIZE, NUM = 2026, 64, 10


def main() -> None:
    """Write the files."""
    CLIPS.mkdir(exist_ok=True)
    talking, words, person = Talking(SEED, SIZE, "lrw"), set[str](), 0
    while len(words) < NUM:
        for index in range(CLIPS_PER_PERSON * person, CLIPS_PER_PERSON * (person + 1)):
            files, record = talking.make(index)
            if record["text"] not in words:
                words.add(record["text"])
                _write(files, record["text"])
                break
        person += 1


def _write(files: dict[str, bytes], word: str) -> None:
    for name, content in files.items():
        suffix = Path(name).suffix
        if suffix == ".json":
            labels = json.loads(content)
            for frame in labels["frames"]:
                frame["landmarks"] = [round(value, 1) for value in frame["landmarks"]]
            content = json.dumps(labels | {"word": word}, separators=(",", ":")).encode()
        if suffix != ".txt":
            (CLIPS / f"{word}{suffix}").write_bytes(content)


if __name__ == "__main__":
    main()
