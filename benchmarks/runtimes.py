"""Pictures by ONNX Runtime beside the same pictures by PyTorch, for every shipped system that draws.

Protocol: one plan a system, of one picture (painter: 50 strokes; avwnet: 32 frames), on one thread; whole
`Pipeline.render`, checks and 8-bit pictures included. The first drawing of each runtime is thrown away: it exports or
opens the networks and compares them. Then both take turns, forwards and backwards, in processor seconds, which other
programs disturb less than the clock. The largest difference of a pixel is of the same two results. Networks are
exported into a folder of this run. "x bare" is the time of a drawing by ONNX Runtime, as a multiple of what the
multiplications of its convolutions and matrix products take at the speed of PyTorch's plain 3x3 convolution of 64 by 64
channels on 64 px, measured in between; at most 2 is asked of one picture. The shipped judges follow, each on 32 random
pictures of its size: its first network, with the largest difference of an output as a share of the largest output where
that is above 1.

    python benchmarks/runtimes.py
    python benchmarks/runtimes.py --systems scgan portrait
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import partial
from typing import Any

from measure import alternate, in_fresh_process, milliseconds, new_parser, report, summary

JUDGES = (
    "features-people-64",
    "parser-people-64",
    "damsm-people-64",
    "factjudge-people-64",
    "facejudge-people-64",
    "wordnet-people-64",
)
SYSTEMS = ("scgan", "maskface", "portrait", "lgcgan", "scagan", "painter", "hfgan", "avwnet")


def plan_of(system: str, pipeline: Any) -> Any:
    """One picture, of people who never lived."""
    from limner.people.gallery import ready

    if system in ("scgan", "maskface"):
        from limner.data.drawn import FaceParameters, render

        return pipeline.plan(render(FaceParameters.sample(20, 0), 128).label_map, schema="celebamask-19", seed=1)
    if system == "hfgan":
        return pipeline.plan("a young woman with long blond hair", seed=1)
    faces = ready("face")
    if system == "portrait":
        return pipeline.sit(faces[6].image).swap.plan(hair=faces[23].image)
    if system == "lgcgan":
        return pipeline.plan(faces[6].image, [70], landmarks=faces[6].landmarks)
    if system == "painter":
        return pipeline.plan(faces[6].image, 50)
    if system == "avwnet":
        import numpy as np

        seconds = np.arange(32 * 640) / 16_000  # 32 frames
        tone = 0.2 * np.sin(2 * np.pi * 220 * seconds) * np.sin(2 * np.pi * 3 * seconds) ** 2
        return pipeline.plan(faces[6].image, tone.astype(np.float32), landmarks=faces[6].landmarks)
    bodies = ready("body")
    return pipeline.plan(bodies[0].image, bodies[1].keypoints, source_pose=bodies[0].keypoints)


def seconds_of_convolution() -> float:
    """Processor seconds of a multiplication of a plain convolution, the least of some."""
    import torch
    from torch.nn import functional

    image, weight = torch.rand(1, 64, 64, 64), torch.rand(64, 64, 3, 3)
    seconds = []
    with torch.inference_mode():
        for _ in range(20):
            start = time.process_time()
            for _ in range(5):
                functional.conv2d(image, weight, padding=1)
            seconds.append((time.process_time() - start) / 5)
    return min(seconds) / (64 * 64 * 64 * 64 * 9)


def measure(system: str, *, repeats: int) -> dict[str, Any]:
    """Processor seconds of a drawing by each runtime, and how far the pictures are apart."""
    import numpy as np
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    import limner

    torch.set_num_threads(1)
    pipelines = {name: limner.load(system, runtime=name) for name in ("torch", "onnx")}
    plan = plan_of(system, pipelines["torch"])
    results: dict[str, Any] = {}

    def draw(name: str) -> float:
        start = time.process_time()
        media = pipelines[name].render(plan).media
        if system == "avwnet":  # frames are drawn when they are asked for
            results[name] = np.stack(list(media[0].draw())).astype(np.int16)
        else:
            results[name] = np.stack([np.asarray(one.still(), dtype=np.int16) for one in media])
        return time.process_time() - start

    start = time.perf_counter()
    draw("onnx")
    first = time.perf_counter() - start
    with FlopCounterMode(display=False) as counter:
        draw("torch")

    def work() -> float:
        return seconds_of_convolution() * counter.get_total_flops() / 2

    ways = {name: partial(draw, name) for name in pipelines} | {"bare": work}
    seconds = alternate(ways, warmup=1, repeats=repeats)
    one, other = (results[name] for name in pipelines)
    return {
        "weights": pipelines["torch"].weights_name,
        "seconds": {name: summary(values) for name, values in seconds.items()},
        "first_seconds": first,
        "largest_difference": int(np.abs(one - other).max()),
    }


def measure_judge(name: str, *, repeats: int) -> dict[str, Any]:
    """Processor seconds of a batch by each runtime, how far the outputs are apart, and seconds of the export."""
    import torch

    import limner
    from limner.runtimes import OnnxForward, run_by

    torch.set_num_threads(1)
    judge = limner.load(name)
    target = next(iter(judge.export_targets().values()))
    images = target.example(32)
    with judge.inference():
        forward = OnnxForward(target.module, name=name, weights_hash=judge.weights_hash)
        networks = {"torch": target.module, "onnx": run_by(target.module, forward)}

        def show(by: str) -> float:
            start = time.process_time()
            networks[by](*images)
            return time.process_time() - start

        start = time.perf_counter()
        show("onnx")
        first = time.perf_counter() - start
        seconds = alternate({by: partial(show, by) for by in networks}, warmup=1, repeats=repeats)
        pairs = [network(*images) for network in networks.values()]
        outputs = [(one,) if isinstance(one, torch.Tensor) else tuple(one) for one in pairs]
        apart = [
            float((a - b).abs().max()) / max(1.0, float(a.abs().max()))
            for a, b in zip(*outputs, strict=True)
            if a.numel()
        ]
    return {
        "seconds": {by: summary(values) for by, values in seconds.items()},
        "first_seconds": first,
        "largest_difference": max(apart),
    }


def bare_column(seconds: dict[str, dict[str, float]]) -> dict[str, str]:
    """How many times as long as its multiplications a drawing takes, where these were counted."""
    return {"x bare": f"{seconds['onnx']['min'] / seconds['bare']['min']:.2f}"} if "bare" in seconds else {}


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--systems", nargs="*", default=list(SYSTEMS), choices=SYSTEMS, help="(all of them)")
    parser.add_argument("--judges", nargs="*", default=list(JUDGES), choices=JUDGES, help="(all of them)")
    parser.add_argument("--repeats", type=int, default=None, help="drawings by each (20; with --quick 3)")
    options = parser.parse_args()
    repeats = options.repeats or (3 if options.quick else 20)
    data: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIMNER_CACHE"] = folder
        for system in options.systems:
            print(f"measuring {system} …", file=sys.stderr)
            data[system] = in_fresh_process(measure, system=system, repeats=repeats)
        for judge in options.judges:
            print(f"measuring {judge} …", file=sys.stderr)
            data[judge] = in_fresh_process(measure_judge, name=judge, repeats=repeats)

    def rows(names: list[str], first: str, apart: str) -> list[dict[str, str]]:
        return [
            {
                first: name,
                "torch, ms": milliseconds(data[name]["seconds"]["torch"]["min"]),
                "onnx, ms": milliseconds(data[name]["seconds"]["onnx"]["min"]),
                "ratio": f"{data[name]['seconds']['torch']['min'] / data[name]['seconds']['onnx']['min']:.2f}",
                **bare_column(data[name]["seconds"]),
                apart: f"{data[name]['largest_difference']:.2g}",
                "first use, s": f"{data[name]['first_seconds']:.1f}",
            }
            for name in names
        ]

    tables = {"Processor time": rows(options.systems, "system", "grey levels apart")} if options.systems else {}
    if options.judges:
        tables["Judges, 32 pictures"] = rows(options.judges, "judge", "apart")
    report(
        "Runtimes",
        f"{repeats} drawings by each, in turn, one thread.",
        tables,
        data,
        options,
        ratios={
            f"{system}: torch / onnx": one["seconds"]["torch"]["min"] / one["seconds"]["onnx"]["min"]
            for system, one in data.items()
        },
    )


if __name__ == "__main__":
    main()
