"""S1: the neural renderer learns what the exact brush draws."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from limner.engine.engine import Engine
from limner.engine.ranks import gather_rows
from limner.engine.stages import Stage
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.data import NUM_HELD_OUT, StrokeBatch, collate_strokes
from limner.systems.painter.stages.parts import SAMPLE_ROWS, adam_of, new_network


class RendererStage(Stage[PainterConfig, StrokeBatch]):
    """Mean squared error between the renderer and the exact rasteriser on random strokes."""

    def __init__(self, config: PainterConfig) -> None:
        super().__init__(config)
        self.networks["renderer"] = new_network("renderer", config)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam each."""
        return adam_of(self.networks, self.learning_rates())

    def learning_rates(self) -> dict[str, tuple[float, tuple[float, float]]]:
        """The renderer's."""
        return {"renderer": (self.config.optimizer.lr_renderer, (0.9, 0.999))}

    def training_step(self, batch: StrokeBatch, engine: Engine) -> None:
        """One update on new strokes."""

        def loss(part: StrokeBatch) -> Tensor:
            error = (engine.networks["renderer"](part.shape).float() - part.alpha).square().mean()
            engine.log("loss/renderer", error)
            return error

        engine.update("renderer", loss, batch)

    def fixed_inputs(self, dataset: Any) -> StrokeBatch:
        """Held-out strokes, the last ones with the thinnest brush."""
        places = [*range(SAMPLE_ROWS - 2), len(dataset) - 2, len(dataset) - 1]
        return collate_strokes([dataset[place] for place in places])

    def sample(self, fixed: StrokeBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a stroke: exact, neural, and their difference (grey where they agree)."""
        neural = networks["renderer"](fixed.shape).float()
        columns = [2 * fixed.alpha - 1, 2 * neural - 1, (neural - fixed.alpha).clamp(-1, 1)]
        return torch.stack([column.expand(-1, 3, -1, -1) for column in columns], dim=1)

    def validate(self, batches: Iterable[StrokeBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Squared errors beside those of predicting a blank (`zero`) and the mean picture (`mean`).

        A renderer that is stuck at `zero` paints nothing, whatever its loss looks like.
        """
        pairs = [(networks["renderer"](batch.shape).float(), batch.alpha) for batch in batches]
        neural, alphas = (gather_rows([pair[place] for pair in pairs]) for place in (0, 1))
        half = NUM_HELD_OUT // 2
        usual, thin = slice(0, half), slice(half, None)
        errors = (neural - alphas).square().mean(dim=(1, 2, 3))
        mean = alphas[usual].mean(dim=0, keepdim=True)
        return {
            "error": float(errors[usual].mean()),
            "error_of_thin_strokes": float(errors[thin].mean()),
            "baseline_zero": float(alphas[usual].square().mean()),
            "baseline_mean": float((alphas[usual] - mean).square().mean()),
            "baseline_zero_of_thin_strokes": float(alphas[thin].square().mean()),
        }
