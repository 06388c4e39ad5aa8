"""Everything that a lent machine is to do, in the order of its worth, within a number of minutes.

`limner reproduce campaign` unpacks parcels of data, trains every system of its plan for its share of the time,
validates it, writes its weights in half precision, and recomputes tables. What was not finished goes on when the same
command is given again, on this machine or, with the folder, on another. No network is needed.

OUT/data/              the data set, from the parcels
OUT/runs/<step>/       a run of `limner train`, or the folder of a table
OUT/weights/<step>/    weights in half precision; files above 16 MB in parts, see `parcels.join_parts`
OUT/metrics/<step>/    report, sheet and worst pictures of `limner evaluate`
OUT/logs/<step>.log    what the commands printed
OUT/campaign.json      what has been done
OUT/report.md          the same for people
"""

from __future__ import annotations

import dataclasses
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from limner import registry
from limner.errors import ConfigError, LimnerError, TrainingError
from limner.files import parse_yaml, read_json, read_text, write_text_atomically
from limner.reproduce.parcels import MEGABYTE, split_files, unpack
from limner.reproduce.study import load_study

PROBE_BATCHES = 40  # batches of a preset that tell how fast this machine is
TRAINING_SHARE = 0.85  # of a step's time; the rest is for its weights and its scores
START_SECONDS = 60.0  # until a command can have begun its work, and answers a request to stop
GRACE_SECONDS = 120.0  # from the request to stop to the end of a command that does not
MAX_WEIGHTS_BYTES = 16 * MEGABYTE

log = logging.getLogger("limner")


def run_command(words: Sequence[str], limit: float | None, file: Path) -> int:
    """A command of Limner in a process of its own, which is asked to stop after `limit` seconds.

    Args:
        words: after `limner`.
        limit: none: it may take as long as it wants.
        file: what it prints is added to it.

    Returns:
        Its exit code.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8") as output:
        output.write(f"\n$ limner {' '.join(words)}\n")
        output.flush()
        process = subprocess.Popen([sys.executable, "-m", "limner", *words], stdout=output, stderr=subprocess.STDOUT)
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            try:
                return process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()
        finally:
            if process.poll() is None:  # this process was interrupted
                process.terminate()
                process.wait(GRACE_SECONDS)


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        name: of its folders.
        share: of the time, in units of those of all steps.
        train: system to train; or
        study: table to recompute.
        preset: of either; empty: that of the campaign.
        images: that a training sees at most; 0: as many as the preset.
        budget: images of every row of a table; 0: the table's own.
        seeds: runs of every row.
        options: further words of the command; `{step}` stands for the run folder of an earlier step.
    """

    name: str
    share: float
    train: str = ""
    study: str = ""
    preset: str = ""
    images: int = 0
    budget: int = 0
    seeds: int = 1
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Campaign:
    """A plan and what the user chose.

    Attributes:
        steps: in the order of their worth.
        out: folder of everything.
        preset: of the steps that name none.
        minutes: of all calls together, which the lengths of the trainings are planned by.
        call_minutes: that this call may take, where a machine is lent for less at a time; none: all that is left.
        num_images: pictures that every system is judged by.
        clock: seconds.
        call: runs a command; see `run_command`.
    """

    steps: tuple[Step, ...]
    out: Path
    preset: str
    minutes: float
    call_minutes: float | None = None
    num_images: int = 1_000
    clock: Callable[[], float] = field(default=time.monotonic, compare=False)
    call: Callable[[Sequence[str], float | None, Path], int] = field(default=run_command, compare=False)

    @property
    def data(self) -> Path:
        """The data set."""
        return self.out / "data"

    def run_folder(self, name: str) -> Path:
        """The run, or the folder of the table, of a step."""
        return self.out / "runs" / name

    def preset_of(self, step: Step) -> str:
        """The preset of a step."""
        return step.preset or self.preset


