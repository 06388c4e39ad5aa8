"""Reading and writing weights folders (docs/weights-format.md), one network at a time; nothing in them is executed."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from limner import hub
from limner.errors import LimnerError, WeightsError
from limner.files import read_text, reason, sha256_of
from limner.nn.init import without_values
from limner.nn.spectral_norm import SpectralConv2d

_ANY_SIZE = 1_000_000  # no number of a configuration is a mistake below that
_PARTS_A_TENSOR, _MORE_PARTS = 12, 1_000  # modules without tensors, spectral norms and the like, generously


def tensors_to_save(network: nn.Module, name: str, half: bool) -> dict[str, Tensor]:
    """A network's tensors on the CPU, without shared memory.

    Only parameters are halved: buffers are small, and a variance may be too large or too small for half precision.

    Raises:
        WeightsError: if a value does not fit in half precision.
    """
    tensors, buffers = {}, {key for key, _ in network.named_buffers()}
    for key, tensor in network.state_dict().items():
        tensor = tensor.detach().cpu().contiguous()
        if half and tensor.is_floating_point() and key not in buffers:
            tensor = tensor.half()
            if not bool(torch.isfinite(tensor).all()):
                raise WeightsError(f'The tensor "{key}" of {name} does not fit in half precision; save without half.')
        tensors[key] = tensor.clone()  # safetensors refuses tensors that share memory
    return tensors


def load_network(path: Path, name: str, network_class: type[nn.Module], sums: Mapping[str, str]) -> nn.Module:
    """A network with the values of its folder, in evaluation mode.

    Args:
        path: weights folder.
        name: of the network, and of its folder there.
        network_class: what is built with the keyword arguments in `config.json`.
        sums: what `read_sums` gave.

    Raises:
        WeightsError: naming the first thing that is not as it must be.
    """
    for part in ("config.json", "model.safetensors"):
        check_sum(path, f"{name}/{part}", sums)
    config = hub.read_json(path / name / "config.json")
    file = path / name / "model.safetensors"
    try:
        found = load_file(str(file))
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{file} is not a complete safetensors file: {reason(error)}.") from error
    try:
        _check_numbers(config, max(_ANY_SIZE, sum(tensor.numel() for tensor in found.values())))
        # no memory and no initialisation: every value comes from the file
        with without_values(), _at_most(_PARTS_A_TENSOR * len(found) + _MORE_PARTS):
            network = network_class(**config)
    except (
        *(LimnerError, TypeError, ValueError, RuntimeError, ArithmeticError),
        *(LookupError, AttributeError, MemoryError),
    ) as error:
        raise WeightsError(f"{path / name / 'config.json'} does not describe a {name}: {reason(error)}.") from error
    wanted = network.state_dict()
    for key, tensor in wanted.items():
        if key not in found:
            raise WeightsError(f'{file} lacks the tensor "{key}" of shape {tuple(tensor.shape)}.')
        if found[key].shape != tensor.shape:
            raise WeightsError(
                f'{file}: the tensor "{key}" has shape {tuple(found[key].shape)}, '
                f"but config.json asks for {tuple(tensor.shape)}."
            )
        if found[key].is_floating_point() != tensor.is_floating_point():
            raise WeightsError(f'{file}: the tensor "{key}" is {found[key].dtype}, it must be {tensor.dtype}.')
        if not bool(torch.isfinite(found[key]).all()):
            raise WeightsError(f'{file}: the tensor "{key}" holds NaN or infinite values; these weights are broken.')
        found[key] = found[key].to(tensor.dtype)
    surplus = sorted(set(found) - set(wanted))
    if surplus:
        raise WeightsError(f'{file} has the tensor "{surplus[0]}", which {network_class.__name__} does not have.')
    network.load_state_dict(found, strict=True, assign=True)
    for key, buffer in network.named_buffers():
        if buffer.is_meta:
            raise TypeError(f"{network_class.__name__} has the non-persistent buffer {key}; make it persistent")
    network.eval()
    for module in network.modules():
        if isinstance(module, SpectralConv2d):
            module.divide_once()
    return network


def _check_numbers(value: object, most: int) -> None:
    """Raises: ValueError if a number in a configuration is larger than any that these tensors can come from."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_numbers(item, most)
    elif isinstance(value, int | float) and not abs(value) <= most:
        raise ValueError(f"it has the number {value}, which its tensors do not bear out")


@contextlib.contextmanager
def _at_most(num_parts: int) -> Iterator[None]:
    """Raises: ValueError once more parameters, buffers and modules are made in here."""
    thread, count = threading.get_ident(), 0

    def counted(*_: object) -> None:
        nonlocal count
        if threading.get_ident() != thread:  # the hooks are those of all threads
            return
        count += 1
        if count > num_parts:
            raise ValueError("it asks for more parts than its tensors are of")

    hooks = [
        register_module_parameter_registration_hook(counted),
        register_module_buffer_registration_hook(counted),
        register_module_module_registration_hook(counted),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def read_sums(path: Path) -> dict[str, str]:
    """File, as seen from the weights folder -> its SHA-256.

    Raises:
        WeightsError: if the list cannot be read.
    """
    file = path / hub.SUMS
    lines = read_text(file, error=WeightsError).splitlines()
    return {name.strip(): digest for digest, _, name in (line.partition("  ") for line in lines)}


def check_sum(path: Path, name: str, sums: Mapping[str, str]) -> None:
    """Raises: WeightsError if a file of a weights folder is not the one that was saved."""
    if name not in sums:
        raise WeightsError(f"{path / hub.SUMS} does not list {name}; copy the weights folder again.")
    try:
        digest = sha256_of(path / name)
    except OSError as error:
        raise WeightsError(f"{path / name} cannot be read: {reason(error)}.") from error
    if digest != sums[name]:
        raise WeightsError(
            f"{path / name} is not the file that was saved: its SHA-256 differs from the one in {hub.SUMS}; "
            "copy the weights folder again."
        )


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys."""
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
