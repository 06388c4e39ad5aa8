"""The training loop: images seen are the clock, one dictionary is the state, the system says what one step is.

Resume is exact because nothing random is carried along: order, augmentation and noise are functions of (seed, images
seen), so restored tensors and one integer continue a run to the same bits.
"""

from __future__ import annotations

import atexit
import copy
import logging
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from limner.data.batch import TensorBatch
from limner.data.sampler import ImagesSeenSampler
from limner.data.spec import DataSpec
from limner.engine.checkpoint import STATE_FILE, CheckpointFolder, load_state, save_state
from limner.engine.config import TrainConfig
from limner.engine.ema import ExponentialAverage
from limner.engine.health import HealthMonitor
from limner.engine.logging import RunLog
from limner.engine.precision import Choice, choose
from limner.engine.seed import generator
from limner.engine.system import System
from limner.errors import ConfigError, DataError, TrainingError, WeightsError

log = logging.getLogger("limner")
B = TypeVar("B", bound=TensorBatch)


def make_fabric(config: TrainConfig) -> Fabric:
    """Fabric for this run; torchrun's process count wins over `config.devices`.

    Raises:
        ConfigError: if the batch does not divide among the processes, or the device is not there.
    """
    devices = int(os.environ.get("LOCAL_WORLD_SIZE", config.devices))
    num_nodes = int(os.environ.get("GROUP_WORLD_SIZE", config.num_nodes))
    parts = devices * num_nodes * config.accumulate
    if config.batch_size % parts:
        raise ConfigError(
            f"--train.batch_size {config.batch_size} does not divide by {parts} "
            f"({devices * num_nodes} processes x {config.accumulate} micro-batches); choose a multiple of {parts}."
        )
    distributed = devices * num_nodes > 1
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # a run's first line says what its others would
    if distributed:
        atexit.register(_leave_group)
    return Fabric(
        accelerator=accelerator_of(config),
        devices=devices,
        num_nodes=num_nodes,
        strategy=_ddp() if distributed else "auto",
        precision=choose_precision(config).precision,
    )


def choose_precision(config: TrainConfig) -> Choice:
    """The arithmetic that this run will have on this machine.

    Raises:
        ConfigError: if the device is not there.
    """
    return choose(config.precision, accelerator_of(config))


def accelerator_of(config: TrainConfig) -> Literal["cpu", "cuda"]:
    """Where this run will be.

    Raises:
        ConfigError: if the device is not there.
    """
    has_cuda = torch.cuda.is_available()
    if config.accelerator == "cuda" and not has_cuda:
        raise ConfigError("--train.accelerator cuda: this machine has no CUDA device. Use cpu or auto.")
    if config.accelerator == "auto":
        return "cuda" if has_cuda else "cpu"
    return config.accelerator


