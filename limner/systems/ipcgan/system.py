"""IPCGAN's training: the face network learns people and ages first, then it guides the generator, frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from limner.ageing.data import AgeBatch, AgeDataset, open_age_data
from limner.ageing.plans import MIDDLES
from limner.ageing.shapes import AgeShapes
from limner.ageing.validation import age_scores, all_ages, load_judge, sample_faces
from limner.data.batch import TensorBatch
from limner.data.datasets.utkface import AGE_GROUPS
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.system import System
from limner.errors import ConfigError
from limner.metrics.published_judges import AgeJudge
from limner.systems.ipcgan.config import IPCGANConfig
from limner.systems.ipcgan.networks import Discriminator, FaceNetwork, FaceVerdict, Generator
from limner.systems.ipcgan.pipeline import IPCGANPipeline

NUM_GROUPS = len(AGE_GROUPS)


@dataclass
class Draws(TensorBatch):
    """One iteration's data, and what the generator made of it."""

    image: Float[Tensor, "b 3 h w"]
    group: Int64[Tensor, " b"]
    target: Float[Tensor, "b 3 h w"]
    target_group: Int64[Tensor, " b"]
    wrong_group: Int64[Tensor, " b"]


@dataclass
class Made(Draws):
    """Draws with the generator's results."""

    fake: Float[Tensor, "b 3 h w"]


