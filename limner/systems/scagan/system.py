"""Training of SCA-GAN: first the content is moved into the target's pose, then the picture is painted with it.

Li et al., arXiv:2103.16828, Sec. 3; losses, weights and the order of the updates follow facts of the authors' code: one
forward pass, then the generator, D_s and D_c on the same results.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.data.batch import TensorBatch
from limner.data.points import gaussian_heatmaps
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.seed import derive_seed, picture_noise
from limner.engine.system import System
from limner.errors import ConfigError
from limner.losses.contextual import contextual_loss
from limner.losses.perceptual import PerceptualFeatures, perceptual_loss
from limner.nn.pose_transfer import Discriminator, seed_dropout
from limner.pipelines import load
from limner.pose_transfer.training import first_pairs, open_features, picture_scores, pose_grid
from limner.systems.scagan.config import UNTRAINED, SCAGANConfig
from limner.systems.scagan.data import ContentBatch, ContentPairs, collate_content, open_content_pairs
from limner.systems.scagan.networks import CONTENT_CHANNELS, ISNet, PCTNet
from limner.systems.scagan.pipeline import SCAGANPipeline

EDGE, STYLE, CONTENT = "content_network", "style_discriminator", "content_discriminator"
"""PCT-Net, D_s and D_c."""
_SIGMA = 12 / 256
"""Width of a joint's heat map, as a share of the height (authors' data tool)."""


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
    latent: Float[Tensor, "b n"]


@dataclass
class Judged(TensorBatch):
    """What a discriminator compares."""

    real: Float[Tensor, "b c h w"]
    fake: Float[Tensor, "b c h w"]
    style: Float[Tensor, "b c h w"]
    pose: Float[Tensor, "b 18 h w"]


class SCAGAN(System[SCAGANConfig, ContentBatch]):
    """PCT-Net (stage content) or IS-Net (stage image), against two discriminators."""

    name: ClassVar[str] = "scagan"
    # Poses are learned first, hues last, and a difference of colours falls while all garments are grey.
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("error", "min")

    def __init__(self, config: SCAGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        if model.content == "semantic":
            raise ConfigError(
                '--model.content is "semantic", for which the data must have body parsing; this version trains "edge" '
                'and "none".'
            )
        self.is_image = config.stage.name == "image"
        edges = CONTENT_CHANNELS["edge"]
        self.networks[EDGE] = PCTNet(
            content_channels=edges,
            width=model.content_width,
            num_blocks=model.content_blocks,
            plate_scale=model.plate_scale,
            plate_border=model.plate_border,
        )
        if self.is_image:
            self.networks["generator"] = ISNet(
                image_size=model.image_size,
                width=model.width,
                style_channels=model.style_channels,
                hidden=model.hidden,
                content=model.content,
                block=model.block,
                encoder_norm=model.encoder_norm,
                content_weight=model.content_weight,
                latent_size=model.latent_size,
                style_at_map_size=model.style_at_map_size,
                gamma_plus_one=model.gamma_plus_one,
                start_height=model.start_height,
            )
        channels = 3 if self.is_image else edges
        for name, condition in ((STYLE, channels), (CONTENT, 18)):
            self.networks[name] = Discriminator(
                in_channels=channels + condition,
                width=model.discriminator_width,
                num_blocks=model.discriminator_blocks,
                head=model.head,
            )
        if self.is_image and config.stage.content not in (None, UNTRAINED):
            self._load_content(str(config.stage.content))
        self.perceptual: PerceptualFeatures | None = None
        self.contextual: PerceptualFeatures | None = None

    @classmethod
    def open_data(cls, config: SCAGANConfig, path: Path | None) -> TrainingData:
        """Pairs of pictures of one person with key points."""
        return open_content_pairs(config, path)

    @property
    def painter(self) -> str:
        """The network that this stage trains."""
        return "generator" if self.is_image else EDGE

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The network that is trained (an option of ours; the authors' code has no averaging)."""
        return (self.painter,)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each; in stage image PCT-Net has none."""
        options = self.config.optimizer
        rates = dict.fromkeys((self.painter, STYLE, CONTENT), options.lr)
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def prepare(self, device: torch.device) -> None:
        """Refuse an untrained PCT-Net, and open the network that the perceptual losses compare in.

        Raises:
            ConfigError: if stage image has no PCT-Net to build on.
            WeightsError: if a file is not what it should be.
        """
        needs_content = self.config.model.content == "edge" and self.config.model.prior_transfer
        if self.is_image and needs_content and self.config.stage.content is None:
            raise ConfigError(
                "--stage.content is missing: stage image paints with the edges that a trained PCT-Net moves; train "
                f"--stage.name content first and name its run here ({UNTRAINED}: a random one, for tests)."
            )
        loss = self.config.loss
        if loss.weight_perceptual:
            self.perceptual = open_features(loss.vgg_weights, device, layers=("relu1_2",), levels=(0,))
        if self.is_image and loss.weight_contextual:
            # Levels of about the size, beside the picture's, that the layers of VGG-19 have.
            layers, levels = ("relu3_2", "relu4_2"), (2, 3)
            self.contextual = open_features(loss.vgg_weights, device, layers=layers, levels=levels)

    def training_step(self, batch: ContentBatch, engine: Engine) -> None:
        """Update the generator, then D_s and D_c on the same pictures."""
        model = self.config.model
        draws = Draws(
            source=batch.source,
            target=batch.target,
            source_content=batch.source_content,
            target_content=batch.target_content,
            plates=batch.plates,
            pose=self.heatmaps(batch.target_points),
            latent=engine.randn(len(batch), model.latent_size, purpose="latent"),
        )
        if self.is_image:
            self.networks[EDGE].eval()  # its batch norms keep the statistics of its own training
        seed = engine.generator("dropout").initial_seed()
        for name in (STYLE, CONTENT):
            seed_dropout(self.networks[name], derive_seed(seed, name, engine.fabric.global_rank))
        fakes: list[Tensor] = []
        engine.update(self.painter, lambda part: self.generator_loss(part, engine, fakes), draws)
        judged = Judged(
            real=draws.target if self.is_image else draws.target_content,
            fake=torch.cat(fakes),
            style=draws.source if self.is_image else draws.source_content,
            pose=draws.pose,
        )
        for name in (STYLE, CONTENT):
            engine.update(name, lambda part, name=name: self.discriminator_loss(part, engine, name), judged)  # type: ignore[misc]

    def heatmaps(self, points: Float[Tensor, "b 18 2"]) -> Float[Tensor, "b 18 h w"]:
        """Gaussians of the joints, in [0, 1]."""
        size = self.config.model.image_size
        return gaussian_heatmaps(points, size, sigma=_SIGMA * size[0])

    def paint(self, draws: Draws, network: nn.Module, content_network: nn.Module) -> Tensor:
        """This stage's result: edges, or the picture."""
        if not self.is_image:
            edges: Tensor = network(draws.source_content, draws.pose, draws.plates)
            return edges
        picture: Tensor = network(draws.source, self._content(draws, content_network), draws.pose, draws.latent)
        return picture

    def generator_loss(self, draws: Draws, engine: Engine, fakes: list[Tensor]) -> Tensor:
        """Weighted sum of the verdicts, the difference to the target, and its perceptual and contextual kin."""
        loss = self.config.loss
        fake = self.paint(draws, engine.networks[self.painter], engine.raw[EDGE]).float()
        fakes.append(fake.detach())
        real = draws.target if self.is_image else draws.target_content
        style = draws.source if self.is_image else draws.source_content
        verdicts = []
        for name, condition in ((STYLE, style), (CONTENT, draws.pose)):
            with engine.frozen(name) as discriminator:
                verdicts.append(_to_one(discriminator(fake, condition)))
        terms = {"adversarial": torch.stack(verdicts).mean(), "l1": functional.l1_loss(fake, real)}
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
        return collate_content(first_pairs(dataset), scale=self.config.model.plate_scale)

    def sample(
        self, fixed: ContentBatch, networks: dict[str, nn.Module]
    ) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a pair: source, its edges, the target's pose, the moved edges, the result, the target."""
        draws = self._held_out(fixed)
        moved = networks[EDGE](draws.source_content, draws.pose, draws.plates)
        columns = [draws.source, draws.source_content, _skeleton(draws.pose), moved]
        columns += [self.paint(draws, networks[self.painter], networks[EDGE]), draws.target] if self.is_image else []
        return pose_grid(columns if self.is_image else [*columns, draws.target_content, draws.target])

    def validate(self, batches: Iterable[ContentBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Distances to the target: in colour where pictures are painted; `error` decides."""
        real, fake, points = [], [], []
        for batch in batches:
            draws = self._held_out(batch)
            fake.append(self.paint(draws, networks[self.painter], networks[EDGE]).float().cpu())
            real.append((draws.target if self.is_image else draws.target_content).cpu())
            points.append(batch.target_points.cpu())
        truth, found = gather_rows(real), gather_rows(fake)
        if not self.is_image:
            return {"error": float((truth - found).abs().mean())}
        return picture_scores(truth, found, gather_rows(points))

    def pipeline(self, networks: dict[str, nn.Module]) -> SCAGANPipeline:
        """Inference with these networks."""
        return SCAGANPipeline(spec=self.spec, size=self.config.model.image_size, **networks)

    def _load_content(self, source: str) -> None:
        """The PCT-Net of another run.

        Raises:
            WeightsError: if there is none.
            ConfigError: if it is of another size.
        """
        parts = load(source, system=self.name, with_optional=True).components
        network, found = self.networks[EDGE], parts[EDGE]
        if found.config != network.config:
            raise ConfigError(
                f"The PCT-Net of {source} is of another configuration ({found.config}) than --model asks for "
                f"({network.config}); give the same --model options in both stages."
            )
        network.load_state_dict(found.state_dict())

    def _content(self, draws: Draws, content_network: nn.Module) -> Tensor:
        """What IS-Net's content branch is given, without a gradient."""
        if self.config.model.content == "none":
            return draws.source_content[:, :0]
        if not self.config.model.prior_transfer:
            return draws.source_content
        with torch.no_grad():
            moved: Tensor = content_network(draws.source_content, draws.pose, draws.plates)
        return moved

    def _held_out(self, batch: ContentBatch) -> Draws:
        latent = picture_noise(batch.index, self.config.model.latent_size, purpose="validation")
        return Draws(
            source=batch.source,
            target=batch.target,
            source_content=batch.source_content,
            target_content=batch.target_content,
            plates=batch.plates,
            pose=self.heatmaps(batch.target_points),
            latent=latent,
        )


def _to_one(verdict: Tensor) -> Tensor:
    """Mean squared distance of a discriminator's map to 1 (least squares; authors' code)."""
    return (verdict.float() - 1).square().mean()


def _skeleton(pose: Float[Tensor, "b 18 h w"]) -> Float[Tensor, "b 1 h w"]:
    """All joints on one map, in [-1, 1]."""
    return pose.amax(dim=1, keepdim=True) * 2 - 1
