"""What an agent is shown: attention, squares cut out of larger pictures, exchanged colours, canvases to begin with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.engine.engine import Engine
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.data import feature_function
from limner.systems.painter.environment import Scene, resized
from limner.systems.painter.strokes import parse_color
from limner.systems.painter.weight_map import usable_attention

_WHOLE = 0.3  # share of the pictures that are not cut
_BLURS = range(3, 9)  # pixels a side that are left of a picture that an episode begins with


class Views:
    """Scenes of the data set as the agent's networks see them.

    Args:
        config: of the run.
        features: kind of feature mask, as `data.usable_features` found it.

    Attributes:
        blank_color: (3,) of the empty canvas in [0, 1].
    """

    def __init__(self, config: PainterConfig, features: str) -> None:
        self.config = config
        self.features = features
        self.blank_color = torch.tensor(parse_color(config.agent.canvas)).float() / 255

    def training(self, scene: Scene, networks: dict[str, nn.Module], engine: Engine) -> Scene:
        """What a round of episodes paints."""
        return self.recolored(self.cut(self.attended(scene, networks), engine), engine)

    @torch.no_grad()
    def attended(self, scene: Scene, networks: dict[str, nn.Module]) -> Scene:
        """The scene with attention from the network, if that is where it comes from."""
        attention = scene.attention
        if "attention" in networks:
            small = resized(scene.target, self.config.model.image_size)
            attention = resized(networks["attention"].eval()(small).float().sigmoid(), scene.target.shape[-1])
        return dataclasses.replace(scene, attention=usable_attention(attention)[0])

    def cut(self, scene: Scene, engine: Engine) -> Scene:
        """Random squares of pictures that are larger than the networks see them, at the networks' size.

        The passes over tiles see the same: attention to the whole picture, features of the tile. They alone put 1 in
        the place of a tile's attention that says nothing (`painting._Easel._scene`).
        """
        size, full = self.config.model.image_size, scene.target.shape[-1]
        if full == size:
            return scene
        draws = engine.rand(len(scene), 4, purpose="views").tolist()
        rows = []
        for row, (whole, log_side, down, right) in zip(scene.chunk(len(scene)), draws, strict=True):
            side = full if whole < _WHOLE else round(size * (full / size) ** log_side)
            top, left = (int(place * (full - side + 1)) for place in (down, right))
            box = (..., slice(top, top + side), slice(left, left + side))
            rows.append([resized(part[box], size) for part in (row.target, row.attention)])
        target, attention = (torch.cat(parts) for parts in zip(*rows, strict=True))
        return Scene(target, attention, self._features(target))

    def recolored(self, scene: Scene, engine: Engine) -> Scene:
        """Scenes of which the share `exchange` has its colour channels in another order."""
        share = self.config.dataset.exchange
        if share == 0:
            return scene
        draws = engine.rand(len(scene), 4, purpose="colours")
        order = torch.where(draws[:, :1] < share, draws[:, 1:].argsort(dim=1), torch.arange(3, device=draws.device))
        rows = torch.arange(len(scene), device=draws.device)[:, None]
        return dataclasses.replace(scene, target=scene.target[rows, order])

    def whole(self, scene: Scene) -> Scene:
        """Pictures as a whole at the networks' size."""
        size = self.config.model.image_size
        if scene.target.shape[-1] == size:
            return scene
        target = resized(scene.target, size)
        return Scene(target, resized(scene.attention, size), self._features(target))

    def blank(self, scene: Scene) -> Tensor:
        """Empty canvases."""
        return self.blank_color.to(scene.target)[None, :, None, None].expand_as(scene.target)

    def beginning(self, scene: Scene, engine: Engine) -> Tensor:
        """Canvases that episodes begin with: empty ones, and blurs for the share `begun`."""
        canvas, share = self.blank(scene), self.config.agent.begun
        if share == 0:
            return canvas
        is_begun, coarseness = engine.rand(len(scene), 2, purpose="beginnings").view(-1, 2, 1, 1, 1).unbind(1)
        size = canvas.shape[-1]
        for number, side in enumerate(_BLURS):
            small = functional.interpolate(scene.target, (side, side), mode="area")
            blur = functional.interpolate(small, (size, size), mode="bicubic", align_corners=False).clamp(0, 1)
            is_chosen = (is_begun < share) & ((coarseness * len(_BLURS)).long() == number)
            canvas = torch.where(is_chosen, blur, canvas)
        return canvas

    @cached_property
    def _find_features(self) -> Callable[[Tensor], Tensor]:
        return feature_function(self.features, self.config.dataset.vgg16)

    def _features(self, target: Tensor) -> Tensor:
        return self._find_features(target.cpu()).to(target.device)
