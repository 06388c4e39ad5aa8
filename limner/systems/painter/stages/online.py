"""Learning from each action as it is played: for agents without memory, critic and discriminator."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from limner.engine.engine import Engine
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.environment import Draw, Easels, Scene, paint
from limner.systems.painter.stages.losses import Losses
from limner.systems.painter.stages.views import Views


class Online:
    """As many actions as an episode has, each with an update on the very canvases that it was for.

    The easels are at different steps, so that every update sees the whole of an episode; each of them comes to an
    end of its own once in an iteration, and then takes its row of the new pictures.

    Args:
        config: of the run.
        networks: of the stage.
        views: how pictures are shown.
        losses: of the networks.
        brush: what paints the episodes.

    Attributes:
        easels: what is painted on now; None before the first iteration.
    """

    def __init__(
        self, config: PainterConfig, networks: dict[str, nn.Module], views: Views, losses: Losses, brush: Draw
    ) -> None:
        self.config, self.networks, self.views, self.losses, self.brush = config, networks, views, losses, brush
        self.easels: Easels | None = None

    def step(self, scene: Scene, engine: Engine) -> None:
        """An action and an update, as often as an episode has actions."""
        steps = self.config.agent.steps
        beginning = self.views.beginning(scene, engine)
        fresh = Easels(**vars(scene), canvas=beginning, step=torch.zeros(len(scene), device=beginning.device))
        if self.easels is None:
            spread = torch.arange(len(scene), device=beginning.device) * steps // len(scene)
            self.easels = dataclasses.replace(fresh, step=spread.float())
        for _ in range(steps):
            easels = self.easels
            actions: list[Tensor] = []
            if self.config.stage.name == "joint":
                easels = dataclasses.replace(easels, attention=self.views.attended(easels, self.networks).attention)

            def loss(part: Easels, actions: list[Tensor] = actions) -> Tensor:
                action = self.losses.action(part, engine)
                actions.append(action.detach().float())
                return -self.losses.worth(part, action, engine).mean()

            engine.update("actor", loss, easels)
            if "attention_reference" in self.networks:
                engine.update("attention", lambda part: self.losses.attention(part, engine), easels)
            with torch.no_grad():
                canvas, _ = paint(easels.canvas, torch.cat(actions), self.brush)
            is_last = easels.step == steps - 1
            if is_last.any():
                engine.log("episode/mse", (canvas - easels.target)[is_last].square().mean())
            self.easels = easels.after(canvas, steps, fresh)
        engine.log("episode/attention", scene.attention.mean())

    def state_dict(self) -> dict[str, Any]:
        """What is on the easels."""
        return {"easels": None if self.easels is None else dict(vars(self.easels))}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put it back on them."""
        if state["easels"] is not None:
            device = next(self.networks["actor"].parameters()).device  # checkpoints are read to the CPU
            self.easels = Easels(**state["easels"]).to(device)