def load_plan(name: str) -> tuple[Step, ...]:
    """The steps of a plan: "default", or a YAML file of the user's.

    Raises:
        ConfigError: if there is none, or it is no plan.
    """
    if name == "default":
        file = resources.files("limner.reproduce").joinpath("campaigns", "default.yaml")
        text = file.read_text(encoding="utf-8")
    else:
        text = read_text(Path(name), most=MEGABYTE, error=ConfigError)
    content = parse_yaml(text, where=f"The plan {name}", error=ConfigError)
    try:
        steps = tuple(Step(**step) for step in content["steps"])
        _check(steps)
    except (TypeError, KeyError, ValueError, LimnerError) as error:
        raise ConfigError(
            f"The plan {name} does not describe a campaign ({str(error).rstrip('.')}); "
            "limner/reproduce/campaigns/default.yaml shows the form."
        ) from error
    return steps


def _check(steps: Sequence[Step]) -> None:
    """Raises: ValueError or ConfigError for steps that cannot be taken."""
    names = [step.name for step in steps]
    if not names or len(set(names)) < len(names):
        raise ValueError("it must have steps, each with a name of its own")
    for step in steps:
        if bool(step.train) == bool(step.study):
            raise ValueError(f'step "{step.name}" must either train a system or recompute a study')
        if not 0 < step.share < float("inf"):
            raise ValueError(f'the share of step "{step.name}" must be above 0')
        if step.train:
            registry.config_class(step.train)
        else:
            load_study(step.study)


def run_campaign(campaign: Campaign, parcels: Sequence[Path] = ()) -> dict[str, dict[str, Any]]:
    """Take the steps that the time allows, and say what became of each.

    A step that fails is noted and does not stop the others.

    Args:
        campaign: plan and budget.
        parcels: tar files of the data set, from `parcels.pack`; those that are unpacked already cost nothing.

    Returns:
        Step -> state ("done", "stopped", "failed", "waiting") and what is known of it.

    Raises:
        DataError: if a parcel cannot be unpacked.
    """
    call_minutes = campaign.minutes if campaign.call_minutes is None else campaign.call_minutes
    end = campaign.clock() + 60 * call_minutes
    campaign.out.mkdir(parents=True, exist_ok=True)
    log.info("%d new files from %d parcels", unpack(parcels, campaign.data), len(parcels))
    states = _read_states(campaign)
    for number, step in enumerate(campaign.steps):
        state = states[step.name]
        left = 60 * campaign.minutes - sum(one.get("seconds", 0) for one in states.values())
        time = Time(planned=0.0, end=end, clock=campaign.clock)
        if state["state"] == "done" or min(left, time.left) <= 0:
            continue
        rest = [one for one in campaign.steps[number:] if states[one.name]["state"] != "done"]
        time = dataclasses.replace(time, planned=left * step.share / sum(one.share for one in rest))
        began = campaign.clock()
        take = _take_training if step.train else _take_study
        try:
            take(campaign, step, states, time)
        except LimnerError as error:
            state.update(state="failed", reason=str(error))
            log.warning("%s: %s", step.name, error)
        state["seconds"] = round(state.get("seconds", 0) + campaign.clock() - began, 1)
        _write_states(campaign, states)
    _write_states(campaign, states)
    return states


@dataclass(frozen=True)
class Time:
    """What one step has.

    Attributes:
        planned: seconds for all of it.
        end: of this call, which may come first.
        clock: seconds.
    """

    planned: float
    end: float
    clock: Callable[[], float]

    @property
    def left(self) -> float:
        """Seconds of this call."""
        return self.end - self.clock()


