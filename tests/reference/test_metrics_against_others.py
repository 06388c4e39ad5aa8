"""Metrics against implementations that share nothing with ours: SciPy, scikit-learn, scikit-image, NumPy, Pillow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from limner.backbones.alexnet import AlexNet
from limner.backbones.inception import Mixed
from limner.backbones.lpips import LPIPS, read_heads
from limner.backbones.vgg import VGG
from limner.metrics.attributes import AttributeAccuracy
from limner.metrics.bootstrap import mean_interval
from limner.metrics.diversity import mean_pairwise_distance
from limner.metrics.frechet import FrechetDistance, frechet_distance
from limner.metrics.inception_score import InceptionScore
from limner.metrics.kernel import kernel_distance
from limner.metrics.l1 import L1
from limner.metrics.precision_recall import precision_and_recall
from limner.metrics.psnr import PSNR
from limner.metrics.resize import Resize
from limner.metrics.segmentation import SegmentationMetric, confusion_matrices
from limner.metrics.ssim import SCALE_WEIGHTS, SSIM, MultiScaleSSIM
from limner.metrics.talking import ssim_uniform

linalg = pytest.importorskip("scipy.linalg")
signal = pytest.importorskip("scipy.signal")
stats = pytest.importorskip("scipy.stats")
distance = pytest.importorskip("scipy.spatial.distance")
sklearn_metrics = pytest.importorskip("sklearn.metrics")
neighbors = pytest.importorskip("sklearn.neighbors")
skimage_metrics = pytest.importorskip("skimage.metrics")


def by_scipy(real: np.ndarray, fake: np.ndarray) -> float:
    mean1, mean2, cov1, cov2 = real.mean(0), fake.mean(0), np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = linalg.sqrtm(cov1 @ cov2)
    return float(((mean1 - mean2) ** 2).sum() + np.trace(cov1 + cov2 - 2 * root.real))


@pytest.mark.parametrize("size", [2, 16, 128])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_frechet_distance_equals_scipy(size, shift):
    random = np.random.default_rng(size)
    mixing = random.normal(size=(size, size)) / size**0.5
    real = random.normal(size=(4 * size, size)) @ mixing
    fake = random.normal(size=(3 * size, size)) @ mixing * 1.2 + shift
    metric = FrechetDistance(None, num_features=size)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(fake), real=False)
    assert float(metric.compute()) == pytest.approx(by_scipy(real, fake), rel=1e-6)


def test_frechet_distance_equals_scipy_where_the_rank_is_low():
    # sqrtm needs a full rank; a small ridge gives it one, and the ridge bounds how far the two may differ.
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(10, 24)), random.normal(size=(12, 24)) + 0.5
    cov1, cov2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    ridge = 1e-10 * np.eye(24)
    root = linalg.sqrtm((cov1 + ridge) @ (cov2 + ridge)).real
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(cov1 + cov2 - 2 * root)
    ours = frechet_distance(*(torch.from_numpy(x) for x in (real.mean(0), cov1, fake.mean(0), cov2)))
    assert float(ours) == pytest.approx(expected, rel=1e-4)


def test_confusion_matrix_equals_sklearn():
    random = np.random.default_rng(1)
    target = random.integers(0, 5, size=(3, 20, 17))
    predicted = np.where(random.random(target.shape) < 0.6, target, random.integers(0, 5, size=target.shape))
    target[0, :4] = 255
    counts = confusion_matrices(torch.from_numpy(predicted), torch.from_numpy(target), 5).sum(0).numpy()
    known = target != 255
    expected = sklearn_metrics.confusion_matrix(target[known], predicted[known], labels=range(5))
    np.testing.assert_array_equal(counts, expected)


def test_scores_equal_sklearn():
    random = np.random.default_rng(2)
    target = random.integers(0, 6, size=(4, 16, 16))
    predicted = np.where(random.random(target.shape) < 0.5, target, random.integers(0, 6, size=target.shape))
    metric = SegmentationMetric(num_classes=8)  # classes 6 and 7 occur nowhere
    for one_predicted, one_target in zip(predicted, target, strict=True):
        metric.update(torch.from_numpy(one_predicted[None]), torch.from_numpy(one_target[None]))
    result = metric.compute()
    expected = sklearn_metrics.jaccard_score(target.ravel(), predicted.ravel(), average=None)
    np.testing.assert_allclose(result.iou[:6].numpy(), expected, rtol=1e-12)
    assert float(result.mean_iou) == pytest.approx(expected.mean(), rel=1e-12)
    assert float(result.pixel_accuracy) == pytest.approx((target == predicted).mean(), rel=1e-12)


def feature_sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(3)
    cloud = random.normal(size=(60, 5))
    return {
        "random": (cloud, random.normal(size=(45, 5)) * 1.3 + 0.4),
        "identical": (cloud, cloud),
        "rank 2 of 12": (cloud[:, :2] @ random.normal(size=(2, 12)), random.normal(size=(9, 12))),
        "constant": (cloud, np.full((8, 5), 0.3)),
        "half precision": (cloud.astype(np.float16), (cloud[:40] + 0.2).astype(np.float16)),
    }


@pytest.mark.parametrize("name", feature_sets())
def test_kernel_distance_equals_numpy(name):
    real, fake = (vectors.astype(np.float64) for vectors in feature_sets()[name])

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x @ y) / real.shape[1] + 1) ** 3

    def pairs(vectors: np.ndarray) -> float:
        return np.mean([kernel(x, y) for i, x in enumerate(vectors) for j, y in enumerate(vectors) if i != j])

    expected = pairs(real) + pairs(fake) - 2 * np.mean([kernel(x, y) for x in real for y in fake])
    ours = kernel_distance(*(torch.from_numpy(vectors) for vectors in feature_sets()[name]))
    assert float(ours) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("neighbours", [1, 3])
@pytest.mark.parametrize("name", feature_sets())
def test_precision_and_recall_equal_sklearn(name, neighbours):
    real, fake = (vectors.astype(np.float64) for vectors in feature_sets()[name])

    def covered(vectors: np.ndarray, manifold: np.ndarray) -> float:
        tree = neighbors.NearestNeighbors(n_neighbors=neighbours + 1, algorithm="kd_tree").fit(manifold)
        radii = tree.kneighbors(manifold)[0][:, -1]  # the first neighbour of a vector is itself
        return float((distance.cdist(vectors, manifold) <= radii).any(1).mean())

    ours = precision_and_recall(*(torch.from_numpy(v) for v in feature_sets()[name]), neighbours=neighbours)
    assert float(ours.precision) == pytest.approx(covered(fake, real))
    assert float(ours.recall) == pytest.approx(covered(real, fake))


@pytest.mark.parametrize("scale", [0.0, 1.0, 40.0])
def test_inception_score_equals_scipy(scale):
    logits = np.random.default_rng(4).normal(size=(31, 12)) * scale
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    scores = []
    for split in range(5):
        part = probability[split::5]
        scores.append(np.exp(np.mean([stats.entropy(row, part.mean(0)) for row in part])))
    metric = InceptionScore(num_classes=12, num_splits=5)
    metric.update(torch.from_numpy(logits), torch.arange(31))
    assert float(metric.compute().mean) == pytest.approx(np.mean(scores), rel=1e-9)
    assert float(metric.compute().deviation) == pytest.approx(np.std(scores), rel=1e-6, abs=1e-9)


def image_pairs(size: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(3, size, size) in [-1, 1]."""
    random = np.random.default_rng(5)
    wave = np.sin(np.arange(size) / 5)[:, None] * np.cos(np.arange(size) / 9) * np.array([1, 0.5, -0.7])[:, None, None]
    return {
        "random": (random.uniform(-1, 1, (3, size, size)), random.uniform(-1, 1, (3, size, size))),
        "noisy": (wave, np.clip(wave + random.normal(0, 0.1, wave.shape), -1, 1)),
        "constant": (np.full((3, size, size), -1.0), np.full((3, size, size), 1.0)),
        "constant and not": (np.zeros((3, size, size)), wave),
        "half precision": (wave.astype(np.float16), (0.9 * wave).astype(np.float16)),
        "identical": (wave, wave),
    }


