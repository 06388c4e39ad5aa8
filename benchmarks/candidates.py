"""What a training step might save, each candidate alone beside what the code does now.

Protocol: networks at the papers' widths, pictures of 128 px, batches of one, float32, one thread. Both ways of a case
have the same weights and inputs, do a forward and a backward pass (or what the case names), and take turns, forwards
and backwards, in processor seconds, which other programs on the machine disturb less than the clock; one turn warms up.
A ratio above 1 means that what was tried is faster. "apart" is the length of the difference of all outputs and
gradients as a share of their length: what is not within roundings may not be taken without an option. Decision 19 says
which were taken. The cases of torch.compile need a C++ compiler and minutes, and are measured only when named.

    python benchmarks/candidates.py
    python benchmarks/candidates.py --cases one-convolution table
    python benchmarks/candidates.py --cases spade-compiled cyclegan-compiled
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from measure import alternate, in_fresh_process, milliseconds, new_parser, report, summary

Ways = tuple[Callable[[], Sequence[Any]], Callable[[], Sequence[Any]]]
"""What the code does now and what was tried; each gives the tensors to compare."""


def learned(network: Any, output: Any) -> list[Any]:
    """Backward of a weighted sum of an output; the output and all gradients of the network."""
    import torch

    weights = torch.linspace(-1, 1, output.numel()).view_as(output)
    network.zero_grad(set_to_none=True)
    (output * weights).sum().backward()
    gradients = [one.grad for one in network.parameters() if one.grad is not None]
    return [output.detach(), *(gradient.clone() for gradient in gradients)]


def maps(size: int, count: int = 1) -> Any:
    """One-hot label maps of 19 classes in blocks of eight pixels."""
    import torch

    ids = torch.randint(19, (count, size // 8, size // 8), generator=torch.Generator().manual_seed(0))
    large = ids.repeat_interleave(8, 1).repeat_interleave(8, 2)
    return torch.nn.functional.one_hot(large, 19).permute(0, 3, 1, 2).float().contiguous()


def spade(size: int, width: int) -> Any:
    """SPADE's generator."""
    from limner.systems.spade.networks import Generator

    return Generator(num_classes=19, image_size=size, width=width)


def other_modulation(size: int, width: int, modulate: Callable[[Any, Any, Any], Any]) -> Ways:
    """SPADE's generator as it is, and with another way from hidden label map to modulation."""
    import copy
    import types

    from limner.nn.spade import SPADE

    now = spade(size, width).train()
    tried = copy.deepcopy(now)
    for module in tried.modules():
        if isinstance(module, SPADE):
            module.forward = types.MethodType(modulate, module)  # type: ignore[method-assign]
    one_hot = maps(size)
    return lambda: learned(now, now(one_hot)), lambda: learned(tried, tried(one_hot))


def one_convolution(size: int, width: int) -> Ways:
    """gamma and beta as one convolution of twice the channels."""
    import torch
    from torch.nn import functional

    def modulate(self: Any, x: Any, one_hot: Any) -> Any:
        hidden = functional.relu(self.shared(functional.interpolate(one_hot, size=x.shape[-2:], mode="nearest")))
        weight = torch.cat([self.gamma.weight, self.beta.weight])
        bias = torch.cat([self.gamma.bias, self.beta.bias])
        gamma, beta = functional.conv2d(hidden, weight, bias, padding=1).chunk(2, 1)
        return self.norm(x) * (1 + gamma) + beta

    return other_modulation(size, width, modulate)


def table(size: int, width: int) -> Ways:
    """The convolution over the one-hot map as sums of rows of a table."""
    import torch
    from torch.nn import functional

    def modulate(self: Any, x: Any, one_hot: Any) -> Any:
        small = functional.interpolate(one_hot, size=x.shape[-2:], mode="nearest")
        ids = functional.pad(small.argmax(1), (1, 1, 1, 1), value=small.shape[1])  # outside: a row of zeros
        height, wide = x.shape[-2:]
        total: Any = self.shared.bias
        for row in range(3):
            for column in range(3):
                rows = functional.pad(self.shared.weight[:, :, row, column].T, (0, 0, 0, 1))
                total = total + functional.embedding(ids[:, row : row + height, column : column + wide], rows)
        hidden = functional.relu(total.permute(0, 3, 1, 2).contiguous())
        return self.norm(x) * (1 + self.gamma(hidden)) + self.beta(hidden)

    assert torch.is_grad_enabled()
    return other_modulation(size, width, modulate)


def copies_once(size: int, width: int) -> Ways:
    """The label map made smaller once for each size of a pass, not at each normalisation."""
    from torch.nn import functional

    kept: dict[Any, Any] = {}

    def modulate(self: Any, x: Any, one_hot: Any) -> Any:
        place = x.shape[-2:]
        if place not in kept or kept[place][0] is not one_hot:
            kept[place] = one_hot, functional.interpolate(one_hot, size=place, mode="nearest")
        hidden = functional.relu(self.shared(kept[place][1]))
        return self.norm(x) * (1 + self.gamma(hidden)) + self.beta(hidden)

    now, tried = other_modulation(size, width, modulate)

    def of_one_pass() -> Sequence[Any]:
        kept.clear()
        return tried()

    return now, of_one_pass


