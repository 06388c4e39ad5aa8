"""Networks as ONNX, torch.export and TorchScript files, each compared with the network it came from.

The file takes named tensors with a free batch size, and carries what a caller must know (system, weights hash, classes,
attributes) as metadata.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from limner.errors import ConfigError, LimnerError, MissingExtraError, nearest
from limner.files import at_home, write_atomically
from limner.pipelines import ExportTarget, Pipeline
from limner.runtimes import TOLERANCE, free_batches, open_session, quiet, write_onnx

NetworkFormat = Literal["onnx", "torch-export", "torchscript"]

_METADATA_FILE = "limner.json"


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how far it is from the network."""

    path: Path
    format: str
    network: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    max_difference: float | None
    """Largest absolute difference of an output, over batches of 1 and 3; None if nothing here can run the file."""


def export_network(
    pipeline: Pipeline, path: str | Path, *, format: NetworkFormat, network: str | None = None
) -> ExportReport:
    """Write one network of a pipeline, after comparing the file with it.

    Args:
        pipeline: the weights.
        path: the file; replaced if it exists.
        format: "onnx" (one file, opset 18), "torch-export" (`.pt2`) or "torchscript".
        network: name in `pipeline.export_targets()`; the first by default.

    Raises:
        ConfigError: if the format or the network is unknown, or `path` is a folder.
        MissingExtraError: if the format needs a package that is not installed.
        LimnerError: if the file does not compute the same.
    """
    path = at_home(path)
    if format not in get_args(NetworkFormat):
        raise ConfigError(f'There is no export format "{format}".{nearest(str(format), get_args(NetworkFormat))}')
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file for {format}.")
    targets = pipeline.export_targets()
    if not targets:
        raise ConfigError(f'"{pipeline.name}" has no networks to export.')
    name = next(iter(targets)) if network is None else network
    if name not in targets:
        raise ConfigError(f'"{pipeline.name}" has no network "{name}" to export.{nearest(name, targets)}')
    target = targets[name]
    write = {"onnx": _write_onnx, "torch-export": _write_torch_export, "torchscript": _write_torchscript}[format]
    run = {"onnx": _run_onnx, "torch-export": _run_torch_export, "torchscript": _run_torchscript}[format]
    differences: list[float] = []

    def write_and_compare(temporary: Path) -> None:
        with pipeline.inference(), quiet():
            write(target, temporary, _metadata(pipeline, name))
            for batch in (1, 3):
                difference = _difference(target, run, temporary, target.example(batch))
                if difference is None:
                    continue
                differences.append(difference)
                if not difference <= TOLERANCE:  # NaN too
                    raise LimnerError(
                        f"The {format} file of {name} differs from the network by {difference:.2g} "
                        f"(allowed: {TOLERANCE:g}); nothing was written."
                    )

    write_atomically({path: write_and_compare})
    return ExportReport(path, format, name, target.inputs, target.outputs, max(differences, default=None))


def _write_onnx(target: ExportTarget, path: Path, metadata: dict[str, str]) -> None:
    write_onnx(
        target.module,
        target.example(2),
        path,
        inputs=target.inputs,
        outputs=target.outputs,
        metadata=metadata,
        free=free_batches(len(target.inputs)),
    )


def _write_torch_export(target: ExportTarget, path: Path, metadata: dict[str, str]) -> None:
    program = torch.export.export(
        target.module, target.example(2), dynamic_shapes=free_batches(len(target.inputs)), strict=False
    )
    buffer = io.BytesIO()  # by path, torch.export insists on the suffix .pt2
    torch.export.save(program, buffer, extra_files={_METADATA_FILE: json.dumps(metadata)})
    path.write_bytes(buffer.getvalue())


def _write_torchscript(target: ExportTarget, path: Path, metadata: dict[str, str]) -> None:
    traced = torch.jit.trace(target.module, target.example(2), check_trace=False)
    buffer = io.BytesIO()  # by path, a full disk ends the process
    torch.jit.save(traced, buffer, _extra_files={_METADATA_FILE: json.dumps(metadata)})
    path.write_bytes(buffer.getvalue())


def _run_onnx(target: ExportTarget, path: Path) -> Callable[..., Sequence[Tensor]] | None:
    try:
        session = open_session(path)
    except MissingExtraError:
        return None

    def run(*inputs: Tensor) -> list[Tensor]:
        feed = {name: tensor.cpu().numpy() for name, tensor in zip(target.inputs, inputs, strict=True)}
        return [torch.from_numpy(output) for output in session.run(list(target.outputs), feed)]

    return run


def _run_torch_export(target: ExportTarget, path: Path) -> Callable[..., Sequence[Tensor]]:
    module = torch.export.load(io.BytesIO(path.read_bytes())).module()
    return lambda *inputs: _as_tuple(module(*inputs))


def _run_torchscript(target: ExportTarget, path: Path) -> Callable[..., Sequence[Tensor]]:
    module = torch.jit.load(str(path))
    return lambda *inputs: _as_tuple(module(*inputs))


def _difference(
    target: ExportTarget,
    load: Callable[[ExportTarget, Path], Callable[..., Sequence[Tensor]] | None],
    path: Path,
    inputs: tuple[Tensor, ...],
) -> float | None:
    run = load(target, path)
    if run is None:
        return None
    expected, found = _as_tuple(target.module(*inputs)), run(*inputs)
    worst = 0.0
    for one, other in zip(expected, found, strict=True):
        if one.shape != other.shape:
            return math.inf
        worst = max(worst, float((one.cpu().float() - other.cpu().float()).abs().max()))
    return worst


def _as_tuple(value: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return (value,) if isinstance(value, Tensor) else tuple(value)


def _metadata(pipeline: Pipeline, network: str) -> dict[str, str]:
    return {
        "system": pipeline.name,
        "network": network,
        "weights": pipeline.weights_name,
        "weights_hash": pipeline.weights_hash,
        "image_size": json.dumps(pipeline.size.to_json()),
        "classes": json.dumps(pipeline.spec.labels.classes if pipeline.spec.labels else []),
        "attributes": json.dumps(pipeline.spec.attribute_names),
    }
