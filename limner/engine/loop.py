"""The training loop: images seen are the clock, one dictionary is the state, the system says what one step is.

Resume is exact because nothing random is carried along: order, augmentation and noise are functions of (seed, images
seen), so restored tensors and one integer continue a run to the same bits.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader

from limner.data.batch import TensorBatch
from limner.data.sampler import ImagesSeenSampler
from limner.data.spec import DataSpec
from limner.engine.checkpoint import STATE_FILE, CheckpointFolder
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.health import HealthMonitor
from limner.engine.lock import RunLock
from limner.engine.logging import RunLog
from limner.engine.ranks import gather_rows, own_batches, share_buffers
from limner.engine.stages import copy_weights
from limner.engine.state import load_state
from limner.engine.stop import StopRequest
from limner.engine.system import System
from limner.errors import ConfigError, DataError, WeightsError

log = logging.getLogger("limner")


class Weights(Protocol):
    """What a run may begin with: a pipeline, of which the engine knows no more."""

    spec: DataSpec
    components: dict[str, nn.Module]


def fit(
    system: System[Any, Any],
    data: TrainingData,
    *,
    fabric: Fabric,
    run: Path,
    resume: bool = False,
    other_data: bool = False,
    initial: Callable[[], Weights] | None = None,
    on_start: Callable[[], object] = lambda: None,
) -> bool:
    """Train `system` for `system.train_config.images` images into the folder `run`.

    Args:
        system: networks and update order.
        data: what it trains on; its spec is the system's.
        fabric: from `make_fabric`, already launched.
        run: folder of the run.
        resume: go on from the newest whole checkpoint in `run`, if there is one.
        other_data: go on although the data is not what the run began with.
        initial: opens the weights that networks begin with, where no checkpoint goes on.
        on_start: called on the first process before the first step, when nothing stands against the run any more.

    Returns:
        True when the run is complete, False when it was asked to stop (a checkpoint is written in both cases).

    Raises:
        TrainingError: if a gradient is not finite or the disk refuses.
        WeightsError: if the run cannot be resumed, or the initial weights are not of this system.
        ConfigError: if the data is not what the run began with, the initial weights are of other labels or another
            size, or another process trains into the folder.
    """
    training = _Run(system, data, fabric=fabric, run=run)
    goes_on = resume and training.restore(other_data=other_data)
    if initial is not None and not goes_on:
        training.begin_with(initial())
    system.prepare(fabric.device)
    return training.go(on_start)


class _Run:
    """What one call of `fit` holds, and what it does at each of its moments."""

    def __init__(self, system: System[Any, Any], data: TrainingData, *, fabric: Fabric, run: Path) -> None:
        self.system, self.data, self.fabric, self.run = system, data, fabric, run
        self.config = system.train_config
        self.engine = system.engine(fabric, run=run)
        self.data_hash = data.fingerprint()
        self.lock = RunLock(run)
        self.checkpoints = CheckpointFolder(run, keep=self.config.keep_checkpoints)
        self.health = HealthMonitor()
        self.best: dict[str, Any] | None = None
        self.writer: RunLog | None = None  # on the first process

    def begin_with(self, weights: Weights) -> None:
        """Give trained networks the weights of the same networks there; frozen ones come from where the system says."""
        source, engine = str(self.config.initial_weights), self.engine
        if replace(weights.spec, zoom=self.system.spec.zoom) != self.system.spec:
            raise ConfigError(
                f"--train.initial_weights {source} was trained on other labels, attributes or words than --data has; "
                "name weights of the same ones, or leave it out."
            )
        known = [name for name in engine.optimizers if name in weights.components]
        if not known:
            raise WeightsError(
                f"--train.initial_weights {source} has none of the networks that are trained here "
                f"({', '.join(engine.optimizers)}); it has: {', '.join(weights.components)}."
            )
        new = []
        for name in known:
            heads = copy_weights(engine.raw[name], weights.components, name, source)
            new += [f"{head} of {name}" for head in heads]
            if name in engine.ema:
                engine.ema[name].module.load_state_dict(engine.raw[name].state_dict())
        if self.fabric.is_global_zero:
            rest = ", ".join([*(name for name in engine.optimizers if name not in known), *new])
            log.info("initial weights of %s: %s; at random: %s", source, ", ".join(known), rest or "none")

    def restore(self, *, other_data: bool) -> bool:
        """Go on from the newest whole checkpoint, if there is one; whether there was."""
        if self.fabric.is_global_zero and self.run.is_dir():
            self.lock.take()
        state = _newest_state(self.checkpoints)
        if state is None:
            return False
        if _stored_spec(state) != self.system.spec:
            raise WeightsError(
                "The checkpoint was trained on other labels or attributes than --data has now; "
                "resume with the same data and --dataset.* options, or start a new run with another --out."
            )
        # Checkpoints of version 0.1.0 say nothing of their data.
        if state.get("data", self.data_hash) != self.data_hash and not other_data:
            raise ConfigError(
                f"--data holds other samples than the run in {self.run} began with; name the folder of then, or go on "
                "with these by --resume other-data."
            )
        try:
            self.system.restore(self.engine, state)
        except (RuntimeError, KeyError, ValueError) as error:
            first = str(error).strip().splitlines()
            raise WeightsError(
                f"The checkpoint does not fit the networks of this configuration ({first[-1].strip()}); "
                "resume with the options of the run's config.yaml."
            ) from error
        self.health.load_state_dict(state["health"])
        self.best = state["best"]
        if self.fabric.is_global_zero and self.best is not None:
            self.checkpoints.set_best(**self.best)
        return True

    def go(self, on_start: Callable[[], object]) -> bool:
        """Train until the run is complete (True) or was asked to stop (False)."""
        engine, config, fabric = self.engine, self.config, self.fabric
        if engine.images_seen > config.images:
            log.warning(
                "The run has seen %d images, more than --train.images %d: nothing is left to train.",
                engine.images_seen,
                config.images,
            )
        loader = _make_loader(self.data, engine)
        fixed = self.system.fixed_inputs(self.data.validation_set)
        if fabric.is_global_zero:
            self.run.mkdir(parents=True, exist_ok=True)
            self.lock.take()
            on_start()
            self.writer = RunLog(self.run, images_seen=engine.images_seen, total=config.images)
        pace = _Pace(engine.images_seen)
        try:
            with StopRequest() as stop:
                batches = iter(loader)
                while engine.images_seen < config.images:
                    self.train(batches, pace)
                    done = engine.images_seen >= config.images
                    stopping = stop.agreed(fabric, check=fabric.world_size == 1 or self.crossed(config.log_every))
                    if self.crossed(config.log_every) or done:
                        self.write(engine.averages() | pace.measured(engine.images_seen))
                    if self.crossed(config.sample_every) or done:
                        self.sample(fixed)
                    if self.crossed(config.checkpoint_every) or done or stopping:
                        # A checkpoint on request is not scored: the best one must not depend on when a run was stopped.
                        self.checkpoint(is_scored=self.crossed(config.checkpoint_every) or done)
                    if stopping and not done:
                        return False
            return True
        finally:
            if self.writer is not None:
                self.writer.close()
            self.lock.release()

    def crossed(self, every: int) -> bool:
        """Whether the last step crossed a multiple of `every` images."""
        seen = self.engine.images_seen
        return seen // every > (seen - self.config.batch_size) // every

    def train(self, batches: Iterator[TensorBatch], pace: _Pace) -> None:
        """One step."""
        with pace.waiting():
            batch = next(batches).to(self.fabric.device)
        self.engine.run_step(batch)
        if self.writer is not None:
            self.writer.advance(self.config.batch_size)

    def write(self, metrics: dict[str, float]) -> None:
        """Log one interval's numbers and what they warn of."""
        if self.writer is not None:
            self.writer.write(self.engine.images_seen, metrics, warnings=self.health.check(metrics))

    def sample(self, fixed: TensorBatch) -> None:
        """Draw the sample grid, each process its rows, and write it."""
        grid = self.grid(fixed)
        if self.writer is None:
            return
        diversity = self.system.diversity_of(grid)
        if diversity is not None:
            self.write({"diversity": diversity})
        self.writer.write_samples(self.engine.images_seen, grid)

    def grid(self, fixed: TensorBatch) -> Tensor:
        """The sample grid, (rows, columns, 3, height, width) in [-1, 1] on the CPU of every process."""
        share_buffers(self.engine.inference_networks().values())
        own = fixed.chunk(self.fabric.world_size)[self.fabric.global_rank :][:1]  # none, of fewer rows than processes
        rows = [part.to(self.fabric.device) for part in own]
        return gather_rows([self.inference(partial(self.system.sample, part)).float() for part in rows])

    def checkpoint(self, *, is_scored: bool) -> None:
        """Score, and write a checkpoint."""
        scores = self.validate() if is_scored else {}
        if self.writer is not None:
            if scores:
                named = {f"validation/{name}": value for name, value in scores.items()}
                self.writer.write(self.engine.images_seen, named, warnings=[])
            self.best = self.better(scores)
            self.save()
        self.fabric.barrier()

    def validate(self) -> dict[str, float]:
        """The system's quick scores; each process has a part of the pictures."""
        share_buffers(self.engine.inference_networks().values())
        own = own_batches(
            len(self.data.validation_set),  # type: ignore[arg-type]
            rank=self.fabric.global_rank,
            world_size=self.fabric.world_size,
        )
        loader = DataLoader(self.data.validation_set, batch_sampler=own, collate_fn=self.data.collate)
        batches = (batch.to(self.fabric.device) for batch in loader)
        scores: dict[str, float] = self.inference(lambda networks: self.system.validate(batches, networks))
        return scores

    def better(self, scores: dict[str, float]) -> dict[str, Any] | None:
        """The record of the best checkpoint, with the one that has these scores in the running."""
        metric, direction = self.system.best_metric
        value, best = scores.get(metric, math.nan), self.best
        # One that another metric chose is of an earlier version, and counts no more.
        known = None if best is None or best["metric"] != metric else best["value"]
        wins = known is None or (value > known if direction == "max" else value < known)
        if math.isfinite(value) and wins:
            return {"images_seen": self.engine.images_seen, "metric": metric, "value": value}
        return best

    def save(self) -> None:
        """Write the checkpoint of this moment."""
        state = {
            **self.system.training_state(self.engine),
            "health": self.health.state_dict(),
            "best": self.best,
            "spec": self.system.spec.to_json(),
            "data": self.data_hash,
        }
        networks = self.engine.inference_networks()
        self.checkpoints.write(
            self.engine.images_seen, state, lambda path: self.system.pipeline(networks).save_pretrained(path)
        )
        if self.best is not None and self.best["images_seen"] == self.engine.images_seen:
            self.checkpoints.set_best(**self.best)

    def inference(self, function: Callable[[dict[str, nn.Module]], Any]) -> Any:
        """Call `function` with the publishable networks in evaluation mode, then put them back to training."""
        networks = self.engine.inference_networks()
        for network in networks.values():
            network.eval()
        try:
            with torch.no_grad(), self.fabric.autocast():
                return function(networks)
        finally:
            for network in self.engine.raw.values():
                network.train()


