"""SCGAN's training: what is drawn, the three losses, and the order of the updates (Algorithm 1 of arXiv:1905.02320).

The published equations contradict each other in sign; the losses here are the only reading in which every network
follows its purpose (docs/decisions/ has the derivation), and a test holds each direction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from limner.data.batch import MaskToImageBatch, TensorBatch
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.seed import generator, picture_noise
from limner.engine.system import System
from limner.metrics.attributes import attributes_correct
from limner.metrics.diversity import with_common_shading
from limner.metrics.segmentation import IGNORE, confusion_matrices, segmentation_scores
from limner.metrics.sliced_wasserstein import sliced_wasserstein_distance
from limner.nn.discriminator_augment import NUM_DRAWS, augment_for_discriminator
from limner.nn.label_maps import colorize, one_hot
from limner.systems.scgan.config import SCGANConfig
from limner.systems.scgan.networks import Discriminator, Generator, Segmentor
from limner.systems.scgan.pipeline import SCGANPipeline


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws; D and G of the same iteration share them (Algorithm 1)."""

    image: Float[Tensor, "b 3 h w"]
    label_map: Int64[Tensor, "b h w"]
    attributes: Float[Tensor, "b n_c"]
    target_map: Int64[Tensor, "b h w"]
    """Label maps of the batch in random order: the generator never gets a picture's own map with its attributes."""
    latent: Float[Tensor, "b n_z"]
    other_latent: Float[Tensor, "b n_z"]
    """A second z, for the diversity term."""
    mix: Float[Tensor, "b 1 1 1"]
    """Share of the real image in the gradient penalty's point."""
    augment: Float[Tensor, "b 4"]
    segmentor_noise: Float[Tensor, "b _ h w"]
    """Added to what S sees; without the option an empty tensor."""


@dataclass
class FixedInputs(MaskToImageBatch):
    """Inputs of the sample grids."""

    latent: Float[Tensor, "b latents n_z"]


