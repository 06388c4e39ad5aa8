"""Complete configurations of the toy."""

from dataclasses import replace

from limner.data.config import DataConfig
from limner.engine.config import TrainConfig
from limner_toy.config import ModelConfig, OptimizerConfig, StageConfig, ToyConfig


def clip() -> ToyConfig:
    """Seconds; proves that the code runs."""
    train = TrainConfig(images=64, batch_size=8, log_every=16, sample_every=64, checkpoint_every=32)
    return ToyConfig(StageConfig(), ModelConfig(), OptimizerConfig(), DataConfig(), train)


def still() -> ToyConfig:
    """Seconds; the stage that comes first."""
    return replace(clip(), stage=StageConfig("still"))


SIZES = ("paper", "gpu", "cpu", "smoke")
PRESETS = {**dict.fromkeys(SIZES, clip), **{f"{size}-still": still for size in SIZES}}
