"""How SCA-GAN and the systems that it is compared with are trained: on as many pairs. No torch import."""

from __future__ import annotations

from limner.engine.config import TrainConfig

GPU = TrainConfig(
    images=1_000_000,
    batch_size=24,
    ema_half_life=10_000,
    channels_last=True,
    num_workers=8,
    log_every=2_400,
    sample_every=48_000,
    checkpoint_every=48_000,
)
CPU = TrainConfig(
    images=50_000,
    batch_size=8,
    ema_half_life=500,
    log_every=800,
    sample_every=5_000,
    checkpoint_every=5_000,
)
SMOKE = TrainConfig(
    images=64,
    batch_size=4,
    precision="32-true",
    ema_half_life=100,
    log_every=16,
    sample_every=32,
    checkpoint_every=32,
)
