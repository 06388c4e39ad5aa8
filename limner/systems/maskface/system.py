"""Training of maskface: what is drawn, the four losses, and the order of the updates (that of StarGAN v2)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from limner.data.batch import MaskToImageBatch, TensorBatch
from limner.data.dataset import MaskToImageDataset
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.seed import generator, picture_noise
from limner.engine.system import System
from limner.losses.adversarial import discriminator_loss, generator_loss, r1_penalty
from limner.mask_to_image.training import (
    NUM_SEEDS,
    Neighbours,
    first_rows_with_neighbours,
    grid_diversity,
    quick_scores,
    sample_grid,
)
from limner.metrics.judge import check_same_meaning
from limner.metrics.segmentation import IGNORE
from limner.nn.discriminator_augment import NUM_DRAWS, augment_for_discriminator
from limner.nn.label_maps import one_hot
from limner.pipelines import load
from limner.systems.maskface.config import MaskFaceConfig
from limner.systems.maskface.losses import diversity_loss
from limner.systems.maskface.networks import Discriminator, Generator, StyleDecoder, StyleEncoder
from limner.systems.maskface.pipeline import MaskFacePipeline


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws; all its updates share them."""

    image: Float[Tensor, "b 3 h w"]
    one_hot: Float[Tensor, "b n_s h w"]
    label_map: Int64[Tensor, "b h w"]
    latent: Float[Tensor, "b n_z"]
    other_latent: Float[Tensor, "b n_z"]
    reference: Float[Tensor, "b 3 h w"]
    """Other photos of the batch, whose styles are borrowed."""
    other_reference: Float[Tensor, "b 3 h w"]
    augment: Float[Tensor, "b 4"]
    other: Float[Tensor, "b 3 h w"]
    """Faces of the maps in the style of `other_latent`, by the networks before this iteration."""

    def first(self, count: int) -> Draws:
        """The first rows."""
        return Draws(**{name: value[:count] for name, value in vars(self).items()})


@dataclass
class Codes:
    """The style codes of one pass, and what tells how far apart the two of a pair are."""

    first: Float[Tensor, "b n_w"]
    second: Float[Tensor, "b n_w"]
    first_origin: Float[Tensor, "b n"]
    second_origin: Float[Tensor, "b n"]


