"""Training of portrait: the parser first, then paired and unpaired results in turn (arXiv:1905.10346, Sec. 3.4).

A paired result is painted from a photo's own looks, map and background, so the photo itself is the goal; an unpaired
one takes the looks of another photo of the batch, and only the discriminator and the frozen parser judge it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from limner.backbones.vgg import VGG, imagenet_normalized
from limner.data.batch import MaskToImageBatch, TensorBatch
from limner.data.dataset import MaskToImageDataset
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.stages import Phase, phase_at
from limner.engine.system import System
from limner.errors import ConfigError
from limner.faces.parts import PARTS, SCHEMA
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.mask_to_image.training import Neighbours, first_rows_with_neighbours, quick_scores, sample_grid
from limner.metrics.segmentation import IGNORE, confusion_matrices, segmentation_scores
from limner.nn.parsing import ParsingNetwork
from limner.pipelines import load
from limner.systems.portrait.config import PortraitConfig
from limner.systems.portrait.networks import Appearance, Discriminator, Generator, Reconstruction
from limner.systems.portrait.parts import Target, part_mask
from limner.systems.portrait.pipeline import PortraitPipeline

Kind = Literal["paired", "unpaired"]
TRAINED = ("appearance", "reconstruction", "generator")
"""Networks that one loss trains together."""
VGG_LAYERS = {"relu1_1": 1 / 4, "relu2_1": 1 / 4, "relu3_1": 1 / 4, "relu4_1": 1 / 8, "relu5_1": 1 / 8}
"""Layer -> its weight in the perceptual loss (authors' code)."""
PART_WEIGHTS = {"left_eye": 10.0, "right_eye": 10.0, "skin": 5.0, "hair": 5.0, "mouth": 10.0}
"""Weight of each part in the perceptual loss and, against 10 for the whole, in the squared error (authors' code)."""


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws."""

    photo: Float[Tensor, "b 3 h w"]
    label_map: Int64[Tensor, "b h w"]
    noise: Float[Tensor, "b parts z"]
    """Of the codes, where they are distributions."""


@dataclass
class Judged(TensorBatch):
    """What a discriminator compares."""

    one_hot: Float[Tensor, "b 11 h w"]
    photo: Float[Tensor, "b 3 h w"]
    fake: Float[Tensor, "b 3 h w"]


class Portrait(System[PortraitConfig, MaskToImageBatch]):
    """Five local auto-encoders and a generator against two discriminators, with a frozen parser."""

    name: ClassVar[str] = "portrait"
    pipeline_class: ClassVar[type[Any]] = PortraitPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("sliced_wasserstein", "min")

    def __init__(self, config: PortraitConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        if spec.schema != SCHEMA:
            raise ConfigError(
                f'portrait knows the labels of "{SCHEMA.name}", but the data has "{spec.schema.name}"; leave '
                f"--schema out, or say --schema {SCHEMA.name}: maps are converted to it, whatever the data folder's "
                "schema.json says that they are."
            )
        model = config.model
        shared: dict[str, Any] = {
            "image_size": model.image_size,
            "feature_stride": model.feature_stride,
            "smooth_enlargement": model.smooth_enlargement,
        }
        looks: dict[str, Any] = {**shared, "width": model.appearance_width}
        looks.update(local_channels=model.local_channels, local_stride=model.local_stride)
        self.appearance = Appearance(
            **looks,
            latent=model.latent,
            norm=model.norm,
            eye_input=model.eye_input,
            grow=model.grow,
            local_alignment=model.local_alignment,
        )
        self.networks["appearance"] = self.appearance
        self.networks["reconstruction"] = Reconstruction(**looks, norm=model.norm)
        self.networks["generator"] = Generator(
            **shared,
            width=model.width,
            appearance_width=model.appearance_width,
            num_blocks=model.num_blocks,
            mask_encoder=model.mask_encoder,
            norm=model.norm,
        )
        self.networks["discriminator"] = Discriminator(width=model.discriminator_width)
        if not model.shared_discriminator:
            self.networks["discriminator_unpaired"] = Discriminator(width=model.discriminator_width)
        self.networks["parser"] = self._make_parser()
        self.vgg: VGG | None = None

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """What inference needs (an option of ours; the authors' code has no averaging)."""
        return ("appearance", "generator")

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for every network, each kind with its own rate; a loaded parser has none."""
        options = self.config.optimizer
        rates = {
            name: options.lr if name in TRAINED else options.lr_discriminator
            for name in self.networks
            if name != "parser"
        }
        if not self.config.model.parser:
            rates["parser"] = options.lr_parser
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def prepare(self, device: torch.device) -> None:
        """Read VGG-19, where the perceptual loss has a weight.

        Raises:
            WeightsError: if the file is not of VGG-19.
        """
        if self.config.loss.vgg_weights is not None:
            self.vgg = VGG.from_file(self.config.loss.vgg_weights, 19).to(device)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The parser alone, where none is named; then everything else."""
        options = self.config.optimizer
        first = () if self.config.model.parser else (Phase("parser", options.parser_images),)
        return (*first, Phase("portrait", None))

    def kinds(self, step: int, size: int) -> tuple[Kind, ...]:
        """Which results an iteration makes: paired ones every second time."""
        if size == 1:  # there is no other photo to take a look from
            return ("paired",)
        if step % 2:
            return ("unpaired",)
        return ("paired", "unpaired") if self.config.loss.schedule == "both" else ("paired",)

    def training_step(self, batch: MaskToImageBatch, engine: Engine) -> None:
        """The parser alone; or the auto-encoders and the generator, then the discriminators that saw a result."""
        if phase_at(self.phases, engine.images_seen) == "parser":
            engine.update("parser", lambda part: self.parser_loss(part, engine), batch)
            return
        size, code_size = len(batch), self.appearance.code_size
        draws = Draws(
            photo=batch.image,
            label_map=batch.label_map,
            noise=engine.randn(size, len(PARTS), code_size, purpose="codes"),
        )
        kinds = self.kinds(engine.step, size)
        shift = float(torch.rand((), generator=engine.generator("looks")))
        judged: dict[Kind, list[Judged]] = {kind: [] for kind in kinds}
        engine.update(TRAINED, lambda part: self.portrait_loss(part, engine, judged, shift=shift), draws)
        for kind in kinds:
            parts = [torch.cat([getattr(part, name) for part in judged[kind]]) for name in vars(judged[kind][0])]
            judge = partial(self.judge_loss, engine=engine, kind=kind)
            engine.update(self.discriminator_of(kind), judge, Judged(*parts))

    def discriminator_of(self, kind: Kind) -> str:
        """The network that judges this kind of result."""
        shared = kind == "paired" or self.config.model.shared_discriminator
        return "discriminator" if shared else "discriminator_unpaired"

    def parser_loss(self, batch: MaskToImageBatch, engine: Engine) -> Tensor:
        """L_P: mean cross-entropy over the pixels of photos."""
        loss = _cross_entropy(engine.networks["parser"](batch.image).logits, batch.label_map)
        engine.log("loss/parser", loss)
        return loss

    def portrait_loss(self, draws: Draws, engine: Engine, judged: dict[Kind, list[Judged]], *, shift: float) -> Tensor:
        """L_G: the local reconstructions, and the losses of each kind of result.

        Args:
            draws: a micro-batch.
            engine: of the run.
            judged: the kinds that are wanted; their results are added here, for the discriminators.
            shift: in [0, 1), how far looks move on in the micro-batch.
        """
        loss = self.config.loss
        target = self.appearance.target(draws.label_map)
        parts = self.appearance.cut(draws.photo, target)
        noise = draws.noise if self.config.model.latent == "vae" else None
        features, codes, log_variances = engine.networks["appearance"](parts, noise)
        local = self.local_loss(engine.networks["reconstruction"](codes), parts, target)
        engine.log("loss/local", local)
        total = 0.5 * loss.weight_local * loss.scale_squares * local
        if log_variances and loss.weight_kl > 0:
            divergence = kl_divergence(codes, log_variances)
            engine.log("loss/kl", divergence)
            total = total + loss.weight_kl * divergence
        for kind, results in judged.items():
            looks = features if kind == "paired" else self.exchange(features, target.centres, shift)
            fake = engine.networks["generator"](target.one_hot, draws.photo, looks, target.centres)
            total = total + self.result_loss(kind, fake, draws, target, engine)
            results.append(Judged(target.one_hot, draws.photo, fake.detach().float()))
        return total

    def exchange(self, features: dict[str, Tensor], centres: Tensor, shift: float) -> dict[str, Tensor]:
        """The looks of other photos: all rows moved on by the same number of places, at least one."""
        places = 1 + int(shift * (len(centres) - 1))
        others = {part: block.roll(places, 0) for part, block in features.items()}
        return self.appearance.align(others, centres.roll(places, 0), centres)

    def local_loss(self, images: dict[str, Tensor], parts: dict[str, Tensor], target: Target) -> Tensor:
        """Sum over the parts of the mean squared error of their reconstructions.

        Where an encoder sees its part alone, only the part is compared: the grey around it is no look, and a code that
        had to paint it would have to remember the part's outline, which the map gives.
        """
        seen = self.appearance.cut(torch.ones_like(target.one_hot[:, :3]), target)
        errors = [functional.mse_loss(images[part].float() * seen[part], parts[part]) for part in PARTS]
        return torch.stack(errors).sum()

    def result_loss(
        self, kind: Kind, fake: Float[Tensor, "b 3 h w"], draws: Draws, target: Target, engine: Engine
    ) -> Tensor:
        """Paired: L_GD with feature matching, L_global, L_GP; unpaired: L_sigmoid and L_GP."""
        loss, fake = self.config.loss, fake.float()
        with engine.frozen(self.discriminator_of(kind)) as discriminator:
            found = discriminator(target.one_hot, fake)
        adversarial = torch.stack([generator_loss(logits.float(), "bce") for _, logits in found]).sum()
        engine.log(f"loss/adversarial/{kind}", adversarial)
        total = loss.weight_adversarial * adversarial
        if kind == "paired":
            total = total + self.paired_loss(fake, found, draws, target, engine)
        if loss.weight_parsing > 0 and (kind == "unpaired" or loss.parsing_of == "both"):
            with engine.frozen("parser") as parser:
                logits = parser(fake).logits.float()
            # The map as it was drawn: the enlarged one would teach faces with wide eyes.
            parsing = _cross_entropy(logits, draws.label_map, loss.parsing_class_weights)
            engine.log(f"loss/parsing/{kind}", parsing)
            total = total + loss.weight_parsing * parsing
        return total

    def paired_loss(
        self,
        fake: Float[Tensor, "b 3 h w"],
        found: list[tuple[Tensor, Tensor]],
        draws: Draws,
        target: Target,
        engine: Engine,
    ) -> Tensor:
        """What needs the photo as the goal: L_global, feature matching, and the perceptual loss where it is used."""
        loss, photo = self.config.loss, draws.photo
        squares = functional.mse_loss(fake, photo)
        engine.log("loss/global", squares)
        if loss.global_by_parts:
            squares = squares + self.squares_by_parts(fake, photo, target.label_map)
        total = 0.5 * loss.weight_global * loss.scale_squares * squares
        if loss.weight_features > 0:
            with torch.no_grad(), engine.frozen(self.discriminator_of("paired")) as discriminator:
                wanted = discriminator(target.one_hot, photo)
            distance = functional.mse_loss if loss.feature_distance == "squared" else functional.l1_loss
            matching = torch.stack(
                [distance(b.float(), a.float()) for (a, _), (b, _) in zip(wanted, found, strict=True)]
            ).sum()
            engine.log("loss/features", matching)
            total = total + 0.5 * loss.weight_adversarial * loss.weight_features * matching
        if self.vgg is not None:
            perceptual = perceptual_loss(self.vgg, photo, fake, target.label_map)
            engine.log("loss/perceptual", perceptual)
            total = total + loss.weight_perceptual * perceptual
        if loss.weight_parser_features > 0:
            with engine.frozen("parser") as parser:
                distance_in_parser = parser_feature_loss(cast(ParsingNetwork, parser), photo, fake)
            engine.log("loss/parser_features", distance_in_parser)
            total = total + loss.weight_parser_features * distance_in_parser
        return total

    def squares_by_parts(self, fake: Tensor, photo: Tensor, label_map: Tensor) -> Tensor:
        """Mean squared errors of pictures that show one part alone, weighted against the whole."""
        errors = (fake - photo).square()
        terms = [
            weight / 10 * (errors * part_mask(label_map, part)[:, None]).mean() for part, weight in PART_WEIGHTS.items()
        ]
        return torch.stack(terms).sum()

    def judge_loss(self, judged: Judged, *, engine: Engine, kind: Kind) -> Tensor:
        """L_D, summed over the two scales; the real pair is the target photo with its map."""
        discriminator = engine.networks[self.discriminator_of(kind)]
        # Two passes: each has batch statistics of its own.
        real = [logits.float() for _, logits in discriminator(judged.one_hot, judged.photo)]
        fake = [logits.float() for _, logits in discriminator(judged.one_hot, judged.fake)]
        accuracy = (real[0].mean((1, 2, 3)) > fake[0].mean((1, 2, 3))).float().mean()
        engine.log("critic_accuracy" if kind == "unpaired" else "critic_accuracy/paired", accuracy)
        return torch.stack([discriminator_loss(a, b, "bce") for a, b in zip(real, fake, strict=True)]).sum()

    def fixed_inputs(self, dataset: MaskToImageDataset) -> Neighbours:
        """The first held-out pictures, each with itself and the three before it."""
        return first_rows_with_neighbours(dataset, range(4))

    def sample(self, fixed: Neighbours, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a map: map, photo, the paired result, the looks of three other photos, the parser's labels."""
        others = zip(fixed.others.unbind(1), fixed.other_maps.unbind(1), strict=True)
        wanted = self.appearance.target(fixed.label_map).centres
        pictures = [self.paint(fixed, networks, self.looks(photo, maps, networks, wanted)) for photo, maps in others]
        parse = networks["parser"](fixed.image).logits.argmax(1)
        grid = sample_grid(fixed, self.spec.schema, pictures)
        labels = sample_grid(MaskToImageBatch(fixed.image, parse, fixed.attributes, fixed.index), self.spec.schema, [])
        return torch.cat([grid, labels[:, :1]], dim=1)

    def validate(self, batches: Iterable[MaskToImageBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Unpaired results as a set, paired ones pixel by pixel, and how well the parser reads photos."""
        paired: list[Tensor] = []
        correct: list[Tensor] = []

        def paint(batch: MaskToImageBatch) -> Tensor:
            centres = self.appearance.target(batch.label_map).centres
            own = self.looks(batch.image, batch.label_map, networks, centres)
            paired.append((self.paint(batch, networks, own) - batch.image).float().abs().mean((1, 2, 3)).cpu())
            parsed = networks["parser"](batch.image).logits.argmax(1)
            correct.append(confusion_matrices(parsed, batch.label_map, SCHEMA.num_classes))
            return self.paint(batch, networks, self.exchange(own, centres, shift=0.0))

        unpaired = quick_scores(batches, paint)
        return {
            "sliced_wasserstein": unpaired["sliced_wasserstein"],
            "reconstruction": float(gather_rows(paired).mean()),
            "parser_pixel_accuracy": float(segmentation_scores(gather_rows(correct).sum(0)).pixel_accuracy),
        }

    def looks(
        self,
        photo: Float[Tensor, "b 3 h w"],
        label_map: Int64[Tensor, "b h w"],
        networks: dict[str, nn.Module],
        wanted: Int64[Tensor, "b 3 2"],
    ) -> dict[str, Tensor]:
        """How each part of photos with these maps looks, for maps with the centres `wanted`."""
        target = self.appearance.target(label_map)
        features: dict[str, Tensor] = networks["appearance"](self.appearance.cut(photo, target))[0]
        return self.appearance.align(features, target.centres, wanted)

    def paint(
        self, batch: MaskToImageBatch, networks: dict[str, nn.Module], looks: dict[str, Tensor]
    ) -> Float[Tensor, "b 3 h w"]:
        """Portraits of a batch's maps with these looks."""
        target = self.appearance.target(batch.label_map)
        return networks["generator"](target.one_hot, batch.image, looks, target.centres).clamp(-1, 1)

    def _make_parser(self) -> nn.Module:
        """The parser of `--model.parser` (weights of "parser", or of "portrait" with their own), or a new one."""
        model = self.config.model
        if not model.parser:
            return ParsingNetwork(num_classes=SCHEMA.num_classes, num_attributes=0, width=model.parser_width)
        loaded = load(model.parser)
        if "parser" not in loaded.components:
            raise ConfigError(
                f'--model.parser {model.parser} are weights of "{loaded.name}", which has no parser; name weights of '
                '"parser" or of "portrait".'
            )
        if loaded.spec.schema.classes != SCHEMA.classes:
            raise ConfigError(
                f'--model.parser {model.parser} labels with the schema "{loaded.spec.schema.name}", but portrait needs '
                f'"{SCHEMA.name}"; train one with limner train parser --schema {SCHEMA.name}.'
            )
        return loaded.components["parser"].requires_grad_(True)  # `Engine.frozen` decides


def kl_divergence(means: dict[str, Tensor], log_variances: dict[str, Tensor]) -> Float[Tensor, ""]:
    """Divergence of the codes' distributions from N(0, 1): summed over numbers and parts, averaged over the batch."""
    terms = [
        0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).float().sum(1)
        for mean, log_variance in ((means[part], log_variances[part]) for part in log_variances)
    ]
    return torch.stack(terms).sum(0).mean()


def perceptual_loss(
    vgg: VGG, real: Float[Tensor, "b 3 h w"], fake: Float[Tensor, "b 3 h w"], label_map: Int64[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Distance in VGG-19's layers, each part of the face with its weight; no gradient flows to the real features."""
    importance = torch.stack([weight * part_mask(label_map, part) for part, weight in PART_WEIGHTS.items()]).sum(0)
    with torch.no_grad():
        wanted = vgg(imagenet_normalized(real), list(VGG_LAYERS))
    found = vgg(imagenet_normalized(fake), list(VGG_LAYERS))
    terms = []
    for a, b, weight in zip(wanted, found, VGG_LAYERS.values(), strict=True):
        mask = functional.adaptive_max_pool2d(importance[:, None], a.shape[-2:])
        terms.append(weight * (mask * (b - a).abs()).mean())
    return torch.stack(terms).sum()


def parser_feature_loss(
    parser: ParsingNetwork, real: Float[Tensor, "b 3 h w"], fake: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, ""]:
    """Mean over the levels of the parser's encoder of the mean absolute distance, in units of the real maps' mean.

    An option of ours: a pixelwise error forgives what is small, such as a wrinkle or the frame of glasses, and the
    frozen parser is there anyway. No gradient flows to the real maps.
    """
    with torch.no_grad():
        wanted = [level.float() for level in parser.encode(real)]
    found = [level.float() for level in parser.encode(fake)]
    terms = [(b - a).abs().mean() / a.abs().mean().clamp_min(1e-6) for a, b in zip(wanted, found, strict=True)]
    return torch.stack(terms).mean()


def _cross_entropy(
    logits: Float[Tensor, "b n h w"], label_map: Int64[Tensor, "b h w"], class_weights: tuple[float, ...] = ()
) -> Tensor:
    """Mean over the labelled pixels, of logits: a softmax before it would leave hardly any gradient."""
    weights = logits.new_tensor(class_weights or [1.0] * logits.shape[1], dtype=torch.float32)
    known = label_map != IGNORE
    total = (weights[label_map.where(known, 0)] * known).sum()
    sums = functional.cross_entropy(logits.float(), label_map, weights, ignore_index=IGNORE, reduction="sum")
    return sums / total.clamp(min=1e-6)  # cross_entropy's own mean would divide by 0 where nothing is labelled
