"""Rendered people a second on the CPU, with all labels, and the time until the first one.

Protocol: `--workers` processes of one thread each (two where the machine has them, the number of the targets) start
together. Each renders two pictures to warm up, waits for the others, then renders `--num` pictures of its own with
`limner.people.render`: picture, both parsings, landmarks, key points, depth. The rate is the number of pictures of all
processes over the time from the first start to the last end. "CPU s" is the processor time of one picture: it
says what to expect of idle cores where the machine is busy. "Files" is the whole command `limner data make` from its
start to its exit with all files on disk. "Start" is a new process that renders one face, from its start to its exit;
the first of them, which may have to compile the kernels, is shown apart.
"Clip" is the processor time of a frame of `limner.people.Clip` beside that of a single picture of other people with
`limner.people.render`, one process, 29 frames of five people each, making the clip included.
Targets on two cores: 8 faces/s and 4 bodies/s at 128 px, 16 faces/s at 64 px; start 3 s.

    python benchmarks/people_rendering.py
    python benchmarks/people_rendering.py --num 100 --json speed.json
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import gibibytes, in_fresh_process, new_parser, report, run_command

CASES = (("face", 128, 8.0), ("face", 64, 16.0), ("age", 128, 8.0), ("body", 128, 4.0), ("body", 256, None))
"""Kind, size in pixels, target in pictures a second."""
CLIPS, CLIP_FRAMES = 5, 29
"""People of the comparison of clips, and frames of each: as many as a clip of LRW has."""
MAKE = (("people-faces", 128), ("people-bodies", 128))
ONE_FACE = (
    "from limner.people import render, sample_person, sample_scene; render(sample_person(0, 0), sample_scene(0, 0))"
)


def render_many(kind: str, size: int, number: int, num: int, barrier: Any, results: Any) -> None:
    """In a process of its own: render, and report when the measured part began and ended, and its processor time."""
    from limner.people import render, sample_person, sample_scene

    def one(index: int) -> None:
        render(sample_person(0, index), sample_scene(0, index, kind), size)

    first = number * (num + 2)
    for index in range(2):
        one(first + index)
    barrier.wait()
    start, used = time.time(), time.process_time()
    for index in range(2, num + 2):
        one(first + index)
    results.put((start, time.time(), time.process_time() - used))


def rate(kind: str, size: int, *, workers: int, num: int) -> tuple[float, float]:
    """Pictures a second of all processes together, and seconds of processor time for each."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(workers), context.Queue()
    processes = [
        context.Process(target=render_many, args=(kind, size, number, num, barrier, results))
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    times = [results.get() for _ in processes]
    for process in processes:
        process.join()
    starts, ends, used = zip(*times, strict=True)
    return workers * num / (max(ends) - min(starts)), sum(used) / (workers * num)


def clip_times(size: int, frames: int) -> tuple[float, float]:
    """Seconds of processor time of a single picture, and of a frame of a clip with its share of making the clip."""
    import dataclasses

    from limner.people import Clip, render, sample_person, sample_scene

    render(sample_person(0, 0), sample_scene(0, 0), size)
    single, together = 0.0, 0.0
    for index in range(1, CLIPS + 1):
        person, scene = sample_person(0, index), sample_scene(0, index)
        start = time.process_time()
        render(person, scene, size)
        single += time.process_time() - start
        start = time.process_time()
        clip = Clip(person, scene, size)
        for number in range(frames):
            amount = 0.5 + 0.5 * (-1) ** number
            clip.frame(
                dataclasses.replace(scene, actions={"jawOpen": 0.4 * amount}, head_yaw=scene.head_yaw + 0.02 * amount)
            )
        together += time.process_time() - start
    return single / CLIPS, together / (CLIPS * frames)


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--num", type=int, default=None, help="pictures of each process and case (40; with --quick 2)")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="processes")
    options = parser.parse_args()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    num = options.num or (2 if options.quick else 40)
    starts = [run_command([sys.executable, "-c", ONE_FACE]) for _ in range(2 if options.quick else 4)]
    rows, data = [], []
    for kind, size, target in CASES:
        found, used = rate(kind, size, workers=options.workers, num=num)
        data.append({"kind": kind, "size": size, "pictures_per_second": found, "cpu_seconds": used, "target": target})
        rows.append(
            {
                "rendered": f"{kind}, {size} px",
                "pictures/s": f"{found:.2f}",
                "target": f"{target or ''}",
                "of target": f"{found / target:.2f}" if target else "",
                "CPU s": f"{used:.3f}",
            }
        )
    clips = []
    for size in (64, 128):
        single, frame = in_fresh_process(clip_times, size=size, frames=3 if options.quick else CLIP_FRAMES)
        data.append({"kind": "clip", "size": size, "single_cpu_seconds": single, "frame_cpu_seconds": frame})
        row = {"clip": f"face, {size} px", "picture, CPU s": f"{single:.3f}", "frame, CPU s": f"{frame:.3f}"}
        clips.append(row | {"picture / frame": f"{single / frame:.2f}"})
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, size in MAKE:
            words = [sys.executable, "-m", "limner", "data", "make", kind, "--num", str(num * options.workers)]
            words += ["--size", str(size), "--workers", str(options.workers), "--out", str(Path(folder) / kind)]
            seconds, memory = run_command(words)
            per_second = num * options.workers / seconds
            files.append({"files": f"{kind}, {size} px", "pictures/s": f"{per_second:.2f}", "peak": gibibytes(memory)})
            data.append({"kind": kind, "size": size, "files_per_second": per_second, "peak_memory_bytes": memory})
    later = min(seconds for seconds, _ in starts[1:])
    start_rows = [
        {"start": "first process, s", "value": f"{starts[0][0]:.2f}"},
        {"start": "later ones, least, s (target 3)", "value": f"{later:.2f}"},
        {"start": "peak memory", "value": gibibytes(max(memory for _, memory in starts))},
    ]
    protocol = f"{options.workers} processes, {num} pictures each."
    tables = {"Rendering": rows, "Clip": clips, "Whole command": files, "Start": start_rows}
    report("Rendered people", protocol, tables, {"rates": data, "start_seconds": [s for s, _ in starts]}, options)


if __name__ == "__main__":
    main()
