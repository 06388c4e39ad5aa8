"""Everything that can be set about the painter. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import AT_LEAST_0, SHARE, Range, check_ranges

UNTRAINED = "untrained"
"""In place of weights: random ones, which only prove that the code runs."""
CORRECTION = 0.7
"""How far a painting's colours are moved to better ones unless somebody asks otherwise (docs/decisions/0014)."""
Follow = Literal["error", "attention"]
"""What the number of strokes in a tile follows: attention and the error that is left, or attention alone."""


@dataclass(frozen=True)
class StageConfig:
    """Which network is trained, and the trained ones that it builds on (docs/decisions/ says why there are stages)."""

    name: Literal["renderer", "attention", "agent", "joint"] = "agent"
    """renderer (S1, needs no pictures), attention (S2), agent (S3), joint (S4: agent and attention together)."""
    renderer: str | None = None
    """Weights with the renderer that the agent paints with: a run of stage renderer, or shipped ones by name."""
    attention: str | None = None
    """Weights with the attention network: a run of stage attention, or shipped ones by name."""
    agent: str | None = None
    """Weights of an agent that goes on learning: needed by stage joint, possible in stage agent."""
    force: bool = False
    """Go on with an agent although it was trained with another renderer."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: int = 128
    """Side in pixels of what the networks see; a multiple of 32 (paper: 128)."""
    renderer_widths: tuple[int, int, int, int] = (512, 1024, 2048, 4096)
    """Outputs of the renderer's fully connected layers; the last is a map at an eighth of the size."""
    actor_width: int = 64
    """Channels of the actor's first stage (paper: 64)."""
    critic_width: int = 64
    """Channels of the critic's first stage (paper: 64)."""
    discriminator_width: int = 16
    """Channels of the discriminator's first layer (paper: 16)."""
    attention: Literal["network", "labels", "none"] = "network"
    """Where attention comes from: the network of stage attention, the data set's masks, or nowhere (no channels)."""
    attention_width: int = 32
    """Channels of the attention network at full size."""
    strokes: int = 5
    """Strokes of one action (paper: 5)."""

    def __post_init__(self) -> None:
        small = Range(1, 1024)
        sizes = {"image_size": Range(32, 1024, multiple_of=32), "*width": small, "strokes": small}
        check_ranges(self, "model", sizes)
        cells = (self.image_size // 8) ** 2
        if len(self.renderer_widths) != 4 or min(self.renderer_widths) < 1 or self.renderer_widths[3] % cells:
            raise ConfigError(
                f"--model.renderer_widths is {list(self.renderer_widths)}; it must have four numbers, the last a "
                f"multiple of {cells}, as it is read as a map of {self.image_size // 8} x {self.image_size // 8}."
            )


@dataclass(frozen=True)
class RewardConfig:
    """What a better canvas is worth: r = gan r_gan + distance r_fm + foreground r_fg."""

    weight_gan: float = 1.0
    """Weight of the discriminator's progress r_gan."""
    weight_distance: float = 10.0
    """Weight of the progress r_fm of the weighted pixel distance; a perfect episode sums to 1 before this weight."""
    weight_foreground: float = 0.0
    """Weight of a second discriminator's progress on the attended part of the picture; 2 is a good start, 0 = none."""
    measure: Literal["blank", "left"] = "blank"
    """What progress in the distance is measured against: the blank canvas's, so that a perfect episode sums to 1; or
    what was left before the action, so that late, small strokes teach as much as the first."""
    weighting: Literal["uniform", "attention", "features", "both"] = "both"
    """What weighs the pixels of the distance: nothing, attention, the feature mask, or attention and features in it."""
    epsilon: float = 0.1
    """Weight of a pixel that nobody attends to (Content Masked Loss: 0.1)."""
    kappa: float = 0.5
    """Weight of an attended pixel without features; attention gates, features modulate inside."""
    gradient_penalty: float = 10.0
    """Weight of the discriminators' gradient penalty (WGAN-GP: 10)."""

    def __post_init__(self) -> None:
        check_ranges(self, "reward", {"gradient_penalty": AT_LEAST_0, "epsilon": SHARE, "kappa": SHARE})
        if self.epsilon == 0:
            raise ConfigError("--reward.epsilon is 0; pixels that nobody attends to must weigh something, such as 0.1.")
        if not self.weight_gan + self.weight_distance + self.weight_foreground > 0:
            raise ConfigError("All weights of --reward are 0, so there is nothing to learn from; set one of them.")


@dataclass(frozen=True)
class AgentConfig:
    """The episodes and the learning rule of the stages agent and joint."""

    steps: int = 40
    """Actions of an episode (paper: 40, which are 200 strokes)."""
    warmup_episodes: int = 10
    """Rounds of episodes before the first update (paper: 400 steps)."""
    updates: int = 10
    """Updates after each round of episodes (paper: 10)."""
    batch_size: int = 96
    """Transitions of one update (paper: 96)."""
    replay_episodes: int = 800
    """Episodes that are remembered (paper: 800). 0: none; each action is learned from once, on the canvas that it was
    for, and an iteration is as many updates as an episode has actions (warm-up, updates and batch_size have no use)."""
    begun: float = 0.0
    """Share of the episodes that begin with a blur of their picture in the place of the empty canvas: tiles are painted
    over what a coarser pass has left. 0 in stage joint."""
    discount: float = 0.95
    """Discount of a single stroke; an action of k strokes has its k-th power. 0: each action for its own reward alone,
    without a critic, at half the cost."""
    tau: float = 0.001
    """Share by which the slow copies follow in each update."""
    noise: float = 0.0
    """Exploration: each episode's Gaussian noise has a standard deviation uniform in [0, noise] (paper: 0)."""
    brush: Literal["neural", "exact"] = "neural"
    """What paints the episodes: the renderer, as in the paper, or the exact brush, as in use; a CPU does the second
    faster. Updates always go through the renderer."""
    canvas: str = "black"
    """Colour of the empty canvas: black, white or #rrggbb."""

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("steps", "updates", "batch_size"), Range(1, 1_000_000))
        none_is_fine = dict.fromkeys(("warmup_episodes", "replay_episodes"), Range(0, 1_000_000))
        shares = dict.fromkeys(("discount", "tau", "noise", "begun"), SHARE)
        check_ranges(self, "agent", counts | none_is_fine | shares)


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam everywhere; how the rates fall over a run stands in `schedule.py`."""

    lr_renderer: float = 1e-4
    """Learning rate of the renderer at the start (paper: 1e-4)."""
    lr_attention: float = 1e-3
    """Learning rate of the attention network at the start of its own stage; half a cosine brings it to a tenth."""
    lr_actor: float = 1e-3
    """Learning rate of the actor at the start (paper: 1e-3)."""
    lr_critic: float = 3e-4
    """Learning rate of the critic at the start (paper: 3e-4)."""
    lr_discriminator: float = 3e-4
    """Learning rate of the discriminators (paper: 3e-4)."""
    lr_attention_joint: float = 1e-5
    """Learning rate of the attention network in stage joint."""
    fall: Literal["steps", "cosine"] = "steps"
    """How the renderer's, the actor's and the critic's rates fall: in the paper's two steps, or along half a cosine."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class PictureConfig:
    """What is read from the data folder; see docs/data.md for the layouts."""

    fit: Literal["crop", "squash"] = "crop"
    """Make pictures square by cutting out the middle, or by pulling them (as the parent painter does)."""
    labels: Literal["auto", "masks", "saliency", "faces"] = "auto"
    """What attention learns: the set's masks, found saliency, or saliency with a face's ellipse; auto: masks, else
    saliency."""
    features: Literal["gradient", "vgg16"] = "gradient"
    """The feature mask: edges at three scales, or VGG-16's third pooling, as in Content Masked Loss."""
    vgg16: str | None = None
    """File with the weights of VGG-16, for features vgg16; without it the gradient stands in, which is said."""
    cache: str | None = None
    """Folder for decoded pictures; none: the user's cache folder, or LIMNER_CACHE."""
    flip: bool = True
    """Mirror half of the pictures."""
    zoom: int = 1
    """Pictures are kept this many times as large as the networks see them, and agents paint random squares of them
    down to 1/zoom of the side, as they will paint tiles; three in ten are whole. 1 in stage joint."""
    exchange: float = 0.0
    """Share of the agents' pictures whose red, green and blue change places at random, so that a painter that has seen
    few subjects reads every colour from its picture. 0 in stage joint."""
    crop: float = 0.2
    """Largest share of the side that stage attention cuts off."""
    jitter: float = 0.2
    """Strength of the random changes of brightness, contrast and saturation in stage attention."""

    def __post_init__(self) -> None:
        most = Range(0, 0.9)
        check_ranges(self, "dataset", {"crop": most, "jitter": most, "exchange": SHARE, "zoom": Range(1, 16)})
        if self.vgg16 is not None and self.features != "vgg16":
            raise ConfigError(
                f"--dataset.vgg16 has no effect with --dataset.features {self.features}; leave it out, or choose vgg16."
            )


