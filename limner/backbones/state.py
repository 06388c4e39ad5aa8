"""Weights that other programs wrote: read without running any of their code, and put into our networks strictly.

A `.safetensors` file holds tensors and nothing else. A `.pth` file is a pickle; it is read by PyTorch's restricted
reader, which knows tensors and containers and refuses everything that could run.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from limner.errors import WeightsError
from limner.files import at_home, reason
from limner.nn.init import without_values

Network = TypeVar("Network", bound=nn.Module)

_PICKLES = (".pth", ".pt")
_COUNTER = ".num_batches_tracked"  # of a batch norm; some files have it, some do not, and nothing depends on it


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Name -> tensor of a weights file, on the CPU.

    Args:
        path: a `.safetensors` file, or a `.pth` or `.pt` file that holds nothing but tensors by name.

    Raises:
        WeightsError: if the file is missing, damaged, of another kind, or holds anything else.
    """
    path = at_home(path)
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(str(path))
        if path.suffix not in _PICKLES:
            raise WeightsError(f"{path} is no weights file: give one that ends in .safetensors, .pth or .pt.")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} holds more than tensors, or is damaged; only tensors are read, as a pickle can run foreign code."
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a complete weights file: {reason(error)}.") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds no plain list of tensors by name; save the network's state_dict() alone.")
    return {str(name): tensor for name, tensor in state.items()}


def load_network(
    make: Callable[[], Network], state: Mapping[str, Tensor], *, where: str | Path, unused: tuple[str, ...] = ()
) -> Network:
    """A network with every parameter and buffer from `state`: frozen, in evaluation mode, on the CPU.

    Args:
        make: builds it; its `state_dict()` says which tensors there must be.
        state: from `read_state`; half precision becomes the network's own.
        where: the file, for the message.
        unused: beginnings of names that may be there too, of parts that this network does not have.

    Raises:
        WeightsError: if a tensor is missing, left over, of another shape, or not finite.
    """
    with without_values():  # no initialisation: every value comes from the file
        network = make()
    network.to_empty(device="cpu")
    found = {}
    for name, tensor in network.state_dict().items():
        if name.endswith(_COUNTER):
            found[name] = torch.zeros_like(tensor)
            continue
        if name not in state:
            raise WeightsError(
                f'{where} lacks the tensor "{name}" of shape {tuple(tensor.shape)}; it is of another network.'
            )
        if state[name].shape != tensor.shape:
            raise WeightsError(
                f'{where}: the tensor "{name}" has shape {tuple(state[name].shape)}, it must be {tuple(tensor.shape)}.'
            )
        if not bool(state[name].isfinite().all()):
            raise WeightsError(f'{where}: the tensor "{name}" holds NaN or infinite values; the weights are broken.')
        found[name] = state[name].to(tensor.dtype)
    for name in state:
        if name not in found and not name.startswith(unused) and not name.endswith(_COUNTER):
            raise WeightsError(f'{where} has the tensor "{name}", which {type(network).__name__} does not have.')
    network.load_state_dict(found, strict=True)
    return network.requires_grad_(False).eval()