def as_batch(pair: tuple[np.ndarray, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.from_numpy(image)[None] for image in pair)


@pytest.mark.parametrize("name", image_pairs(8))
def test_ssim_psnr_and_l1_equal_skimage_and_numpy(name):
    pair = image_pairs(37)[name]
    first, second = (image.astype(np.float64) for image in pair)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 0}
    unit = ((first + 1) / 2, (second + 1) / 2)
    expected = skimage_metrics.structural_similarity(*unit, data_range=1, **options)
    assert float(SSIM()(*as_batch(pair))) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    if name != "identical":  # infinite
        expected = skimage_metrics.peak_signal_noise_ratio(first, second, data_range=2)
        assert float(PSNR()(*as_batch(pair))) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert float(L1()(*as_batch(pair))) == pytest.approx(np.abs(first - second).mean(), rel=1e-12)


def test_ssim_of_bytes_is_the_published_number():
    """A program that compares 0..255 with the data range 255, as papers do, gives the same as ours on [-1, 1]."""
    random = np.random.default_rng(6)
    first = np.clip(random.normal(90, 40, (3, 37, 37)), 0, 255).astype(np.uint8)
    second = np.clip(first + random.normal(0, 20, first.shape), 0, 255).astype(np.uint8)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 0}
    expected = skimage_metrics.structural_similarity(
        first.astype(np.float64), second.astype(np.float64), data_range=255, **options
    )
    in_networks = as_batch((first / 127.5 - 1, second / 127.5 - 1))
    assert float(SSIM()(*in_networks)) == pytest.approx(expected, rel=1e-9)
    assert float(
        SSIM(value_range=(0.0, 255.0))(*as_batch((first.astype(float), second.astype(float))))
    ) == pytest.approx(expected, rel=1e-9)