def addcmul(size: int, width: int) -> Ways:
    """x + beta + x * gamma in one kernel."""
    import torch
    from torch.nn import functional

    def modulate(self: Any, x: Any, one_hot: Any) -> Any:
        hidden = functional.relu(self.shared(functional.interpolate(one_hot, size=x.shape[-2:], mode="nearest")))
        x = self.norm(x)
        return torch.addcmul(x + self.beta(hidden), x, self.gamma(hidden))

    return other_modulation(size, width, modulate)


def in_layouts(network: Any, *inputs: Any) -> Ways:
    """A network in the usual memory layout, and with its channels last."""
    import copy

    import torch

    tried = copy.deepcopy(network).to(memory_format=torch.channels_last)
    turned = [one.contiguous(memory_format=torch.channels_last) for one in inputs]
    return lambda: learned(network, network(*inputs)), lambda: learned(tried, tried(*turned))


def in_mixed_layouts(network: Any, picture: Any) -> Ways:
    """A network on a picture whose channels lie last, as colours looked up in a table do, and on one as usual."""
    import torch

    turned = picture.contiguous(memory_format=torch.channels_last)
    return lambda: learned(network, network(turned)), lambda: learned(network, network(picture))


def compiled(network: Any, *inputs: Any) -> Ways:
    """A network as it is, and through torch.compile, which translates it in the first call; that is not counted."""
    import copy

    tried = copy.deepcopy(network)
    tried.compile()
    return lambda: learned(network, network(*inputs)), lambda: learned(tried, tried(*inputs))


def cyclegan(width: int) -> Any:
    """CycleGAN's generator."""
    from limner.systems.cyclegan.networks import Generator

    return Generator(width=width, num_blocks=9)


def pictures(size: int, count: int) -> Any:
    """Noise."""
    import torch

    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def two_pictures(size: int, width: int) -> Ways:
    """The picture and its way back through one network: two passes of one picture, or one pass of two."""
    import torch

    network, both = cyclegan(width), pictures(size, 2)

    def apart() -> list[Any]:
        return learned(network, torch.cat([network(one) for one in both.split(1)]))

    return apart, lambda: learned(network, network(both))


def real_and_fake(size: int, width: int) -> Ways:
    """SPADE's discriminator on real and fake: one pass of both (now), or two passes."""
    import torch

    from limner.systems.spade.networks import Discriminator

    network = Discriminator(num_classes=19, width=width).eval()  # so that both ways have one spectral norm
    both = torch.cat([torch.cat([maps(size)] * 2), pictures(size, 2)], dim=1)

    def seen(parts: Sequence[Any]) -> list[Any]:
        found = [network(part) for part in parts]
        rows = [torch.cat([scale[-1].flatten() for scale in one]) for one in found]
        return learned(network, torch.cat([row.sort().values for row in [torch.cat(rows)]]))

    return lambda: seen([both]), lambda: seen(both.split(1))


def frozen(size: int, width: int) -> Ways:
    """SPADE's discriminator while the generator learns: without gradients of its weights (now), or with them."""
    import torch

    from limner.systems.spade.networks import Discriminator

    network = Discriminator(num_classes=19, width=width).eval()
    one_hot, picture = maps(size), pictures(size, 1).requires_grad_(True)

    def seen(needs_gradients: bool) -> list[Any]:
        network.requires_grad_(needs_gradients)
        network.zero_grad(set_to_none=True)
        picture.grad = None
        scales = network(torch.cat([one_hot, picture], dim=1))
        sum(scale[-1].sum() for scale in scales).backward()
        return [picture.grad.clone()]

    return lambda: seen(False), lambda: seen(True)


def fused_adam(size: int, width: int) -> Ways:
    """A step of Adam over SPADE's generator: the fused kernel (now), or the loop over lists of tensors."""
    import copy

    import torch

    networks = [spade(size, width)]
    networks.append(copy.deepcopy(networks[0]))
    for network in networks:
        for one in network.parameters():
            one.grad = torch.linspace(-1, 1, one.numel()).view_as(one)
    optimizers = [
        torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.0, 0.9), fused=fused)
        for network, fused in zip(networks, (True, False), strict=True)
    ]

    def step(number: int) -> list[Any]:
        optimizers[number].step()
        return [one.detach() for one in networks[number].parameters()]

    return lambda: step(0), lambda: step(1)


