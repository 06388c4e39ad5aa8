"""The exact brush, a painting of 500 strokes, and the painter's memory of episodes.

Protocol: strokes have uniformly random numbers. "as painted": 200 over the whole picture and 800 in 4 x 4 tiles with
radii of 0.4 times a random one's, as a painter chooses them; "random": all over the whole picture, each covers about a
fifth of it. They are drawn by the compiled loops (extra `brush`, all cores) and by NumPy's arrays. "disc by disc" is
the straightforward loop that sets down every disc of a stroke whole, to the same effect. Paintings use networks with
random weights, in the sizes of the presets `cpu` and `paper`: speed does not depend on their values. The training round
is one of the preset `cpu`: 32 canvases, 20 actions of each and 20 updates of 32, in the precision that auto takes,
pictures cut from larger ones. Beside it stand plain PyTorch loops of the same batch and number of updates on pictures
of the final size: "same rule" does the same in the same precision, so the ratio is what the engine costs or saves (its
cutting, checks and draws; channels last); "in float32" differs in the precision alone; "with memory" in the rule alone:
episodes are played first, whole transitions remembered, and updates draw from them. Memory is that of the preset
`paper`, beside transitions that hold both states. Targets: 1 000 strokes at 1 024 px < 3 s; 500 strokes < 10 s.

    python benchmarks/painting.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

from measure import alternate, best_and_median, new_parser, report, seconds_of, summary

REMEMBERED = 100
"""Episodes in the plain loop's memory."""


def random_strokes(num: int, *, as_painted: bool) -> Any:
    """Strokes of the protocol."""
    import numpy as np

    from limner.systems.painter.strokes import StrokeList

    random = np.random.default_rng(num)
    params = random.random((num, 13))
    if not as_painted:
        return StrokeList.from_params(params)
    params[:, 6:8] *= 0.4
    whole = num // 5
    places = random.integers(0, 4, (num, 2)) / 4
    tiles = [
        StrokeList.from_params(params[[row]], origin=tuple(places[row]), side=0.25, phase="tile")
        for row in range(whole, num)
    ]
    return StrokeList.join([StrokeList.from_params(params[:whole]), *tiles])


def disc_by_disc(params: Any, size: int) -> Any:
    """Opacity maps of strokes, every disc painted whole: what `rasterizer.stroke_alphas` does with less work."""
    import numpy as np

    from limner.systems.painter.rasterizer import place_discs, unpack_params

    discs = place_discs(*unpack_params(params), size)
    rows, columns = np.ogrid[: 2 * size, : 2 * size]
    grids = np.zeros((len(params), 2 * size, 2 * size), np.float32)
    for number, grid in enumerate(grids):
        for x, y, radius, value in zip(
            discs.x[number], discs.y[number], discs.radius[number], discs.value[number], strict=True
        ):
            box = (slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1))
            inside = (rows[box[0]] - y) ** 2 + (columns[:, box[1]] - x) ** 2 <= radius**2
            grid[box][inside] = value
    return grids.reshape(len(params), size, 2, size, 2).mean(axis=(2, 4))


