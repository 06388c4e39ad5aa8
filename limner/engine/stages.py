"""Stages of a system's training: parts that are trained one after the other, each a preset of its own.

Between runs: a `Stage` has networks, losses and scores of its own, and may stand on frozen or further trained networks
of the runs of earlier stages, which `copy_weights` takes over where they fit. Within one run: `Phase`s follow each
other by the images seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.system import BatchT, ConfigT, System
from limner.errors import ConfigError, WeightsError


class Stage(ABC, Generic[ConfigT, BatchT]):
    """One stage: its networks, what it learns, and how it is judged.

    Attributes:
        networks: everything the stage keeps; those without an optimiser are frozen.
    """

    def __init__(self, config: ConfigT) -> None:
        self.config = config
        self.networks: dict[str, nn.Module] = {}

    @abstractmethod
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser for each trained network."""

    @abstractmethod
    def training_step(self, batch: BatchT, engine: Engine) -> None:
        """One iteration."""

    @abstractmethod
    def fixed_inputs(self, dataset: Any) -> TensorBatch:
        """Inputs of the sample grids."""

    @abstractmethod
    def sample(self, fixed: Any, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A grid of pictures in [-1, 1]."""

    @abstractmethod
    def validate(self, batches: Iterable[BatchT], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Scores on held-out data, as `System.validate`."""

    def missing(self) -> str | None:
        """Why this stage cannot be trained yet, if so."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """What the next step depends on beside networks and optimisers."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore `state_dict()`."""


class StagedSystem(System[ConfigT, BatchT]):
    """A system of which a run trains one stage.

    Args:
        config: of the system.
        spec: of the data.
        stage: what this configuration trains.
    """

    def __init__(self, config: ConfigT, spec: DataSpec, stage: Stage[Any, Any]) -> None:
        super().__init__(config, spec)
        self.stage = stage
        self.networks = stage.networks

    def prepare(self, device: torch.device) -> None:
        """Refuse to train on networks that were never trained.

        Raises:
            ConfigError: naming the stage that comes first.
        """
        missing = self.stage.missing()
        if missing is not None:
            raise ConfigError(missing)

    def optimizers(self) -> dict[str, Optimizer]:
        """Those of the stage."""
        return self.stage.optimizers()

    def training_step(self, batch: BatchT, engine: Engine) -> None:
        """One iteration of the stage."""
        self.stage.training_step(batch, engine)

    def state_dict(self) -> dict[str, Any]:
        """What the stage remembers."""
        return self.stage.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what the stage remembers."""
        self.stage.load_state_dict(state)

    def fixed_inputs(self, dataset: Any) -> TensorBatch:
        """Inputs of the sample grids."""
        return self.stage.fixed_inputs(dataset)

    def sample(self, fixed: Any, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """The stage's sample grid."""
        return self.stage.sample(fixed, networks).clamp(-1, 1)

    def validate(self, batches: Iterable[BatchT], networks: dict[str, nn.Module]) -> dict[str, float]:
        """The stage's scores."""
        return self.stage.validate(batches, networks)


@dataclass(frozen=True)
class Phase:
    """A part of one run."""

    name: str
    images: int | None
    """How many images it lasts; None: to the end."""


def phase_at(phases: Sequence[Phase], images_seen: int) -> str:
    """The name of the phase that the image of this number belongs to; the last one has no end."""
    first = 0
    for phase in phases[:-1]:
        first += phase.images or 0
        if images_seen < first:
            return phase.name
    return phases[-1].name


def copy_weights(network: nn.Module, parts: Mapping[str, nn.Module], name: str, source: str) -> list[str]:
    """Give a network the weights of the same network of another run.

    A head that only one of the two has, as an option of the losses asks for it, is no other size: one that is new keeps
    its first weights, and one that nobody uses any more is left out.

    Args:
        network: is changed.
        parts: networks of the other run.
        name: of the network in it.
        source: the run or weights folder, for messages.

    Returns:
        Names of the heads that keep their first weights.

    Raises:
        WeightsError: if the run does not have it.
        ConfigError: if it has another size.
    """
    if name not in parts:
        raise WeightsError(f"{source} has no {name}; it has: {', '.join(parts)}.")
    found, wanted = parts[name].state_dict(), network.state_dict()
    heads = [{key.split(".")[0] for key in state if key.split(".")[0].endswith("head")} for state in (wanted, found)]
    new, unused = heads[0] - heads[1], heads[1] - heads[0]
    given = {key: tensor for key, tensor in found.items() if key.split(".")[0] not in unused}
    asked = {key: tensor for key, tensor in wanted.items() if key.split(".")[0] not in new}
    if {key: tensor.shape for key, tensor in given.items()} != {key: tensor.shape for key, tensor in asked.items()}:
        raise ConfigError(
            f"The {name} of {source} has another size than --model asks for (its configuration: "
            f"{parts[name].config}); give the same --model options here."
        )
    network.load_state_dict({**wanted, **given})
    return sorted(new)