def penalty_at_intervals(size: int, width: int) -> Ways:
    """Four updates of SCGAN's discriminator on the same pictures: four gradient penalties, or one of four times the
    weight."""
    import torch

    from limner.systems.scgan.networks import Discriminator
    from limner.systems.scgan.system import gradient_penalty

    network = Discriminator(image_size=size, num_attributes=5, width=width)
    real, fake, mix = torch.rand(1, 3, size, size) * 2 - 1, torch.rand(1, 3, size, size) * 2 - 1, torch.rand(1, 1, 1, 1)

    def updates(every: int) -> list[Any]:
        network.zero_grad(set_to_none=True)
        for step in range(4):
            scores = network(torch.cat([real, fake]))[0].mean(dim=(1, 2, 3))
            loss = scores[1] - scores[0]
            if step % every == 0:
                loss = loss + 10.0 * every * gradient_penalty(network, real, fake, mix)
            loss.backward()
        return [one.grad.clone() for one in network.parameters() if one.grad is not None]

    return partial(updates, 1), partial(updates, 4)


CASES: dict[str, tuple[str, Callable[[int, int], Ways]]] = {
    "one-convolution": ("SPADE's G: gamma and beta in one convolution", one_convolution),
    "table": ("SPADE's G: the label map's convolution as a table of rows", table),
    "copies-once": ("SPADE's G: the label map made smaller once for each size", copies_once),
    "addcmul": ("SPADE's G: scale and shift in one kernel", addcmul),
    "spade-channels-last": (
        "SPADE's G: channels last",
        lambda size, width: in_layouts(spade(size, width).train(), maps(size)),
    ),
    "cyclegan-mixed-layouts": (
        "CycleGAN's G: a map picture in the usual layout in place of channels last",
        lambda size, width: in_mixed_layouts(cyclegan(width), pictures(size, 1)),
    ),
    "cyclegan-channels-last": (
        "CycleGAN's G: channels last",
        lambda size, width: in_layouts(cyclegan(width), pictures(size, 1)),
    ),
    "spade-compiled": (
        "SPADE's G through torch.compile",
        lambda size, width: compiled(spade(size, width).train(), maps(size)),
    ),
    "cyclegan-compiled": (
        "CycleGAN's G through torch.compile",
        lambda size, width: compiled(cyclegan(width), pictures(size, 1)),
    ),
    "two-pictures": ("CycleGAN's G: two pictures in one pass", two_pictures),
    "two-passes": ("SPADE's D: two passes in place of one", real_and_fake),
    "unused-gradients": ("SPADE's D while G learns: with gradients of its own weights", frozen),
    "penalty-at-intervals": ("SCGAN's D: the gradient penalty on every fourth update", penalty_at_intervals),
    "plain-adam": ("Adam over SPADE's G: lists of tensors in place of the fused kernel", fused_adam),
}


def measure(case: str, *, size: int, width: int, repeats: int) -> dict[str, Any]:
    """Processor seconds of both ways, and how far their results are apart."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    now, tried = CASES[case][1](size, width)

    def timed(function: Callable[[], Any]) -> float:
        start = time.process_time()
        function()
        return time.process_time() - start

    pairs = list(zip(now(), tried(), strict=True))
    apart = math.sqrt(
        sum(float((one - other).double().square().sum()) for one, other in pairs)
        / sum(float(one.double().square().sum()) for one, _ in pairs)
    )
    seconds = alternate({"now": partial(timed, now), "tried": partial(timed, tried)}, warmup=1, repeats=repeats)
    return {"seconds": {name: summary(values) for name, values in seconds.items()}, "apart": apart}


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    usual = [case for case in CASES if not case.endswith("-compiled")]
    parser.add_argument(
        "--cases", nargs="+", default=usual, choices=list(CASES), help="(all but those of torch.compile)"
    )
    parser.add_argument("--repeats", type=int, default=None, help="turns of each way (5; with --quick 2)")
    options = parser.parse_args()
    repeats = options.repeats or (2 if options.quick else 5)
    size, width = (64, 16) if options.quick else (128, 64)
    data: dict[str, Any] = {}
    for case in options.cases:
        print(f"measuring {case} …", file=sys.stderr)
        data[case] = in_fresh_process(measure, case=case, size=size, width=width, repeats=repeats)
        now, tried = (data[case]["seconds"][way]["min"] for way in ("now", "tried"))
        print(f"  now / tried {now / tried:.2f}, apart {data[case]['apart']:.0e}", file=sys.stderr)  # may be stopped
    ratios = {case: found["seconds"]["now"]["min"] / found["seconds"]["tried"]["min"] for case, found in data.items()}
    rows = [
        {
            "tried": CASES[case][0],
            "now, ms": milliseconds(found["seconds"]["now"]["min"]),
            "tried, ms": milliseconds(found["seconds"]["tried"]["min"]),
            "now / tried": f"{ratios[case]:.2f}",
            "apart": f"{found['apart']:.0e}",
        }
        for case, found in data.items()
    ]
    protocol = f"{size} px, width {width}; {repeats} turns of each way, one thread, processor time."
    report("Candidates of a training step", protocol, {"Least time of each way": rows}, data, options, ratios=ratios)


if __name__ == "__main__":
    main()