def _take_training(campaign: Campaign, step: Step, states: dict[str, dict[str, Any]], time: Time) -> None:
    """Train for the time that there is, then score and pack what came of it, if that was the whole of its time."""
    end = campaign.clock() + time.planned
    state = states[step.name]
    command = _train_command(campaign, step)
    if "images" not in state:
        speed = _speed(campaign, step, command, campaign.out / "probes" / step.name)
        config = registry.preset(step.train, campaign.preset_of(step))
        batch = config.train.batch_size
        most = min(step.images or config.train.images, config.train.images)
        allowed = speed * TRAINING_SHARE * (end - campaign.clock())
        state["images"] = max(batch, int(min(most, allowed) // batch * batch))
        state["images_per_second"] = round(speed, 2)
        _write_states(campaign, states)  # a run that is killed must go on with the same length
    run = campaign.run_folder(step.name)
    words = [*command, *_lengths(campaign, step, state["images"]), "--out", str(run), "--resume", "auto"]
    limit = max(TRAINING_SHARE * time.planned, START_SECONDS)
    ends_first = time.left < limit
    code = _call(campaign, step, words, max(min(limit, time.left), START_SECONDS))
    checkpoints = sorted((run / "checkpoints").glob("[0-9]*"))
    state.update(state="stopped", seen=int(checkpoints[-1].name) if checkpoints else 0)
    if code not in (0, 130, -signal.SIGTERM, -signal.SIGKILL):
        raise TrainingError(f"exit code {code}; see {_log_file(campaign, step)}.")
    if checkpoints and (code == 0 or not ends_first):
        state["parts"] = _finish(campaign, step, checkpoints[-1])
        state["state"] = "done" if code == 0 else "stopped"


def _finish(campaign: Campaign, step: Step, checkpoint: Path) -> list[str]:
    """Weights in half precision, and what `limner evaluate` says of them; the names of the parts of large files."""
    weights = campaign.out / "weights" / step.name
    words = ["export", step.train, "--weights", str(checkpoint), "--format", "weights", "--half", "--out", str(weights)]
    _require(campaign, step, words)
    judge = campaign.run_folder("judge")
    words = ["evaluate", step.train, "--weights", str(weights), "--data", str(campaign.data)]
    if step.train != "parser":
        words += ["--num-images", str(campaign.num_images)]
        words += ["--judge", str(judge)] if (judge / "checkpoints").is_dir() else []
    _require(campaign, step, [*words, "--out", str(campaign.out / "metrics" / step.name)])
    return [part.name for part in split_files(weights, max_bytes=MAX_WEIGHTS_BYTES)]


def _take_study(campaign: Campaign, step: Step, states: dict[str, dict[str, Any]], time: Time) -> None:
    """Recompute a table for the time that there is; its rows are kept."""
    out = campaign.run_folder(step.name)
    words = ["reproduce", step.study, "--preset", campaign.preset_of(step), "--seeds", str(step.seeds)]
    words += ["--data", str(campaign.data), "--out", str(out), *_filled(campaign, step)]
    words += ["--budget", str(step.budget)] if step.budget else []
    code = _call(campaign, step, words, max(min(time.planned, time.left), START_SECONDS))
    if code not in (0, 130, -signal.SIGTERM, -signal.SIGKILL):
        raise TrainingError(f"exit code {code}; see {_log_file(campaign, step)}.")
    states[step.name]["state"] = "done" if code == 0 else "stopped"


def _train_command(campaign: Campaign, step: Step) -> list[str]:
    """The words of `limner train` without the length and the folder of the run."""
    words = ["train", step.train, "--preset", campaign.preset_of(step), "--data", str(campaign.data)]
    return words + _filled(campaign, step)


def _filled(campaign: Campaign, step: Step) -> list[str]:
    """The options of a step with the run folders of the steps that they name."""
    runs = {f"{{{one.name}}}": str(campaign.run_folder(one.name)) for one in campaign.steps}
    return [runs.get(word, word) for word in step.options]


def _lengths(campaign: Campaign, step: Step, images: int) -> list[str]:
    """Options for a run of so many images: spans that the preset counts in images shrink with it."""
    config = registry.preset(step.train, campaign.preset_of(step))
    scale = images / config.train.images
    words = ["--train.images", str(images)]
    for name, value in vars(config.optimizer).items():
        if name.endswith("_images") and value:
            words += [f"--optimizer.{name}", str(round(value * scale))]
    for name in ("sample_every", "checkpoint_every"):
        words += [f"--train.{name}", str(min(getattr(config.train, name), max(1, images // 4)))]
    return words


def _speed(campaign: Campaign, step: Step, command: Sequence[str], probe: Path) -> float:
    """Images a second, of the last part of a run of a few batches."""
    config = registry.preset(step.train, campaign.preset_of(step))
    images = PROBE_BATCHES * config.train.batch_size
    words = [*command, *_lengths(campaign, step, images), "--train.log_every", str(images // 2), "--out", str(probe)]
    began = campaign.clock()
    _require(campaign, step, [*words, "--resume", "auto"])
    seconds = max(campaign.clock() - began, 1e-3)
    lines = read_text(probe / "metrics.jsonl", most=100 * MEGABYTE, error=TrainingError).splitlines()
    rates = [record["images_per_second"] for record in map(json.loads, lines) if "images_per_second" in record]
    return float(rates[-1]) if rates else images / seconds


def _require(campaign: Campaign, step: Step, words: Sequence[str]) -> None:
    """Raises: TrainingError if a command fails."""
    code = _call(campaign, step, words, None)
    if code:
        raise TrainingError(f"limner {words[0]} ended with {code}; see {_log_file(campaign, step)}.")


def _call(campaign: Campaign, step: Step, words: Sequence[str], limit: float | None) -> int:
    return campaign.call(words, limit, _log_file(campaign, step))


def _log_file(campaign: Campaign, step: Step) -> Path:
    return campaign.out / "logs" / f"{step.name}.log"


def _read_states(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """What earlier calls have done; steps that they did not know are waiting.

    Raises:
        ConfigError: if the folder belongs to another plan.
    """
    file = campaign.out / "campaign.json"
    identity = json.loads(json.dumps([dataclasses.asdict(step) for step in campaign.steps]))
    before = read_json(file, error=ConfigError) if file.exists() else {"plan": identity, "states": {}}
    if before.get("plan") != identity:
        raise ConfigError(f"{campaign.out} belongs to a campaign with another plan; name another folder.")
    return {step.name: before["states"].get(step.name, {"state": "waiting"}) for step in campaign.steps}


def _write_states(campaign: Campaign, states: dict[str, dict[str, Any]]) -> None:
    plan = [dataclasses.asdict(step) for step in campaign.steps]
    write_text_atomically(
        campaign.out / "campaign.json", json.dumps({"plan": plan, "states": states}, indent=1, default=list) + "\n"
    )
    write_text_atomically(campaign.out / "report.md", report(campaign, states))


def report(campaign: Campaign, states: dict[str, dict[str, Any]]) -> str:
    """Markdown: a row a step, then the tables that were recomputed."""
    lines = ["| step | state | images | minutes | images/s |", "|---|---|---|---|---|"]
    for step in campaign.steps:
        state = states[step.name]
        seen, images = state.get("seen"), state.get("images")
        progress = "" if images is None else f"{seen or 0:,} of {images:,}"
        minutes, speed = state.get("seconds", 0) / 60, state.get("images_per_second", "")
        text = state["state"] + (f": {state['reason']}" if state.get("reason") and state["state"] == "failed" else "")
        lines.append(f"| {step.name} | {text} | {progress} | {minutes:.1f} | {speed} |")
    parts = ["\n".join(lines)]
    for step in campaign.steps:
        tables = sorted((campaign.run_folder(step.name) / "report").glob("*.md")) if step.study else []
        parts += [f"## {step.name}\n\n{read_text(table).strip()}" for table in tables]
    return "\n\n".join(parts) + "\n"
