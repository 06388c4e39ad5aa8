"""Latency of portrait's edits after `set_image`, and the memory that many of them take.

Protocol: `limner.load` of a weights folder; `set_image` of a ready-made person's photo, then 20 edits of five kinds in
turn, each a whole call from its arguments to an 8-bit picture. Further photos are used again or for the first time. All
photos come with their label maps, so that any weights can be measured; parsing a photo that comes without one is shown
apart. Without `--weights` the networks of the preset `cpu` (64 px) have random weights: speed does not depend on their
values. The first edit, which prepares kernels, is shown apart. Then further edits follow, 500 in all, and the growth of
the resident memory over them is printed. Targets: every edit after the first < 150 ms on two cores; memory flat.

    python benchmarks/editing.py
    python benchmarks/editing.py --weights runs/portrait --threads 2
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from measure import in_fresh_process, load_average, milliseconds, new_parser, report, seconds_of, summary

EDITS = 20
MANY = 500
TARGET_SECONDS = 0.15


def write_random_weights(folder: Path) -> None:
    """A weights folder with the networks of the preset `cpu` as they are before training."""
    import torch

    from limner import registry
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec

    torch.manual_seed(0)
    system = registry.system_class("portrait")(
        registry.preset("portrait", "cpu"), DataSpec(labels=get_schema("portrait-11"))
    )
    networks = {name: system.networks[name] for name in ("appearance", "generator", "parser")}
    system.pipeline(networks).save_pretrained(folder)


def edits_of(pipeline: Any, people: list[tuple[Any, Any]]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Kinds of edits in turn, with what makes one of them, for ever."""
    from limner.systems.portrait.demo import add_fringe, open_mouth

    label_map = pipeline.sitter.label_map
    maps = cycle([open_mouth(label_map), add_fringe(label_map), label_map])
    parts = cycle(["hair", "eyes", "mouth", "skin"])
    known, others = people[0], cycle(people[1:])
    while True:
        part, target = next(parts), next(maps)
        yield "swap a part, a photo used before", lambda part=part: pipeline.swap(**{part: known})
        yield "repaint the map", lambda target=target: pipeline.repaint(target)
        yield "swap a part, another photo", lambda part=part: pipeline.swap(**{part: next(others)})
        yield "swap the face", lambda: pipeline.face_swap(known)
        yield "swap a part and repaint", lambda part=part, target=target: pipeline.swap(target, **{part: known})


def resident_bytes() -> int:
    """Memory that this process holds at this moment (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(weights: str, *, threads: int, many: int) -> dict[str, Any]:
    """Set one photo and edit it."""
    import torch

    import limner
    from limner.data.schema import converter, get_schema
    from limner.people.gallery import ready

    torch.set_num_threads(threads)
    pipeline = limner.load(weights, system="portrait")
    schema = get_schema("portrait-11")
    people = [(person.image, converter(person.schema, schema)[person.label_map]) for person in ready("face")]
    first, *others = people
    set_seconds = [seconds_of(lambda: pipeline.set_image(*first)) for _ in range(2)]
    parse_seconds = [seconds_of(lambda: pipeline.parse(first[0])) for _ in range(5)]
    edits = edits_of(pipeline, others)
    calls = [(kind, seconds_of(make)) for kind, make in (next(edits) for _ in range(EDITS))]
    memory = [resident_bytes()]
    for _ in range(2):
        for _ in range((many - EDITS) // 2):
            next(edits)[1]()
        memory.append(resident_bytes())
    return {
        "weights": pipeline.weights_name,
        "image_size": pipeline.image_size,
        "threads": threads,
        "load_average": load_average(),
        "set_image_seconds": set_seconds,
        "parse_seconds": summary(parse_seconds),
        "edits": [{"kind": kind, "seconds": seconds} for kind, seconds in calls],
        "resident_bytes": memory,
    }


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--weights", default=None, metavar="NAME|DIR", help="of portrait (random ones)")
    parser.add_argument("--threads", type=int, default=2, help="of torch (2)")
    options = parser.parse_args()
    many = 60 if options.quick else MANY
    with tempfile.TemporaryDirectory() as folder:
        weights = options.weights
        if weights is None:
            weights = str(Path(folder) / "random-cpu")
            in_fresh_process(write_random_weights, folder=Path(weights))
        found = in_fresh_process(measure, weights=weights, threads=options.threads, many=many)
    kind = f"Weights {options.weights}" if options.weights else "Random weights at the sizes of the preset cpu"
    protocol = (
        f"{kind}, {found['image_size']} px; {EDITS} edits of one photo, then {many} in all; "
        f"threads {found['threads']}, load average {found['load_average']}."
    )
    report("Portrait edits", protocol, tables(found, many), found, options)


def tables(found: dict[str, Any], many: int) -> dict[str, list[dict[str, str]]]:
    """What comes before, each kind of edit, and the memory."""
    first, *later = found["edits"]
    kinds: dict[str, list[float]] = {}
    for edit in later:
        kinds.setdefault(edit["kind"], []).append(edit["seconds"])
    before = [
        {"once": "set_image, the first", "ms": milliseconds(found["set_image_seconds"][0])},
        {"once": "set_image, the same photo again", "ms": milliseconds(found["set_image_seconds"][1])},
        {"once": "parse a photo, median", "ms": milliseconds(found["parse_seconds"]["median"])},
        {"once": f"first edit ({first['kind']})", "ms": milliseconds(first["seconds"])},
    ]
    slow = sum(edit["seconds"] >= TARGET_SECONDS for edit in later)
    rows = [
        {"edit": kind, "min, ms": milliseconds(min(seconds)), "max, ms": milliseconds(max(seconds))}
        for kind, seconds in {**kinds, f"all {len(later)}": [edit["seconds"] for edit in later]}.items()
    ]
    start, middle, end = (count / 2**20 for count in found["resident_bytes"])
    half = (many + EDITS) // 2
    memory = [
        {"resident memory, MiB": f"after {EDITS} edits", "value": f"{start:.1f}"},
        {
            "resident memory, MiB": f"growth up to edit {half}",
            "value": f"{middle - start:.1f}",
        },
        {"resident memory, MiB": f"growth from there to edit {many}", "value": f"{end - middle:.1f}"},
    ]
    heading = f"Edits after the first: {slow} of {len(later)} took {1000 * TARGET_SECONDS:.0f} ms or more"
    return {"Before": before, heading: rows, "Memory": memory}


if __name__ == "__main__":
    main()
