"""How AVWnet and the systems that it is compared with are trained. No torch import.

AVWnet's preset `cpu` has numbers of its own; `limner reproduce avwnet-tables` trains all of them on as many clips.
"""

from __future__ import annotations

from limner.engine.config import TrainConfig

PAPER = TrainConfig(
    images=5 * 488_766,  # five epochs of LRW
    batch_size=10,
    precision="32-true",
    num_workers=8,
    log_every=1_000,
    sample_every=20_000,
    checkpoint_every=50_000,
)
GPU = TrainConfig(
    images=300_000,
    batch_size=16,
    ema_half_life=4_000,
    channels_last=True,
    num_workers=8,
    log_every=1_600,
    sample_every=16_000,
    checkpoint_every=16_000,
)
CPU = TrainConfig(
    images=12_500,
    batch_size=4,
    ema_half_life=400,
    log_every=200,
    sample_every=1_000,
    checkpoint_every=1_000,
)
SMOKE = TrainConfig(images=16, batch_size=2, precision="32-true", log_every=4, sample_every=8, checkpoint_every=8)
