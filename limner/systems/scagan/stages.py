"""SCA-GAN's two stages: the content is moved into the target's pose, then the picture is painted with it.

Li et al., arXiv:2103.16828, Sec. 3; losses, weights and the order of the updates follow facts of the authors' code: one
forward pass, then the generator, D_s and D_c on the same results.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.data.batch import TensorBatch
from limner.data.points import gaussian_heatmaps
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.seed import derive_seed, picture_noise
from limner.engine.stages import Stage
from limner.errors import ConfigError
from limner.features import open_features, parser_features
from limner.losses.contextual import contextual_loss
from limner.losses.perceptual import PerceptualFeatures, perceptual_loss
from limner.nn.init import init_he
from limner.nn.pose_transfer import Discriminator, seed_dropout
from limner.nn.spade import MapModulation
from limner.pipelines import load
from limner.pose_transfer.moved import moved_photo
from limner.pose_transfer.training import first_pairs, person_l1, picture_scores, pose_grid
from limner.systems.scagan.config import UNTRAINED, SCAGANConfig
from limner.systems.scagan.data import ContentBatch, ContentPairs, collate_content
from limner.systems.scagan.networks import CONTENT_CHANNELS, ISNet, PCTNet
from limner.systems.scagan.pipeline import SIGMA, shown_content

EDGE, STYLE, CONTENT = "content_network", "style_discriminator", "content_discriminator"
"""PCT-Net, D_s and D_c."""

PARSER_LEVELS = (0, 1, 2, 3)
"""At the size of the picture, a half, a quarter, an eighth."""


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws."""

    source: Float[Tensor, "b 3 h w"]
    target: Float[Tensor, "b 3 h w"]
    source_content: Float[Tensor, "b e h w"]
    target_content: Float[Tensor, "b e h w"]
    plates: Float[Tensor, "b 18 h w"]
    pose: Float[Tensor, "b 18 h w"]
    """Heat maps of the target."""
    moved_photo: Float[Tensor, "b m h w"]
    """The source moved limb by limb; without the option an empty tensor."""
    target_points: Float[Tensor, "b 18 2"]
    """x and y in pixels, NaN where not seen."""
    latent: Float[Tensor, "b n"]


@dataclass
class Judged(TensorBatch):
    """What a discriminator compares."""

    real: Float[Tensor, "b c h w"]
    fake: Float[Tensor, "b c h w"]
    style: Float[Tensor, "b c h w"]
    pose: Float[Tensor, "b 18 h w"]


