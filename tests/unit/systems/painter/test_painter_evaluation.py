"""Scores of paintings, and the baselines beside them."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from limner.backbones.vgg import VGG
from limner.errors import ConfigError, DataError
from limner.metrics.features import FeatureNetwork
from limner.metrics.protocol import Protocol
from limner.systems.painter.baselines import fit_strokes, random_strokes
from limner.systems.painter.environment import paint
from limner.systems.painter.evaluation import _Column, _measurements, evaluate
from limner.systems.painter.networks import Renderer
from limner.systems.painter.pipeline import PainterPipeline


def test_report_has_every_score_and_its_protocol(painter: PainterPipeline, pictures: Path, tmp_path: Path) -> None:
    data = painter.open_data(pictures)
    report = evaluate(
        painter, data, split="all", num_images=2, budgets=(5, 20), baselines=("random", "fit"), fit_iterations=3
    )
    found = report.measurements
    for name in ("mse", "weighted_distance", "psnr", "ssim", "radius_foreground", "seconds"):
        assert np.isfinite(found[f"painter_20_{name}"].value), name
    # An untrained network attends to all of the picture alike, so there is no background to score.
    assert found["painter_20_mse_background"].note == "0 of 2 pictures have this value"
    assert {"random_5_mse", "fit_5_psnr", "painter_20_strokes_to_good"} <= set(found)
    assert found["fit_5_ratio"].value > 0 and "fit_20_mse" not in found, "only few are fitted: it is slow"
    assert "images on [0, 1], data range 1" in found["painter_5_ssim"].protocol.settings
    assert "data range 2, mean of the images' ratios" in found["painter_5_psnr"].protocol.settings
    protocol = found["painter_5_mse"].protocol
    assert (
        protocol.count == 2
        and protocol.resolution == 32
        and "5: whole picture; 20: whole, then tiles [2]" in protocol.settings
    )
    # the mean over pictures of what each painting says of itself, at the networks' size
    alone = [painter(np.asarray(data.images[row]), 5) for row in data.rows("all")[:2]]
    expected = np.mean([result.statistics[0]["mse"] for result in alone])
    assert found["painter_5_mse"].value == pytest.approx(expected, rel=0.05)
    report.save(tmp_path)
    names = {"report.md", "report.json", "sheet.png", "curves.png", "timelapse.gif"}
    assert {path.name for path in tmp_path.iterdir()} == names
    with Image.open(tmp_path / "timelapse.gif") as lapse:
        assert lapse.n_frames > 10
        first = np.asarray(lapse.convert("RGB"), int)
        lapse.seek(lapse.n_frames - 1)
        last = np.asarray(lapse.convert("RGB"), int)
    photos, paintings = slice(22, 118), slice(120, 216)  # below the number of strokes
    change = np.abs(last - first)
    assert change[paintings].mean() > 5 * change[photos].mean(), "paintings grow, photos stay"


def test_without_matplotlib_only_the_curves_are_missing(painter, pictures, tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    report = evaluate(painter, painter.open_data(pictures), split="all", num_images=1, budgets=(5,), baselines=())
    report.save(tmp_path)
    assert "curves.png" not in {path.name for path in tmp_path.iterdir()}
    assert 'pip install "limner[plot]"' in caplog.text


def test_other_painters_are_judged_by_the_same_weights(make_painter, pictures: Path) -> None:
    painter, parent = make_painter(), make_painter(attends=False)
    report = evaluate(
        painter, painter.open_data(pictures), split="all", num_images=2, budgets=(5,), beside=(parent, painter)
    )
    found = report.measurements
    for name in ("mse", "mse_foreground", "weighted_distance"):
        assert found[f"painter#3_5_{name}"].value == found[f"painter_5_{name}"].value
        assert found[f"painter#2_5_{name}"].value != found[f"painter_5_{name}"].value
    networks = {key.split("_")[0]: one.protocol.network_sha256 for key, one in found.items()}
    assert networks["painter"] == networks["painter#3"] != networks["painter#2"] and networks["random"] == "none"


def test_the_weighted_distance_is_one_scale_for_all_agents(painter: PainterPipeline, pictures: Path) -> None:
    found = []
    for epsilon in (0.1, 0.9):
        painter.components["actor"].config |= {"epsilon": epsilon}  # type: ignore[operator]
        report = evaluate(painter, painter.open_data(pictures), split="all", num_images=1, budgets=(5,), baselines=())
        found.append(report.measurements["painter_5_weighted_distance"].value)
    assert found[0] == found[1]


def test_passes_can_be_left_out(painter: PainterPipeline, pictures: Path) -> None:
    score = partial(evaluate, painter, painter.open_data(pictures), split="all", num_images=1, budgets=(30,))
    found = score(baselines=(), tiles=(), correction=0.0).measurements["painter_30_mse"]
    usual = score(baselines=(), correction=0.0).measurements["painter_30_mse"]
    image = np.asarray(painter.open_data(pictures).images[painter.open_data(pictures).rows("all")[0]])
    whole = painter(image, 30, tiles=(), correction=0.0)
    assert found.value != usual.value
    assert found.value == pytest.approx(whole.statistics[0]["mse"], rel=1e-5)
    assert "30: whole picture," in found.protocol.settings and "tiles [2]" in usual.protocol.settings
    with pytest.raises(ConfigError, match='follow "attention" has no effect without passes'):
        score(tiles=(), follow="attention")
    with pytest.raises(ConfigError, match=r"strokes is 999999999999; it must be .* at most 100000"):
        score(budgets=(999999999999,))


def test_a_classifier_sees_the_same_in_a_good_painting(painter: PainterPipeline, pictures: Path) -> None:
    """Here: which of the three channels is brightest."""

    def colors(images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))

    features = FeatureNetwork("colors", "none", "0" * 64, 3, features=colors, class_scores=lambda found: found)
    data = painter.open_data(pictures)
    report = evaluate(painter, data, split="all", num_images=4, budgets=(5,), features=features, follow="attention")
    agree = [
        int(painting.mean(axis=(0, 1)).argmax() == image.mean(axis=(0, 1)).argmax())
        for image, painting in (
            (
                np.asarray(data.images[row]),
                np.asarray(painter(np.asarray(data.images[row]), 5, follow="attention").images[0]),
            )
            for row in data.rows("all")[:4]
        )
    ]
    found = report.measurements["painter_5_same_class"]
    assert found.value == np.mean(agree) and "class seen first by colors" in found.protocol.settings
    assert "class seen" not in report.measurements["painter_5_mse"].protocol.settings
    with pytest.raises(ConfigError, match="colors know no classes"):
        evaluate(painter, data, features=replace(features, class_scores=None))


def test_the_feature_mask_of_vgg16_is_that_of_the_file(make_painter, pictures: Path, tmp_path: Path) -> None:
    painter, parent = make_painter(), make_painter(attends=False)
    data = painter.open_data(pictures)
    evaluate_two = partial(
        evaluate, painter, data, split="all", num_images=2, budgets=(5,), baselines=(), beside=(parent,)
    )
    file = tmp_path / "vgg.pth"
    torch.save(VGG(16).state_dict(), file)
    with pytest.raises(ConfigError, match="no painter here has learned with it"):
        evaluate_two(vgg16=file)
    painter.config("actor")["features"] = "vgg16"
    with pytest.raises(DataError, match=r"none\.pth of VGG-16's weights is missing"):
        evaluate_two(vgg16=tmp_path / "none.pth")
    without, given = (evaluate_two(vgg16=wish).measurements["painter_5_weighted_distance"] for wish in (None, file))
    assert given.value != without.value
    assert "feature mask of VGG-16" in given.protocol.settings and "VGG" not in without.protocol.settings


def test_wrong_use_is_refused(painter: PainterPipeline, pictures: Path) -> None:
    data = painter.open_data(pictures)
    for wish, message in (
        ({"num_images": 100}, "has 8"),
        ({"baselines": ("best",)}, 'no baseline "best"'),
        ({"budgets": ()}, "there must be one or several"),
    ):
        with pytest.raises(ConfigError, match=message):
            evaluate(painter, data, **{"split": "all", **wish})
    with pytest.raises(DataError, match='split "dev"'):
        evaluate(painter, data, split="dev")
    with pytest.raises(ConfigError, match="--kind is about label maps"):
        painter.open_data(pictures, kind="folder")


def test_random_strokes_are_repeatable() -> None:
    first, second = random_strokes(9, seed=1), random_strokes(9, seed=1)
    np.testing.assert_array_equal(first.points, second.points)
    assert len(first) == 9 and not np.array_equal(first.points, random_strokes(9, seed=2).points)


def test_fitted_strokes_come_closer_through_the_renderer() -> None:
    torch.manual_seed(0)
    renderer = Renderer(image_size=32, widths=(16, 16, 16, 16)).requires_grad_(False)
    blank = torch.zeros(2, 3, 32, 32)
    target, _ = paint(blank, torch.rand(2, 2 * 13), renderer)

    def error(iterations: int) -> float:
        fitted = fit_strokes(target, 2, renderer, blank=blank, iterations=iterations)
        params = torch.from_numpy(np.stack([strokes.to_params().ravel() for strokes in fitted])).float()
        return float((paint(blank, params, renderer)[0] - target).square().mean())

    assert error(60) < 0.5 * error(1)
    with pytest.raises(ConfigError, match="at least 1"):
        fit_strokes(target, 0, renderer, blank=blank)


def test_every_number_says_of_how_many_pictures_it_is() -> None:
    painted, fitted = _Column(), _Column()
    for value in (0.1, 0.2, 0.3):
        painted.add(mse=value)
    fitted.add(mse=0.4)
    columns = {"painter_50": painted, "fit_50": fitted}
    found = _measurements(columns, lambda metric, painter, count: Protocol(metric, "test", count, 64), seed=0)
    assert {key: one.protocol.count for key, one in found.items()} == {"painter_50_mse": 3, "fit_50_mse": 1}
