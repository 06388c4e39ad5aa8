"""Seconds of one picture by the systems that age faces, move people and paint sentences, at two sizes.

Protocol: networks of the presets `cpu` and `paper` with random weights, which take the same time as trained ones, draw
one picture of a ready-made person who never lived, or of a sentence: whole `Pipeline.render`, checks and 8-bit picture
included, in a process for each system and size. The first drawing is thrown away; least and median of the others are
printed, and the least processor time of all threads, which other programs disturb less. For the size `cpu` on two idle
cores a time is asked for; that of `paper` is stated only.

    python benchmarks/one_picture.py
    python benchmarks/one_picture.py --systems lgcgan caae ipcgan --presets cpu
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import alternate, in_fresh_process, load_average, milliseconds, new_parser, report, summary

AGEING, POSES = ("lgcgan", "caae", "ipcgan"), ("scagan", "pg2", "defgan", "patn")
CAPTIONS = ("hfgan", "attngan", "hdgan", "stackgan")
MAIN = ("lgcgan", "scagan", "hfgan")
ASKED_MS = {"lgcgan": 150, "scagan": 400, "hfgan": 150}
"""At the size `cpu` on two cores."""


def ageing(name: str, config: Any) -> tuple[Any, Any]:
    """An ageing system, and one age of a face."""
    import torch

    from limner import registry
    from limner.ageing.data import SPEC
    from limner.people.gallery import ready

    system = registry.system_class(name)(config, SPEC)
    people = ready("age")
    for person in people:
        points = torch.from_numpy((person.landmarks + 0.5) / person.image.shape[0]).float()[None]
        group = sum(person.age_years >= edge for edge in (6, 11, 21, 31, 41, 51, 61, 71, 81))
        if "shapes" in system.networks:
            shapes: Any = system.networks["shapes"]
            shapes.count(points, torch.tensor([group]), torch.tensor([float(person.age_years)]))
    pipeline = system.pipeline(dict(system.networks))
    return pipeline, pipeline.plan(people[0].image, [70], landmarks=people[0].landmarks)


def moving(name: str, config: Any) -> tuple[Any, Any]:
    """A system of pose transfer, and one person in the pose of another."""
    from limner import registry
    from limner.data.point_schema import POINT_SCHEMAS
    from limner.data.spec import DataSpec
    from limner.people.gallery import ready

    if name == "scagan":
        config = dataclasses.replace(config, stage=dataclasses.replace(config.stage, content="untrained"))
    system = registry.system_class(name)(config, DataSpec(keypoints=POINT_SCHEMAS["openpose-18"]))
    pipeline, people = system.pipeline(dict(system.networks)), ready("body")
    return pipeline, pipeline.plan(people[0].image, people[1].keypoints, source_pose=people[0].keypoints)


def painting(name: str, preset: str, config: Any, folder: Path) -> tuple[Any, Any]:
    """A system that paints sentences, and one of eighteen words."""
    from text_to_image import damsm

    from limner import hub, registry
    from limner.data.spec import DataSpec

    damsm(preset, folder)
    config = dataclasses.replace(config, text=dataclasses.replace(config.text, encoders=str(folder)))
    spec = DataSpec.from_json(hub.read_json(folder / hub.INDEX)["spec"])
    system = registry.system_class(name)(config, spec)
    pipeline = system.pipeline(dict(system.networks))
    return pipeline, pipeline.plan(" ".join(f"word{number}" for number in range(1, 19)), seed=1)


def measure(name: str, preset: str, *, repeats: int, threads: int | None) -> dict[str, Any]:
    """Seconds of a picture in this process."""
    import torch

    from limner import registry

    if threads is not None:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    config = registry.preset(name, preset)
    with tempfile.TemporaryDirectory() as folder:
        if name in CAPTIONS:
            pipeline, plan = painting(name, preset, config, Path(folder))
        else:
            pipeline, plan = (ageing if name in AGEING else moving)(name, config)

    def draw() -> tuple[float, float]:
        start, used = time.perf_counter(), time.process_time()
        assert pipeline.render(plan).images
        return time.perf_counter() - start, time.process_time() - used

    load = load_average()
    seconds, processor = zip(*alternate({name: draw}, warmup=1, repeats=repeats)[name], strict=True)
    return {
        "seconds": summary(seconds),
        "processor_seconds": summary(processor),
        "size": str(pipeline.size),
        "threads": torch.get_num_threads(),
        "load_average": [load, load_average()],
    }


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    known = (*AGEING, *POSES, *CAPTIONS)
    parser.add_argument("--systems", nargs="+", default=list(MAIN), choices=known, help=f"({' '.join(MAIN)})")
    parser.add_argument("--presets", nargs="+", default=["cpu", "paper"], metavar="NAME", help="(cpu paper)")
    parser.add_argument("--repeats", type=int, default=None, help="drawings at each size (15; paper 3; with --quick 1)")
    parser.add_argument("--threads", type=int, default=None, help="of torch (torch's own choice)")
    options = parser.parse_args()
    data: dict[str, Any] = {}
    for name in options.systems:
        for preset in ["smoke"] if options.quick else options.presets:
            print(f"measuring {name}, {preset} …", file=sys.stderr)
            repeats = options.repeats or (1 if options.quick else 3 if preset == "paper" else 15)
            data[f"{name}, {preset}"] = in_fresh_process(
                measure, name=name, preset=preset, repeats=repeats, threads=options.threads
            )
    ratios = {
        f"{name}: paper / cpu, processor time": data[f"{name}, paper"]["processor_seconds"]["min"]
        / data[f"{name}, cpu"]["processor_seconds"]["min"]
        for name in options.systems
        if {f"{name}, paper", f"{name}, cpu"} <= set(data)
    }
    rows = [_row(name, found) for name, found in data.items()]
    report("One picture", "Whole calls after one of warming up.", {"One picture": rows}, data, options, ratios=ratios)


def _row(name: str, found: dict[str, Any]) -> dict[str, str]:
    system, _, preset = name.partition(", ")
    return {
        "system, preset": name,
        "size": f"{found['size']} px, threads {found['threads']}",
        "least, ms": milliseconds(found["seconds"]["min"]),
        "median, ms": milliseconds(found["seconds"]["median"]),
        "processor, ms": milliseconds(found["processor_seconds"]["min"]),
        "asked, ms": str(ASKED_MS[system]) if preset == "cpu" and system in ASKED_MS else "-",
        "load": " to ".join(map(str, found["load_average"])),
    }


if __name__ == "__main__":
    main()