def ms_ssim_by_scipy(first: np.ndarray, second: np.ndarray, weights: tuple[float, ...]) -> float:
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    c1, c2 = 0.01**2, 0.03**2

    def blur(image: np.ndarray) -> np.ndarray:
        return signal.convolve2d(image, window, mode="valid")

    result = 1.0
    for scale, weight in enumerate(weights):
        mean1, mean2 = blur(first), blur(second)
        variances = blur(first**2) - mean1**2 + blur(second**2) - mean2**2
        term = (2 * (blur(first * second) - mean1 * mean2) + c2) / (variances + c2)
        if scale == len(weights) - 1:
            term = term * (2 * mean1 * mean2 + c1) / (mean1**2 + mean2**2 + c1)
        result *= max(term.mean(), 0.0) ** weight
        rows, columns = (side // 2 * 2 for side in first.shape)
        first, second = (
            image[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean((1, 3)) for image in (first, second)
        )
    return result


@pytest.mark.parametrize("name", image_pairs(8))
@pytest.mark.parametrize(("size", "scales"), [(180, 5), (93, 3)])
def test_ms_ssim_equals_scipy(name, size, scales):
    pair = image_pairs(size)[name]
    # The five are taken as printed, although their sum is 1.0001; fewer are divided by theirs.
    weights = SCALE_WEIGHTS if scales == 5 else tuple(np.array(SCALE_WEIGHTS[:scales]) / sum(SCALE_WEIGHTS[:scales]))
    channels = zip(*((image.astype(np.float64) + 1) / 2 for image in pair), strict=True)
    expected = np.mean([ms_ssim_by_scipy(first, second, weights) for first, second in channels])
    ours = MultiScaleSSIM(weights=SCALE_WEIGHTS[:scales])(*as_batch(pair))
    assert float(ours) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("filter", ["BILINEAR", "BICUBIC"])
@pytest.mark.parametrize("size", [7, 37, 64, 150])
def test_resize_equals_pillow(filter, size):
    image = np.random.default_rng(6).normal(size=(37, 52)).astype(np.float32)
    expected = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling[filter]))
    ours = Resize(size, filter.lower(), antialias=True)(torch.from_numpy(image).double()[None, None])[0, 0]
    np.testing.assert_allclose(ours, expected, atol=2e-6)  # Pillow rounds to float32 between the two directions


@pytest.mark.parametrize("size", [7, 37, 64, 150])
def test_resize_without_antialiasing_equals_torch(size):
    image = torch.randn(2, 3, 37, 52, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(image, size=(size, size), mode="bilinear", align_corners=False)
    torch.testing.assert_close(Resize(size)(image), expected)


def windows_of(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]


def maps_by_numpy(image: np.ndarray, layers: list[torch.nn.Module]) -> list[np.ndarray]:
    """The map after every activation."""
    maps = []
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d):
            image = np.pad(image, [(0, 0)] + [(layer.padding[0],) * 2] * 2)
            windows = windows_of(image, layer.kernel_size[0], layer.stride[0])
            image = np.einsum("chwyx,ocyx->ohw", windows, layer.weight.numpy(), optimize=True)
            image = image + layer.bias.numpy()[:, None, None]
        elif isinstance(layer, torch.nn.ReLU):
            image = np.maximum(image, 0)
            maps.append(image)
        else:
            image = windows_of(image, layer.kernel_size, layer.stride).max((3, 4))
    return maps


@torch.no_grad()
def test_layers_of_vgg_equal_numpy():
    torch.manual_seed(0)
    network = VGG(16).double()
    image = torch.rand(1, 3, 10, 12, dtype=torch.float64) * 2 - 1
    names = ("relu1_1", "relu1_2", "relu2_1")
    expected = maps_by_numpy(image[0].numpy(), list(network.features[:7]))
    for ours, map_ in zip(network(image, names), expected, strict=True):
        np.testing.assert_allclose(ours[0], map_, rtol=1e-9, atol=1e-12)


