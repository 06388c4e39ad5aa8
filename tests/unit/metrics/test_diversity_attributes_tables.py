"""Diversity, attribute accuracy and the published tables."""

from __future__ import annotations

import inspect

import pytest
import torch

from limner.errors import ConfigError, DataError, ShapeError
from limner.metrics.attributes import AttributeAccuracy, attributes_correct
from limner.metrics.diversity import PairwiseDiversity, mean_pairwise_distance
from limner.metrics.ssim import SSIM
from limner.metrics.tables import published_table, table_names


def test_pairwise_distance_by_hand():
    # |0 - 1|, |0 - 3|, |1 - 3| -> mean 2
    samples = torch.tensor([0.0, 1.0, 3.0])[None, :, None, None, None].expand(1, 3, 3, 4, 4)
    assert mean_pairwise_distance(samples).tolist() == pytest.approx([2.0])


def test_pairwise_distance_is_per_condition_and_zero_for_equal_pictures():
    samples = torch.stack([torch.zeros(4, 5), torch.arange(4.0)[:, None].expand(4, 5)])
    assert mean_pairwise_distance(samples).tolist() == pytest.approx([0.0, 10 / 6])


def test_one_latent_has_no_diversity():
    with pytest.raises(ShapeError, match="at least two latents"):
        mean_pairwise_distance(torch.zeros(3, 1, 5))


def test_pairwise_distance_by_another_score():
    random = torch.Generator().manual_seed(0)
    samples = torch.rand(2, 3, 3, 16, 16, generator=random)
    score = SSIM()
    expected = [(score(a[:1], a[1:2]) + score(a[:1], a[2:]) + score(a[1:2], a[2:])) / 3 for a in samples]
    assert mean_pairwise_distance(samples, score).tolist() == pytest.approx([float(e) for e in expected])


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_diversity_does_not_depend_on_the_batches(batch_size):
    samples = torch.rand(5, 4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    metric = PairwiseDiversity()
    for part in samples.half().split(batch_size):
        metric.update(part)
    expected = mean_pairwise_distance(samples.half().double()).mean()
    assert float(metric.compute()) == pytest.approx(float(expected), rel=1e-12)


def test_accuracy_does_not_depend_on_the_batches():
    random = torch.Generator().manual_seed(0)
    logits, target = torch.randn(9, 4, generator=random), (torch.rand(9, 4, generator=random) > 0.5).float()
    for kind in ("multi_label", "exclusive"):
        if kind == "exclusive":
            target = torch.nn.functional.one_hot(target.argmax(1), 4).float()
        metric = AttributeAccuracy(num_attributes=4, kind=kind)
        for one, other in zip(logits.half().split(2), target.half().split(2), strict=True):
            metric.update(one, other)
        expected = attributes_correct(logits.half(), target, kind).double().mean(0)
        assert metric.compute().flatten().tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize("value", [1.0, 0.0])
def test_accuracy_of_one_image_and_of_equal_ones(value):
    for count in (1, 6):
        metric = AttributeAccuracy(num_attributes=2)
        metric.update(torch.tensor([[0.5, -0.5]]).expand(count, 2), torch.tensor([[value, value]]).expand(count, 2))
        assert metric.compute().tolist() == [value, 1 - value]


def test_nothing_to_measure_is_refused():
    with pytest.raises(DataError, match="at least one condition"), pytest.warns(UserWarning, match="before"):
        PairwiseDiversity().compute()
    metric = AttributeAccuracy(num_attributes=4)
    with pytest.raises(DataError, match="at least one image"), pytest.warns(UserWarning, match="before"):
        metric.compute()
    with pytest.raises(ShapeError, match="3 attribute logits for 4 attributes"):
        metric.update(torch.zeros(2, 3), torch.zeros(2, 3))


def test_attributes_of_other_shapes_and_logits_that_are_not_finite_are_refused():
    for shape in ((4, 1), (1, 2), (4,), (2, 4, 2)):
        metric = AttributeAccuracy(num_attributes=2)
        with pytest.raises(ShapeError, match=r"shape \(batch, attributes\), not \(4, 2\) and"):
            metric.update(torch.randn(4, 2), torch.ones(shape))
        assert int(metric.count) == 0
    plain = inspect.unwrap(attributes_correct)  # without the run-time type checks of the tests
    with pytest.raises(ShapeError, match=r"not \(2,\) and \(2,\)"):
        plain(torch.randn(2), torch.ones(2), "multi_label")
    for value in ("nan", "inf"):
        with pytest.raises(DataError, match="not finite"):
            AttributeAccuracy(num_attributes=2).update(torch.full((2, 2), float(value)), torch.zeros(2, 2))


def test_targets_may_be_integers():
    metric = AttributeAccuracy(num_attributes=2)
    metric.update(torch.tensor([[1.0, -1.0]]), torch.tensor([[1, 1]]))
    assert metric.compute().tolist() == [1, 0]


def test_independent_attributes():
    logits, target = torch.tensor([[1.0, -1.0], [2.0, 3.0]]), torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    assert attributes_correct(logits, target, "multi_label").tolist() == [[True, False], [False, True]]


def test_exclusive_attributes():
    logits, target = torch.tensor([[1.0, 2.0, -5.0], [9.0, 3.0, 0.0]]), torch.tensor([[0.0, 1, 0], [0, 0, 1]])
    assert attributes_correct(logits, target, "exclusive").tolist() == [[True], [False]]


def test_no_attributes():
    assert attributes_correct(torch.zeros(2, 0), torch.zeros(2, 0), "multi_label").shape == (2, 0)


def test_tables_are_well_formed():
    assert {"scgan-celeba", "scgan-deepfashion"} <= set(table_names())
    for name in table_names():
        table = published_table(name)
        assert table.name == name
        assert table.source
        for row in table.rows:
            assert set(row.values) == set(table.columns)
            assert row.status


def test_scgan_table_as_printed():
    rows = {row.method: row.values for row in published_table("scgan-celeba").rows}
    assert rows["SCGAN"] == {"fid": 10.2, "mean_iou": 79.11, "pixel_accuracy": 98.95}
    assert set(rows["CycleGAN"].values()) == {None}  # N/A rows stay visible
    assert published_table("scgan-deepfashion").rows[-1].values["fid"] == 19.8


def test_unknown_table_suggests_the_nearest():
    with pytest.raises(ConfigError, match='Did you mean "scgan-celeba"'):
        published_table("scgan-celebs")
