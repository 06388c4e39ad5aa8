"""Complete configurations of the toy."""

from limner.engine.config import TrainConfig
from limner_toy.config import CaptionConfig, ModelConfig, OptimizerConfig, ToyConfig


def smoke() -> ToyConfig:
    """Seconds; proves that the code runs."""
    train = TrainConfig(images=64, batch_size=8, log_every=16, sample_every=64, checkpoint_every=32)
    return ToyConfig(ModelConfig(), OptimizerConfig(), CaptionConfig(), train)


PRESETS = {name: smoke for name in ("paper", "gpu", "cpu", "smoke")}
