"""What the engine needs to know of a system: its networks and the order in which its paper updates them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.engine.config import TrainConfig
from limner.engine.data import TrainingData, open_label_maps
from limner.engine.engine import Engine
from limner.engine.schedule import linear_decay


class RunConfig(Protocol):
    """What the engine asks of a system's configuration."""

    @property
    def train(self) -> TrainConfig:
        """Length, batch, precision, cadence."""


ConfigT = TypeVar("ConfigT", bound=RunConfig)
BatchT = TypeVar("BatchT", bound=TensorBatch)


class System(ABC, Generic[ConfigT, BatchT]):
    """The training side of a system, generic in its configuration and in the batch that it trains on.

    A subclass builds `networks` in its constructor. The keys of `networks` and `optimizers()` are the names that
    `Engine.update` takes; a network without an optimiser is never updated.
    """

    name: ClassVar[str]
    pipeline_class: ClassVar[type[Any]]
    """Its inference side, for `pipeline`."""
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]]
    """Key of `validate`'s result that decides the best checkpoint, and its good direction."""

    def __init__(self, config: ConfigT, spec: DataSpec) -> None:
        self.config = config
        self.spec = spec
        self.networks: dict[str, nn.Module] = {}

    @classmethod
    def open_data(cls, config: Any, path: Path | None) -> TrainingData:
        """What a run with this configuration trains on; pictures with label maps unless a system says otherwise.

        Args:
            config: of the system.
            path: folder that the user named, if any.

        Raises:
            ConfigError: if no folder is named and one is needed.
            DataError: if the folder cannot be used.
        """
        return open_label_maps(config, path, asked_by=cls.name)

    @property
    def train_config(self) -> TrainConfig:
        """The engine's part of the configuration."""
        return self.config.train

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """Networks that keep averaged weights when the configuration asks for averaging."""
        return ()

    @abstractmethod
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser for each trained network."""

    def lr_scale(self, images_seen: int) -> float:
        """Factor on every learning rate at this point of the run.

        1, then a linear fall to 0 over the last `optimizer.decay_images` images, where the configuration has them.
        """
        decay_images = getattr(getattr(self.config, "optimizer", None), "decay_images", 0)
        return linear_decay(images_seen, images=self.train_config.images, decay_images=decay_images)

    def network_lr_scale(self, network: str, images_seen: int) -> float:
        """Factor on the learning rate of one network; the same for all unless a system says otherwise."""
        return self.lr_scale(images_seen)

    def engine(self, fabric: Fabric, *, run: Path | None = None) -> Engine:
        """What trains these networks.

        Args:
            fabric: from `make_fabric`.
            run: folder of the run, if there is one.
        """
        return Engine(
            fabric,
            self.networks,
            self.optimizers(),
            self.train_config,
            training_step=self.training_step,
            lr_scale=self.network_lr_scale,
            ema_networks=self.ema_networks,
            run=run,
        )

    def prepare(self, device: torch.device) -> None:
        """Load what training needs beside the networks; called once, before the first step.

        Raises:
            ConfigError, WeightsError: if it is not there.
        """

    @abstractmethod
    def training_step(self, batch: BatchT, engine: Engine) -> None:
        """One iteration in the paper's order, by calls of `engine.update`."""

    def state_dict(self) -> dict[str, Any]:
        """What the next step depends on beside networks and optimisers, the same on every process."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore `state_dict()`."""

    def training_state(self, engine: Engine) -> dict[str, Any]:
        """Everything that the next step depends on: the engine's part and the system's own."""
        return {**engine.state_dict(), "system": self.state_dict()}

    def restore(self, engine: Engine, state: dict[str, Any]) -> None:
        """Go on from `training_state`.

        Raises:
            RuntimeError, KeyError, ValueError: if it is of other networks.
        """
        engine.load_state_dict(state)
        self.load_state_dict(state.get("system", {}))  # checkpoints of version 0.1.0 have none

    @abstractmethod
    def fixed_inputs(self, dataset: Any) -> TensorBatch:
        """Inputs of the sample grids, the same during the whole run."""

    @abstractmethod
    def sample(self, fixed: Any, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A grid of pictures in [-1, 1]: the conditions first, then the outputs.

        A row shows one sample of `fixed` and depends on no other: each process draws some of the rows.
        """

    @abstractmethod
    def validate(self, batches: Iterable[BatchT], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Quick scores on held-out data; the published protocol is the system's `evaluation.py`.

        Each process gets the batches of its part of the pictures: bring what was found together with
        `limner.engine.ranks.gather_rows` before it becomes a score, and draw noise with `picture_noise`.
        """

    def diversity_of(self, grid: Float[Tensor, "rows columns 3 height width"]) -> float | None:
        """How much the pictures of a sample grid differ where only the latent does; None where that has no meaning."""
        return None

    def pipeline(self, networks: dict[str, nn.Module]) -> Any:
        """The inference side, holding those of `networks` that it knows (averaged weights where there are any)."""
        config: Any = self.config
        known = self.pipeline_class.network_classes()
        kept = {name: network for name, network in networks.items() if name in known}
        return self.pipeline_class(spec=self.spec, size=config.model.image_size, **kept)