def _leave_group() -> None:
    """End the process group while Python still runs; Fabric does so for NCCL alone.

    Gloo's threads may hold tensors until then. Where Python is gone before them, the process aborts after all is done.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _ddp() -> DDPStrategy:
    # Rank 0's buffers are not sent around: that would write into a network between the two passes of one loss, which
    # autograd refuses. All buffers that matter are equal on all ranks, or are rank 0's, which are saved.
    return DDPStrategy(broadcast_buffers=False)


class Engine:
    """What a system's `training_step` may use: wrapped networks, updates, shared random draws, logging."""

    def __init__(self, fabric: Fabric, system: System, *, run: Path | None = None) -> None:
        self.fabric = fabric
        self.run = run
        self.system = system
        self.config = system.train_config
        self.images_seen = 0
        self.step = 0
        self.raw = system.networks
        for name, network in self.raw.items():
            network.to(fabric.device)
            if self.config.channels_last:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            if self.config.compile:
                network.compile()
            self.raw[name] = network
        self.ema = {
            name: ExponentialAverage(self.raw[name], half_life=self.config.ema_half_life)
            for name in (system.ema_networks if self.config.ema_half_life > 0 else ())
        }
        self.networks: dict[str, Any] = {}  # Fabric's wrappers, to be called like the modules inside
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        optimizers = system.optimizers()
        for name, network in self.raw.items():
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
            scale = self.system.network_lr_scale(name, self.images_seen)
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
        self.raw[name].requires_grad_(False)
        try:
            with self.fabric.autocast():
                yield self.raw[name]
        finally:
            self.raw[name].requires_grad_(True)

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
        """One iteration of the system and of the clock."""
        self._batch = batch
        self.system.training_step(batch, self)
        self.step += 1
        self.images_seen += self.config.batch_size
        for name, average in self.ema.items():
            average.update(self.raw[name], num_images=self.config.batch_size)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "images_seen": self.images_seen,
            "step": self.step,
            "networks": {name: network.state_dict() for name, network in self.raw.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "ema": {name: average.module.state_dict() for name, average in self.ema.items()},
            "logged": {name: [total, count] for name, (total, count) in self._logged.items()},
            "system": self.system.state_dict(),
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
        self.system.load_state_dict(state.get("system", {}))  # checkpoints of version 0.1.0 have none

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


def fit(
    system: System,
    *,
    fabric: Fabric,
    train_set: Dataset[Any],
    validation_set: Dataset[Any],
    collate: Callable[[list[Any]], TensorBatch],
    run: Path,
    resume: bool = False,
    on_start: Callable[[], object] = lambda: None,
) -> bool:
    """Train `system` for `system.train_config.images` images into the folder `run`.

    Args:
        system: networks and update order.
        fabric: from `make_fabric`, already launched.
        train_set: items by `SampleKey`; finite, seen in a new order every epoch.
        validation_set: items by index; scored before each checkpoint.
        collate: list of items -> batch.
        run: folder of the run.
        resume: go on from the newest whole checkpoint in `run`, if there is one.
        on_start: called on the first process before the first step, when nothing stands against the run any more.

    Returns:
        True when the run is complete, False when it was asked to stop (a checkpoint is written in both cases).

    Raises:
        TrainingError: if a gradient is not finite or the disk refuses.
        WeightsError: if the run cannot be resumed.
    """
    config = system.train_config
    engine = Engine(fabric, system, run=run)
    checkpoints = CheckpointFolder(run, keep=config.keep_checkpoints)
    health = HealthMonitor()
    best: dict[str, Any] | None = None
    if resume and (state := _newest_state(checkpoints)) is not None:
        _restore(engine, state)
        health.load_state_dict(state["health"])
        best = state["best"]
        if fabric.is_global_zero and best is not None:
            checkpoints.set_best(**best)

    system.prepare(fabric.device)
    loader = _make_loader(train_set, collate, engine)
    fixed = system.fixed_inputs(validation_set).to(fabric.device)
    if fabric.is_global_zero:
        on_start()
    writer = RunLog(run, images_seen=engine.images_seen, total=config.images) if fabric.is_global_zero else None
    stop = _StopRequest()
    started, waited = time.perf_counter(), 0.0
    interval_start = engine.images_seen

    def crossed(every: int) -> bool:
        return engine.images_seen // every > (engine.images_seen - config.batch_size) // every

    try:
        with stop:
            batches = iter(loader)
            while engine.images_seen < config.images:
                before = time.perf_counter()
                batch = next(batches).to(fabric.device)
                waited += time.perf_counter() - before
                engine.run_step(batch)
                if writer is not None:
                    writer.advance(config.batch_size)

                done = engine.images_seen >= config.images
                stopping = stop.agreed(fabric, check=fabric.world_size == 1 or crossed(config.log_every))
                if crossed(config.log_every) or done:
                    elapsed = time.perf_counter() - started
                    metrics = engine.averages()
                    metrics["images_per_second"] = (engine.images_seen - interval_start) / elapsed
                    metrics["data_wait_share"] = waited / elapsed
                    started, waited, interval_start = time.perf_counter(), 0.0, engine.images_seen
                    if writer is not None:
                        writer.write(engine.images_seen, metrics, warnings=health.check(metrics))
                if (crossed(config.sample_every) or done) and writer is not None:
                    grid = _inference(engine, lambda networks: system.sample(fixed, networks))
                    diversity = system.diversity_of(grid)
                    if diversity is not None:
                        metrics = {"diversity": diversity}
                        writer.write(engine.images_seen, metrics, warnings=health.check(metrics))
                    writer.write_samples(engine.images_seen, grid)
                if crossed(config.checkpoint_every) or done or stopping:
                    if writer is not None:
                        # A checkpoint on request is not scored: the best one must not depend on when a run was stopped.
                        scored = crossed(config.checkpoint_every) or done
                        scores = _validate(engine, validation_set, collate) if scored else {}
                        best = _checkpoint(engine, checkpoints, health, writer, best, scores)
                    fabric.barrier()
                if stopping and not done:
                    return False
        return True
    finally:
        if writer is not None:
            writer.close()


def _make_loader(dataset: Dataset[Any], collate: Callable[[list[Any]], TensorBatch], engine: Engine) -> DataLoader[Any]:
    fabric, config = engine.fabric, engine.config
    sampler = ImagesSeenSampler(
        len(dataset),  # type: ignore[arg-type]
        seed=config.seed,
        batch_size=config.batch_size,
        world_size=fabric.world_size,
        rank=fabric.global_rank,
        start_images=engine.images_seen,
    )
    return DataLoader(
        dataset,
        batch_size=config.batch_size // fabric.world_size,
        sampler=sampler,
        num_workers=config.num_workers,
        collate_fn=collate,
        persistent_workers=config.num_workers > 0,
        pin_memory=fabric.device.type == "cuda",
    )


def _validate(
    engine: Engine, validation_set: Dataset[Any], collate: Callable[[list[Any]], TensorBatch]
) -> dict[str, float]:
    """The system's quick scores; runs on the first process alone."""
    batch_size = max(1, engine.config.batch_size // engine.fabric.world_size // engine.config.accumulate)
    loader = DataLoader(validation_set, batch_size=batch_size, collate_fn=collate)
    batches = (batch.to(engine.fabric.device) for batch in loader)
    scores: dict[str, float] = _inference(engine, lambda networks: engine.system.validate(batches, networks))
    return scores


def _checkpoint(
    engine: Engine,
    checkpoints: CheckpointFolder,
    health: HealthMonitor,
    writer: RunLog,
    best: dict[str, Any] | None,
    scores: dict[str, float],
) -> dict[str, Any] | None:
    """Write the checkpoint and return the best one's record."""
    system = engine.system
    if scores:
        writer.write(engine.images_seen, {f"validation/{k}": v for k, v in scores.items()}, warnings=[])
    metric, direction = system.best_metric
    value = scores.get(metric, math.nan)
    better = value > best["value"] if direction == "max" and best else value < best["value"] if best else True
    if math.isfinite(value) and better:
        best = {"images_seen": engine.images_seen, "metric": metric, "value": value}
    state = {**engine.state_dict(), "health": health.state_dict(), "best": best, "spec": engine.system.spec.to_json()}
    checkpoints.write(
        engine.images_seen,
        state,
        lambda path: system.pipeline(engine.inference_networks()).save_pretrained(path),
    )
    if best is not None and best["images_seen"] == engine.images_seen:
        checkpoints.set_best(**best)
    return best


def _inference(engine: Engine, function: Callable[[dict[str, nn.Module]], Any]) -> Any:
    """Call `function` with the publishable networks in evaluation mode, then put them back to training."""
    networks = engine.inference_networks()
    for network in networks.values():
        network.eval()
    try:
        with torch.no_grad(), engine.fabric.autocast():
            return function(networks)
    finally:
        for network in engine.raw.values():
            network.train()


def _newest_state(checkpoints: CheckpointFolder) -> dict[str, Any] | None:
    """The newest readable checkpoint's state; broken ones are skipped with a warning."""
    failure: WeightsError | None = None
    for path in checkpoints.newest():
        try:
            return load_state(path / STATE_FILE)
        except WeightsError as error:
            failure = error
            log.warning("%s Trying the one before.", error)
    if failure is not None:
        raise WeightsError(f"No checkpoint in {checkpoints.folder} can be read; delete the folder to start again.")
    return None


def _restore(engine: Engine, state: dict[str, Any]) -> None:
    if _stored_spec(state) != engine.system.spec:
        raise WeightsError(
            "The checkpoint was trained on other labels or attributes than --data has now; "
            "resume with the same data and --dataset.* options, or start a new run with another --out."
        )
    try:
        engine.load_state_dict(copy.copy(state))
    except (RuntimeError, KeyError, ValueError) as error:
        first = str(error).strip().splitlines()
        raise WeightsError(
            f"The checkpoint does not fit the networks of this configuration ({first[-1].strip()}); "
            "resume with the options of the run's config.yaml."
        ) from error


def _stored_spec(state: dict[str, Any]) -> DataSpec | None:
    """The data description of a checkpoint; None if it cannot be read."""
    try:
        return DataSpec.from_json(state["spec"])
    except (KeyError, DataError):
        return None


class _StopRequest:
    """Turns SIGINT and SIGTERM into a checkpoint at the next step boundary; a second signal stops at once."""

    def __init__(self) -> None:
        self.requested = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> _StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):  # not the main thread
                self._old[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def agreed(self, fabric: Fabric, *, check: bool) -> bool:
        """True when any process was asked to stop; a collective call where `check` holds."""
        if not check:
            return False
        if fabric.world_size == 1:
            return self.requested
        flag = fabric.all_reduce(torch.tensor(float(self.requested), device=fabric.device), reduce_op="sum")
        return bool(flag > 0)  # type: ignore[operator]
