"""Speed of AVWnet, speech2vid and atvgnet beside real time, and memory over minutes of speech.

Protocol: networks of a preset with random weights, which take the same time as trained ones, draw a ready-made person
who says made-up sound (tones that come and go). Speed: frames of a few seconds of sound, drawn after a pass of warming
up, without writing a file; real time is 25 frames a second. Memory: of a WAV file, `save` writes an MP4 with sound of
one minute, then of more minutes, each in a process of its own; the largest resident memory of the longer one may exceed
that of the shorter one by the sound alone (1.9 MB a minute of 16-bit samples), which the table shows beside it. A few
MiB more are the allocator's: what malloc holds in use is the same at every frame (mallinfo2), its free blocks are not.

    python benchmarks/talking_faces.py
    python benchmarks/talking_faces.py --systems avwnet --presets cpu --minutes 5
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import in_fresh_process, load_average, new_parser, own_peak_memory, report, seconds_of, summary

SYSTEMS = ("avwnet", "speech2vid", "atvgnet")
REAL_TIME = 25.0  # frames a second
SAMPLE_RATE_HZ = 16_000


def pipeline(name: str, preset: str) -> Any:
    """Networks of this size that have learned nothing."""
    import torch

    from limner import registry
    from limner.data.spec import AudioSpec, DataSpec

    torch.manual_seed(0)
    spec = DataSpec(audio=AudioSpec(SAMPLE_RATE_HZ, REAL_TIME))
    system = registry.system_class(name)(registry.preset(name, preset), spec)
    return system.pipeline(system.networks)


def inputs(seconds: float, path: Path) -> tuple[Any, Any, Path]:
    """A ready-made photo, its landmarks, and a file with sound of this length, written second by second."""
    import wave

    import numpy as np

    from limner.people.gallery import ready

    times = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    sound = 0.5 * np.sin(2 * np.pi * 220 * times) * np.sin(2 * np.pi * 2 * times) ** 2
    second = (sound * 32767).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", "not compressed"))
        for start in range(0, round(seconds * SAMPLE_RATE_HZ), SAMPLE_RATE_HZ):
            file.writeframes(second[: 2 * (round(seconds * SAMPLE_RATE_HZ) - start)])
    person = ready("face")[0]
    return person.image, person.landmarks, path


def speed(name: str, preset: str, *, seconds: float, repeats: int, threads: int | None) -> dict[str, Any]:
    """Frames a second in this process."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    pipe = pipeline(name, preset)
    with tempfile.TemporaryDirectory() as folder:
        photo, landmarks, sound = inputs(seconds, Path(folder) / "sound.wav")
        clip = pipe.render(pipe.plan(photo, sound, landmarks=landmarks, align="never")).media[0]
    before, times = load_average(), []
    for turn in range(repeats + 1):
        taken = seconds_of(lambda: [None for _ in clip.draw()])
        if turn:
            times.append(taken)
    return {
        "image_size": pipe.image_size,
        "frames": clip.num_frames,
        "frames_per_second": {part: clip.num_frames / taken for part, taken in summary(times).items()},
        "threads": torch.get_num_threads(),
        "load_average": [before, load_average()],
    }


def memory(name: str, preset: str, *, minutes: float, threads: int | None) -> int:
    """Largest resident memory of this process, in bytes, after a video of this length is written."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    pipe = pipeline(name, preset)
    with tempfile.TemporaryDirectory() as folder:
        photo, landmarks, sound = inputs(60 * minutes, Path(folder) / "sound.wav")
        pipe(photo, sound, landmarks=landmarks, align="never").save(Path(folder) / "talk")
    return own_peak_memory()


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), metavar="NAME", help=f"({' '.join(SYSTEMS)})")
    parser.add_argument("--presets", nargs="+", default=["cpu", "paper"], metavar="NAME", help="(cpu paper)")
    parser.add_argument("--seconds", type=float, default=None, help="of sound for the speed (4; paper 0.64)")
    parser.add_argument("--minutes", type=float, default=5.0, help="of the longer video, at the preset cpu (5)")
    parser.add_argument("--repeats", type=int, default=None, help="(3; with --quick 1)")
    parser.add_argument("--threads", type=int, default=None, help="of torch (torch's own choice)")
    options = parser.parse_args()
    repeats = options.repeats or (1 if options.quick else 3)
    long = 0.1 if options.quick else options.minutes
    short = min(1.0, long / 2)
    speeds, peaks, data = [], [], {}
    for name in options.systems:
        for preset in ["smoke"] if options.quick else options.presets:
            print(f"measuring {name}, {preset} …", file=sys.stderr)
            seconds = options.seconds or (0.64 if preset == "paper" or options.quick else 4.0)
            found = in_fresh_process(
                speed, name=name, preset=preset, seconds=seconds, repeats=repeats, threads=options.threads
            )
            data[f"{name}/{preset}"] = found
            speeds.append(_speed_row(name, preset, found))
        preset = "smoke" if options.quick else "cpu"
        sizes = [
            in_fresh_process(memory, name=name, preset=preset, minutes=minutes, threads=options.threads)
            for minutes in (short, long)
        ]
        data[f"{name}/memory"] = dict(zip((f"{short:g} min", f"{long:g} min"), sizes, strict=True))
        peaks.append(_memory_row(name, preset, sizes, short, long))
    tables = {"Frames a second": speeds, "Largest resident memory": peaks}
    report("Talking faces", f"{repeats} passes over the same sound after one of warming up.", tables, data, options)


def _speed_row(name: str, preset: str, found: dict[str, Any]) -> dict[str, str]:
    rates = found["frames_per_second"]
    most, median = rates["min"], rates["median"]  # of the least and the median time
    return {
        "system": f"{name}, {preset}",
        "size": f"{found['image_size']} px, threads {found['threads']}",
        "frames": str(found["frames"]),
        "frames/s, most and median": f"{most:.3g}, {median:.3g}",
        "times real time": f"{most / REAL_TIME:.2f}, {median / REAL_TIME:.2f}",
        "load": " to ".join(map(str, found["load_average"])),
    }


def _memory_row(name: str, preset: str, sizes: list[int], short: float, long: float) -> dict[str, str]:
    samples = round((long - short) * 60 * SAMPLE_RATE_HZ) * 2
    return {
        "system": f"{name}, {preset}",
        f"video of {short:g} min": f"{sizes[0] / 2**20:.0f} MiB",
        f"video of {long:g} min": f"{sizes[1] / 2**20:.0f} MiB",
        "more": f"{(sizes[1] - sizes[0]) / 2**20:.0f} MiB",
        "of which 16-bit samples": f"{samples / 2**20:.0f} MiB",
    }


if __name__ == "__main__":
    main()
