"""How long torch's threads should spin before they sleep: one picture, a batch, and a training step by each rule.

Protocol: every measurement is a new Python process whose environment has the rule; it draws `--pictures` pictures with
shipped weights one by one, then in batches of 8, and takes the gradients of the generator for eight, each after a
warm-up; the median time counts. The rules take turns. With `--busy` as many endless loops run beside all of them.
Ratios are the median over the turns of the time of `sleep` over that of another rule: above 1, the other is faster.

    python benchmarks/waiting.py
    python benchmarks/waiting.py --busy 1
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from measure import alternate, milliseconds, new_parser, report

RULES: dict[str, dict[str, str]] = {
    "sleep": {"OMP_WAIT_POLICY": "PASSIVE"},
    "spin shortly": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"},
    "spin": {"OMP_WAIT_POLICY": "ACTIVE"},
}
"""The command line takes the second (decision 21)."""


def measured(name: str, pictures: int) -> dict[str, float]:
    """Median seconds of each thing under a rule, in a new process."""
    unset = {key: value for key, value in os.environ.items() if key not in RULES["spin shortly"]}
    words = [sys.executable, __file__, "--child", "--pictures", str(pictures)]
    done = subprocess.run(words, env={**unset, **RULES[name]}, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"The measured process ended with {done.returncode}:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def child(pictures: int) -> None:
    """Measure by the rule of this process, and print it as JSON."""
    import torch

    import limner
    from limner.people.gallery import ready

    pipe = limner.load("scgan")
    maps = [person.label_map for person in ready("face")]
    one = pipe.plan(maps[0], schema="celebamask-19", seed=1)
    batch = pipe.plan([maps[0]] * 8, schema="celebamask-19", seed=1, batch_size=8)
    sizes, network = pipe.config("generator"), pipe.components["generator"].requires_grad_(True)
    map_shape = (sizes["num_classes"], pipe.image_size, pipe.image_size)
    shapes = ((sizes["latent_size"],), (sizes["num_attributes"],), map_shape)
    inputs = [torch.rand(8, *shape) for shape in shapes]

    def step() -> None:
        network(*inputs).square().mean().backward()

    print(
        json.dumps(
            {
                "one picture": _median(lambda: pipe.render(one), pictures),
                "eight in a batch": _median(lambda: pipe.render(batch), max(3, pictures // 4)),
                "gradients of eight": _median(step, max(3, pictures // 4)),
            }
        )
    )


def _median(function: Callable[[], object], repeats: int) -> float:
    times = []
    for turn in range(repeats + 3):
        start = time.perf_counter()
        function()
        if turn >= 3:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--pictures", type=int, default=60, metavar="N", help="in a process, one by one")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="processes a rule")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="endless loops beside them")
    parser.add_argument("--child", action="store_true", help="used by the script itself")
    options = parser.parse_args()
    if options.child:
        child(options.pictures)
        return
    if options.quick:
        options.pictures, options.repeats = 8, 1
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy)]
    try:
        functions = {name: partial(measured, name, options.pictures) for name in RULES}
        found = alternate(functions, warmup=0, repeats=options.repeats, most_seconds=120)
    finally:
        for process in beside:
            process.kill()
    rows, ratios = [], {}
    for what in found["sleep"][0]:
        row = {"what": what}
        for name in RULES:
            times = [one[what] for one in found[name]]
            row[f"{name}, ms"] = milliseconds(statistics.median(times))
            if name != "sleep":
                turns = zip(times, found["sleep"], strict=True)
                ratios[f"{what}: sleep / {name}"] = statistics.median(other[what] / time for time, other in turns)
                row[f"sleep / {name}"] = f"{ratios[f'{what}: sleep / {name}']:.2f}"
        rows.append(row)
    protocol = f"{options.repeats} processes a rule, in turn; {options.busy} endless loops beside them."
    report("How threads wait", protocol, {"Median times": rows}, found, options, ratios=ratios)


if __name__ == "__main__":
    main()