@dataclass(frozen=True)
class PainterConfig:
    """A complete training run of one stage of the painter."""

    stage: StageConfig
    """What is trained, on top of what."""
    model: ModelConfig
    """Networks."""
    reward: RewardConfig
    """Reward and weight map."""
    agent: AgentConfig
    """Episodes, updates, memory."""
    optimizer: OptimizerConfig
    """Learning rates."""
    dataset: PictureConfig
    """Pictures, masks, augmentation."""
    train: TrainConfig
    """Length, batch, precision, cadence."""

    def __post_init__(self) -> None:
        self._check_joint()
        if self.agent.replay_episodes > 0:
            return
        if self.agent.noise > 0:
            raise ConfigError(
                f"--agent.noise is {self.agent.noise}, but with --agent.replay_episodes 0 the actor learns from its "
                "own actions; leave the noise at 0, or remember some episodes."
            )
        if self.agent.discount or self.reward.weight_gan or self.reward.weight_foreground:
            raise ConfigError(
                "--agent.replay_episodes is 0, but critics and discriminators learn from remembered episodes; remember "
                "some, or set --agent.discount, --reward.weight_gan and --reward.weight_foreground to 0."
            )

    @property
    def attends(self) -> bool:
        """Whether agent and critic see attention and feature mask."""
        return self.model.attention != "none"

    @property
    def looks_ahead(self) -> bool:
        """Whether there is a critic."""
        return self.agent.discount > 0

    @property
    def discriminators(self) -> tuple[str, ...]:
        """Those that the reward asks."""
        weights = {"discriminator": self.reward.weight_gan, "foreground": self.reward.weight_foreground}
        return tuple(name for name, weight in weights.items() if weight > 0)

    def _check_joint(self) -> None:
        if self.stage.name != "joint":
            return
        for name, value, wanted in (
            ("dataset.zoom", self.dataset.zoom, 1),
            ("dataset.exchange", self.dataset.exchange, 0),
            ("agent.begun", self.agent.begun, 0),
        ):
            if value != wanted:
                raise ConfigError(
                    f"--{name} is {value}, but in stage joint attention learns from whole pictures in their own "
                    f"colours, painted from the empty canvas, as it is used; set it to {wanted}."
                )
