"""What a system's training step works with: wrapped networks, updates, shared random draws, logging."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError
from torch import Tensor, nn

from limner.data.batch import TensorBatch
from limner.engine.config import TrainConfig
from limner.engine.ema import ExponentialAverage
from limner.engine.seed import generator
from limner.engine.state import save_state
from limner.errors import LimnerError, TrainingError
from limner.memory import is_out_of_memory

B = TypeVar("B", bound=TensorBatch)


class Engine:
    """What a system's `training_step` may use: wrapped networks, updates, shared random draws, logging.

    Args:
        fabric: from `make_fabric`.
        networks: all of them, by name; they are moved to the fabric's device.
        optimizers: of those that are trained.
        config: of the run.
        training_step: of a system: one iteration on a batch, by calls of `update`.
        lr_scale: name of a network, images seen -> factor on its learning rates.
        ema_networks: networks that keep averaged weights when the configuration asks for averaging.
        run: folder of the run, for what is saved when a gradient is not finite.
    """

    def __init__(
        self,
        fabric: Fabric,
        networks: dict[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        config: TrainConfig,
        *,
        training_step: Callable[[Any, Engine], None],
        lr_scale: Callable[[str, int], float] = lambda network, images_seen: 1.0,
        ema_networks: tuple[str, ...] = (),
        run: Path | None = None,
    ) -> None:
        self.fabric = fabric
        self.run = run
        self.config = config
        self.training_step = training_step
        self.lr_scale = lr_scale
        self.images_seen = 0
        self.step = 0
        self.raw = networks
        for network in networks.values():
            network.to(fabric.device)
            if config.channels_last:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            if config.compile:
                network.compile()
        self.ema = {
            name: ExponentialAverage(networks[name], half_life=config.ema_half_life)
            for name in (ema_networks if config.ema_half_life > 0 else ())
        }
        self.networks: dict[str, Any] = {}  # Fabric's wrappers, to be called like the modules inside
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        for name, network in networks.items():
            if name in optimizers:  # each network is wrapped alone, so that DDP reduces only what an update touches
                self.networks[name], self.optimizers[name] = fabric.setup(network, optimizers[name])
        self._base_lr = {n: [g["lr"] for g in o.param_groups] for n, o in self.optimizers.items()}
        self._logged: dict[str, tuple[Tensor, int]] = {}
        self._batch: Any = None

    def update(self, names: str | tuple[str, ...], loss_fn: Callable[[B], Tensor], batch: B) -> None:
        """One optimiser step: backward over all micro-batches, finite check, clip, step, zero.

        Args:
            names: the network to update, or several that one loss trains together.
            loss_fn: mean loss of a micro-batch.
            batch: this process's whole batch.

        Raises:
            TrainingError: if a gradient is not finite; the step is saved for inspection.
        """
        names = (names,) if isinstance(names, str) else names
        chunks = batch.chunk(self.config.accumulate)
        for number, chunk in enumerate(chunks):
            last = number == len(chunks) - 1
            with ExitStack() as stack:
                for name in names:
                    stack.enter_context(self.fabric.no_backward_sync(self.networks[name], enabled=not last))
                self.fabric.backward(loss_fn(chunk) / len(chunks))
        norms = {name: self._checked_norm(name) for name in names}
        for name, norm in norms.items():
            optimizer = self.optimizers[name]
            scale = self.lr_scale(name, self.images_seen)
            for group, lr in zip(optimizer.param_groups, self._base_lr[name], strict=True):
                group["lr"] = lr * scale
            if self.config.clip_norm > 0:
                torch.nn.utils.clip_grads_with_norm_(self.networks[name].parameters(), self.config.clip_norm, norm)
            optimizer.step()
            optimizer.zero_grad()
            self.log(f"gradient_norm/{name}", norm)

    def _checked_norm(self, name: str) -> Tensor:
        """The L2 norm of a network's gradient, which must be finite."""
        gradients = [p.grad for p in self.networks[name].parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        # One synchronisation an update: the price of stopping at the step that broke instead of thousands later.
        if not math.isfinite(norm.item()):
            raise TrainingError(self._save_failure(name))
        return norm

    @contextmanager
    def frozen(self, name: str) -> Iterator[nn.Module]:
        """A network without DDP and without gradients to its parameters, for use inside another one's loss."""
        network = self.raw[name]
        learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
        network.requires_grad_(False)
        try:
            with self.fabric.autocast():
                yield network
        finally:
            for parameter in learning:  # one that was frozen before stays so
                parameter.requires_grad_(True)

    @contextmanager
    def unwrapped(self, name: str) -> Iterator[nn.Module]:
        """A network without DDP, under this run's precision: what `torch.autograd.grad` inside a loss needs.

        Gradients to its parameters still reach the update, as long as the same loss also uses `networks[name]`.
        It runs without torch.compile, whose graphs cannot be differentiated twice.
        """
        with ExitStack() as stack:
            stack.enter_context(self.fabric.autocast())
            if self.config.compile:  # only then, as it loads the compiler
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            yield self.raw[name]

    def randn(self, batch: int, *shape: int, purpose: str) -> Tensor:
        """N(0, 1) of (batch, *shape): this process's part of one draw for the global batch."""
        return self.share(torch.randn(batch * self.fabric.world_size, *shape, generator=self.generator(purpose)))

    def rand(self, batch: int, *shape: int, purpose: str) -> Tensor:
        """U(0, 1) of (batch, *shape), shared as in `randn`."""
        return self.share(torch.rand(batch * self.fabric.world_size, *shape, generator=self.generator(purpose)))

    def permute(self, tensor: Tensor, *, purpose: str) -> Tensor:
        """The rows of the global batch in random order; each process gets its own part."""
        tensor = self.gather(tensor)
        order = torch.randperm(len(tensor), generator=self.generator(purpose)).to(tensor.device)
        return self.share(tensor[order])

    def gather(self, tensor: Tensor) -> Tensor:
        """The rows of the global batch, the same on every process; without gradients."""
        if self.fabric.world_size == 1:
            return tensor
        parts = [torch.empty_like(tensor) for _ in range(self.fabric.world_size)]
        torch.distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    def share(self, tensor: Tensor) -> Tensor:
        """This process's part of the rows of the global batch; the inverse of `gather`."""
        return tensor.chunk(self.fabric.world_size)[self.fabric.global_rank].to(self.fabric.device)

    def generator(self, purpose: str) -> torch.Generator:
        """Random numbers for one purpose at this point of the run, the same on every process."""
        return generator(self.config.seed, purpose, self.images_seen)

    def log(self, name: str, value: Tensor) -> None:
        """Add to this interval's average; nothing is copied from the device here."""
        total, count = self._logged.get(name, (torch.zeros((), device=value.device), 0))
        self._logged[name] = (total + value.detach().float(), count + 1)

    def inference_networks(self) -> dict[str, nn.Module]:
        """The networks as they would be published: averaged weights where there are any."""
        return {name: self.ema[name].module if name in self.ema else network for name, network in self.raw.items()}

    def averages(self) -> dict[str, float]:
        """Averages since the last call, over all processes."""
        if not self._logged:
            return {}
        values = torch.stack([total / count for total, count in self._logged.values()])
        names = list(self._logged)
        self._logged = {}
        values = self.fabric.all_reduce(values, reduce_op="mean")  # type: ignore[assignment]
        return dict(zip(names, values.tolist(), strict=True))

    def run_step(self, batch: TensorBatch) -> None:
        """One iteration, and what goes with it: the clock, and the averaged weights.

        Raises:
            TrainingError: if a gradient is not finite, or torch.compile fails on a network.
        """
        self._batch = batch
        try:
            self.training_step(batch, self)
        except Exception as error:
            if not self.config.compile or isinstance(error, LimnerError) or is_out_of_memory(error):
                raise
            words = (str(error).splitlines() or [""])[0]
            raise TrainingError(
                f"--train.compile true: PyTorch's compiler failed on these networks ({type(error).__name__}: "
                f"{words[:200]}). Train with --train.compile false; the same run goes on with it and --resume auto."
            ) from error
        self.step += 1
        self.images_seen += self.config.batch_size
        for name, average in self.ema.items():
            average.update(self.raw[name], num_images=self.config.batch_size)

    def state_dict(self) -> dict[str, Any]:
        """Everything of the engine that the next step depends on; a system may have more."""
        return {
            "images_seen": self.images_seen,
            "step": self.step,
            "networks": {name: network.state_dict() for name, network in self.raw.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "ema": {name: average.module.state_dict() for name, average in self.ema.items()},
            "logged": {name: [total, count] for name, (total, count) in self._logged.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore `state_dict()`."""
        self.images_seen, self.step = state["images_seen"], state["step"]
        for name, network in self.raw.items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        for name, average in self.ema.items():
            average.module.load_state_dict(state["ema"][name])
        self._logged = {name: (total.to(self.fabric.device), count) for name, (total, count) in state["logged"].items()}

    def _save_failure(self, name: str) -> str:
        """Save batch and weights of the current step; the error message."""
        message = f"The gradient of the {name} is not finite at {self.images_seen} images"
        advice = "Lower the learning rates or set --train.clip_norm."
        if self.run is None:
            return f"{message}. {advice}"
        path = self.run / f"failed-step-{self.images_seen:09d}-rank-{self.fabric.global_rank}.safetensors"
        networks = {n: network.state_dict() for n, network in self.raw.items()}
        try:
            save_state(path, {"batch": vars(self._batch), "networks": networks})
        except (OSError, SafetensorError) as error:
            return f"{message} (and the step could not be saved: {error}). {advice}"
        return f"{message}; batch and weights of this step are in {path}. {advice}"
