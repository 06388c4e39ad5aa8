"""Training of the parser: supervised, one network, with augmentation that prepares it for generated images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from limner.data.batch import MaskToImageBatch
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.ranks import gather_rows
from limner.engine.system import System
from limner.metrics.attributes import attributes_correct
from limner.metrics.segmentation import IGNORE, confusion_matrices, segmentation_scores
from limner.nn.label_maps import colorize
from limner.systems.parser.config import ParserConfig
from limner.systems.parser.damage import FLOW_SHAPE, KINDS, NUM_NUMBERS, Draws, damage, draw_amounts, halved
from limner.systems.parser.networks import ParserOutput, ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline

_WARM_UP = 0.05  # share of the run in which the learning rate rises; the first AdamW steps are too long otherwise
_SAMPLE_IMAGES = 8


@dataclass
class DamagedBatch(MaskToImageBatch):
    """Pictures, some of them damaged."""

    damage: Float[Tensor, "b kinds"]
    """Amounts of the kinds of `damage.KINDS`; no columns where nothing is damaged."""


class Parser(System[ParserConfig, MaskToImageBatch]):
    """Pixel cross-entropy, Dice and attribute loss; AdamW with a cosine schedule."""

    name: ClassVar[str] = "parser"
    pipeline_class: ClassVar[type[Any]] = ParserPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("mean_iou", "max")

    def __init__(self, config: ParserConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.networks["parser"] = ParsingNetwork(
            num_classes=spec.schema.num_classes,
            num_attributes=len(spec.attribute_names),
            width=config.model.width,
            num_damages=len(KINDS) if config.loss.weight_damage else 0,
        )

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The only network."""
        return ("parser",)

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW, without decay of biases and norm parameters: shrinking a norm's scale only fights its purpose."""
        parameters = list(self.networks["parser"].parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.config.optimizer.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return {"parser": AdamW(groups, lr=self.config.optimizer.lr)}

    def lr_scale(self, images_seen: int) -> float:
        """Linear rise, then half a cosine down to 0."""
        done = images_seen / self.config.train.images
        return min(1.0, (done + 1e-3) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def training_step(self, batch: MaskToImageBatch, engine: Engine) -> None:
        """One update on photometrically disturbed images; of the preset `features` on damaged ones."""
        parameters = engine.randn(len(batch), 4, purpose="jitter")
        noise = engine.randn(len(batch), *batch.image.shape[1:], purpose="jitter noise")
        image = jitter(batch.image, parameters, noise, strength=self.config.loss.jitter)
        damaged = self._damaged(dataclasses.replace(batch, image=image), engine)
        engine.update("parser", lambda part: self._loss(part, engine), damaged)

    def _damaged(self, batch: MaskToImageBatch, engine: Engine) -> DamagedBatch:
        """The batch with every second picture damaged, where the configuration asks for it.

        Every second batch or so is halved in size: the features are to serve pictures of both sizes as they are, since
        enlarging would make all of them soft.
        """
        image, label_map = batch.image, batch.label_map
        if not self.config.loss.weight_damage:
            return DamagedBatch(image, label_map, batch.attributes, batch.index, image[:, :0, 0, 0])
        count, purpose = len(batch), "damage"
        if float(engine.rand(1, purpose=f"{purpose} size")) < 0.5:
            image, label_map = halved(image, label_map)
        kinds = engine.rand(count, 2, len(KINDS), purpose=purpose)
        draws = Draws(
            amounts=draw_amounts(*kinds.unbind(1)),
            numbers=engine.rand(count, NUM_NUMBERS, purpose=f"{purpose} numbers"),
            noise=engine.randn(count, *image.shape[1:], purpose=f"{purpose} noise"),
            flow=engine.randn(count, *FLOW_SHAPE, purpose=f"{purpose} flow"),
        )
        image, label_map = damage(image, label_map, draws)
        return DamagedBatch(image, label_map, batch.attributes, batch.index, draws.amounts)

    def _loss(self, batch: DamagedBatch, engine: Engine) -> Tensor:
        output: ParserOutput = engine.networks["parser"](batch.image)
        cross_entropy = F.cross_entropy(output.logits.float(), batch.label_map, ignore_index=IGNORE)
        dice = dice_loss(output.logits.float(), batch.label_map)
        engine.log("loss/cross_entropy", cross_entropy)
        engine.log("loss/dice", dice)
        total = cross_entropy + self.config.loss.weight_dice * dice
        if self.spec.attribute_names:
            logits = output.attribute_logits.float()
            if self.spec.attribute_kind == "exclusive":
                attributes = F.cross_entropy(logits, batch.attributes)
            else:
                attributes = F.binary_cross_entropy_with_logits(logits, batch.attributes)
            engine.log("loss/attributes", attributes)
            total = total + self.config.loss.weight_attributes * attributes
        if self.config.loss.weight_damage:
            error = F.mse_loss(output.damage.float(), batch.damage)
            engine.log("loss/damage", error)
            total = total + self.config.loss.weight_damage * error
        return total

    def fixed_inputs(self, dataset: MaskToImageDataset) -> MaskToImageBatch:
        """The first held-out images."""
        return collate([dataset[index] for index in range(min(_SAMPLE_IMAGES, len(dataset)))])

    def sample(self, fixed: MaskToImageBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows 3 3 height width"]:
        """A row for each image: the image, its label map, the parse."""
        schema = self.spec.schema
        predicted = networks["parser"](fixed.image).logits.argmax(1)
        return torch.stack([fixed.image, colorize(fixed.label_map, schema), colorize(predicted, schema)], dim=1)

    def validate(self, batches: Iterable[MaskToImageBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Scores on held-out images."""
        num_classes = self.spec.schema.num_classes
        confusion: list[Tensor] = []
        correct: list[Tensor] = []
        for batch in batches:
            output = networks["parser"](batch.image)
            confusion.append(confusion_matrices(output.logits.argmax(1), batch.label_map, num_classes))
            if self.spec.attribute_names:
                correct.append(attributes_correct(output.attribute_logits, batch.attributes, self.spec.attribute_kind))
        scores = segmentation_scores(gather_rows(confusion).sum(0))
        result = {"mean_iou": float(scores.mean_iou), "pixel_accuracy": float(scores.pixel_accuracy)}
        if self.spec.attribute_names:
            result["attribute_accuracy"] = float(gather_rows(correct).float().mean())
        return result


def dice_loss(logits: Float[Tensor, "batch classes h w"], target: Int64[Tensor, "batch h w"]) -> Float[Tensor, ""]:
    """1 - mean Dice overlap of the classes that occur in the target.

    Cross-entropy alone gives classes of a few pixels up; Dice weighs all classes alike. Milletari et al., "V-Net", 3DV
    2016, arXiv:1606.04797, with the soft overlap taken over the whole batch.
    """
    probability = logits.softmax(1)
    counted = target != IGNORE
    one_hot = F.one_hot(target.where(counted, 0), logits.shape[1]).permute(0, 3, 1, 2) * counted[:, None]
    overlap = (probability * one_hot).sum((0, 2, 3))
    size = (probability * counted[:, None]).sum((0, 2, 3)) + one_hot.sum((0, 2, 3))
    present = one_hot.sum((0, 2, 3)) > 0
    dice = 2 * overlap / size.clamp_min(1)
    return ((1 - dice) * present).sum() / present.sum().clamp_min(1)


def jitter(
    image: Float[Tensor, "batch 3 h w"],
    parameters: Float[Tensor, "batch 4"],
    noise: Float[Tensor, "batch 3 h w"],
    *,
    strength: float,
) -> Float[Tensor, "batch 3 h w"]:
    """Disturb brightness, contrast, saturation, sharpness and noise of each image by its own amounts.

    A parser that has only seen clean photographs takes the softness and the colours of a generator for other classes;
    the score would measure the disturbance, not the shapes.

    Args:
        image: [-1, 1].
        parameters: N(0, 1).
        noise: N(0, 1).
        strength: 1 = standard deviations of 0.15 (brightness), 0.2 (contrast, saturation), up to full smoothing, and
            noise of 0.05; 0 changes nothing.

    Returns:
        [-1, 1].
    """
    amount = strength * parameters.clamp(-2, 2)[:, :, None, None, None]
    brightness, contrast, saturation, softness = amount.unbind(1)
    grey = image.mean(1, keepdim=True)
    image = grey + (1 + 0.2 * saturation) * (image - grey)
    image = (1 + 0.2 * contrast) * image + 0.15 * brightness
    kernel = image.new_tensor([1.0, 2.0, 1.0])
    kernel = (kernel[:, None] * kernel / 16).expand(3, 1, 3, 3)
    smooth = F.conv2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    image = torch.lerp(image, smooth, (0.7 * softness).clamp(-0.5, 1.4).expand_as(image))
    return (image + 0.05 * strength * parameters[:, :1, None, None].abs() * noise).clamp(-1, 1)
