"""Inference: the base class of all pipelines, and `load`.

A weights folder (docs/weights-format.md) holds `pipeline.json`, one folder per network with `config.json` (the keyword
arguments of its class) and `model.safetensors`, a model card `README.md`, and `SHA256SUMS`. Nothing else is loaded, and
nothing in it is ever executed.

One call of a pipeline has two halves: a `GenerationPlan` (every input checked and turned into arrays, no network run)
and `Pipeline.render(plan)`. The command line asks the plan whether its work is done; `result.json` is a stored plan.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, cast, get_args

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

import limner
from limner import hub, registry, runtimes
from limner.arguments import check_arguments
from limner.data.colors import Colors
from limner.data.config import Fit
from limner.data.manifest import open_manifest, read_layout
from limner.data.size import Size, SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError, LimnerError, ShapeError, WeightsError, named, nearest, quoted
from limner.files import at_home, read_text, reason, replacing_folder, resolved, sha256_of
from limner.media import Media, Picture
from limner.plan import Condition, GenerationPlan
from limner.results import GenerationResult, read_result
from limner.runtimes import OnnxForward, Runtime, run_by
from limner.weights_folder import check_sum, load_network, read_sums, tensors_to_save, write_json

_log = logging.getLogger(__name__)

_DEFAULT_CARD = """\
---
license: unspecified
---
# Weights of the Limner system "{system}"

Classes: {classes}. Attributes: {attributes}. Image size: {image_size} px.

