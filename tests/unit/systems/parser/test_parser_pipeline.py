"""The parser's pipeline: inputs of all kinds, saving, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from limner.errors import ConfigError, DataError, ShapeError, WeightsError
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline


@pytest.fixture
def pipeline(shapes) -> ParserPipeline:
    torch.manual_seed(0)
    return ParserPipeline(spec=shapes.spec, size=32, parser=ParsingNetwork(num_classes=3, num_attributes=2, width=8))


@pytest.fixture
def picture(shapes) -> np.ndarray:
    return shapes.read_image(shapes.rows[0])


def test_pil_array_and_path_agree(pipeline, picture, tmp_path):
    Image.fromarray(picture).save(tmp_path / "a.png")
    result = pipeline([Image.fromarray(picture), picture, tmp_path / "a.png", str(tmp_path / "a.png")])
    assert result.label_maps.shape == (4, 32, 32)
    assert result.label_maps.dtype == np.uint8
    assert result.attributes.shape == (4, 2)
    assert ((result.attributes >= 0) & (result.attributes <= 1)).all()
    assert result.features.shape == (4, pipeline.num_features)
    for field in (result.label_maps, result.attributes, result.features):
        assert all(np.array_equal(field[0], other) for other in field[1:])


def test_one_image_and_batches(pipeline, picture):
    assert len(pipeline(picture).label_maps) == 1
    pictures = [picture, picture[::-1].copy(), picture[:, ::-1].copy()]
    one_by_one, together = pipeline(pictures, batch_size=1), pipeline(pictures, batch_size=3)
    np.testing.assert_array_equal(one_by_one.label_maps, together.label_maps)
    np.testing.assert_allclose(one_by_one.features, together.features, rtol=1e-4, atol=1e-5)


def test_exclusive_attributes_sum_to_one(make_shapes, picture):
    network = ParsingNetwork(num_classes=3, num_attributes=2, width=8)
    pipeline = ParserPipeline(spec=make_shapes(kind="exclusive").spec, size=32, parser=network)
    assert pipeline(picture).attributes.sum() == pytest.approx(1)


def test_other_sizes_are_cut_and_resized(pipeline, picture):
    wide = np.concatenate([picture] * 3, axis=1)
    assert pipeline(wide).label_maps.shape == (1, 32, 32)
    np.testing.assert_array_equal(pipeline(wide).label_maps, pipeline(picture).label_maps)


def test_save_and_load(pipeline, picture, tmp_path):
    pipeline.save_pretrained(tmp_path / "weights")
    loaded = ParserPipeline.from_pretrained(tmp_path / "weights")
    assert loaded.weights_hash == pipeline.weights_hash
    np.testing.assert_array_equal(loaded(picture).features, pipeline(picture).features)


def test_tensor_methods_agree(pipeline):
    image = torch.rand(2, 3, 32, 32) * 2 - 1
    output = pipeline.parse(image)
    assert torch.equal(pipeline.logits(image), output.logits)
    assert torch.equal(pipeline.predict(image), output.logits.argmax(1))
    assert torch.equal(pipeline.features(image), output.features)
    assert torch.equal(pipeline.attribute_logits(image), output.attribute_logits)


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        ([], ConfigError, "at least one image"),
        (np.zeros((4, 4), np.uint8), ShapeError, r"not \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), ShapeError, "uint8"),
        (np.zeros((4, 4, 3), np.float32), ShapeError, "float32"),
        (np.zeros((0, 4, 3), np.uint8), ShapeError, "uint8"),
        ("missing.png", DataError, "missing.png"),
    ],
)
def test_bad_inputs(pipeline, images, error, words):
    with pytest.raises(error, match=words):
        pipeline(images)


def test_a_file_that_is_no_picture(pipeline, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png"):
        pipeline(tmp_path / "a.png")


def test_a_network_of_other_classes_is_refused(shapes):
    with pytest.raises(WeightsError, match=r"4 classes and 2 attributes.*3 and 2"):
        ParserPipeline(spec=shapes.spec, size=32, parser=ParsingNetwork(num_classes=4, num_attributes=2, width=8))
