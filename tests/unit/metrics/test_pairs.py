"""L1, PSNR, SSIM, MS-SSIM and LPIPS as means over pairs: hand-computed and hard inputs, batching, precision."""

from __future__ import annotations

import math

import pytest
import torch

from limner.backbones.alexnet import AlexNet
from limner.backbones.lpips import LPIPS, read_heads
from limner.errors import ConfigError, DataError, ShapeError
from limner.metrics.l1 import L1
from limner.metrics.lpips import LearnedSimilarity
from limner.metrics.pairs import PairMean, PairScore, check_pair
from limner.metrics.psnr import PSNR
from limner.metrics.ssim import SSIM, MultiScaleSSIM


def learned() -> LearnedSimilarity:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = LPIPS(AlexNet(), read_heads("alex")).eval().requires_grad_(False)
    return LearnedSimilarity(network, weights="alex random", sha256="0" * 64)


SCORES = [L1(), PSNR(), SSIM(), MultiScaleSSIM(weights=(0.5, 0.5)), learned()]


def pictures(count: int = 5, size: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    first = torch.rand(count, 3, size, size, generator=random) * 2 - 1
    return first, (first + 0.3 * torch.randn(first.shape, generator=random)).clamp(-1, 1)


@pytest.fixture(params=SCORES, ids=lambda score: score.name)
def score(request) -> PairScore:
    return request.param


def test_a_score_says_what_it_is(score):
    assert isinstance(score, PairScore)
    assert score.name and score.settings


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_batches_do_not_matter(score, batch_size):
    first, second = pictures()
    metric = PairMean(score)
    for one, other in zip(first.split(batch_size), second.split(batch_size), strict=True):
        metric.update(one, other)
    assert float(metric.compute()) == pytest.approx(float(score(first, second).double().mean()), rel=1e-6)
    assert metric.compute().dtype == torch.float64
    assert metric.higher_is_better == (score.name in ("PSNR", "SSIM", "MS-SSIM"))
    assert not list(metric.parameters()) and not metric.compute().requires_grad


def test_equal_images_have_the_best_score(score):
    first, _ = pictures(2)
    best = {"L1": 0, "LPIPS": 0, "PSNR": math.inf, "SSIM": 1, "MS-SSIM": 1}
    assert score(first, first).tolist() == pytest.approx([best[score.name]] * 2)


def test_more_noise_is_worse(score):
    first, second = pictures(2)
    better, worse = score(first, torch.lerp(first, second, 0.3)), score(first, second)
    assert bool(((better > worse) == score.higher_is_better).all())


def test_constant_images_have_a_finite_score(score):
    black, white = torch.full((1, 3, 40, 40), -1.0), torch.ones(1, 3, 40, 40)
    assert bool(score(black, white).isfinite().all())


def test_half_precision_is_computed_in_the_precision_of_the_score(score):
    first, second = (image.half() for image in pictures(2))
    # float64 scores see the very same numbers; LPIPS runs in the float32 of its network.
    assert score(first, second).tolist() == pytest.approx(score(first.float(), second.float()).tolist(), rel=1e-6)


def test_other_shapes_are_refused(score):
    with pytest.raises(ShapeError, match="one size"):
        score(torch.zeros(2, 3, 40, 40), torch.zeros(2, 3, 40, 48))
    with pytest.raises(DataError, match="at least one pair"), pytest.warns(UserWarning, match="before"):
        PairMean(score).compute()


def test_by_hand():
    black, grey, white = (torch.full((1, 3, 11, 11), value) for value in (-1.0, 0.0, 1.0))
    assert float(L1()(grey, white)) == 1
    assert float(PSNR()(grey, white)) == pytest.approx(10 * math.log10(4 / 1))
    assert float(PSNR()(black, white)) == 0
    # Of constants only the luminance term is left: (2 a b + c) / (a^2 + b^2 + c), c = 0.01^2, black 0 and white 1.
    assert float(SSIM()(black, white)) == pytest.approx(1e-4 / (1 + 1e-4))
    assert float(SSIM()(grey, white)) == pytest.approx((1 + 1e-4) / (1.25 + 1e-4))
    assert float(SSIM(value_range=(0.0, 1.0))(grey, white)) == pytest.approx(1e-4 / (1 + 1e-4))


def test_opposite_images_have_no_power_of_a_negative_term():
    random = torch.Generator().manual_seed(0)
    detail = 0.3 * torch.randn(1, 3, 44, 44, generator=random)
    score = MultiScaleSSIM(weights=(0.3, 0.3, 0.4))
    assert float(SSIM()(0.5 + detail, 0.5 - detail)) < 0
    assert float(score(0.5 + detail, 0.5 - detail)) == 0


def test_images_of_another_range_are_refused(score):
    first, second = ((image + 1) * 127.5 for image in pictures(2))
    words = rf"{score.name} compares images with values in \[-1, 1\], but these are"
    for pair in ((first, second), (first / 127.5 - 1, second)):
        with pytest.raises(ConfigError, match=words):
            score(*pair)
    with pytest.raises(ConfigError, match=words):
        check_pair(first.byte().clamp(max=1), second.byte().clamp(max=1), name=score.name)


@pytest.mark.parametrize("kind", [PSNR, SSIM, MultiScaleSSIM])
def test_the_range_does_not_change_the_score(kind):
    first, second = pictures(2, 200)
    expected = kind()(first, second).tolist()
    shifted = [(image + 1) / 2 for image in (first, second)]
    assert kind(value_range=(0.0, 1.0))(*shifted).tolist() == pytest.approx(expected, rel=1e-6)
    scaled = [image * 255 for image in shifted]
    assert kind(value_range=(0.0, 255.0))(*scaled).tolist() == pytest.approx(expected, rel=1e-6)


def test_lpips_from_a_file(tmp_path):
    network = learned().network.network
    torch.save(network.state_dict(), tmp_path / "alexnet.pth")
    score = LearnedSimilarity.from_file(tmp_path / "alexnet.pth", sha256="ab" * 32)
    assert score.settings == "LPIPS 0.1, alex alexnet (abababababab), images as they are"
    first, second = pictures(2)
    assert torch.equal(score(first, second), learned()(first, second))


def test_mean_of_ratios_is_not_the_ratio_of_pooled_errors():
    near, far = torch.full((1, 3, 4, 4), 0.01), torch.full((1, 3, 4, 4), 1.0)
    metric = PairMean(PSNR())
    metric.update(torch.cat([near, far]), torch.zeros(2, 3, 4, 4))
    assert float(metric.compute()) == pytest.approx((10 * math.log10(4e4) + 10 * math.log10(4)) / 2, rel=1e-5)


@pytest.mark.parametrize("kind", [PSNR, SSIM, MultiScaleSSIM])
@pytest.mark.parametrize("value", [(0.0, 0.0), (1.0, -1.0), (0.0, math.nan), (0.0, math.inf)])
def test_a_range_that_no_images_have_is_refused(kind, value):
    with pytest.raises(ConfigError, match=f"value range of {kind.name} is .*; it must be two finite numbers"):
        kind(value_range=value)


def test_images_smaller_than_the_window_are_refused():
    with pytest.raises(ShapeError, match="at least 11 px"):
        SSIM()(torch.zeros(1, 3, 10, 40), torch.zeros(1, 3, 10, 40))
    with pytest.raises(ShapeError, match="at least 176 px"):
        MultiScaleSSIM()(torch.zeros(1, 3, 175, 175), torch.zeros(1, 3, 175, 175))
    for weights in ((), (0.5, 0.0)):
        with pytest.raises(ConfigError, match="positive weight"):
            MultiScaleSSIM(weights=weights)