class MaskFace(System[MaskFaceConfig, MaskToImageBatch]):
    """Generator, style encoder and style decoder against a discriminator."""

    name: ClassVar[str] = "maskface"
    pipeline_class: ClassVar[type[Any]] = MaskFacePipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("sliced_wasserstein", "min")

    def __init__(self, config: MaskFaceConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.num_classes = spec.schema.num_classes
        widths = {"width": model.width, "max_width": model.max_width}
        self.networks["generator"] = Generator(
            image_size=model.image_size,
            num_classes=self.num_classes,
            style_size=model.style_size,
            mask_injection=model.mask_injection,
            shortcut_enlargement=model.shortcut_enlargement,
            style_injection=model.style_injection,
            **widths,
        )
        self.networks["style_encoder"] = StyleEncoder(
            latent_size=model.latent_size, style_size=model.style_size, width=model.mapping_width
        )
        self.networks["style_decoder"] = StyleDecoder(
            image_size=model.image_size, style_size=model.style_size, **widths
        )
        self.networks["discriminator"] = Discriminator(
            image_size=model.image_size,
            num_classes=self.num_classes if model.discriminator_condition == "concat" else 0,
            **widths,
        )
        self.parser: nn.Module | None = None

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """All but the discriminator (Yazici et al. 2019, as StarGAN v2)."""
        return ("generator", "style_encoder", "style_decoder")

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each; the style encoder's is slow."""
        options = self.config.optimizer
        rates = dict.fromkeys(self.networks, options.lr) | {"style_encoder": options.lr_style_encoder}
        if options.lr_discriminator is not None:
            rates["discriminator"] = options.lr_discriminator
        return adam(self.networks, rates, betas=(options.beta1, options.beta2), weight_decay=options.weight_decay)

    def diversity_weight(self, images_seen: int) -> float:
        """lambda_div at this point of the run: constant, or falling linearly to 0 at its end."""
        loss = self.config.loss
        if loss.diversity == "none":
            return 0.0
        falls = loss.diversity_decay == "linear" or (loss.diversity_decay == "auto" and loss.diversity == "ds")
        return loss.weight_diversity * (max(0.0, 1 - images_seen / self.config.train.images) if falls else 1.0)

    def prepare(self, device: torch.device) -> None:
        """Load the parser of the parsing loss, if it is used.

        Raises:
            ConfigError: if it labels other classes.
            WeightsError: if it is not there.
        """
        loss = self.config.loss
        if loss.weight_parsing > 0:
            parser = load(loss.parser, system="parser").to(device)
            names = ("the data", f"--loss.parser {loss.parser}")
            check_same_meaning(self.spec, parser.spec, names=names, attributes=False)
            self.parser = parser.components["parser"].eval().requires_grad_(False)

    def training_step(self, batch: MaskToImageBatch, engine: Engine) -> None:
        """D, then G with both style networks, on codes from noise; then D and G on codes from other photos."""
        draws = self.draw(batch, engine)
        reference = self.config.loss.reference_training
        engine.update("discriminator", lambda part: self.discriminator_loss(part, engine, by="noise"), draws)
        if reference:
            engine.update("discriminator", lambda part: self.discriminator_loss(part, engine, by="reference"), draws)
        trained = ("generator", "style_encoder", "style_decoder")
        engine.update(trained, lambda part: self.noise_loss(part, engine), draws)
        if reference:
            engine.update("generator", lambda part: self.reference_loss(part, engine), draws)

    def draw(self, batch: MaskToImageBatch, engine: Engine) -> Draws:
        """Noise, and two other photos of the global batch for each map."""
        size, latent_size = len(batch), self.config.model.latent_size
        maps = one_hot(batch.label_map, self.num_classes)
        other_latent = engine.randn(size, latent_size, purpose="other latent")
        with (
            torch.no_grad(),
            engine.unwrapped("generator") as network,
            engine.unwrapped("style_encoder") as encoder,
        ):
            other = network(maps, encoder(other_latent)).float()
        return Draws(
            image=batch.image,
            one_hot=maps,
            label_map=batch.label_map,
            latent=engine.randn(size, latent_size, purpose="latent"),
            other_latent=other_latent,
            reference=self._other_photos(batch.image, engine, "reference"),
            other_reference=self._other_photos(batch.image, engine, "other reference"),
            augment=engine.rand(size, NUM_DRAWS, purpose="discriminator augmentation"),
            other=other,
        )

    def discriminator_loss(self, draws: Draws, engine: Engine, *, by: Literal["noise", "reference"]) -> Tensor:
        """L_D: logistic loss on a real and a generated face of the same map, and R1 at the real one."""
        weights = self.config.loss
        discriminator = engine.networks["discriminator"]
        fake = draws.other
        if by == "reference":
            with torch.no_grad(), engine.unwrapped("generator") as network:
                fake = network(draws.one_hot, self.reference_codes(draws, engine).first).float()
        elif weights.judge_reconstruction:
            count = self.num_again(draws)
            with (
                torch.no_grad(),
                engine.unwrapped("generator") as network,
                engine.unwrapped("style_decoder") as decoder,
            ):
                again = network(draws.one_hot[:count], decoder(draws.image[:count])).float()
            fake = torch.cat([again, fake[count:]])
        real, shown = self.show(draws.image, draws)
        real_score = discriminator(real, shown).float()
        fake_score = discriminator(*self.show(fake, draws)).float()
        engine.log(f"score_real/{by}", real_score.mean())
        engine.log(f"score_fake/{by}", fake_score.mean())
        if by == "noise":
            engine.log("critic_accuracy", (real_score > fake_score).float().mean())
        loss = discriminator_loss(real_score, fake_score, "bce")
        if engine.step % weights.r1_every == 0:
            with engine.unwrapped("discriminator") as unwrapped:
                penalty = r1_penalty(lambda image: unwrapped(image, shown), real)
            engine.log(f"loss/r1/{by}", penalty)
            loss = loss + weights.weight_r1 * weights.r1_every * penalty
        return loss

    def noise_loss(self, draws: Draws, engine: Engine) -> Tensor:
        """L_G on codes from noise, with the paired reconstruction; trains G, E_z and D_s."""
        weights = self.config.loss
        codes = self.noise_codes(draws, engine)
        decoder = engine.networks["style_decoder"]
        loss = self.face_loss(draws, codes, decoder, engine, by="noise")
        if weights.weight_reconstruction > 0:
            count = self.num_again(draws)
            photo = draws.image[:count]
            again = engine.networks["generator"](draws.one_hot[:count], decoder(photo))
            reconstruction = (again.float() - photo).abs().mean()
            loss = loss + weights.weight_reconstruction * reconstruction
            engine.log("loss/reconstruction", reconstruction)
            if weights.judge_reconstruction:
                with engine.frozen("discriminator") as discriminator:
                    scores = discriminator(*self.show(again, draws.first(count)))
                adversarial = generator_loss(scores.float(), "bce")
                engine.log("loss/adversarial/again", adversarial)
                loss = loss + count / len(draws) * adversarial
        return loss

    def num_again(self, draws: Draws) -> int:
        """Photos of a batch that are painted again from their own codes."""
        return math.ceil(self.config.loss.reconstruction_share * len(draws))

    def reference_loss(self, draws: Draws, engine: Engine) -> Tensor:
        """L_G on codes from other photos, without the reconstruction; trains G alone."""
        with torch.no_grad():
            codes = self.reference_codes(draws, engine)
        with engine.frozen("style_decoder") as decoder:
            return self.face_loss(draws, codes, decoder, engine, by="reference")

    def face_loss(self, draws: Draws, codes: Codes, decoder: nn.Module, engine: Engine, *, by: str) -> Tensor:
        """L_adv + lambda_sty L_sty + lambda_div L_div (+ the parsing loss) of the faces of a pair of codes."""
        weights = self.config.loss
        network = engine.networks["generator"]
        fake = network(draws.one_hot, codes.first)
        with engine.frozen("discriminator") as discriminator:
            loss = generator_loss(discriminator(*self.show(fake, draws)).float(), "bce")
        engine.log(f"loss/adversarial/{by}", loss)
        if weights.weight_style > 0:
            style = (decoder(fake) - codes.first).float().abs().mean()
            loss = loss + weights.weight_style * style
            engine.log(f"loss/style/{by}", style)
        weight_diversity = self.diversity_weight(engine.images_seen)
        if weight_diversity > 0 and weights.diversity != "none":
            if weights.diversity == "ds" and by == "noise":  # that form holds the second face, which is there already
                second = draws.other
            else:
                with torch.set_grad_enabled(weights.diversity != "ds"):
                    second = network(draws.one_hot, codes.second)
            diversity = diversity_loss(
                weights.diversity,
                fake.float(),
                second.float(),
                codes.first_origin,
                codes.second_origin,
                limit=weights.diversity_limit,
            )
            loss = loss + weight_diversity * diversity
            engine.log(f"loss/diversity/{by}", diversity)
        if self.parser is not None:
            parsing = self.parsing_loss(fake, draws.label_map)
            loss = loss + weights.weight_parsing * parsing
            engine.log(f"loss/parsing/{by}", parsing)
        return loss

    def noise_codes(self, draws: Draws, engine: Engine) -> Codes:
        """s = E_z(z), twice."""
        encoder = engine.networks["style_encoder"]
        first, second = encoder(draws.latent).float(), encoder(draws.other_latent).float()
        return Codes(first, second, draws.latent, draws.other_latent)

    def reference_codes(self, draws: Draws, engine: Engine) -> Codes:
        """s = D_s(another photo), twice."""
        with engine.frozen("style_decoder") as decoder:
            first, second = decoder(draws.reference).float(), decoder(draws.other_reference).float()
        return Codes(first, second, first, second)

    def parsing_loss(self, fake: Float[Tensor, "b 3 h w"], label_map: Int64[Tensor, "b h w"]) -> Tensor:
        """Mean cross-entropy of the frozen parser's labels against the map."""
        assert self.parser is not None  # the caller has looked
        logits = self.parser(fake.float()).logits
        known = (label_map != IGNORE).sum().clamp(min=1)  # cross_entropy itself would divide by 0
        return functional.cross_entropy(logits.float(), label_map, ignore_index=IGNORE, reduction="sum") / known

    def show(
        self, image: Float[Tensor, "b 3 h w"], draws: Draws
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b n_s h w"]]:
        """What D sees of an image and its map; both are moved alike."""
        kinds = self.config.loss.discriminator_augment
        if not kinds:
            return image, draws.one_hot
        moved = augment_for_discriminator(torch.cat([image, draws.one_hot], dim=1), draws.augment, kinds)
        return moved[:, :3], moved[:, 3:]

    def fixed_inputs(self, dataset: MaskToImageDataset) -> Neighbours:
        """The first held-out pictures, each with itself and the next two."""
        return first_rows_with_neighbours(dataset, (0, -1, -2))

    def sample(self, fixed: Neighbours, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a map: map, photo, four codes from noise, its own style, the next two photos' styles."""
        maps = one_hot(fixed.label_map, self.num_classes)
        noise = torch.randn(NUM_SEEDS, self.config.model.latent_size, generator=generator(0, "samples"))
        styles = list(networks["style_encoder"](noise.to(maps.device))[:, None].expand(-1, len(maps), -1))
        styles += [networks["style_decoder"](photo) for photo in fixed.others.unbind(1)]
        return sample_grid(fixed, self.spec.schema, [networks["generator"](maps, style) for style in styles])

    def diversity_of(self, grid: Float[Tensor, "rows columns 3 height width"]) -> float:
        """Mean absolute difference, in [-1, 1] units, between faces of one map and different noise."""
        return grid_diversity(grid)

    def validate(self, batches: Iterable[MaskToImageBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Distance to the photos as sets and pixel by pixel, how well codes are found again, and the reconstruction."""
        style_errors: list[Tensor] = []
        reconstructions: list[Tensor] = []

        def paint(batch: MaskToImageBatch) -> Tensor:
            noise = picture_noise(batch.index, self.config.model.latent_size, purpose="validate")
            style = networks["style_encoder"](noise)
            maps = one_hot(batch.label_map, self.num_classes)
            fake: Tensor = networks["generator"](maps, style).clamp(-1, 1)
            style_errors.append((networks["style_decoder"](fake) - style).float().abs().mean(1))
            again = networks["generator"](maps, networks["style_decoder"](batch.image)).clamp(-1, 1)
            reconstructions.append((again - batch.image).float().abs().mean((1, 2, 3)))
            return fake

        return {
            **quick_scores(batches, paint),
            "style_error": float(gather_rows(style_errors).mean()),
            "reconstruction": float(gather_rows(reconstructions).mean()),
        }

    def _other_photos(self, image: Tensor, engine: Engine, purpose: str) -> Tensor:
        """The photos of the global batch moved on by a random number of places, so that none stays at its own."""
        photos = engine.gather(image)
        most = max(1, len(photos) - 1)
        shift = 1 + int(torch.randint(most, (1,), generator=engine.generator(purpose)))
        return engine.share(photos.roll(shift, 0))
