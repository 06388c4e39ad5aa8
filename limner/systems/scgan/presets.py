"""Complete configurations of SCGAN. Measured figures stand beside each; README.md has the commands that print them."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.scgan.config import LossConfig, ModelConfig, OptimizerConfig, SCGANConfig

CELEBA_IMAGES = 200_600  # images of one epoch in the paper


def paper() -> SCGANConfig:
    """The paper's sizes and schedule: 128 px, 20 epochs of CelebA, learning rates falling over the last 10."""
    return SCGANConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(decay_images=10 * CELEBA_IMAGES),
        dataset=DataConfig(),
        augment=AugmentConfig(),
        train=TrainConfig(
            images=20 * CELEBA_IMAGES,
            batch_size=16,
            precision="32-true",
            num_workers=4,
            log_every=1_600,
            sample_every=32_000,
            checkpoint_every=32_000,
        ),
    )


def gpu() -> SCGANConfig:
    """The paper's networks at 128 px on one GPU in hours: larger batch, averaged weights, mirrored samples."""
    return SCGANConfig(
        model=ModelConfig(),
        loss=LossConfig(discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(
            lr_generator=2e-4, lr_discriminator=2e-4, lr_segmentor=2e-4, num_repeat=2, decay_images=500_000
        ),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=2_000_000,
            batch_size=64,
            ema_half_life=10_000,
            channels_last=True,
            num_workers=8,
            log_every=3_200,
            sample_every=50_000,
            checkpoint_every=50_000,
        ),
    )


def cpu() -> SCGANConfig:
    """64 px on one core in about two hours: the recipe of the shipped weights.

    Their runs differ from it in some options, and their last 26,000 images of 384,000 also find the latent again in the
    pictures (their card).

    Half the width, one generator update a critic update, augmentation for small sets; the map at every level, the
    latent at every AdaIN, smoothed enlargements, left and right parts as one class, seeds told apart in D's features,
    noise on what S sees. The paper has none of these; the studies of its tables put them back.
    """
    return SCGANConfig(
        model=ModelConfig(
            image_size=64,
            latent_size=64,
            generator_width=32,
            discriminator_width=32,
            segmentor_width=48,
            map_injection="skips",
            latent_injection="all",
            smooth_enlargement=True,
            sides="merged",
        ),
        loss=LossConfig(
            # With the penalty on the sum of the 2x2 scores, the critic was too quiet for a natural look after an hour;
            # on their mean its gradients are four times as large, and the weight of S keeps its share.
            gp_reduce="mean",
            weight_segmentation=5.0,
            weight_classification=3.0,
            segmentation_balance=0.25,
            segmentor_noise=0.3,
            weight_diversity=20.0,
            diversity_space="features",
            diversity_limit=0.55,
            discriminator_augment=("translation", "cutout"),
        ),
        optimizer=OptimizerConfig(
            # One generator update an iteration needs the momentum-free Adam of Karras et al. 2018 (arXiv:1710.10196).
            lr_generator=3e-4,
            lr_discriminator=3e-4,
            lr_segmentor=6e-4,
            beta1=0.0,
            beta2=0.99,
            num_repeat=1,
            decay_images=40_000,
        ),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, rotate_degrees=5.0, scale=0.08, translate=0.03),
        train=TrainConfig(images=120_000, batch_size=16, ema_half_life=4_000),
    )


def smoke() -> SCGANConfig:
    """Seconds; proves that the code runs. Never look at its pictures."""
    return SCGANConfig(
        model=ModelConfig(image_size=32, latent_size=8, generator_width=8, discriminator_width=8, segmentor_width=8),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr_generator=3e-4, lr_discriminator=3e-4, lr_segmentor=6e-4, num_repeat=2),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=256,
            batch_size=8,
            precision="32-true",
            ema_half_life=100,
            log_every=32,
            sample_every=128,
            checkpoint_every=64,
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
