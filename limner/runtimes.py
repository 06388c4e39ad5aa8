"""Networks that ONNX Runtime runs in place of PyTorch: exported once, cached, compared before their first use.

A pipeline's networks are called as ever; `run_by` gives each of them another `forward`. A file in the cache is of one
network, one shape of its inputs (the batch size is free), and the weights, PyTorch and Limner that it came from.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor, nn

import limner
from limner.errors import LimnerError, MissingExtraError
from limner.files import cache_folder, reason, write_atomically
from limner.nn.vector_width import for_vectors
from limner.optional import optional

Runtime = Literal["auto", "torch", "onnx"]
"""What runs the networks. "auto": what drew a stored result, else PyTorch."""

TOLERANCE = 1e-3
"""Largest accepted difference of outputs in [-1, 1] or of logits; an eighth of a grey level. ONNX Runtime sums in
another order than PyTorch, and instance norm divides by the spread of few values, which magnifies roundings."""

OPSET = 18

_FORM = 2  # of the files in the cache: what another form of Limner wrote is exported again

Network = TypeVar("Network", bound=nn.Module)

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_log = logging.getLogger(__name__)


def why_not(device: torch.device) -> str | None:
    """Why ONNX Runtime cannot draw here, to stand in a sentence; none if it can."""
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            return f'the package "{package}" is not installed (pip install "limner[export]")'
    if device.type != "cpu":
        return f"the networks are on {device}, and it is used on the CPU alone"
    return None


def version() -> str:
    """Of ONNX Runtime."""
    return str(optional("onnxruntime", extra="export").__version__)


def write_onnx(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str] | None,
    metadata: Mapping[str, str],
    free: Any,
) -> None:
    """Write a network as one ONNX file of opset 18.

    Args:
        module: takes and gives tensors.
        example: inputs, a batch of at least two where it shall be free.
        path: of the file.
        inputs: names.
        outputs: names; none: the exporter's own.
        metadata: what the file says of itself.
        free: which axes may have any length, as `torch.export` wants it; `free_batches` for networks with named inputs;
            none: no axis.

    Raises:
        MissingExtraError: if a package is missing.
    """
    onnx = optional("onnx", extra="export")
    optional("onnxscript", extra="export")
    program = torch.onnx.export(
        module,
        example,
        input_names=list(inputs),
        output_names=None if outputs is None else list(outputs),
        dynamic_shapes=free,
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # so it is with dynamo=True
    model = program.model_proto
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def open_session(path: Path) -> Any:
    """A file in ONNX Runtime, on as many threads of the CPU as PyTorch takes."""
    onnxruntime = optional("onnxruntime", extra="export")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def free_batches(count: int) -> tuple[dict[int, torch.export.Dim], ...]:
    """Of so many inputs, the first axis is one and the same free number."""
    batch = torch.export.Dim("batch")
    return tuple({0: batch} for _ in range(count))


@contextmanager
def quiet() -> Iterator[None]:
    """The exporters' own remarks (deprecations, optional optimisers) are of no use to our user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def run_by(network: Network, forward: Callable[..., Any]) -> Network:
    """The same network, with the same tensors and attributes, whose calls go to `forward`."""
    twin: Network = object.__new__(type(network))  # copy.copy would look at the constructor's arguments first
    twin.__dict__ = {**network.__dict__, "forward": forward}  # of this one object; its class and all others keep theirs
    return twin


