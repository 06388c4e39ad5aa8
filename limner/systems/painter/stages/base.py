"""What a stage of training is, and where the networks of earlier stages come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from limner.data.batch import TensorBatch
from limner.engine.engine import Engine
from limner.errors import ConfigError, WeightsError
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


class Stage(ABC):
    """One stage: its networks, what it learns, and how it is judged.

    Attributes:
        networks: everything the stage keeps; those without an optimiser are frozen.
    """

    def __init__(self, config: PainterConfig) -> None:
        self.config = config
        self.networks: dict[str, nn.Module] = {}

    @abstractmethod
    def learning_rates(self) -> dict[str, tuple[float, tuple[float, float]]]:
        """Trained network -> learning rate and Adam's betas at the start."""

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam each."""
        return {
            name: Adam(self.networks[name].parameters(), lr=lr, betas=betas)
            for name, (lr, betas) in self.learning_rates().items()
        }

    @abstractmethod
    def training_step(self, batch: Any, engine: Engine) -> None:
        """One iteration."""

    @abstractmethod
    def fixed_inputs(self, dataset: Any) -> TensorBatch:
        """Inputs of the sample grids."""

    @abstractmethod
    def sample(self, fixed: Any, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A grid of pictures in [-1, 1]."""

    @abstractmethod
    def validate(self, batches: Iterable[Any], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Scores on held-out data; `error` decides the best checkpoint."""

    def missing(self) -> str | None:
        """Why this stage cannot be trained yet, if so."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """What the next step depends on beside networks and optimisers."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 (most stages have none)
        """Restore `state_dict()`."""


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


def copy_weights(network: nn.Module, parts: dict[str, nn.Module], name: str, source: str) -> None:
    """Give a network the weights of the same network in another run.

    Raises:
        WeightsError: if the run does not have it.
        ConfigError: if it has another size.
    """
    if name not in parts:
        raise WeightsError(f"{source} has no {name}; it has: {', '.join(parts)}.")
    found, wanted = parts[name].state_dict(), network.state_dict()
    for key, tensor in wanted.items():
        if key not in found or found[key].shape != tensor.shape:
            raise ConfigError(
                f"The {name} of {source} has another size than --model asks for (its configuration: "
                f"{parts[name].config}); give the same --model options in every stage."
            )
    network.load_state_dict(found)


def same_renderer(actor: nn.Module, renderer: nn.Module) -> bool:
    """Whether an actor was trained with this renderer; true where nobody noted it."""
    config: dict[str, Any] = actor.config  # type: ignore[assignment]
    return config["renderer_hash"] in ("", fingerprint(renderer))
