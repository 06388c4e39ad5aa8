"""Complete configurations of the painter: a size by name, and its stages by what follows the name.

`cpu` trains the agent, `cpu-renderer`, `cpu-attention` and `cpu-joint` the other stages of the same size. Give the runs
of the earlier stages with `--stage.renderer`, `--stage.attention` and `--stage.agent`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from limner.engine.config import TrainConfig
from limner.systems.painter.config import (
    UNTRAINED,
    AgentConfig,
    ModelConfig,
    OptimizerConfig,
    PainterConfig,
    PictureConfig,
    RewardConfig,
    StageConfig,
)

CELEBA_IMAGES = 200_000

_SMALL = ModelConfig(
    image_size=64,
    renderer_widths=(256, 512, 1024, 1024),
    actor_width=32,
    critic_width=32,
    discriminator_width=16,
    attention_width=16,
)
_TINY = ModelConfig(
    image_size=32,
    renderer_widths=(32, 64, 64, 64),
    actor_width=8,
    critic_width=8,
    discriminator_width=4,
    attention_width=4,
)


def paper() -> PainterConfig:
    """The agent at 128 px: 50 000 rounds of 96 episodes of 200 strokes, 500 000 updates (two days on a 2080 Ti)."""
    return PainterConfig(
        stage=StageConfig(),
        model=ModelConfig(),
        reward=RewardConfig(),
        agent=AgentConfig(),
        optimizer=OptimizerConfig(),
        dataset=PictureConfig(),
        train=TrainConfig(
            images=50_000 * 96,
            batch_size=96,
            precision="32-true",
            num_workers=2,
            log_every=960,
            sample_every=9_600,
            checkpoint_every=48_000,
        ),
    )


def paper_renderer() -> PainterConfig:
    """The renderer at 128 px: 500 000 batches of 64 strokes; needs no pictures."""
    return _stage(
        paper(),
        "renderer",
        TrainConfig(
            images=500_000 * 64,
            batch_size=64,
            precision="32-true",
            num_workers=8,
            log_every=6_400,
            sample_every=320_000,
            checkpoint_every=320_000,
        ),
    )


def paper_attention() -> PainterConfig:
    """The attention network at 128 px: 20 epochs of 200 000 pictures."""
    return _stage(
        paper(),
        "attention",
        TrainConfig(
            images=20 * CELEBA_IMAGES,
            batch_size=32,
            precision="32-true",
            num_workers=4,
            log_every=3_200,
            sample_every=64_000,
            checkpoint_every=200_000,
        ),
    )


def paper_joint() -> PainterConfig:
    """Agent and attention together at 128 px, a tenth of the agent's run."""
    return _joint(paper())


def gpu() -> PainterConfig:
    """The paper's agent at 128 px on one GPU: a fifth of the rounds. Not measured yet."""
    config = paper()
    train = replace(config.train, images=10_000 * 96, sample_every=9_600, checkpoint_every=19_200)
    return replace(config, train=train)


def gpu_renderer() -> PainterConfig:
    """The paper's renderer in 100 000 batches at three times the learning rate, which Kaiming's first values allow."""
    return _quick_renderer(paper_renderer(), batches=100_000, workers=8)


def gpu_attention() -> PainterConfig:
    """The attention network at 128 px: 320 000 pictures."""
    config = paper_attention()
    return replace(config, train=replace(config.train, images=320_000, checkpoint_every=64_000))


def gpu_joint() -> PainterConfig:
    """Agent and attention together, a tenth of `gpu`."""
    return _joint(gpu())


def cpu() -> PainterConfig:
    """The agent at 64 px on one core: half the width, 100 strokes an episode, 20 000 updates on 32 canvases.

    The paper's rule needs half a million updates. Here every action is judged by the progress that it makes at once: no
    critic, no discriminator, no memory, a quarter of the cost of an update. Progress is measured against what is left,
    so that the last strokes teach as much as the first. Cut pictures and blurred beginnings are what tiles are, and
    backgrounds weigh enough to get their colours. docs/decisions/0013 has the measurements.
    """
    return PainterConfig(
        stage=StageConfig(),
        model=_SMALL,
        reward=RewardConfig(weight_gan=0.0, measure="left", epsilon=0.3),
        agent=AgentConfig(steps=20, replay_episodes=0, begun=0.5, discount=0.0, brush="exact"),
        optimizer=OptimizerConfig(fall="cosine"),
        dataset=PictureConfig(zoom=4, exchange=0.5),
        train=TrainConfig(
            images=1_000 * 32,
            batch_size=32,
            channels_last=True,
            log_every=320,
            sample_every=3_200,
            checkpoint_every=3_200,
        ),
    )


