"""S2: the attention network learns where the subject is, from masks or from `find_subject`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from limner.engine.engine import Engine
from limner.engine.ranks import gather_rows
from limner.engine.stages import Stage
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.data import collate_scenes
from limner.systems.painter.environment import Scene
from limner.systems.painter.stages.parts import SAMPLE_ROWS, adam_of, new_network


class AttentionStage(Stage[PainterConfig, Scene]):
    """Binary cross-entropy plus 1 - soft IoU."""

    def __init__(self, config: PainterConfig) -> None:
        super().__init__(config)
        self.networks["attention"] = new_network("attention", config)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam each."""
        return adam_of(self.networks, self.learning_rates())

    def learning_rates(self) -> dict[str, tuple[float, tuple[float, float]]]:
        """The attention network's."""
        return {"attention": (self.config.optimizer.lr_attention, (0.9, 0.999))}

    def training_step(self, batch: Scene, engine: Engine) -> None:
        """One update."""

        def loss(part: Scene) -> Tensor:
            logits = engine.networks["attention"](part.target).float()
            cross_entropy = functional.binary_cross_entropy_with_logits(logits, part.attention)
            overlap = soft_iou(logits.sigmoid(), part.attention).mean()
            engine.log("loss/cross_entropy", cross_entropy)
            engine.log("soft_iou", overlap)
            return cross_entropy + 1 - overlap

        engine.update("attention", loss, batch)

    def fixed_inputs(self, dataset: Any) -> Scene:
        """The first held-out pictures."""
        return collate_scenes([dataset[index] for index in range(min(SAMPLE_ROWS, len(dataset)))])

    def sample(self, fixed: Scene, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a picture: the picture, what attention should be, what it is."""
        found = networks["attention"](fixed.target).float().sigmoid()
        maps = [part.expand(-1, 3, -1, -1) for part in (fixed.attention, found)]
        return torch.stack([fixed.target, *maps], dim=1) * 2 - 1

    def validate(self, batches: Iterable[Scene], networks: dict[str, nn.Module]) -> dict[str, float]:
        """IoU at a threshold of one half, and soft IoU."""
        hard, soft = [], []
        for batch in batches:
            found = networks["attention"](batch.target).float().sigmoid()
            hard.append(soft_iou((found > 0.5).float(), (batch.attention > 0.5).float()))
            soft.append(soft_iou(found, batch.attention))
        iou = float(gather_rows(hard).mean())
        return {"error": 1 - iou, "iou": iou, "soft_iou": float(gather_rows(soft).mean())}


def soft_iou(found: Float[Tensor, "b 1 h w"], wanted: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """Overlap of two soft masks: sum of products over sum of what is in either."""
    both = (found * wanted).sum(dim=(1, 2, 3))
    return (both + 1e-6) / ((found + wanted - found * wanted).sum(dim=(1, 2, 3)) + 1e-6)
