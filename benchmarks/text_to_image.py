"""Seconds of a training step of HfGAN beside AttnGAN's three discriminators, at the paper's size and at that of `cpu`.

Protocol: a step is one update of the generator and one of all discriminators, with DAMSM on the picture, on a batch of
random pictures and captions of 18 words. DAMSM has random weights and the image encoder of its preset: Inception-v3 on
299 px at `paper`, the small one at `cpu`; no time depends on what it has learned. Both systems live in one process and
take turns, forwards and backwards, after one step each of warming up. The ratio is HfGAN's least time over AttnGAN's;
the slides have 0.692 (Oxford-102) and 0.815 (CUB) for the seconds of an epoch. Beside it stands the same ratio of the
multiplications of a step, forward and backward, of convolutions and matrix products: what the networks leave to win.

    python benchmarks/text_to_image.py
    python benchmarks/text_to_image.py --presets paper --batch 2
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import alternate, in_fresh_process, load_average, milliseconds, new_parser, report, seconds_of, summary

if TYPE_CHECKING:
    from limner.engine.engine import Engine

SYSTEMS = ("hfgan", "attngan")
NUM_WORDS = 5_450  # CUB's vocabulary
TARGET = 0.82


def damsm(preset: str, folder: Path) -> None:
    """Weights of DAMSM that have learned nothing."""
    from limner import registry
    from limner.data.captions import END, Vocabulary
    from limner.data.spec import DataSpec

    spec = DataSpec(vocabulary=Vocabulary((END, *(f"word{number}" for number in range(1, NUM_WORDS)))))
    system = registry.system_class("damsm")(registry.preset("damsm", preset), spec)
    system.pipeline(system.networks).save_pretrained(folder)


def build(name: str, preset: str, encoders: Path, *, batch: int) -> tuple[Engine, Any]:
    """The engine of a system, and a random batch for it."""
    import torch

    from limner import hub, registry
    from limner.data.spec import DataSpec
    from limner.engine.fabric import make_fabric
    from limner.text_to_image.data import CaptionedBatch

    config = registry.preset(name, preset)
    train = dataclasses.replace(config.train, batch_size=batch, precision="32-true", accelerator="cpu")
    text = dataclasses.replace(config.text, encoders=str(encoders))
    config = dataclasses.replace(config, train=train, text=text)
    torch.manual_seed(0)
    spec = DataSpec.from_json(hub.read_json(encoders / hub.INDEX)["spec"])
    system = registry.system_class(name)(config, spec)
    side, length = config.model.image_size, config.text.length
    data = CaptionedBatch(
        image=torch.rand(batch, 3, side, side) * 2 - 1,
        words=torch.randint(1, NUM_WORDS, (batch, length)),
        num_words=torch.full((batch,), length),
        category=torch.arange(batch),
        known=torch.zeros(batch, 0),
        allowed=torch.zeros(batch, 0),
        num_stated=torch.zeros(batch),
        index=torch.arange(batch),
    )
    return system.engine(make_fabric(train)), data


def multiplications(engine: Engine, data: Any) -> int:
    """Of one step, forward and backward: those of convolutions and matrix products, without the text encoder's."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    class Counter(TorchDispatchMode):
        """PyTorch's formulas without its FlopCounterMode, whose hooks on modules do not work beside R1's gradient."""

        total = 0

        def __torch_dispatch__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
            result = function(*given, **(named or {}))
            if function.overloadpacket in flop_registry:
                self.total += flop_registry[function.overloadpacket](*given, **(named or {}), out_val=result)
            return result

    with Counter() as counter:
        engine.run_step(data)
    return counter.total // 2


def measure(preset: str, *, batch: int, repeats: int, threads: int | None) -> dict[str, Any]:
    """Both systems side by side in this process."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    load_before = load_average()
    with tempfile.TemporaryDirectory() as folder:
        encoders = Path(folder) / "damsm"
        damsm(preset, encoders)
        runs = {name: build(name, preset, encoders, batch=batch) for name in SYSTEMS}
        work = {name: multiplications(*run) for name, run in runs.items()}
    steps = {name: partial(seconds_of, partial(engine.run_step, data)) for name, (engine, data) in runs.items()}
    times = {name: summary(values) for name, values in alternate(steps, warmup=1, repeats=repeats).items()}
    return {
        "seconds": times,
        "ratio": times["hfgan"]["min"] / times["attngan"]["min"],
        "multiplications": work,
        "work_ratio": work["hfgan"] / work["attngan"],
        "batch_size": batch,
        "image_size": runs["hfgan"][1].image.shape[-1],
        "threads": torch.get_num_threads(),
        "load_average": [load_before, load_average()],
    }


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--presets", nargs="+", default=["paper", "cpu"], metavar="NAME", help="(paper cpu)")
    parser.add_argument("--batch", type=int, default=None, help="pictures of a step (2 at paper, else 16)")
    parser.add_argument("--repeats", type=int, default=None, help="steps of each system (5; with --quick 2)")
    parser.add_argument("--threads", type=int, default=None, help="of torch (torch's own choice)")
    options = parser.parse_args()
    repeats = options.repeats or (2 if options.quick else 5)
    data: dict[str, Any] = {}
    for preset in ["cpu"] if options.quick else options.presets:
        print(f"measuring {preset} …", file=sys.stderr)
        batch = options.batch or (2 if preset == "paper" or options.quick else 16)
        data[preset] = in_fresh_process(measure, preset=preset, batch=batch, repeats=repeats, threads=options.threads)
    rows = []
    for preset, found in data.items():
        rows.append(
            {
                "preset": preset,
                "size": f"{found['image_size']} px, batch {found['batch_size']}, threads {found['threads']}",
                **{
                    f"{name}, least and median, ms": f"{milliseconds(found['seconds'][name]['min'])}, "
                    f"{milliseconds(found['seconds'][name]['median'])}"
                    for name in SYSTEMS
                },
                "ratio": f"{found['ratio']:.2f}",
                "multiplications, 10^9": ", ".join(f"{found['multiplications'][name] / 1e9:.1f}" for name in SYSTEMS),
                "their ratio": f"{found['work_ratio']:.2f}",
                "load": " to ".join(map(str, found["load_average"])),
            }
        )
    protocol = f"{repeats} steps of each system, in turn; at most {TARGET} is asked at the paper's size."
    report(
        "A training step of HfGAN beside AttnGAN",
        protocol,
        {"Seconds of a step": rows},
        data,
        options,
        ratios={f"{preset}: hfgan / attngan": one["ratio"] for preset, one in data.items()},
    )


if __name__ == "__main__":
    main()
