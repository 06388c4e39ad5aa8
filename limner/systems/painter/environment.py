"""Painting as a game: states, actions on a canvas, and the memory of what happened.

The state of an episode is the canvas, the picture that is wanted, how much of the episode is over, and, where the
painter attends, attention and feature mask. Tensors are RGB in [0, 1]; nothing here is global, and devices follow the
tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from limner.data.batch import TensorBatch
from limner.systems.painter.networks import NUM_PARAMS, NUM_SHAPE
from limner.systems.painter.rasterizer import stroke_alphas

Draw = Callable[[Float[Tensor, "n 10"]], Float[Tensor, "n 1 size size"]]
"""Stroke shapes -> opacity maps: a `Renderer`, or an `ExactRenderer`."""


class ExactRenderer:
    """The exact brush behind the neural renderer's interface; it has no gradient.

    Args:
        image_size: side of the opacity maps in pixels.
    """

    def __init__(self, image_size: int) -> None:
        self.image_size = image_size

    def __call__(self, shape: Float[Tensor, "n 10"]) -> Float[Tensor, "n 1 size size"]:
        """Opacity in [0, 1]."""
        alphas = stroke_alphas(shape.detach().double().cpu().numpy(), self.image_size)
        return torch.from_numpy(alphas)[:, None].to(shape.device)


def paint(
    canvas: Float[Tensor, "b 3 size size"], action: Float[Tensor, "b params"], draw: Draw
) -> tuple[Float[Tensor, "b 3 size size"], list[Float[Tensor, "b 3 size size"]]]:
    """Set down the strokes of an action in their order: C <- C (1 - alpha) + alpha colour.

    Args:
        canvas: in [0, 1].
        action: 13 numbers a stroke.
        draw: a renderer.

    Returns:
        The last canvas, and the canvas after every stroke.
    """
    strokes = action.float().view(len(action), -1, NUM_PARAMS)
    alphas = draw(strokes[..., :NUM_SHAPE].reshape(-1, NUM_SHAPE)).float()
    alphas = alphas.view(*strokes.shape[:2], *alphas.shape[1:])
    colors = strokes[..., NUM_SHAPE:, None, None]
    canvases = []
    for number in range(strokes.shape[1]):
        alpha = alphas[:, number]
        canvas = canvas * (1 - alpha) + alpha * colors[:, number]
        canvases.append(canvas)
    return canvas, canvases


def resized(pixels: Float[Tensor, "b c side side"], size: int) -> Float[Tensor, "b c size size"]:
    """Another side: means of pixels when shrinking, bilinear when growing."""
    if pixels.shape[-1] == size:
        return pixels
    if pixels.shape[-1] > size:
        return functional.interpolate(pixels, (size, size), mode="area")
    return functional.interpolate(pixels, (size, size), mode="bilinear", align_corners=False)


def coordinates(size: int, device: torch.device) -> Float[Tensor, "1 2 size size"]:
    """Row and column of each pixel as fractions of the last one."""
    line = torch.arange(size, device=device) / max(1, size - 1)
    return torch.stack([line[:, None].expand(size, size), line[None].expand(size, size)])[None]


@dataclass
class Scene(TensorBatch):
    """What is to be painted."""

    target: Float[Tensor, "b 3 size size"]
    attention: Float[Tensor, "b 1 size size"]
    features: Float[Tensor, "b 1 size size"]

    def state(
        self, canvases: list[Tensor], progress: Float[Tensor, " b"], *, attends: bool
    ) -> Float[Tensor, "b c size size"]:
        """The input of a network: canvases, target, progress in [0, 1], coordinates, and a and f if it attends.

        The actor gets one canvas, the critic the canvas before and after an action.
        """
        size = self.target.shape[-1]
        time = progress.view(-1, 1, 1, 1).expand(-1, 1, size, size)
        grid = coordinates(size, self.target.device).expand(len(self.target), -1, -1, -1)
        maps = [self.attention, self.features] if attends else []
        return torch.cat([*canvases, self.target, time, grid, *maps], dim=1)


@dataclass
class Easels(Scene):
    """Scenes with what has been painted of each."""

    canvas: Float[Tensor, "b 3 size size"]
    step: Float[Tensor, " b"]
    """Number of the next action in its episode, from 0."""

    def after(self, canvas: Float[Tensor, "b 3 size size"], steps: int, fresh: Easels) -> Easels:
        """The easels after an action each; one whose episode of `steps` actions is over takes its row of `fresh`."""
        moved = Easels(**{**vars(self), "canvas": canvas, "step": self.step + 1})
        is_over = moved.step >= steps

        def chosen(new: Tensor, old: Tensor) -> Tensor:
            return torch.where(is_over.view(-1, *[1] * (old.ndim - 1)), new, old)

        return Easels(**{name: chosen(getattr(fresh, name), part) for name, part in vars(moved).items()})


@dataclass
class Transitions(Easels):
    """One action each, as it happened."""

    next_canvas: Float[Tensor, "b 3 size size"]
    action: Float[Tensor, "b params"]
    done: Float[Tensor, "b 1"]
    """1 for the last action of an episode."""


@torch.no_grad()
def episode(
    scene: Scene,
    blank: Float[Tensor, "b 3 size size"],
    actor: Callable[[Tensor], Tensor],
    draw: Draw,
    *,
    steps: int,
    attends: bool,
    noise: Float[Tensor, "b steps params"] | None = None,
) -> Iterator[tuple[Float[Tensor, "b params"], Float[Tensor, "b 3 size size"]]]:
    """Paint scenes step by step; yields each action and the canvas after it.

    Args:
        scene: what to paint.
        blank: the canvas to begin with.
        actor: state -> action.
        draw: a renderer.
        steps: actions of the episode; the actor is told how much of it is over.
        attends: whether the actor sees attention and feature mask.
        noise: added to the actions, which stay in [0, 1].
    """
    canvas = blank
    for step in range(steps):
        progress = torch.full((len(canvas),), step / steps, device=canvas.device)
        action = actor(scene.state([canvas], progress, attends=attends)).float()
        if noise is not None:
            action = (action + noise[:, step]).clamp(0, 1)
        canvas, _ = paint(canvas, action, draw)
        yield action, canvas


class Replay:
    """The last episodes: of each the scene, T actions and T + 1 canvases, once each.

    A memory of single transitions would hold every canvas twice and the target with each of them, more than four times
    as much. Canvases are rounded to 8 bits, never truncated: paint of less than 1/255 a stroke would be lost otherwise.

    Args:
        episodes: how many are kept.
        steps: actions of an episode.
        size: side of the canvases in pixels.
        num_params: numbers of an action.
    """

    def __init__(self, episodes: int, *, steps: int, size: int, num_params: int) -> None:
        self.episodes, self.steps = episodes, steps
        self.added = 0
        self._parts = {
            "canvases": torch.zeros(episodes, steps + 1, 3, size, size, dtype=torch.uint8),
            "target": torch.zeros(episodes, 3, size, size, dtype=torch.uint8),
            "attention": torch.zeros(episodes, 1, size, size, dtype=torch.uint8),
            "features": torch.zeros(episodes, 1, size, size, dtype=torch.uint8),
            "actions": torch.zeros(episodes, steps, num_params),
        }

    def __len__(self) -> int:
        """Episodes that are there."""
        return min(self.added, self.episodes)

    @property
    def num_bytes(self) -> int:
        """Memory that the tensors take."""
        return sum(part.numel() * part.element_size() for part in self._parts.values())

    def add(self, scene: Scene, canvases: UInt8[Tensor, "b steps1 3 h w"], actions: Float[Tensor, "b steps p"]) -> None:
        """Remember a round of episodes; the oldest ones are forgotten.

        Args:
            scene: what was to be painted.
            canvases: the blank one and that after each action, as `to_bytes` gives them.
            actions: 13 numbers a stroke.
        """
        new = {"canvases": canvases, "actions": actions.detach().float().cpu()}
        new |= {name: to_bytes(getattr(scene, name)) for name in ("target", "attention", "features")}
        for row in range(len(actions)):
            place = self.added % self.episodes
            for name, part in self._parts.items():
                part[place] = new[name][row]
            self.added += 1

    def sample(self, draws: Float[Tensor, "n 2"], device: torch.device) -> Transitions:
        """Transitions chosen by uniform numbers in [0, 1): one for the episode, one for the step."""
        episode = (draws[:, 0].cpu().double() * len(self)).long().clamp(max=len(self) - 1)
        step = (draws[:, 1].cpu().double() * self.steps).long().clamp(max=self.steps - 1)

        def unit(pixels: Tensor) -> Tensor:
            return pixels.to(device).float() / 255

        return Transitions(
            target=unit(self._parts["target"][episode]),
            attention=unit(self._parts["attention"][episode]),
            features=unit(self._parts["features"][episode]),
            canvas=unit(self._parts["canvases"][episode, step]),
            next_canvas=unit(self._parts["canvases"][episode, step + 1]),
            action=self._parts["actions"][episode, step].to(device),
            step=step.float().to(device),
            done=(step == self.steps - 1).float()[:, None].to(device),
        )

    def state_dict(self) -> dict[str, Any]:
        """The episodes that are there, for the checkpoint."""
        return {"added": self.added, **{name: part[: len(self)] for name, part in self._parts.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the episodes."""
        self.added = int(state["added"])
        for name, part in self._parts.items():
            part[: len(self)] = state[name]


def to_bytes(pixels: Tensor) -> Tensor:
    """[0, 1] -> uint8, rounded, on the CPU."""
    return (pixels.detach().clamp(0, 1) * 255).round().byte().cpu()
