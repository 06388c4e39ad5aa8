"""Learning from memory: a round of episodes, one for each picture of the batch, and then updates on old actions."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import torch
from torch import nn

from limner.engine.engine import Engine
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.environment import Draw, Replay, Scene, episode, to_bytes
from limner.systems.painter.networks import NUM_PARAMS
from limner.systems.painter.stages.losses import Losses, UpdateBatch, follow
from limner.systems.painter.stages.views import Views


class Remembered:
    """A round of episodes into the memory, then the updates.

    Args:
        config: of the run.
        networks: of the stage; for every `x_slow` among them also `x`.
        views: how pictures are shown.
        losses: of the networks.
        brush: what paints the episodes.

    Attributes:
        replay: the memory; None until it is first needed, as it may be gigabytes.
        rounds: how many were played.
    """

    def __init__(
        self, config: PainterConfig, networks: dict[str, nn.Module], views: Views, losses: Losses, brush: Draw
    ) -> None:
        self.config, self.networks, self.views, self.losses, self.brush = config, networks, views, losses, brush
        self.slow = [name.removesuffix("_slow") for name in networks if name.endswith("_slow")]
        self.replay: Replay | None = None
        self.rounds = 0

    def step(self, scene: Scene, engine: Engine) -> None:
        """A round of episodes, and once the warm-up is over the updates."""
        self._play(scene, engine)
        if self.rounds > self.config.agent.warmup_episodes:
            for number in range(self.config.agent.updates):
                self._update(engine, number)

    def _play(self, scene: Scene, engine: Engine) -> None:
        config = self.config.agent
        memory = self.memory()
        noise = None
        if config.noise > 0:
            size = (len(scene), config.steps, self.config.model.strokes * NUM_PARAMS)
            spread = config.noise * engine.rand(len(scene), 1, 1, purpose="exploration")
            noise = spread * engine.randn(*size, purpose="exploration noise")
        beginning = self.views.beginning(scene, engine)
        canvas, canvases, actions = beginning, [to_bytes(beginning)], []
        networks = self.networks
        networks["actor"].eval()  # the policy that will be published acts; updates use the batch's statistics
        with engine.fabric.autocast():
            for action, canvas in episode(
                scene,
                beginning,
                networks["actor"],
                self.brush,
                steps=config.steps,
                attends=self.config.attends,
                noise=noise,
            ):
                actions.append(action)
                canvases.append(to_bytes(canvas))
        networks["actor"].train()
        memory.add(scene, torch.stack(canvases, dim=1), torch.stack(actions, dim=1))
        self.rounds += 1
        engine.log("episode/mse", (canvas - scene.target).square().mean())
        engine.log("episode/attention", scene.attention.mean())

    def memory(self) -> Replay:
        """The memory, made if there is none."""
        if self.replay is None:
            self.replay = Replay(
                self.config.agent.replay_episodes,
                steps=self.config.agent.steps,
                size=self.config.model.image_size,
                num_params=self.config.model.strokes * NUM_PARAMS,
            )
        return self.replay

    def _update(self, engine: Engine, number: int) -> None:
        """One update of everything on remembered transitions."""
        size = self.config.agent.batch_size
        draws = engine.rand(size, 2, purpose=f"replay {number}")
        found = self.memory().sample(draws, engine.fabric.device)
        if self.config.stage.name == "joint":
            found = dataclasses.replace(found, attention=self.views.attended(found, self.networks).attention)
        mix = engine.rand(size, 1, 1, 1, purpose=f"gradient penalty {number}")
        batch = UpdateBatch(**vars(found), mix=mix)
        for name in self.config.discriminators:
            engine.update(name, partial(self.losses.discriminator, engine=engine, name=name), batch)
        if self.config.looks_ahead:
            engine.update("critic", lambda part: self.losses.critic(part, engine), batch)
        engine.update("actor", lambda part: self.losses.actor(part, engine), batch)
        if "attention_reference" in self.networks:
            engine.update("attention", lambda part: self.losses.attention(part, engine), batch)
        for name in self.slow:
            follow(self.networks[f"{name}_slow"], self.networks[name], tau=self.config.agent.tau)

    def state_dict(self) -> dict[str, Any]:
        """The memory, and how many rounds were played."""
        return {"rounds": self.rounds, "replay": None if self.replay is None else self.replay.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.rounds = state["rounds"]
        if state["replay"] is not None:
            self.memory().load_state_dict(state["replay"])
