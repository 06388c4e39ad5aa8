"""The four numbers about a set of generated images, with intervals and protocols."""

from __future__ import annotations

import pytest
import torch

from limner.errors import ConfigError
from limner.metrics.features import FeatureNetwork
from limner.metrics.protocol import Protocol
from limner.metrics.sets import check_enough_images, set_measurements
from limner.metrics.statistics import collect_statistics


def network(size: int, frechet_name: str = "") -> FeatureNetwork:
    return FeatureNetwork(
        "colours", "none", "ab" * 32, size, lambda image: image.mean((2, 3)), frechet_name=frechet_name
    )


def measure(
    real: torch.Tensor,
    fake: torch.Tensor,
    *,
    max_vectors: int = 1000,
    frechet_name: str = "",
    groups: torch.Tensor | None = None,
):
    size = real.shape[1]
    real_statistics, fake_statistics = (
        collect_statistics([data], len(data), num_features=size, max_vectors=max_vectors) for data in (real, fake)
    )
    return set_measurements(
        real_statistics,
        fake_statistics,
        network(size, frechet_name),
        what="generated",
        protocol=lambda metric, settings: Protocol(
            metric=metric, settings=settings, split="test", count=len(fake), resolution=64
        ),
        seed=0,
        groups=groups,
    )


def test_a_kid_says_beside_it_that_it_may_be_negative():
    real = vectors(200, 4, 0)
    found = measure(real, real.flip(0))["kid"]
    assert found.value <= 0 and "may be negative" in found.note


def vectors(count: int, size: int, seed: int) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_values_stand_inside_of_their_intervals_which_shrink_with_more_images():
    real = vectors(400, 4, 0)
    few, many = (measure(real, vectors(count, 4, 1) * 1.3 + 0.4) for count in (50, 400))
    assert set(many) == {"fd", "kid", "precision", "recall"}
    for name, measurement in many.items():
        low, high = measurement.interval
        assert low <= measurement.value <= high and low < high, name
        if name != "recall":  # whose luck is that of the real images
            few_low, few_high = few[name].interval
            assert high - low < few_high - few_low, name


def test_names_and_settings():
    real, fake = vectors(40, 4, 0), vectors(30, 4, 1)
    metrics = {key: measurement.protocol.metric for key, measurement in measure(real, fake).items()}
    assert metrics == {
        "fd": "FD-colours, generated",
        "kid": "KID-colours, generated",
        "precision": "Precision-colours, generated",
        "recall": "Recall-colours, generated",
    }
    assert measure(real, fake, frechet_name="FID-people")["fd"].protocol.metric == "FID-people, generated"
    published = measure(real, fake, frechet_name="FID")
    assert [m.protocol.metric for m in published.values()] == [
        f"{name}, generated" for name in ("FID", "KID", "Precision", "Recall")
    ]
    assert published["kid"].protocol.settings == (
        "kernel (x.y/d + 1)^3, all pairs of 40 real and 30 judged images, interval of 200 resamples"
    )
    assert published["recall"].protocol.settings == "balls to neighbour 3, 40 real and 30 judged images"
    assert published["fd"].note == ""
    assert published["fd"].protocol.settings == "interval of 200 resamples"
    wide = measure(vectors(5, 513, 0), vectors(4, 513, 1))
    assert all("interval of 20 resamples" in wide[name].protocol.settings for name in ("fd", "kid"))


def test_identical_constant_and_few_images():
    real = vectors(30, 3, 0)
    same = measure(real, real)
    assert same["fd"].value == pytest.approx(0, abs=1e-9) and same["fd"].interval[0] == 0
    assert same["precision"].value == same["recall"].value == 1
    constant = measure(torch.ones(5, 3), torch.ones(6, 3))
    assert constant["fd"].value == pytest.approx(0, abs=1e-9)
    assert constant["kid"].value == pytest.approx(0, abs=1e-9)
    few = measure(vectors(3, 8, 0), vectors(2, 8, 1))
    assert set(few) == {"fd", "kid"}  # too few for three neighbours
    assert few["fd"].note == "2 images do not span 8 features: comparable at the same count only."


def test_intervals_from_a_part_of_the_images_are_scaled_to_all():
    real, fake = vectors(500, 3, 0), vectors(800, 3, 1) + 0.5
    whole, part = measure(real, fake, max_vectors=800), measure(real, fake, max_vectors=80)
    assert part["fd"].value == pytest.approx(whole["fd"].value)  # of all images in either case
    width = {name: m["fd"].interval[1] - m["fd"].interval[0] for name, m in (("whole", whole), ("part", part))}
    assert width["part"] == pytest.approx(width["whole"], rel=0.5)  # unscaled it would be about 3 times as wide


def test_no_distance_is_called_fid_of_fewer_images_than_features():
    few, many = vectors(8, 8, 0), vectors(20, 8, 1)
    for real, fake in ((few, many), (many, few)):
        assert set(measure(real, fake, frechet_name="FID")) == {"kid", "precision", "recall"}
        assert "8 images do not span 8 features" in measure(real, fake, frechet_name="FID-people")["fd"].note
    assert "fd" in measure(vectors(9, 8, 0), many, frechet_name="FID")


def test_resamples_of_one_image_do_not_take_the_interval_away():
    for seed in range(1, 6):
        few = measure(vectors(50, 4, 0), vectors(3, 4, seed))["kid"]  # every ninth resample holds one image only
        low, high = few.interval
        assert low < few.value < high


def width(measurement) -> float:
    low, high = measurement.interval
    return high - low


def test_pictures_of_one_map_are_not_independent():
    real, maps = vectors(400, 4, 0), torch.arange(300) % 30
    fake = vectors(30, 4, 1)[maps] + 0.3 * vectors(300, 4, 2) + 0.3  # a map decides most of its ten pictures
    alone, together = measure(real, fake), measure(real, fake, groups=maps)
    for name, measurement in together.items():
        assert measurement.value == alone[name].value, name
        if name != "recall":  # whose luck is that of the real images
            assert width(measurement) > 2 * width(alone[name]), name  # 30 maps and not 300 pictures: about 3 times
    one_each = measure(real, fake, groups=torch.arange(300))
    assert {name: one.interval for name, one in one_each.items()} == {name: one.interval for name, one in alone.items()}


def test_intervals_from_a_part_of_the_images_of_all_maps_are_not_scaled():
    real, maps = vectors(400, 3, 0), torch.arange(400) % 25
    fake = vectors(25, 3, 1)[maps] + 0.1 * vectors(400, 3, 2)
    whole, part = (measure(real, fake, max_vectors=count, groups=maps)["fd"] for count in (400, 100))
    assert width(part) == pytest.approx(width(whole), rel=0.2)


def test_fid_of_fewer_images_than_features_is_refused():
    published = network(2048, "FID")
    check_enough_images(published, 2049)
    check_enough_images(network(2048), 2)
    with pytest.raises(ConfigError, match=r"2048 images do not span 2048 features.*make at least 2049"):
        check_enough_images(published, 2048)


@pytest.mark.slow
def test_the_interval_of_the_frechet_distance_covers_its_mean():
    """In 200 draws of 150 images, the mean over all draws lies in 95 % of the intervals; 88 % is 4 deviations less."""
    real = vectors(500, 4, 0)
    found = [measure(real, vectors(150, 4, seed) * 1.2 + 0.3)["fd"] for seed in range(1, 201)]
    mean = sum(m.value for m in found) / len(found)
    assert sum(m.interval[0] <= mean <= m.interval[1] for m in found) / len(found) > 0.88