class SCGAN(System[SCGANConfig, MaskToImageBatch]):
    """Generator, Wasserstein discriminator with classifier head, and segmentor, trained together."""

    name: ClassVar[str] = "scgan"
    # S's verdict on fakes. In a run on 720 photos it rose together with an independent judge's, while the sliced
    # Wasserstein distance of 52 held-out images preferred the blurred pictures of the beginning.
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("mean_iou", "max")

    def __init__(self, config: SCGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.num_classes = spec.schema.num_classes
        num_attributes = len(spec.attribute_names)
        self.use_classifier = config.loss.use_classifier and num_attributes > 0
        self.networks["generator"] = Generator(
            image_size=model.image_size,
            num_classes=self.num_classes,
            num_attributes=num_attributes,
            latent_size=model.latent_size,
            architecture=model.generator,
            width=model.generator_width,
            map_injection=model.map_injection,
            latent_injection=model.latent_injection,
            smooth_enlargement=model.smooth_enlargement,
            merged_pairs=spec.schema.flip_ids if model.sides == "merged" else (),
        )
        self.networks["discriminator"] = Discriminator(
            image_size=model.image_size,
            num_attributes=num_attributes if self.use_classifier else 0,
            width=model.discriminator_width,
            latent_size=model.latent_size if config.loss.weight_latent_regression > 0 else 0,
        )
        # Trained in the ablation without S too: it judges, it only stops teaching.
        self.networks["segmentor"] = Segmentor(
            num_classes=self.num_classes, architecture=model.segmentor, width=model.segmentor_width
        )

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The generator (an option of ours; the authors' code has no averaging)."""
        return ("generator",)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each."""
        options = self.config.optimizer
        rates = {"generator": options.lr_generator, "discriminator": options.lr_discriminator}
        adversarial = adam(self.networks, rates, betas=(options.beta1, options.beta2))
        return adversarial | adam(self.networks, {"segmentor": options.lr_segmentor}, betas=(0.5, 0.999))

    def training_step(self, batch: MaskToImageBatch, engine: Engine) -> None:
        """Update D and S, and every n_repeat-th time G, on one set of draws; S alone in its own part of the run."""
        draws = self.draw(batch, engine)
        alone = engine.images_seen < self.config.optimizer.segmentor_images
        if not alone:
            engine.update("discriminator", lambda part: self.discriminator_loss(part, engine), draws)
        if alone or not self.config.optimizer.freeze_segmentor:
            engine.update("segmentor", lambda part: self.segmentor_loss(part, engine), draws)
        if not alone and (engine.step + 1) % self.config.optimizer.num_repeat == 0:
            engine.update("generator", lambda part: self.generator_loss(part, engine), draws)

    def draw(self, batch: MaskToImageBatch, engine: Engine) -> Draws:
        """Permute the label maps against the images and attributes, and draw z and all other noise."""
        size = len(batch)
        return Draws(
            image=batch.image,
            label_map=batch.label_map,
            attributes=batch.attributes,
            target_map=engine.permute(batch.label_map, purpose="permutation"),
            latent=engine.randn(size, self.config.model.latent_size, purpose="latent"),
            other_latent=engine.randn(size, self.config.model.latent_size, purpose="other latent"),
            mix=engine.rand(size, 1, 1, 1, purpose="gradient penalty"),
            augment=engine.rand(size, NUM_DRAWS, purpose="discriminator augmentation"),
            segmentor_noise=self.draw_segmentor_noise(batch.image, engine),
        )

    def draw_segmentor_noise(self, image: Float[Tensor, "b 3 h w"], engine: Engine) -> Float[Tensor, "b _ h w"]:
        """White noise, of another strength up to `segmentor_noise` in each picture, so that S knows clean ones too."""
        largest = self.config.loss.segmentor_noise
        if largest == 0:
            return image[:, :0]
        strength = largest * engine.rand(len(image), 1, 1, 1, purpose="strength of segmentor noise")
        return strength * engine.randn(*image.shape, purpose="segmentor noise")

    def discriminator_loss(self, draws: Draws, engine: Engine) -> Tensor:
        """L_D = d(fake) - d(real) + lambda_gp L_gp + lambda_cls L_cls_real, with d the mean of the 2x2 scores."""
        weights = self.config.loss
        discriminator = engine.networks["discriminator"]
        with torch.no_grad(), engine.frozen("generator") as frozen:
            fake = self.generate(frozen, draws).float()
        real, fake = self.augment(draws.image, draws), self.augment(fake, draws)
        # No normalisation in D, so one pass over both halves equals two passes.
        scores, logits, latents = discriminator(torch.cat([real, fake]))
        real_score, fake_score = scores.mean(dim=(1, 2, 3)).chunk(2)
        loss = fake_score.mean() - real_score.mean()
        if engine.step % weights.gp_every == 0:
            with engine.unwrapped("discriminator") as unwrapped:
                penalty = gradient_penalty(unwrapped, real, fake, draws.mix, reduce=weights.gp_reduce)
            loss = loss + weights.weight_gradient_penalty * weights.gp_every * penalty
            engine.log("loss/gradient_penalty", penalty)
        engine.log("score_real", real_score.mean())
        engine.log("score_fake", fake_score.mean())
        engine.log("critic_accuracy", (real_score > fake_score).float().mean())
        if self.use_classifier:
            classification = self.classification_loss(logits[: len(real)], draws.attributes)
            loss = loss + weights.weight_classification * classification
            engine.log("loss/classification_real", classification)
        if weights.weight_latent_regression > 0:
            regression = functional.mse_loss(latents[len(real) :].float(), draws.latent)
            loss = loss + weights.weight_latent_regression * regression
        return loss

    def segmentor_loss(self, draws: Draws, engine: Engine) -> Tensor:
        """L_S: mean cross-entropy over the pixels of real images; S never learns from fakes."""
        loss = self.segmentation_loss(engine.networks["segmentor"](self.seen(draws.image, draws)), draws.label_map)
        engine.log("loss/segmentation_real", loss)
        return loss

    def generator_loss(self, draws: Draws, engine: Engine) -> Tensor:
        """L_G = -d(fake) + lambda_cls L_cls_fake + lambda_seg L_seg_fake, with D and S frozen."""
        weights = self.config.loss
        fake = self.generate(engine.networks["generator"], draws)
        with engine.frozen("discriminator") as discriminator:
            scores, logits, latents = discriminator(self.augment(fake, draws))
        loss = -scores.float().mean()
        if self.use_classifier:
            classification = self.classification_loss(logits.float(), draws.attributes)
            loss = loss + weights.weight_classification * classification
            engine.log("loss/classification_fake", classification)
        if weights.use_segmentor:
            with engine.frozen("segmentor") as segmentor:
                segmentation = self.segmentation_loss(segmentor(self.seen(fake, draws)).float(), draws.target_map)
            loss = loss + weights.weight_segmentation * segmentation
            engine.log("loss/segmentation_fake", segmentation)
        if weights.weight_latent_regression > 0:
            regression = functional.mse_loss(latents.float(), draws.latent)
            loss = loss + weights.weight_latent_regression * regression
            engine.log("loss/latent_regression", regression)
        if weights.weight_diversity > 0:
            diversity = self.diversity_loss(fake, draws, engine)
            loss = loss + weights.weight_diversity * diversity
            engine.log("loss/diversity", diversity)
        return loss

    def diversity_loss(self, fake: Float[Tensor, "b 3 h w"], draws: Draws, engine: Engine) -> Tensor:
        """How far the fakes are from differing by `diversity_limit` when only z changes; 0 once they do.

        An option of ours for small sets. A few hundred label maps make a varied set of pictures even if each map always
        gives the same one, so D cannot see that z is ignored. Eq. 3 of Yang et al., "Diversity-Sensitive Conditional
        GANs", ICLR 2019, arXiv:1901.09024, without its division by |z1 - z2|, which is nearly constant at these sizes.
        """
        with torch.no_grad(), engine.unwrapped("generator") as network:
            other = self.generate(network, dataclasses.replace(draws, latent=draws.other_latent)).float()
        with engine.frozen("discriminator") as discriminator:
            space, judge = self.config.loss.diversity_space, cast(Discriminator, discriminator)
            difference = picture_difference(fake.float(), other, space, judge)
        return functional.relu(self.config.loss.diversity_limit - difference).mean()

    def generate(self, network: nn.Module, draws: Draws) -> Float[Tensor, "b 3 h w"]:
        """G(z, c, permuted s)."""
        image: Tensor = network(draws.latent, draws.attributes, one_hot(draws.target_map, self.num_classes))
        return image

    def augment(self, image: Tensor, draws: Draws) -> Tensor:
        """What D sees of an image."""
        return augment_for_discriminator(image, draws.augment, self.config.loss.discriminator_augment)

    def seen(self, image: Float[Tensor, "b 3 h w"], draws: Draws) -> Float[Tensor, "b 3 h w"]:
        """What S sees of an image in training."""
        return image + draws.segmentor_noise if self.config.loss.segmentor_noise > 0 else image

    def classification_loss(self, logits: Float[Tensor, "b n_c"], attributes: Float[Tensor, "b n_c"]) -> Tensor:
        """A_c: binary cross-entropy summed over independent attributes, softmax cross-entropy over exclusive ones."""
        if self.spec.attribute_kind == "exclusive":
            return functional.cross_entropy(logits, attributes)
        return functional.binary_cross_entropy_with_logits(logits, attributes, reduction="sum") / len(logits)

    def segmentation_loss(self, logits: Float[Tensor, "b n_s h w"], label_map: Int64[Tensor, "b h w"]) -> Tensor:
        """A_s: cross-entropy, mean over pixels (with lambda_seg = 1 the sum of the slides would drown the rest).

        With `segmentation_balance` the pixels of rare classes weigh more, and the mean weight of all pixels is 1.
        """
        known = label_map != IGNORE
        weights = class_weights(label_map[known], self.num_classes, self.config.loss.segmentation_balance)
        sums = functional.cross_entropy(logits, label_map, weights, ignore_index=IGNORE, reduction="sum")
        return sums / known.sum().clamp(min=1)  # cross_entropy's own mean would divide by 0 where all is unknown

    def fixed_inputs(self, dataset: MaskToImageDataset) -> FixedInputs:
        """Up to eight held-out pictures and the same four latents for each."""
        batch = collate([dataset[index] for index in range(min(8, len(dataset)))])
        noise = torch.randn(1, 4, self.config.model.latent_size, generator=generator(0, "samples"))
        return FixedInputs(**vars(batch), latent=noise.expand(len(batch), -1, -1).contiguous())

    def sample(
        self, fixed: FixedInputs, networks: dict[str, nn.Module]
    ) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a map: map, real picture, four latents, then the first latent under each of up to four attributes."""
        segmentation = one_hot(fixed.label_map, self.num_classes)
        network = networks["generator"]
        columns = [colorize(fixed.label_map, self.spec.schema), fixed.image]
        columns += [network(latent, fixed.attributes, segmentation) for latent in fixed.latent.unbind(1)]
        for number in range(min(4, fixed.attributes.shape[1])):
            only = torch.zeros_like(fixed.attributes)
            only[:, number] = 1
            columns.append(network(fixed.latent[:, 0], only, segmentation))
        return torch.stack([column.float() for column in columns], dim=1)

    def diversity_of(self, grid: Float[Tensor, "rows columns 3 height width"]) -> float:
        """Mean absolute difference, in [-1, 1] units, between pictures of one map and different latents."""
        pictures = grid[:, 2:6]
        return float((pictures[:, :-1] - pictures[:, 1:]).abs().mean())

    def validate(self, batches: Iterable[MaskToImageBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """pAcc and mIoU of fakes by S itself, attribute accuracy by D_c, and a feature-free distance to the reals."""
        reals, fakes, correct = [], [], []
        of_fakes: list[Tensor] = []
        of_reals: list[Tensor] = []
        for batch in batches:
            noise = picture_noise(batch.index, self.config.model.latent_size, purpose="validate")
            segmentation = one_hot(batch.label_map, self.num_classes)
            fake = networks["generator"](noise, batch.attributes, segmentation)
            for found, image in ((of_fakes, fake), (of_reals, batch.image)):
                parsed = networks["segmentor"](image).argmax(1)
                found.append(confusion_matrices(parsed, batch.label_map, self.num_classes))
            if self.use_classifier:
                logits = networks["discriminator"](fake)[1]
                correct.append(attributes_correct(logits, batch.attributes, self.spec.attribute_kind))
            reals.append(batch.image.float().cpu())
            fakes.append(fake.float().cpu())
        scores, ceiling = (segmentation_scores(gather_rows(found).sum(0)) for found in (of_fakes, of_reals))
        result = {
            "pixel_accuracy": float(scores.pixel_accuracy),
            "mean_iou": float(scores.mean_iou),
            "mean_iou_of_reals": float(ceiling.mean_iou),
            "sliced_wasserstein": sliced_wasserstein_distance(gather_rows(reals), gather_rows(fakes)),
        }
        if self.use_classifier:
            result["attribute_accuracy"] = float(gather_rows(correct).float().mean())
        return result

    def pipeline(self, networks: dict[str, nn.Module]) -> SCGANPipeline:
        """Generator, segmentor and, for its classifier head where it has one, the discriminator."""
        if not self.use_classifier:
            networks = {name: network for name, network in networks.items() if name != "discriminator"}
        return SCGANPipeline(spec=self.spec, size=self.config.model.image_size, **networks)


def class_weights(labels: Int64[Tensor, " n"], num_classes: int, power: float) -> Float[Tensor, " classes"]:
    """Weight of each class: its share of the labels to the power of -`power`, scaled to a mean of 1 over the labels."""
    counts = torch.bincount(labels, minlength=num_classes).float()
    weights = counts.clamp(min=1).pow(-power)
    return weights * (counts.sum() / (weights * counts).sum().clamp(min=1e-6)) if len(labels) else weights


def picture_difference(
    first: Float[Tensor, "b 3 h w"],
    second: Float[Tensor, "b 3 h w"],
    space: Literal["pixels", "normalized", "features", "details"],
    discriminator: Discriminator,
) -> Float[Tensor, " b"]:
    """How much two pictures differ, pair by pair; a gradient flows to the first alone.

    "pixels":     mean absolute difference.
    "normalized": the same after every channel of each picture has mean 0 and standard deviation 1.
    "features":   mean over the discriminator's levels of the mean absolute difference, as a share of the mean absolute
                  value of both; 1 is about what unrelated maps differ by.
    "details":    the same after both pictures have been given one shading (`with_common_shading`).
    """
    second = second.detach()
    if space == "details":
        first, second = with_common_shading(torch.stack([first, second], dim=1)).unbind(1)
    if space in ("features", "details"):
        shares = []
        for a, b in zip(discriminator.features(first), discriminator.features(second), strict=True):
            a, b = a.float(), b.float()
            size = (a.detach().abs() + b.abs()).mean(dim=(1, 2, 3)) / 2
            shares.append((a - b).abs().mean(dim=(1, 2, 3)) / size.clamp_min(1e-6))
        return torch.stack(shares).mean(0)
    if space == "normalized":
        first, second = (functional.instance_norm(image, eps=1e-3) for image in (first, second))
    return (first - second).abs().mean(dim=(1, 2, 3))


def gradient_penalty(
    discriminator: nn.Module,
    real: Float[Tensor, "b 3 h w"],
    fake: Float[Tensor, "b 3 h w"],
    mix: Float[Tensor, "b 1 1 1"],
    *,
    reduce: Literal["sum", "mean"] = "sum",
) -> Tensor:
    """L_gp: mean over the batch of (|gradient of D_d at a point between real and fake| - 1)^2.

    Gulrajani et al. 2017, arXiv:1704.00028, Eq. 3. SCGAN's critic gives a 2x2 map: `sum` differentiates the sum of the
    four scores as the authors' code does (lambda_gp = 10 was tuned so), `mean` their mean.

    Args:
        discriminator: returns (scores, anything).
        real: images; no gradient flows into them.
        fake: likewise.
        mix: share of the real image, in [0, 1].
        reduce: "sum" or "mean".
    """
    point = (mix * real.detach() + (1 - mix) * fake.detach()).requires_grad_(True)
    scores = discriminator(point)[0].float().flatten(1)
    scores = scores.sum(1) if reduce == "sum" else scores.mean(1)
    (gradient,) = torch.autograd.grad(scores.sum(), point, create_graph=True)
    return (gradient.float().flatten(1).norm(dim=1) - 1).square().mean()
