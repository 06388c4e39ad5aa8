"""Weights of the parent painter's own program, `actor.pkl` and `renderer.pkl`, as weights of `learning-to-paint`.

The layers have the same shapes and names. Two things differ: its pictures are BGR, so the actor's first and last layer
change the order of the colours; and its renderer returns one minus the opacity, which needs no change of weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from limner.backbones.state import load_network
from limner.data.spec import DataSpec
from limner.errors import WeightsError
from limner.files import at_home, reason
from limner.systems.painter.learning_to_paint.pipeline import LearningToPaintPipeline
from limner.systems.painter.networks import NUM_PARAMS, NUM_SHAPE, Actor, Renderer, fingerprint

_NUM_STROKES = 5
_PARALLEL = "module."  # what a network wrapped for several GPUs puts before every name


def convert(actor: str | Path, renderer: str | Path) -> LearningToPaintPipeline:
    """A pipeline with the weights of the parent's files, which are read as tensors only.

    Args:
        actor: its `actor.pkl`, of 9 channels.
        renderer: its `renderer.pkl`.

    Raises:
        WeightsError: if a file cannot be read, holds more than tensors, or is of another network.
    """
    shapes = _read(at_home(renderer))
    renderer_network = load_network(Renderer, shapes, where=renderer)
    config: dict[str, Any] = {
        "in_channels": 9,
        "num_strokes": _NUM_STROKES,
        "renderer_hash": fingerprint(renderer_network),
        "weighting": "uniform",
    }
    actor_network = load_network(lambda: Actor(**config), _in_rgb(_read(at_home(actor))), where=actor)
    return LearningToPaintPipeline(spec=DataSpec(), size=128, renderer=renderer_network, actor=actor_network)


def _in_rgb(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The actor's tensors for RGB canvases, targets and colours."""
    changed = dict(state)
    first, weight, bias = (changed.get(name) for name in ("conv1.weight", "fc.weight", "fc.bias"))
    if first is None or weight is None or bias is None or first.shape[1] < 6 or len(bias) % NUM_PARAMS:
        return changed  # another network; `load_network` says which
    inputs = torch.arange(first.shape[1])
    inputs[:6] = torch.tensor([2, 1, 0, 5, 4, 3])
    outputs = torch.arange(len(bias)).view(-1, NUM_PARAMS)
    outputs[:, NUM_SHAPE:] = outputs[:, NUM_SHAPE:].flip(1)
    changed["conv1.weight"] = first[:, inputs]
    changed["fc.weight"], changed["fc.bias"] = weight[outputs.flatten()], bias[outputs.flatten()]
    return changed


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"There is no weights file {path}.") from error
    except Exception as error:  # the restricted reader raises many kinds
        raise WeightsError(
            f"{path} holds more than tensors, or is damaged ({reason(error)[:80]}); only tensors are read, as a pickle "
            "can run foreign code."
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds no plain list of tensors by name; save the network's state_dict() alone.")
    return {str(name).removeprefix(_PARALLEL): tensor for name, tensor in state.items()}