class _Pace:
    """How fast a run is, and how much of its time it waits for data."""

    def __init__(self, images_seen: int) -> None:
        self.begin(images_seen)

    def begin(self, images_seen: int) -> None:
        """Start an interval."""
        self.images_seen, self.started, self.waited = images_seen, time.perf_counter(), 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Context in which the run waits for data."""
        started = time.perf_counter()
        yield
        self.waited += time.perf_counter() - started

    def measured(self, images_seen: int) -> dict[str, float]:
        """The numbers of the interval that ends now; the next one begins."""
        elapsed = time.perf_counter() - self.started
        found = {
            "images_per_second": (images_seen - self.images_seen) / elapsed,
            "data_wait_share": self.waited / elapsed,
        }
        self.begin(images_seen)
        return found


def _make_loader(data: TrainingData, engine: Engine) -> DataLoader[Any]:
    fabric, config = engine.fabric, engine.config
    sampler = ImagesSeenSampler(
        len(data.train_set),  # type: ignore[arg-type]
        seed=config.seed,
        batch_size=config.batch_size,
        world_size=fabric.world_size,
        rank=fabric.global_rank,
        start_images=engine.images_seen,
    )
    return DataLoader(
        data.train_set,
        batch_size=config.batch_size // fabric.world_size,
        sampler=sampler,
        num_workers=config.num_workers,
        collate_fn=data.collate,
        persistent_workers=config.num_workers > 0,
        pin_memory=fabric.device.type == "cuda",
    )


def _stored_spec(state: dict[str, Any]) -> DataSpec | None:
    """The data description of a checkpoint; None if it cannot be read."""
    try:
        return DataSpec.from_json(state["spec"])
    except (KeyError, DataError):
        return None


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