class OnnxForward:
    """Stands in for a network's `forward`.

    Args:
        network: what is stood in for.
        name: of the network, for messages and files.
        weights_hash: of the pipeline that has it.
    """

    def __init__(self, network: nn.Module, *, name: str, weights_hash: str) -> None:
        self._network, self._name, self._weights_hash = network, name, weights_hash
        self._sessions: dict[str, tuple[Any, Any]] = {}
        """What it is called with -> session and form of the outputs."""
        self._lock = threading.Lock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the network would return, from ONNX Runtime.

        Raises:
            LimnerError: if the network cannot be exported, or the file does not compute the same.
        """
        tensors: list[Tensor] = []
        form = self._parts((args, kwargs), tensors)
        is_batch = len({tensor.shape[:1] for tensor in tensors}) == 1 and tensors[0].ndim > 0
        shapes = [(str(tensor.dtype), tuple(tensor.shape)[1 if is_batch else 0 :]) for tensor in tensors]
        key = repr((form, shapes))
        with self._lock:  # an export is not to be done twice
            if key not in self._sessions:
                self._sessions[key] = self._open(key, form, tensors, is_batch)
            session, outcome = self._sessions[key]
        return _put_together(outcome, iter(_run(session, tensors)))

    def _open(self, key: str, form: Any, tensors: list[Tensor], is_batch: bool) -> tuple[Any, Any]:
        """A session that was compared with the network on these very inputs, and the form of its outputs."""
        expected: list[Tensor] = []
        args, kwargs = _put_together(form, iter(tensors))
        outcome = self._parts(self._network(*args, **kwargs), expected)
        made_by = f"{key} torch {torch.__version__} limner {limner.__version__} form {_FORM}"
        file = f"{self._name}-{hashlib.sha256(made_by.encode()).hexdigest()[:16]}.onnx"
        path = cache_folder() / "onnx" / self._weights_hash[:32] / file
        if path.is_file() and _difference(path, tensors, expected) <= TOLERANCE:
            return open_session(path), outcome
        self._export(path, form, tensors, is_batch)
        difference = _difference(path, tensors, expected)
        if not difference <= TOLERANCE:
            path.unlink(missing_ok=True)
            raise LimnerError(
                f"{self._name} differs by {difference:.2g} between ONNX Runtime and PyTorch (allowed: {TOLERANCE:g}); "
                "draw with the runtime torch."
            )
        return open_session(path), outcome

    def _parts(self, value: Any, tensors: list[Tensor]) -> Any:
        try:
            return _take_apart(value, tensors)
        except TypeError as error:
            raise self._refusal(str(error)) from error

    def _refusal(self, why: str) -> LimnerError:
        return LimnerError(f"{self._name} cannot be exported for ONNX Runtime ({why}); draw with the runtime torch.")

    def _export(self, path: Path, form: Any, tensors: list[Tensor], is_batch: bool) -> None:
        _log.warning("%s is exported for ONNX Runtime, once; this may take a minute.", self._name)
        example = tuple(tensors)
        if is_batch:  # of one, the exporter would take the number for a constant
            example = tuple(tensor[:1].repeat(2, *[1] * (tensor.ndim - 1)) for tensor in tensors)
        write: Callable[[Path], None] = lambda temporary: write_onnx(  # noqa: E731
            _OfTensors(for_vectors(self._network), form).eval(),
            example,
            temporary,
            inputs=[f"input_{number}" for number in range(len(tensors))],
            outputs=None,
            metadata={"weights_hash": self._weights_hash, "network": self._name, "limner": limner.__version__},
            free=(free_batches(len(example)),) if is_batch else None,  # one row of inputs
        )
        try:
            with quiet():
                write_atomically({path: write})
        except LimnerError:
            raise
        except Exception as error:  # the exporter has no family of errors
            raise self._refusal(reason(error).partition(". ")[0][:200]) from error


class _OfTensors(nn.Module):
    """A network with its inputs and outputs as a flat row of tensors."""

    def __init__(self, network: nn.Module, form: Any) -> None:
        super().__init__()
        self.network, self.form = network, form

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Inputs as `_take_apart` gave them -> outputs likewise."""
        args, kwargs = _put_together(self.form, iter(tensors))
        found: list[Tensor] = []
        _take_apart(self.network(*args, **kwargs), found)
        return tuple(found)


def _run(session: Any, tensors: Sequence[Tensor]) -> list[Tensor]:
    names = [node.name for node in session.get_inputs()]
    feed = {name: tensor.detach().contiguous().numpy() for name, tensor in zip(names, tensors, strict=True)}
    return [torch.from_numpy(output) for output in session.run(None, feed)]


def _difference(path: Path, tensors: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Largest difference of an output, as a share of its largest value where that is above 1; infinite if the file
    cannot be run on these inputs."""
    try:
        found = _run(open_session(path), tensors)
    except MissingExtraError:
        raise
    except Exception:  # of the runtime, whose errors have no family: a damaged file
        return float("inf")
    if [one.shape for one in found] != [one.shape for one in expected]:
        return float("inf")
    shares = [
        float((one.float() - other.float()).abs().max()) / max(1.0, float(other.float().abs().max()))
        for one, other in zip(found, expected, strict=True)
        if other.numel()
    ]
    return float("nan") if any(share != share for share in shares) else max(shares, default=0.0)


def _take_apart(value: Any, tensors: list[Tensor]) -> Any:
    """The form of a value; its tensors are added to the list, in order.

    Raises:
        TypeError: if it holds anything but tensors, plain values, and tuples, dicts and dataclasses of them.
    """
    if isinstance(value, Tensor):
        tensors.append(value)
        return "tensor"
    if value is None or isinstance(value, bool | int | float | str):
        return ("plain", value)
    if isinstance(value, list | tuple):
        return (type(value), [_take_apart(one, tensors) for one in value])
    if isinstance(value, dict):
        return (dict, {key: _take_apart(one, tensors) for key, one in value.items()})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return (type(value), {name: _take_apart(one, tensors) for name, one in fields.items()})
    raise TypeError(f"a {type(value).__name__} among its inputs or outputs")


def _put_together(form: Any, tensors: Iterator[Tensor]) -> Any:
    if form == "tensor":
        return next(tensors)
    kind, rest = cast(tuple[Any, Any], form)
    if kind == "plain":
        return rest
    if isinstance(rest, dict):
        parts = {name: _put_together(one, tensors) for name, one in rest.items()}
        return parts if kind is dict else kind(**parts)
    values = [_put_together(one, tensors) for one in rest]
    return kind(*values) if hasattr(kind, "_fields") else kind(values)
