"""The networks of the painter's stages: new ones, and those of earlier stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from limner.engine.optim import adam
from limner.engine.stages import copy_weights
from limner.errors import WeightsError
from limner.pipelines import Pipeline, load
from limner.systems.painter.config import UNTRAINED, PainterConfig
from limner.systems.painter.networks import (
    Actor,
    AttentionNetwork,
    Critic,
    Discriminator,
    Renderer,
    fingerprint,
)

SAMPLE_ROWS = 6
"""Pictures or strokes on a sample grid."""
Rates = Mapping[str, tuple[float, tuple[float, float]]]
"""Trained network -> learning rate and Adam's betas at the start."""


def adam_of(networks: Mapping[str, nn.Module], rates: Rates) -> dict[str, Optimizer]:
    """One Adam for each network, with its own learning rate and betas."""
    found: dict[str, Optimizer] = {}
    for name, (rate, betas) in rates.items():
        found |= adam(networks, {name: rate}, betas=betas)
    return found


def new_network(name: str, config: PainterConfig) -> nn.Module:
    """An untrained network of the configured size."""
    model = config.model
    attends = model.attention != "none"
    if name == "renderer":
        return Renderer(image_size=model.image_size, widths=model.renderer_widths)
    if name == "attention":
        return AttentionNetwork(width=model.attention_width)
    if name == "actor":
        return Actor(
            in_channels=11 if attends else 9,
            num_strokes=model.strokes,
            width=model.actor_width,
            steps=config.agent.steps,
        )
    if name == "critic":
        return Critic(in_channels=14 if attends else 12, width=model.critic_width)
    return Discriminator(width=model.discriminator_width)


def frozen_network(name: str, config: PainterConfig) -> nn.Module:
    """The renderer or the attention network of an earlier stage; untrained where none is named (see `missing`)."""
    network = new_network(name, config)
    source: str | None = getattr(config.stage, name)
    if source not in (None, UNTRAINED):
        copy_weights(network, load_parts(source), name, source)
    return network.requires_grad_(False)


def load_parts(source: str) -> dict[str, nn.Module]:
    """The networks of a weights folder or a run of the painter.

    Raises:
        WeightsError: if there are no such weights or they are another system's.
    """
    pipeline: Pipeline = load(source, with_optional=True)
    if pipeline.name not in ("painter", "learning-to-paint"):
        raise WeightsError(f'{source} holds weights of the system "{pipeline.name}", not of a painter.')
    return pipeline.components


def same_renderer(actor: nn.Module, renderer: nn.Module) -> bool:
    """Whether an actor was trained with this renderer; true where nobody noted it."""
    config: dict[str, Any] = actor.config  # type: ignore[assignment]
    return config["renderer_hash"] in ("", fingerprint(renderer))
