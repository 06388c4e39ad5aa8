"""Complete configurations of SCA-GAN, each as two stages: `…-content` trains PCT-Net, the plain name IS-Net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from limner.engine.config import TrainConfig
from limner.pose_transfer.config import PairConfig
from limner.pose_transfer.presets import CPU, GPU, SMOKE
from limner.systems.scagan.config import LossConfig, ModelConfig, OptimizerConfig, SCAGANConfig, StageConfig

EPOCH = 4_000  # pairs that the authors' code calls an epoch


def paper() -> SCAGANConfig:
    """The authors' sizes and schedule for IS-Net at 256 x 176: 200 epochs of 4,000 pairs and 200 of falling rates.

    Name a run of `paper-content` with --stage.content and a file of VGG-19's weights with --loss.vgg_weights.
    """
    return SCAGANConfig(
        stage=StageConfig(),
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr=1e-4, decay_images=200 * EPOCH),
        dataset=PairConfig(),
        train=TrainConfig(
            images=400 * EPOCH,
            batch_size=3,
            precision="32-true",
            num_workers=4,
            log_every=1_500,
            sample_every=60_000,
            checkpoint_every=60_000,
        ),
    )


def paper_content() -> SCAGANConfig:
    """The authors' sizes for PCT-Net: 20 epochs of 4,000 pairs, rates falling over the last 10.

    The authors' script has 2 epochs and 2 of decay, the last of them at a rate of 0; whether the published model was
    trained so is not known.
    """
    return _content(
        paper(),
        replace(paper().train, images=20 * EPOCH, batch_size=5, sample_every=8_000, checkpoint_every=8_000),
        OptimizerConfig(lr=2e-4, decay_images=10 * EPOCH),
    )


def gpu() -> SCAGANConfig:
    """128 x 88 on one GPU in hours: half of IS-Net's width, larger batches, averaged weights."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(128, 88), width=32, style_channels=256, hidden=64, content_width=32),
        optimizer=OptimizerConfig(lr=4e-4, decay_images=400_000),
        dataset=PairConfig(flip=True),
        train=GPU,
    )


def gpu_content() -> SCAGANConfig:
    """PCT-Net of the same size."""
    return _content(gpu(), replace(gpu().train, images=200_000), OptimizerConfig(lr=4e-4, decay_images=100_000))


def cpu() -> SCAGANConfig:
    """64 x 44 on two cores: a quarter of the width, style taken cell by cell, averaged weights.

    Batch norm in the modulations: with instance norm garments of so narrow a network stay pale (decision 22). The photo
    moved limb by limb, which brings colours to their places, and a difference that counts more on the
    person than beside it (decision 25). Discriminators of patches, at a fifth of the weight, which see more than chance
    (decision 26), at a rate of their own. With --loss.parser, features of a parser of bodies (decision 27): train one
    on the same pictures first, as for PCT-Net.
    """
    return replace(
        paper(),
        model=ModelConfig(
            image_size=(64, 44),
            width=16,
            style_channels=128,
            hidden=32,
            content_width=12,
            content_blocks=4,
            discriminator_width=16,
            patch_discriminators=True,
            moved_photo=True,
            style_at_map_size=True,
            spade_norm="batch",
        ),
        loss=LossConfig(weight_adversarial=1.0, weight_person=4.0),
        optimizer=OptimizerConfig(lr=1e-3, discriminator_lr_factor=0.3, decay_images=20_000),
        dataset=PairConfig(flip=True),
        train=CPU,
    )


def cpu_content() -> SCAGANConfig:
    """PCT-Net of the same size, against the authors' discriminators."""
    model = replace(cpu().model, patch_discriminators=False, discriminator_width=12, discriminator_blocks=2)
    config = replace(cpu(), model=model, loss=LossConfig())
    return _content(config, replace(cpu().train, images=40_000), OptimizerConfig(lr=4e-4, decay_images=20_000))


def smoke() -> SCAGANConfig:
    """Seconds; proves that the code runs, on a PCT-Net that was never trained."""
    return replace(
        paper(),
        stage=StageConfig(content="untrained"),
        model=ModelConfig(
            image_size=(64, 44),
            width=4,
            style_channels=8,
            hidden=4,
            content_width=4,
            content_blocks=1,
            discriminator_width=4,
            discriminator_blocks=1,
            latent_size=8,
        ),
        train=SMOKE,
    )


def smoke_content() -> SCAGANConfig:
    """Seconds; PCT-Net's stage."""
    return _content(smoke(), smoke().train, smoke().optimizer)


def _content(config: SCAGANConfig, train: TrainConfig, optimizer: OptimizerConfig) -> SCAGANConfig:
    return replace(config, stage=StageConfig(name="content"), train=train, optimizer=optimizer)


PRESETS: dict[str, Callable[[], SCAGANConfig]] = {
    "paper": paper,
    "paper-content": paper_content,
    "gpu": gpu,
    "gpu-content": gpu_content,
    "cpu": cpu,
    "cpu-content": cpu_content,
    "smoke": smoke,
    "smoke-content": smoke_content,
}