This card was written by the program. Before you pass these weights on, say here which data they were trained on and
under which licence, the protocol of the measured numbers, and the known failures.
"""


@dataclass(frozen=True)
class ExportTarget:
    """A network as other runtimes see it: tensors in, tensors out, the first axis of each is a free batch size."""

    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    example: Callable[[int], tuple[Tensor, ...]]
    """Batch size -> inputs that the network could meet."""


class Pipeline(ABC):
    """Base of the inference side of a system.

    `fit` says what is done with label maps and photos that are not square: "refuse" (usual), "crop" or "pad".
    `colors` says how coloured label maps of other tools are read; see `limner.data.colors.get_colors`. `runtime` says
    what runs the networks when a plan is drawn: "torch", "onnx" (ONNX Runtime, on the CPU), or "auto", which is what
    drew a stored plan and else "torch". A pipeline may be used by several threads at once, as long as none of them
    moves, saves or trains it, or changes these three.

    A subclass states `name` and `network_classes`, and implements `_draw`. Networks are used as they are given (no
    copy): a pipeline made inside training saves and draws with the live weights.

    Args:
        spec: label classes and attributes that the networks were trained with.
        size: height and width of the pictures, pixels; one number for a square.
        networks: by name, as in `network_classes`; those in `optional_networks` and `variant_networks` may be left out.
    """

    name: ClassVar[str]
    optional_networks: ClassVar[frozenset[str]] = frozenset()
    """Networks that a training run keeps and that inference does not need."""
    variant_networks: ClassVar[frozenset[str]] = frozenset()
    """Networks that only a variant of the system has; inference needs them where they are."""
    suffix: ClassVar[str] = ".png"
    """Of the files of its media."""
    torch_networks: ClassVar[frozenset[str]] = frozenset()
    """Networks that PyTorch runs whatever the runtime: other runtimes lack what they do."""
    unit: ClassVar[str] = "picture"
    """What a progress bar counts."""

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        known = self.network_classes()
        for network in networks:
            if network not in known:
                raise TypeError(f"{type(self).__name__} has no network {network!r}; it has {', '.join(known)}")
        for network in known:
            if network not in networks and network not in self.optional_networks | self.variant_networks:
                raise TypeError(f"{type(self).__name__} needs the network {network!r}")
        self.spec = spec
        self.size = Size.of(size)
        self.components: dict[str, nn.Module] = networks
        self.expected: dict[str, Any] = {}
        self.weights_name = "unsaved"
        self.weights_path = ""
        self.fit: Fit = "refuse"
        self.colors: str | Path | Colors | None = None
        self.runtime: Runtime = "auto"
        self._weights_hash: str | None = None
        self._forwards: dict[str, OnnxForward] = {}
        self._joined: dict[str, nn.Module] | None = None
        self._runs_onnx = False
        self._fell_back = False

    def __repr__(self) -> str:
        size = self.size.height if self.size.square else f"{self.size.width}x{self.size.height}"
        return (
            f'<{type(self).__name__}: "{self.name}" with the weights {self.weights_name}, {size} px, on {self.device}>'
        )

    @classmethod
    @abstractmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Name -> class of every network that a weights folder of this system may hold."""

    def _draw(self, plan: GenerationPlan, rows: range) -> Sequence[Image.Image | Media]:
        """The pictures or clips `rows` of a plan, in one forward pass; a judge has none."""
        raise ConfigError(f'"{self.name}" draws no plans: it judges what others have made.')

    def open_data(
        self,
        path: str | Path,
        *,
        kind: str = "auto",
        fit: Fit | None = None,
        fix_sides: bool = False,
    ) -> Any:
        """The data that `limner evaluate` scores these weights on: with the fields that the system's task needs.

        Label maps are those of the weights' own schema. Data that lack an attribute of the weights are opened without
        attributes; an evaluation draws them, then.

        Raises:
            ConfigError: if an option makes no sense for these weights.
            DataError: if the folder cannot be used.
        """
        self.refuse_unread(fit=fit, fix_sides=fix_sides)
        task = registry.task(self.name)
        if "label_map" not in task.needs:
            words = self.spec.vocabulary
            fields: dict[str, Any] = {"needs": task.needs, "uses": task.uses, "asked_by": self.name}
            return open_manifest(path, kind=kind, fit=fit, vocabulary=words, **fields)
        reading: dict[str, Any] = {"kind": kind, "schema": self.spec.schema, "fit": fit, "fix_sides": fix_sides}
        reading["colors"] = self.colors
        names = self.spec.attribute_names
        if names and at_home(path).is_dir():
            known = read_layout(at_home(path), kind, schema=self.spec.schema).attribute_names
            names = names if set(names) <= set(known) else ()
        return open_manifest(path, attributes=names, zoom=self.spec.zoom, **reading)

    def refuse_unread(self, **given: object) -> None:
        """Refuse options of reading data that have no effect on those of this system.

        Args:
            given: by name; what is None or False is not given.

        Raises:
            ConfigError: naming the first.
        """
        for name, value in given.items():
            if value not in (None, False) and name not in registry.task(self.name).data_options:
                raise ConfigError(f"{name} has no effect on {self.name}, which reads no such thing; leave it out.")

    def export_targets(self) -> dict[str, ExportTarget]:
        """The networks that `limner export` can write, the most useful one first; none by default."""
        return {}

    def example_images(self, batch: int) -> tuple[Tensor]:
        """Pictures of its size in [-1, 1] that a network could meet, for `ExportTarget`s; the same at every call."""
        random = torch.Generator().manual_seed(batch)
        images = torch.rand(batch, 3, self.size.height, self.size.width, generator=random)
        return (images.to(self.device) * 2 - 1,)

    def joined_networks(self) -> dict[str, nn.Module]:
        """Several networks that are called as one, by a name; ONNX Runtime runs each of these as a whole."""
        return {}

    def joined(self, name: str) -> nn.Module:
        """One of `joined_networks`."""
        return (self.joined_networks() if self._joined is None else self._joined)[name]

    def config(self, network: str) -> dict[str, Any]:
        """The keyword arguments that a network was built with."""
        return cast(dict[str, Any], self.components[network].config)

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels.

        Raises:
            ShapeError: if they are not square.
        """
        if not self.size.square:
            raise ShapeError(f"{self.name} makes pictures of {self.size} (height x width), which have no one side.")
        return self.size.height

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(next(iter(self.components.values())).parameters()).device

    def to(self, device: torch.device | str) -> Self:
        """Move all networks.

        Raises:
            ConfigError: if there is no such device here.
        """
        called = quoted(str(device) if isinstance(device, torch.device) else device)
        try:
            where = torch.device(device)
        except (RuntimeError, TypeError, ValueError) as error:
            raise ConfigError(f"There is no device {called}; name cpu, cuda, cuda:1 or mps.") from error
        try:
            for network in self.components.values():
                network.to(where)
        except (RuntimeError, TypeError, ValueError, AssertionError) as error:
            if isinstance(error, torch.cuda.OutOfMemoryError):
                raise
            text = reason(error).partition(". ")[0][:200]
            raise ConfigError(f"The device {called} cannot be used ({text}); name cpu, cuda or mps.") from error
        return self

    @property
    def weights_hash(self) -> str:
        """SHA-256 over the parameters and buffers in memory that inference uses; taken once, at first use."""
        if self._weights_hash is None:
            digest = hashlib.sha256()
            for name in sorted(set(self.components) - self.optional_networks):
                for key, tensor in sorted(self.components[name].state_dict().items()):
                    digest.update(f"{name}.{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
                    digest.update(tensor.detach().cpu().contiguous().numpy().data)
            self._weights_hash = digest.hexdigest()
        return self._weights_hash

    @property
    def provenance(self) -> dict[str, str]:
        """What results say of the program and the weights that made them."""
        return {
            "system": self.name,
            "weights": self.weights_name,
            "weights_hash": self.weights_hash,
            "limner": limner.__version__,
            "torch": torch.__version__,
            **({"onnxruntime": runtimes.version()} if self._runs_onnx else {}),
        }

    def current(self, plan: GenerationPlan) -> GenerationPlan:
        """A plan as this pipeline draws it: by its runtime; what plans of older results leave out is added."""
        wanted = plan.runtime if self.runtime == "auto" else self.runtime
        if wanted == "onnx" and (why := runtimes.why_not(self.device)) is not None:
            if not self._fell_back:
                _log.warning("PyTorch draws instead of ONNX Runtime: %s.", why)
            self._fell_back, wanted = True, "torch"
        return plan if wanted == plan.runtime else replace(plan, runtime=wanted)

    def drawer(self, plan: GenerationPlan) -> Self:
        """This pipeline, or a copy of it whose networks ONNX Runtime runs, as a plan says."""
        if plan.runtime != "onnx" or self._runs_onnx:
            return self
        twin = copy.copy(self)
        twin._runs_onnx = True
        twin.components = {
            name: network if name in self.torch_networks else self._by_onnx(name, network)
            for name, network in self.components.items()
        }
        twin._joined = {name: self._by_onnx(name, network) for name, network in self.joined_networks().items()}
        return twin

    def _by_onnx(self, name: str, network: nn.Module) -> nn.Module:
        if name not in self._forwards:
            self._forwards[name] = OnnxForward(network, name=name, weights_hash=self.weights_hash)
        return run_by(network, self._forwards[name])

    def amount(self, plan: GenerationPlan) -> int:
        """How many of `unit` a plan takes, for a progress bar."""
        return len(plan.seeds)

    def render(
        self, plan: GenerationPlan, *, progress: Callable[[int], object] = lambda number: None
    ) -> GenerationResult:
        """Draw a plan.

        Args:
            plan: what one of the modes planned.
            progress: called with the number of pictures that were drawn since the last call; what it raises ends the
                work and is passed on.

        Raises:
            ConfigError, ShapeError: as `check_plan`.
        """
        if not isinstance(plan, GenerationPlan):
            raise ConfigError(f"{quoted(plan)} is no plan; .plan(...) of a way of drawing makes one.")
        plan, media = self.current(plan), list[Media]()
        self.check_plan(plan)
        drawer = self.drawer(plan)
        with self.inference():
            for start in range(0, len(plan.seeds), plan.batch_size):
                rows = range(start, min(start + plan.batch_size, len(plan.seeds)))
                media += [Picture(one) if isinstance(one, Image.Image) else one for one in drawer._draw(plan, rows)]
                progress(len(rows))
        return GenerationResult(media, plan, drawer.provenance, weights_path=self.weights_path)

    def reproduce(self, path: str | Path) -> GenerationResult:
        """Draw the pictures of a stored `result.json` again: the same bits on the same machine.

        Raises:
            WeightsError: if other weights drew them.
            DataError: if the file is not a result.
        """
        record = read_result(path)
        self.check_drew(record, path)
        return self.render(record["plan"])

    def plan_conditions(self) -> Mapping[str, Condition] | None:
        """Every array that a plan of these weights may hold; none: the system does not say."""
        return None

    def check_plan(self, plan: GenerationPlan) -> None:
        """Refuse a plan that these weights cannot draw, before anything is drawn: a stored one may hold anything.

        Raises:
            ConfigError, ShapeError: naming what is wrong.
        """
        plan.check(self.plan_conditions())

    def check_drew(self, record: Mapping[str, Any], where: str | Path) -> None:
        """Refuse a stored result that other weights drew, or whose plan cannot be drawn.

        Raises:
            WeightsError: naming both.
            DataError: naming what is wrong in the plan.
        """
        if (record["system"], record["weights_hash"]) != (self.name, self.weights_hash):
            raise WeightsError(
                f'{where} was drawn by "{record["system"]}" with the weights {record["weights"]} '
                f'(hash {record["weights_hash"][:12]}), but these are "{self.name}" {self.weights_name} '
                f"(hash {self.weights_hash[:12]}); load the weights that drew it."
            )
        if "plan" in record:
            try:
                self.check_plan(record["plan"])
            except (ConfigError, DataError, ShapeError) as error:
                raise DataError(f"{where} cannot be drawn again: {error}") from error

    @contextlib.contextmanager
    def inference(self) -> Iterator[None]:
        """Evaluation mode without gradients; the networks' modes are put back, as training may share them."""
        modules = [module for network in self.components.values() for module in network.modules()]
        in_training = [module for module in modules if module.training]
        try:
            for module in in_training:
                module.training = False
            with torch.inference_mode():
                yield
        finally:
            for module in in_training:
                module.training = True

    def save_pretrained(
        self,
        path: str | Path,
        half: bool = False,
        card: str | Path | None = None,
        expected: Mapping[str, Any] | None = None,
        default: bool = False,
    ) -> Path:
        """Write a weights folder: complete under `path`, or not at all.

        Args:
            path: a new folder, or an existing weights folder, which is replaced.
            half: store floating-point tensors as float16.
            card: the model card, as a file or its text; a short one is written without it.
            expected: metrics with their protocol, for `limner list`.
            default: whether `load(system)` takes these weights where they are shipped.

        Raises:
            ConfigError: if the folder has a file that is not of a weights folder, or an input of the command, or an
                argument is of another type.
            WeightsError: if the folder cannot be written, or a value does not fit in half precision.
        """
        path = at_home(path)
        if path.exists() and not (path / hub.INDEX).is_file() and (not path.is_dir() or any(path.iterdir())):
            raise WeightsError(f"{path} exists and is not a weights folder; give another path, or remove it first.")
        text = self._card(card)
        expected = self.expected if expected is None else expected
        self._check_index(half=half, default=default, expected=expected)
        try:
            with replacing_folder(path, ours=hub.is_file_of_weights) as folder:
                self._write(folder, half=half, card=text, expected=dict(expected), default=default)
        except (OSError, SafetensorError) as error:
            raise WeightsError(f"The weights folder {path} cannot be written: {reason(error)}.") from error
        return path

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, *, with_optional: bool = False) -> Self:
        """Load weights strictly.

        Args:
            name_or_path: a shipped name, or a weights, checkpoint or run folder.
            with_optional: also load the networks that only training and evaluation use, where the folder
                has them.

        Raises:
            WeightsError: in one sentence, naming the first thing that is not as it must be.
        """
        location = hub.resolve(name_or_path, system=cls.name)
        path = location.path
        index = hub.read_index(path)
        if index["system"] != cls.name:
            raise WeightsError(f'{path} holds weights of the system "{index["system"]}", not of "{cls.name}".')
        sums = read_sums(path)
        check_sum(path, hub.INDEX, sums)
        known = cls.network_classes()
        unknown = sorted(set(index["networks"]) - set(known))
        if unknown:
            raise WeightsError(
                f'{path / hub.INDEX} names the network "{unknown[0]}", which "{cls.name}" does not have; '
                f"known: {', '.join(known)}."
            )
        networks: dict[str, nn.Module] = {}
        for name, network_class in known.items():
            optional = name in cls.optional_networks
            if name in index["networks"]:
                if with_optional or not optional:
                    networks[name] = load_network(path, name, network_class, sums)
            elif not optional and name not in cls.variant_networks:
                raise WeightsError(f'{path / hub.INDEX} does not name the network "{name}", which "{cls.name}" needs.')
        try:
            pipeline = cls(spec=DataSpec.from_json(index["spec"]), size=index["image_size"], **networks)
        except (LimnerError, KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{path / hub.INDEX} does not fit its networks: {reason(error)}.") from error
        pipeline.expected = index["expected"]
        pipeline.weights_name = location.name
        pipeline.weights_path = "" if hub.is_shipped(location) else str(resolved(location.path))
        return pipeline

    def _card(self, card: str | Path | None) -> str:
        if card is None:
            names = {
                "classes": ", ".join(self.spec.labels.classes) if self.spec.labels else "none",
                "attributes": ", ".join(self.spec.attribute_names) or "none",
            }
            return _DEFAULT_CARD.format(system=self.name, image_size=self.size, **names)
        if isinstance(card, str) and "\n" in card:
            return card
        if not isinstance(card, str | Path):
            raise ConfigError(f"card is {quoted(card)}; it must be a file, or the text of the card.")
        return read_text(card, error=ConfigError)

    @staticmethod
    def _check_index(*, half: object, default: object, expected: object) -> None:
        """Raises: ConfigError for what the index of a weights folder cannot hold."""
        for name, value in (("half", half), ("default", default)):
            if not isinstance(value, bool):
                raise ConfigError(f"{name} is {quoted(value)}; it must be True or False.")
        try:
            if not isinstance(expected, Mapping):
                raise TypeError("it is no mapping")
            json.dumps(dict(expected), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigError(
                f"expected must be a mapping of names to finite numbers and texts ({reason(error)[:100]})."
            ) from error

    def _write(self, folder: Path, *, half: bool, card: str, expected: dict[str, Any], default: bool) -> None:
        index = {
            "format_version": hub.FORMAT_VERSION,
            "system": self.name,
            "limner": limner.__version__,
            "image_size": self.size.to_json(),
            "networks": sorted(self.components),
            "spec": self.spec.to_json(),
            "expected": expected,
            "default": default,
        }
        write_json(folder / hub.INDEX, index)
        (folder / hub.CARD).write_text(card, encoding="utf-8")
        for name, network in self.components.items():
            (folder / name).mkdir()
            write_json(folder / name / "config.json", self.config(name))
            save_file(tensors_to_save(network, name, half), str(folder / name / "model.safetensors"))
            (folder / name / "model.safetensors").chmod(0o644)  # safetensors makes it private
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        sums = "".join(f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
        (folder / hub.SUMS).write_text(sums, encoding="utf-8")


def load(
    name_or_path: str | Path, system: str | None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> Pipeline:
    """Load a pipeline: `limner.load("scgan")`, `limner.load("runs/first")`.

    Args:
        name_or_path: a system (its default weights), a name of shipped weights, or a weights, checkpoint or run
            folder. A local path never touches a network.
        system: the system that the weights must be of, if that matters.
        with_optional: also load the networks that only training and evaluation use, where the folder has them.
        runtime: what runs the networks when something is drawn: "torch", "onnx" (ONNX Runtime on the CPU, with the
            extra `export`; the networks are exported at their first use), or "auto": what drew a stored result, else
            "torch".

    Returns:
        The pipeline on the CPU; `limner.load("scgan").to("cuda")` moves it.

    Raises:
        ConfigError: if there is no such runtime, or "onnx" is asked for of weights that draw nothing.
        WeightsError: if there are no such weights, or they cannot be used.
    """
    check_arguments(load, (name_or_path, system), {"with_optional": with_optional, "runtime": runtime})
    if runtime not in get_args(Runtime):
        raise ConfigError(f"There is no runtime {named(runtime)}.{nearest(str(runtime), get_args(Runtime))}")
    index = hub.read_index(hub.resolve(name_or_path, system=system).path)
    if system is not None and index["system"] != system:
        raise WeightsError(f'{name_or_path} holds weights of the system "{index["system"]}", not of {named(system)}.')
    if runtime == "onnx" and registry.task(index["system"]).gives in ("verdict", "label_map"):
        raise ConfigError(
            f'"{index["system"]}" draws nothing, and PyTorch alone judges and labels: leave runtime (--runtime) out.'
        )
    pipeline_class: type[Pipeline] = registry.pipeline_class(index["system"])
    pipeline = pipeline_class.from_pretrained(name_or_path, with_optional=with_optional)
    pipeline.runtime = runtime
    return pipeline