def raster(*, quick: bool) -> dict[str, Any]:
    """Seconds of drawing strokes, and the gain over the plain loop."""
    import numpy as np

    from limner.systems.painter import rasterizer
    from limner.systems.painter.rasterizer import stroke_alphas

    def as_arrays(function: Callable[[], object]) -> float:
        with patch.object(rasterizer, "compiled", lambda: None):  # as it is where numba is not installed
            return seconds_of(function)

    num, size, repeats = (20, 256, 1) if quick else (1000, 1024, 3)
    blank = np.zeros((3, size, size), np.float32)
    found: dict[str, Any] = {}
    for kind, as_painted in (("as painted", True), ("random", False)):
        strokes = random_strokes(num, as_painted=as_painted)
        draw = partial(strokes.paint, blank)
        ways: dict[str, Callable[[], float]] = {"arrays": partial(as_arrays, draw)}
        if rasterizer.compiled() is not None:
            ways["compiled"] = partial(seconds_of, draw)
        seconds = alternate(ways, warmup=1, repeats=repeats)
        name = f"{num} strokes at {size} px, {kind}"
        for way, times in seconds.items():
            found[f"{name}, {way}"] = summary(times)
        if len(seconds) == 2:
            found[f"{name}, arrays / compiled"] = min(seconds["arrays"]) / min(seconds["compiled"])
    params = np.random.default_rng(0).random((8 if quick else 64, 10))
    both = {"crescents": partial(stroke_alphas, params, 64), "disc by disc": partial(disc_by_disc, params, 64)}
    times_of = alternate({k: partial(seconds_of, f) for k, f in both.items()}, warmup=1, repeats=repeats)
    assert np.allclose(both["crescents"](), both["disc by disc"](), atol=1e-6)
    found["64 px, disc by disc / crescents"] = min(times_of["disc by disc"]) / min(times_of["crescents"])
    found["64 px, strokes a second"] = best_and_median(summary(times_of["crescents"]), images=len(params))
    return found


def painting(preset: str, *, quick: bool) -> dict[str, float]:
    """Seconds of a painting of 500 strokes."""
    import numpy as np
    import torch

    from limner.data.spec import DataSpec
    from limner.registry import preset as preset_of
    from limner.systems.painter.pipeline import PainterPipeline
    from limner.systems.painter.stages.parts import new_network

    torch.manual_seed(0)
    config = preset_of("painter", preset)
    networks = {name: new_network(name, config) for name in ("renderer", "actor", "attention")}
    pipeline = PainterPipeline(spec=DataSpec(), size=config.model.image_size, **networks)
    image = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    call = partial(pipeline, image, 10 if quick else 500)
    call()
    return summary([seconds_of(call) for _ in range(1 if quick else 3)])


def training(*, quick: bool) -> dict[str, float]:
    """Seconds of one round of the preset `cpu`, by the engine and by plain loops that differ in one thing each."""
    from dataclasses import replace

    import torch

    from limner.data.spec import DataSpec
    from limner.engine.fabric import choose_precision, make_fabric
    from limner.registry import preset as preset_of
    from limner.systems.painter.config import UNTRAINED
    from limner.systems.painter.environment import Scene
    from limner.systems.painter.system import Painter

    config = preset_of("painter", "cpu")
    config = replace(
        config,
        stage=replace(config.stage, renderer=UNTRAINED),
        model=replace(config.model, attention="labels"),
        agent=replace(config.agent, steps=2 if quick else config.agent.steps),
        train=replace(config.train, batch_size=4 if quick else config.train.batch_size),
    )
    engine = Painter(config, DataSpec()).engine(make_fabric(config.train))

    def scene(size: int) -> Scene:
        maps = torch.rand(3, config.train.batch_size, 1, size, size)
        return Scene(maps[0].expand(-1, 3, -1, -1), maps[1], maps[2])

    large, small = (scene(zoom * config.model.image_size) for zoom in (config.dataset.zoom, 1))
    mixed = choose_precision(config.train).precision == "bf16-mixed"
    rounds = {
        "engine": partial(engine.run_step, large),
        "same rule": plain_round(config, small, mixed=mixed, remembers=False),
        "in float32": plain_round(config, small, mixed=False, remembers=False),
        "with memory": plain_round(config, small, mixed=mixed, remembers=True),
    }
    times = alternate({k: partial(seconds_of, f) for k, f in rounds.items()}, warmup=1, repeats=1 if quick else 3)
    found = {name: min(values) for name, values in times.items()}
    return found | {f"{name} / engine": found[name] / found["engine"] for name in list(found)[1:]}


