"""Everything that can be set about AVWnet. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import AT_LEAST_0, SHARE, Range, check_ranges, check_weighted
from limner.talking_faces.config import ClipConfig

SIZES = (64, 128, 256)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: int = 128
    """Height and width of fine frames in pixels; coarse ones have half."""
    width: int = 64
    """Channels of the generator's first layers (64)."""
    num_blocks: int = 4
    """Residual blocks of the coarse branch."""
    num_fine_blocks: int = 2
    """Residual blocks of the fine branch."""
    num_layers: int = 3
    """Of the LSTM (3)."""
    is_normalized: bool = False
    """Whether codes of speech and states of the LSTM get unit variance; an option of ours for small networks."""
    tells_mouth: bool = False
    """Whether the generator tells from speech alone how the mouth's points move, for `loss.weight_motion`; an option of
    ours."""
    paints_change: bool = False
    """Whether the colours are the photo's, changed by what is painted, so that no network has to learn first to repeat
    the photo; an option of ours for short trainings."""
    discriminator_width: int = 64
    """Channels of the first layer of both level discriminators (64)."""
    sequence_width: int = 32
    """Channels of the first layer of the sequence discriminator (32)."""

    def __post_init__(self) -> None:
        blocks = dict.fromkeys(("num_blocks", "num_fine_blocks"), Range(0, 32)) | {"num_layers": Range(1, 8)}
        widths = {"width": Range(2, 256, multiple_of=2), "*_width": Range(1, 256)}  # the fine branch ends with half
        check_ranges(self, "model", {"image_size": Range.one_of(*SIZES), **blocks, **widths})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (avwnet.md 6)."""

    weight_pixel: float = 10.0
    """Of the dynamic pixel loss of each level (ATVGnet: 10)."""
    mask_offset: float = 0.5
    """What a pixel counts beyond its mask in that loss (ATVGnet: 0.5)."""
    weight_mouth: float = 0.0
    """How many times more a pixel of the mouth's box counts in it; an option of ours for small pictures."""
    weight_color: float = 0.0
    """Of the painted colours' own difference, beyond the masks: masks cannot close before colours are worth anything;
    an option of ours."""
    weight_fidelity: float = 1.0
    """Of each level discriminator's verdict on patches."""
    weight_consistency: float = 1.0
    """Of its verdict on frame and speech."""
    weight_sequence: float = 1.0
    """Of the sequence discriminator's verdict."""
    weight_word: float = 1.0
    """Of the words that the lip reader reads in the frames; needs `reader`."""
    reader: str | None = None
    """Weights of wordnet (a name or a folder) that read the frames; another one must judge."""
    weight_attention: float = 0.1
    """Of the masks' mean (GANimation)."""
    weight_smooth: float = 1e-5
    """Of the masks' total variation (GANimation)."""
    weight_landmarks: float = 0.0
    """Of the landmarks that the sequence discriminator finds in the frames, where they are known."""
    weight_motion: float = 0.0
    """Of how the mouth's points move, told from speech alone, where landmarks are known: teaches speech and LSTM
    without the way through the pixels. Needs `model.tells_mouth`; an option of ours."""
    weight_change: float = 0.0
    """Of how the mouth's pixels change about their mean over the frames, squared, in colours and frames of both levels;
    an option of ours."""
    painted_frames: int = 0
    """Frames of each clip that are painted while pixels alone are learned, chosen at random, all being heard; 0: all.
    Neighbours show almost the same; an option of ours."""
    pixel_images: int = 0
    """Clips at the start from which the generator learns by pixels and masks alone."""
    word_images: int = 0
    """Clips at the start without the words; the specification has 5,000 steps."""
    mean_landmarks: float = 0.25
    """Share of the photos of which the networks see the mean face's landmarks, as of photos without any."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"mask_offset": AT_LEAST_0, "mean_landmarks": SHARE, "painted_frames": AT_LEAST_0})
        check_weighted(self, "loss", {"reader": "weight_word"})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr_generator: float = 2e-4
    """Learning rate of the generator (slides: 0.0002)."""
    lr_discriminator: float = 2e-4
    """Learning rate of each discriminator."""
    beta1: float = 0.5
    """Decay of the first moment."""
    beta2: float = 0.999
    """Decay of the second moment."""
    decay_images: int = 0
    """Clips at the end of the run over which the rates fall to 0."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class AVWnetConfig:
    """A complete training run of AVWnet."""

    model: ModelConfig
    """Networks."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers."""
    dataset: ClipConfig
    """What is read."""
    train: TrainConfig
    """Length, batch, precision, cadence; an image is a clip."""

    def __post_init__(self) -> None:
        if self.loss.weight_motion and not self.model.tells_mouth:
            raise ConfigError("--loss.weight_motion needs a generator that tells it: give --model.tells_mouth true.")