class TransferStage(Stage[SCAGANConfig, ContentBatch]):
    """What both stages share: one painter against D_s, which sees the source, and D_c, which sees the pose."""

    painter: ClassVar[str]
    """The network that the stage trains."""

    def __init__(self, config: SCAGANConfig) -> None:
        super().__init__(config)
        model = config.model
        # Without a content branch PCT-Net has nothing to do, but weights keep one shape.
        self.content_channels = CONTENT_CHANNELS["semantic" if model.content == "semantic" else "edge"]
        self.networks[EDGE] = PCTNet(
            content_channels=self.content_channels,
            width=model.content_width,
            num_blocks=model.content_blocks,
            plate_scale=model.plate_scale,
            plate_border=model.plate_border,
        )
        self.perceptual: PerceptualFeatures | None = None
        self.contextual: PerceptualFeatures | None = None
        self.parser: PerceptualFeatures | None = None

    def add_discriminators(self, channels: int) -> None:
        """D_s and D_c of results with so many channels."""
        model = self.config.model
        for name, condition in ((STYLE, channels), (CONTENT, 18)):
            self.networks[name] = Discriminator(
                in_channels=channels + condition,
                width=model.discriminator_width,
                num_blocks=model.discriminator_blocks,
                head=model.head,
                patch=model.patch_discriminators,
            )

    @abstractmethod
    def ends(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """What the result should be, and what it comes from."""

    @abstractmethod
    def paint(self, draws: Draws, network: nn.Module, content_network: nn.Module) -> Tensor:
        """The stage's result."""

    def open_losses(self, device: torch.device) -> None:
        """Open the network that the perceptual loss compares in.

        Raises:
            WeightsError: if the file is not of VGG-19.
        """
        loss = self.config.loss
        if loss.weight_perceptual and self.config.model.content != "semantic":
            self.perceptual = open_features(loss.vgg_weights, device, layers=("relu1_2",), levels=(0,))

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each; a frozen PCT-Net has none."""
        options = self.config.optimizer
        rates = {self.painter: options.lr}
        rates |= dict.fromkeys((STYLE, CONTENT), options.lr * options.discriminator_lr_factor)
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def training_step(self, batch: ContentBatch, engine: Engine) -> None:
        """Update the painter, then D_s and D_c on the same results."""
        draws = self.draws(batch, engine.randn(len(batch), self.config.model.latent_size, purpose="latent"))
        seed = engine.generator("dropout").initial_seed()
        for name in (STYLE, CONTENT):
            seed_dropout(self.networks[name], derive_seed(seed, name, engine.fabric.global_rank))
        fakes: list[Tensor] = []
        engine.update(self.painter, lambda part: self.generator_loss(part, engine, fakes), draws)
        real, style = self.ends(draws)
        judged = Judged(real=real, fake=torch.cat(fakes), style=style, pose=draws.pose)
        for name in (STYLE, CONTENT):
            engine.update(name, lambda part, name=name: self.discriminator_loss(part, engine, name), judged)  # type: ignore[misc]

    def draws(self, batch: ContentBatch, latent: Tensor) -> Draws:
        """What the networks see of a batch."""
        size = self.config.model.image_size
        return Draws(
            source=batch.source,
            target=batch.target,
            source_content=batch.source_content,
            target_content=batch.target_content,
            plates=batch.plates,
            pose=gaussian_heatmaps(batch.target_points, size, sigma=SIGMA * size[0]),
            moved_photo=self.moved_photo(batch),
            target_points=batch.target_points,
            latent=latent,
        )

    def moved_photo(self, batch: ContentBatch) -> Float[Tensor, "b m h w"]:
        """What stage image is shown of the source in the target's pose; see `ImageStage`."""
        return batch.source[:, :0]

    def generator_loss(self, draws: Draws, engine: Engine, fakes: list[Tensor]) -> Tensor:
        """Weighted sum of the verdicts, the difference to the target, and its perceptual and contextual kin."""
        loss = self.config.loss
        fake = self.paint(draws, engine.networks[self.painter], engine.raw[EDGE]).float()
        fakes.append(fake.detach())
        real, style = self.ends(draws)
        verdicts = []
        for name, condition in ((STYLE, style), (CONTENT, draws.pose)):
            with engine.frozen(name) as discriminator:
                verdicts.append(_to_one(discriminator(fake, condition)))
        difference = person_l1(fake, real, draws.target_points, weight=loss.weight_person)
        terms = {"adversarial": torch.stack(verdicts).mean(), "l1": difference}
        weights = {"adversarial": loss.weight_adversarial, "l1": loss.weight_l1}
        if self.perceptual is not None:
            # Edges are shown to the network as grey pictures.
            wanted, found = (part.expand(-1, 3, -1, -1) for part in (real, fake))
            terms["perceptual"] = perceptual_loss(self.perceptual, wanted, found)
            weights["perceptual"] = loss.weight_perceptual
        if self.contextual is not None:
            maps = zip(self.contextual(real), self.contextual(fake), strict=True)
            each = [contextual_loss(a, b, bandwidth=loss.contextual_bandwidth) for a, b in maps]
            terms["contextual"] = torch.stack(each).sum()
            weights["contextual"] = loss.weight_contextual
        if self.parser is not None:
            terms["parser_features"] = perceptual_loss(self.parser, real, fake)
            weights["parser_features"] = loss.weight_parser_features
        for name, value in terms.items():
            engine.log(f"loss/{name}", value)
        return torch.stack([weights[name] * value for name, value in terms.items()]).sum()

    def discriminator_loss(self, judged: Judged, engine: Engine, name: str) -> Tensor:
        """Half the weighted squared distances: of real ones to 1, of fakes to 0."""
        condition = judged.style if name == STYLE else judged.pose
        discriminator = engine.networks[name]
        real, fake = (discriminator(part, condition).float() for part in (judged.real, judged.fake))
        accuracy = (real.mean((1, 2, 3)) > fake.mean((1, 2, 3))).float().mean()
        engine.log("critic_accuracy", accuracy)
        engine.log(f"score_real/{name}", real.mean())
        engine.log(f"score_fake/{name}", fake.mean())
        return 0.5 * self.config.loss.weight_adversarial * (_to_one(real) + fake.square().mean())

    def fixed_inputs(self, dataset: ContentPairs) -> ContentBatch:
        """Up to eight held-out pairs, evenly spread."""
        model = self.config.model
        return collate_content(first_pairs(dataset), is_semantic=model.content == "semantic", scale=model.plate_scale)

    def sample(
        self, fixed: ContentBatch, networks: dict[str, nn.Module]
    ) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a pair: source, its content, the target's pose, the moved content, the result, the target."""
        draws = self.held_out(fixed)
        moved = networks[EDGE](draws.source_content, draws.pose, draws.plates)
        skeleton = draws.pose.amax(dim=1, keepdim=True) * 2 - 1
        columns = [draws.source, shown_content(draws.source_content), skeleton, shown_content(moved)]
        return pose_grid([*columns, *self.last_columns(draws, networks), draws.target])

    @abstractmethod
    def last_columns(self, draws: Draws, networks: dict[str, nn.Module]) -> list[Tensor]:
        """What a sample grid shows before the target."""

    def held_out(self, batch: ContentBatch) -> Draws:
        """A batch with the random draws of validation, which follow from the pairs' numbers."""
        return self.draws(batch, picture_noise(batch.index, self.config.model.latent_size, purpose="validation"))


class ContentStage(TransferStage):
    """PCT-Net learns to move the content (phase 1)."""

    painter: ClassVar[str] = EDGE

    def __init__(self, config: SCAGANConfig) -> None:
        super().__init__(config)
        self.add_discriminators(self.content_channels)

    def ends(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Content of target and source."""
        return draws.target_content, draws.source_content

    def paint(self, draws: Draws, network: nn.Module, content_network: nn.Module) -> Tensor:
        """The moved content."""
        moved: Tensor = network(draws.source_content, draws.pose, draws.plates)
        return moved

    def last_columns(self, draws: Draws, networks: dict[str, nn.Module]) -> list[Tensor]:
        """The target's own content."""
        return [shown_content(draws.target_content)]

    def validate(self, batches: Iterable[ContentBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Mean difference to the target's content."""
        real, fake = [], []
        for batch in batches:
            draws = self.held_out(batch)
            fake.append(self.paint(draws, networks[EDGE], networks[EDGE]).float().cpu())
            real.append(draws.target_content.cpu())
        return {"error": float((gather_rows(real) - gather_rows(fake)).abs().mean())}


class ImageStage(TransferStage):
    """IS-Net learns to paint, with a PCT-Net that stays as it is (phase 2)."""

    painter: ClassVar[str] = "generator"

    def __init__(self, config: SCAGANConfig) -> None:
        super().__init__(config)
        model = config.model
        generator = ISNet(
            image_size=model.image_size,
            width=model.width,
            style_channels=model.style_channels,
            hidden=model.hidden,
            content=model.content,
            moved_photo=model.moved_photo,
            block=model.block,
            encoder_norm=model.encoder_norm,
            content_weight=model.content_weight,
            latent_size=model.latent_size,
            style_at_map_size=model.style_at_map_size,
            gamma_plus_one=model.gamma_plus_one,
            start_height=model.start_height,
            prior_transfer=model.prior_transfer,
            spade_norm=model.spade_norm,
        )
        if model.init == "he":
            # Pictures begin grey, and modulations near the identity.
            last = filter(None, (generator.to_rgb, generator.to_mask))
            init_he(generator, but={*last, *_last_of_modulations(generator)})
        self.networks["generator"] = generator
        self.add_discriminators(3)
        if config.stage.content not in (None, UNTRAINED):
            self._take_content(str(config.stage.content))

    def missing(self) -> str | None:
        """A trained PCT-Net, where these networks look at what it moves."""
        model = self.config.model
        if model.content == "none" or not model.prior_transfer or self.config.stage.content is not None:
            return None
        return (
            "--stage.content is missing: stage image paints with the edges that a trained PCT-Net moves; train "
            f"--stage.name content first and name its run here ({UNTRAINED}: a random one, for tests)."
        )

    def open_losses(self, device: torch.device) -> None:
        """See `TransferStage.open_losses`; also the network of the contextual loss."""
        loss = self.config.loss
        if loss.weight_perceptual:
            self.perceptual = open_features(loss.vgg_weights, device, layers=("relu1_2",), levels=(0,))
        if loss.weight_contextual:
            # Levels of about the size, beside the picture's, that the layers of VGG-19 have.
            layers, levels = ("relu3_2", "relu4_2"), (2, 3)
            self.contextual = open_features(loss.vgg_weights, device, layers=layers, levels=levels)
        if loss.parser:
            self.parser = parser_features(loss.parser, device, levels=PARSER_LEVELS)

    def training_step(self, batch: ContentBatch, engine: Engine) -> None:
        """See `TransferStage.training_step`."""
        self.networks[EDGE].train(not self.config.model.freeze_statistics)
        super().training_step(batch, engine)

    def ends(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Both photos."""
        return draws.target, draws.source

    def paint(self, draws: Draws, network: nn.Module, content_network: nn.Module) -> Tensor:
        """The picture."""
        picture: Tensor = network(draws.source, self._content(draws, content_network), draws.pose, draws.latent)
        return picture

    def last_columns(self, draws: Draws, networks: dict[str, nn.Module]) -> list[Tensor]:
        """The result."""
        return [self.paint(draws, networks["generator"], networks[EDGE])]

    def validate(self, batches: Iterable[ContentBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Distances to the target on the person, in colours as people see them; `error` decides."""
        real, fake, points = [], [], []
        for batch in batches:
            draws = self.held_out(batch)
            fake.append(self.paint(draws, networks["generator"], networks[EDGE]).float().cpu())
            real.append(draws.target.cpu())
            points.append(batch.target_points.cpu())
        return picture_scores(gather_rows(real), gather_rows(fake), gather_rows(points))

    def moved_photo(self, batch: ContentBatch) -> Float[Tensor, "b m h w"]:
        """The source moved limb by limb, where the content branch is shown it."""
        if not self.config.model.moved_photo:
            return super().moved_photo(batch)
        return moved_photo(batch.source, batch.source_points, batch.target_points)

    def _content(self, draws: Draws, content_network: nn.Module) -> Tensor:
        """What IS-Net's content branch is given, without a gradient."""
        if self.config.model.content == "none":
            return draws.source_content[:, :0]
        content = draws.source_content
        if self.config.model.prior_transfer:
            with torch.no_grad():
                content = content_network(content, draws.pose, draws.plates)
        return torch.cat([content, draws.moved_photo], dim=1)

    def _take_content(self, source: str) -> None:
        """The PCT-Net of another run.

        Raises:
            WeightsError: if there is none.
            ConfigError: if it is of another size.
        """
        parts: dict[str, Any] = load(source, system="scagan", with_optional=True).components
        network, found = self.networks[EDGE], parts[EDGE]
        if found.config != network.config:
            raise ConfigError(
                f"The PCT-Net of {source} is of another configuration ({found.config}) than --model asks for "
                f"({network.config}); give the same --model options in both stages."
            )
        network.load_state_dict(found.state_dict())


def _last_of_modulations(network: nn.Module) -> Iterator[nn.Module]:
    """The layers that give gamma and beta."""
    for part in network.modules():
        if isinstance(part, MapModulation):
            yield from (part.gamma, part.beta)


def _to_one(verdict: Tensor) -> Tensor:
    """Mean squared distance to 1, over the whole map."""
    return (verdict.float() - 1).square().mean()