@torch.no_grad()
def test_lpips_equals_numpy():
    """Layers and the heads' arithmetic in plain NumPy, with the heads that come with the package."""
    torch.manual_seed(0)
    network = AlexNet().double()
    heads = read_heads("alex")
    images = torch.rand(2, 3, 40, 36, dtype=torch.float64) * 2 - 1
    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    first, second = (
        maps_by_numpy(((image + 1) / 2 - mean) / deviation, list(network.features)) for image in images.numpy()
    )
    expected = 0.0
    for one, other, head in zip(first, second, heads, strict=True):
        one, other = (x / (np.sqrt((x**2).sum(0)) + 1e-10) for x in (one, other))
        expected += ((one - other) ** 2 * head.double().numpy()[:, None, None]).sum(0).mean()
    ours = LPIPS(network, heads)(images[:1], images[1:])
    assert float(ours) == pytest.approx(expected, rel=1e-9)


@torch.no_grad()
def test_average_pooling_of_inception_equals_numpy():
    """The pooled branch of a block alone: the mean of the pixels that are under the window."""
    block = Mixed(3, {"branch1x1": [(1, 1)]}, pool_channels=3).eval()
    block.branch_pool.conv.weight.copy_(torch.eye(3)[:, :, None, None])
    block.branch_pool.bn.eps = 0.0
    image = torch.rand(1, 3, 6, 5)
    padded = np.pad(image[0].numpy(), ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    np.testing.assert_allclose(block(image)[0, 1:].numpy(), np.nanmean(windows, axis=(3, 4)), rtol=1e-5)


def test_diversity_equals_scipy():
    samples = np.random.default_rng(7).normal(size=(3, 5, 4, 6))
    expected = [distance.pdist(rows.reshape(5, -1), metric="cityblock").mean() / 24 for rows in samples]
    np.testing.assert_allclose(mean_pairwise_distance(torch.from_numpy(samples)), expected, rtol=1e-12)


def test_attribute_accuracy_equals_sklearn():
    random = np.random.default_rng(8)
    logits, target = random.normal(size=(40, 4)), random.integers(0, 2, (40, 4))
    metric = AttributeAccuracy(num_attributes=4)
    metric.update(torch.from_numpy(logits), torch.from_numpy(target).double())
    expected = [sklearn_metrics.accuracy_score(target[:, k], logits[:, k] > 0) for k in range(4)]
    assert metric.compute().tolist() == pytest.approx(expected)
    exclusive = AttributeAccuracy(num_attributes=4, kind="exclusive")
    one_hot = np.eye(4)[random.integers(0, 4, 40)]
    exclusive.update(torch.from_numpy(logits), torch.from_numpy(one_hot))
    expected = sklearn_metrics.accuracy_score(one_hot.argmax(1), logits.argmax(1))
    assert float(exclusive.compute()) == pytest.approx(expected)


def test_bootstrap_interval_of_a_mean_is_near_scipys():
    values = np.random.default_rng(9).gamma(2.0, size=120)
    expected = stats.bootstrap((values,), np.mean, n_resamples=9999, method="percentile", random_state=0)
    low, high = mean_interval(torch.from_numpy(values), seed=0, resamples=9999)
    # Both are random; the ends of 10 000 resamples move by about 1 % of the width.
    width = expected.confidence_interval.high - expected.confidence_interval.low
    assert low == pytest.approx(expected.confidence_interval.low, abs=0.05 * width)
    assert high == pytest.approx(expected.confidence_interval.high, abs=0.05 * width)


def test_frechet_distance_of_half_precision_and_constant_sets_equals_scipy():
    real, fake = feature_sets()["half precision"]
    metric = FrechetDistance(None, num_features=5)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(fake), real=False)
    assert float(metric.compute()) == pytest.approx(by_scipy(real.astype(float), fake.astype(float)), rel=1e-6)
    # One set is a point: the root of the product is zero, and only its covariance and the means are left.
    real, fake = feature_sets()["constant"]
    metric.reset()
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(fake), real=False)
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.cov(real, rowvar=False).trace()
    assert float(metric.compute()) == pytest.approx(expected, rel=1e-9)


def test_ssim_with_uniform_windows_equals_scikit_image():
    random = np.random.default_rng(7)
    true = random.integers(0, 256, (40, 30, 3)).astype(np.uint8)
    found = np.clip(true + random.normal(0, 25, true.shape), 0, 255).astype(np.uint8)
    wanted = skimage_metrics.structural_similarity(found, true, channel_axis=2)
    assert ssim_uniform(found, true) == pytest.approx(wanted, abs=1e-9)