class IPCGAN(System[IPCGANConfig, AgeBatch]):
    """Generator and discriminator with a frozen face network."""

    name: ClassVar[str] = "ipcgan"
    pipeline_class: ClassVar[type[Any]] = IPCGANPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("age_error_years", "min")

    def __init__(self, config: IPCGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.networks["generator"] = Generator(num_groups=NUM_GROUPS, width=model.width, num_blocks=model.num_blocks)
        self.networks["discriminator"] = Discriminator(num_groups=NUM_GROUPS, width=model.discriminator_width)
        self.networks["face"] = FaceNetwork(
            num_groups=NUM_GROUPS, num_people=model.num_people, width=model.face_width, input_size=model.face_size
        )
        self.networks["shapes"] = self.shapes = AgeShapes(num_groups=NUM_GROUPS)
        self.judge: AgeJudge | None = None

    @classmethod
    def open_data(cls, config: IPCGANConfig, path: Path | None) -> TrainingData:
        """Faces, each with a real face of the age that it is to become.

        Raises:
            ConfigError: if there are more people than the face network can tell apart.
        """
        data = open_age_data(config, path, asked_by=cls.name)
        assert isinstance(data.train_set, AgeDataset)
        if data.train_set.num_people > config.model.num_people:
            raise ConfigError(
                f"The training data shows {data.train_set.num_people} people; --model.num_people is "
                f"{config.model.num_people} and must be at least as many."
            )
        return data

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The generator (an option of ours)."""
        return ("generator",)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each; the face network, which nobody fights, keeps the usual betas, and mean shapes are counted."""
        options = self.config.optimizer
        pair = {"generator": options.lr, "discriminator": options.lr}
        return {
            **adam(self.networks, pair, betas=(options.beta1, options.beta2)),
            **adam(self.networks, {"face": options.lr_face}, betas=(0.9, 0.999)),
        }

    def prepare(self, device: torch.device) -> None:
        """Load the judge."""
        self.judge = load_judge(self.config.validation.judge, device)

    def training_step(self, batch: AgeBatch, engine: Engine) -> None:
        """The face network, in the first part of the run; then the generator, and the discriminator on its results."""
        self.shapes.count(engine.gather(batch.landmarks), engine.gather(batch.group), engine.gather(batch.years))
        if engine.images_seen < self.config.optimizer.face_images:
            engine.update("face", lambda part: self.face_loss(part, engine), batch)
            return
        draws = Draws(batch.image, batch.group, batch.other_image, batch.other_group, batch.other_wrong_group)
        made: list[Tensor] = []
        engine.update("generator", lambda part: self.generator_loss(part, engine, made), draws)
        judged = Made(**vars(draws), fake=torch.cat(made))
        engine.update("discriminator", lambda part: self.discriminator_loss(part, engine), judged)

    def face_loss(self, batch: AgeBatch, engine: Engine) -> Tensor:
        """Cross-entropy over people and over age groups of real pictures."""
        verdict: FaceVerdict = engine.networks["face"](batch.image)
        people = functional.cross_entropy(verdict.person_logits.float(), batch.person)
        ages = functional.cross_entropy(verdict.age_logits.float(), batch.group)
        engine.log("loss/face_people", people)
        engine.log("loss/face_ages", ages)
        engine.log("face_accuracy_ages", (verdict.age_logits.argmax(1) == batch.group).float().mean())
        return people + ages

    def generator_loss(self, draws: Draws, engine: Engine, made: list[Tensor]) -> Tensor:
        """Eq. 7: least squares, features of the source, the wanted age; results are added to `made`."""
        weights = self.config.loss
        age = one_hot(draws.target_group)
        fake = engine.networks["generator"](draws.image, age).float()
        with engine.frozen("discriminator") as discriminator:
            adversarial = (discriminator(fake, age).float() - 1).square().mean() / 2
        with engine.frozen("face") as face:
            with torch.no_grad():
                wanted = face(draws.image).features.float()
            verdict: FaceVerdict = face(fake)
        identity = (verdict.features.float() - wanted).square().mean()
        ages = functional.cross_entropy(verdict.age_logits.float(), draws.target_group)
        engine.log("loss/adversarial", adversarial)
        engine.log("loss/identity", identity)
        engine.log("loss/age", ages)
        made.append(fake.detach())
        return weights.weight_adversarial * adversarial + weights.weight_identity * identity + weights.weight_age * ages

    def discriminator_loss(self, made: Made, engine: Engine) -> Tensor:
        """Eq. 3: matched, wrong-age and generated pairs, by least squares."""
        network = engine.networks["discriminator"]
        right, wrong = one_hot(made.target_group), one_hot(made.wrong_group)
        real = network(made.target, right).float()
        mismatched = network(made.target, wrong).float()
        fake = network(made.fake, right).float()
        engine.log("score_real", real.mean())
        engine.log("score_fake", fake.mean())
        engine.log("critic_accuracy", (real.flatten(1).mean(1) > fake.flatten(1).mean(1)).float().mean())
        loss = (real - 1).square().mean() / 2 + (mismatched.square().mean() + fake.square().mean()) / 4
        return self.config.loss.weight_adversarial * loss

    def fixed_inputs(self, dataset: AgeDataset) -> AgeBatch:
        """Held-out faces of different ages."""
        return sample_faces(dataset)

    def sample(self, fixed: AgeBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a face: source and ten ages."""
        return all_ages(fixed.image, lambda group: self._age(networks, fixed, group))

    def validate(self, batches: Iterable[AgeBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """What the judge sees in held-out faces at all ten ages; the system's own face network where none is named."""
        years = self.judge.ages if self.judge else _years_by(networks["face"])
        judged, of_reals, truth, groups, changed = [], [], [], [], []
        for batch in batches:
            ages = [self._age(networks, batch, group) for group in range(NUM_GROUPS)]
            judged.append(torch.stack([years(image) for image in ages], dim=1).cpu())
            changed.append(torch.stack([(image - batch.image).abs().mean() for image in ages]).mean().cpu())
            of_reals.append(years(batch.image).cpu())
            truth.append(batch.years.cpu())
            groups.append(batch.group.cpu())
        scores = age_scores(*(torch.cat(part).numpy() for part in (judged, of_reals, truth, groups)))
        return scores | {"change": float(torch.stack(changed).mean())}

    def _age(self, networks: dict[str, nn.Module], batch: AgeBatch, group: int) -> Tensor:
        image: Tensor = networks["generator"](batch.image, one_hot(torch.full_like(batch.group, group))).float()
        return image


def one_hot(group: Int64[Tensor, " b"]) -> Float[Tensor, "b n"]:
    """Age groups as rows."""
    return functional.one_hot(group, NUM_GROUPS).float()


def _years_by(face: nn.Module) -> Callable[[Tensor], Tensor]:
    def years(image: Tensor) -> Tensor:
        share = face(image).age_logits.float().softmax(1)
        expected: Tensor = (share * share.new_tensor(MIDDLES)).sum(1)
        return expected

    return years