def plain_round(config: Any, scene: Any, *, mixed: bool, remembers: bool) -> Callable[[], None]:
    """The same round in plain PyTorch.

    Args:
        config: of the engine's run.
        scene: pictures of the networks' size.
        mixed: networks compute in bfloat16, like the engine's in bf16-mixed.
        remembers: play whole episodes first and draw from them, instead of learning on the canvases as they are.
    """
    import torch

    from limner.systems.painter.environment import Easels, ExactRenderer, Transitions, paint
    from limner.systems.painter.reward import Reward
    from limner.systems.painter.stages.parts import new_network

    actor, renderer = (new_network(name, config) for name in ("actor", "renderer"))
    renderer.requires_grad_(False)
    optimizer = torch.optim.Adam(actor.parameters(), lr=config.optimizer.lr_actor)
    reward = Reward(config.reward, None, None, torch.zeros(3))
    brush = ExactRenderer(config.model.image_size)
    steps, size = config.agent.steps, config.train.batch_size
    remembered: list[dict[str, torch.Tensor]] = []

    def run(network: Any, *inputs: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            return network(*inputs).float()

    def act(easels: Easels) -> torch.Tensor:
        return run(actor, easels.state([easels.canvas], easels.step / steps, attends=True))

    def update(easels: Easels) -> torch.Tensor:
        action = act(easels)
        canvas, _ = paint(easels.canvas, action, partial(run, renderer))
        loss = -sum(reward(easels, easels.canvas, canvas).values()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return action.detach()

    def learn(easels: Easels) -> torch.Tensor:
        return paint(easels.canvas, update(easels), brush)[0]

    @torch.no_grad()
    def play_and_remember(easels: Easels) -> torch.Tensor:
        action = act(easels)
        after, _ = paint(easels.canvas, action, brush)
        done = torch.full((size, 1), float(easels.step[0] == steps - 1))
        told = Transitions(**vars(easels), next_canvas=after, action=action, done=done)
        remembered.extend({key: part[row] for key, part in vars(told).items()} for row in range(size))
        return after

    def one_round() -> None:
        canvas = torch.zeros_like(scene.target)
        actor.train(not remembers)
        for step in range(steps):
            easels = Easels(**vars(scene), canvas=canvas, step=torch.full((size,), float(step)))
            canvas = play_and_remember(easels) if remembers else learn(easels)
        actor.train()
        for _ in range(steps if remembers else 0):
            rows = [remembered[row] for row in torch.randint(len(remembered), (size,)).tolist()]
            update(Transitions(**{key: torch.stack([row[key] for row in rows]) for key in rows[0]}))
        del remembered[: -REMEMBERED * steps]

    return one_round


def memory() -> dict[str, float]:
    """Gigabytes of the memory of the preset `paper`, and of the same episodes as whole transitions."""
    import torch

    from limner.registry import preset as preset_of
    from limner.systems.painter.environment import Replay

    config = preset_of("painter", "paper")
    agent, size = config.agent, config.model.image_size
    with torch.device("meta"):
        replay = Replay(agent.replay_episodes, steps=agent.steps, size=size, num_params=65)
    return {
        "episodes": replay.num_bytes / 1e9,
        "transitions": agent.replay_episodes * agent.steps * 2 * 7 * size**2 / 1e9,
    }


def main() -> int:
    """Measure, then print the table."""
    options = new_parser(__doc__).parse_args()
    found = raster(quick=options.quick)
    for preset in ("cpu",) if options.quick else ("cpu", "paper"):
        found[f"500 strokes, preset {preset}"] = painting(preset, quick=options.quick)
    found["training round, preset cpu"] = training(quick=options.quick)
    found["memory, GB"] = memory()
    rows = []
    for name, value in found.items():
        parts = value if isinstance(value, dict) else {"": value}
        rows.append({"what": name, "value": ", ".join(f"{key} {part:.3g}".strip() for key, part in parts.items())})
    protocol = "Seconds where no unit is named: the least and the median of three."
    ratios = {name: value for name, value in found.items() if isinstance(value, float)}
    ratios |= {
        f"training round, {name}": value for name, value in found["training round, preset cpu"].items() if "/" in name
    }
    report("Painting", protocol, {"Painter": rows}, found, options, ratios=ratios)
    return 0


if __name__ == "__main__":
    sys.exit(main())