def cpu_renderer() -> PainterConfig:
    """The renderer at 64 px: 20 000 batches of 64 strokes; needs no pictures."""
    return _quick_renderer(_stage(cpu(), "renderer", cpu().train), batches=20_000, workers=0)


def cpu_attention() -> PainterConfig:
    """The attention network at 64 px with half the channels: 40 000 pictures."""
    return _stage(
        cpu(),
        "attention",
        TrainConfig(
            images=40_000,
            batch_size=32,
            precision="32-true",
            log_every=1_280,
            sample_every=8_000,
            checkpoint_every=8_000,
        ),
    )


def cpu_joint() -> PainterConfig:
    """Agent and attention together at 64 px, a tenth of `cpu`."""
    return _joint(cpu())


def smoke() -> PainterConfig:
    """Seconds; the agent on networks that were never trained. Proves that the code runs."""
    return PainterConfig(
        stage=StageConfig(renderer=UNTRAINED, attention=UNTRAINED),
        model=_TINY,
        reward=RewardConfig(),
        agent=AgentConfig(steps=3, warmup_episodes=1, updates=1, batch_size=8, replay_episodes=32, tau=0.1),
        optimizer=OptimizerConfig(),
        dataset=PictureConfig(),
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


def smoke_renderer() -> PainterConfig:
    """Seconds; proves that the renderer's stage runs."""
    return _stage(smoke(), "renderer", smoke().train)


def smoke_attention() -> PainterConfig:
    """Seconds; proves that the attention network's stage runs."""
    return _stage(smoke(), "attention", smoke().train)


def smoke_joint() -> PainterConfig:
    """Seconds; proves that joint training runs, once it is given the run of an agent."""
    return _joint(smoke(), share=1.0)


def without_attention(preset: Callable[[], PainterConfig]) -> PainterConfig:
    """The parent painter in the same size: 9 and 12 channels, all pixels alike, reward by the discriminator alone.

    Where the painter's preset does without a critic, the parent does too and keeps the plain distance for a reward: the
    discriminator's is of no use to a single action.
    """
    config = preset()
    reward = replace(config.reward, weighting="uniform")
    if config.agent.discount > 0:
        reward = replace(reward, weight_gan=1.0, weight_distance=0.0)
    return replace(
        config,
        stage=replace(config.stage, attention=None),
        model=replace(config.model, attention="none"),
        reward=reward,
    )


def _stage(config: PainterConfig, name: str, train: TrainConfig) -> PainterConfig:
    return replace(config, stage=StageConfig(name=name), train=train)  # type: ignore[arg-type]


def _joint(config: PainterConfig, *, share: float = 0.1) -> PainterConfig:
    images = max(1, round(share * config.train.images / config.train.batch_size)) * config.train.batch_size
    return replace(
        config,
        stage=StageConfig(name="joint"),
        train=replace(config.train, images=images),
        # Attention is found in whole pictures: the agent's cuts, colours and beginnings would teach it other ones.
        dataset=replace(config.dataset, zoom=1, exchange=0.0),
        agent=replace(config.agent, begun=0.0),
    )


def _quick_renderer(config: PainterConfig, *, batches: int, workers: int) -> PainterConfig:
    return replace(
        config,
        optimizer=replace(config.optimizer, lr_renderer=1e-3),
        train=TrainConfig(
            images=batches * 64,
            batch_size=64,
            precision="32-true",
            num_workers=workers,
            log_every=6_400,
            sample_every=batches * 8,
            checkpoint_every=batches * 8,
        ),
    )


PRESETS: dict[str, Callable[[], PainterConfig]] = {
    "paper": paper,
    "paper-renderer": paper_renderer,
    "paper-attention": paper_attention,
    "paper-joint": paper_joint,
    "gpu": gpu,
    "gpu-renderer": gpu_renderer,
    "gpu-attention": gpu_attention,
    "gpu-joint": gpu_joint,
    "cpu": cpu,
    "cpu-renderer": cpu_renderer,
    "cpu-attention": cpu_attention,
    "cpu-joint": cpu_joint,
    "smoke": smoke,
    "smoke-renderer": smoke_renderer,
    "smoke-attention": smoke_attention,
    "smoke-joint": smoke_joint,
}
