"""Feature networks: what they do to images, how they name metrics, what a protocol says of them."""

from __future__ import annotations

import inspect

import pytest
import torch

from limner.backbones.inception import InceptionV3
from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.errors import ConfigError
from limner.metrics.features import FeatureNetwork, judge_features, people_features
from limner.metrics.inception import inception_network
from limner.metrics.resize import Resize
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline


def make_parser(image_size: int = 16) -> ParserPipeline:
    torch.manual_seed(0)
    spec = DataSpec(get_schema("celebamask-19"))
    return ParserPipeline(spec=spec, size=image_size, parser=ParsingNetwork(num_classes=19, num_attributes=0, width=8))


def test_names_of_metrics():
    parser = make_parser()
    names = {
        network.name: [network.metric_name(metric) for metric in ("FID", "KID")]
        for network in (judge_features(parser), people_features(parser))
    }
    assert names == {"parser": ["FD-parser", "KID-parser"], "people": ["FID-people", "KID-people"]}
    assert not people_features(parser).is_published


def test_images_are_resized_antialiased_to_the_size_of_training():
    parser = make_parser()
    network = judge_features(parser)
    images = torch.rand(3, 3, 24, 24) * 2 - 1
    expected = parser.features(Resize(16, antialias=True)(images))
    assert torch.equal(network(images), expected)
    assert expected.shape == (3, network.num_features)
    small = images[:, :, :16, :16]
    assert torch.equal(network(small), parser.features(small))


def test_fields_of_a_protocol():
    parser = make_parser()
    network = people_features(parser)
    fields = network.protocol_fields(24)
    assert fields == {
        "resize": "bilinear to 16 px",
        "antialias": True,
        "network": "people unsaved",
        "network_sha256": parser.weights_hash,
    }
    whole = {**fields, "resize": "none", "antialias": False}
    assert network.protocol_fields(16) == network.protocol_fields(12) == whole  # smaller ones stay as they are
    assert judge_features(parser).protocol_fields(12)["resize"] == "bilinear to 16 px"
    small = torch.rand(2, 3, 12, 12) * 2 - 1
    assert torch.equal(network(small), parser.features(small))
    half = torch.rand(2, 3, 24, 24).half()
    assert torch.equal(network(half), network(half.float()))  # of images, not of the network's arithmetic
    as_it_is = FeatureNetwork("x", "y", "z", 3, lambda image: image.mean((2, 3)))
    assert as_it_is.protocol_fields(24)["resize"] == "none"
    assert not as_it_is(torch.rand(2, 3, 9, 9, requires_grad=True)).requires_grad


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "port.pth"
    with torch.device("meta"):
        shapes = {name: t.shape for name, t in InceptionV3().state_dict().items() if "num_batches" not in name}
    random = torch.Generator().manual_seed(0)
    state = {name: torch.rand(shape, generator=random) * 0.05 + ("var" in name) for name, shape in shapes.items()}
    torch.save(state, path)
    return path


def test_inception_is_called_fid_only_with_the_published_file(inception_file):
    networks = {
        published: inception_network(inception_file, sha256="cd" * 32, is_published=published)
        for published in (True, False)
    }
    assert networks[True].metric_name("FID") == "FID" and networks[True].metric_name("KID") == "KID"
    assert networks[False].metric_name("FID") == "FD-inception-v3"
    assert networks[False].metric_name("KID") == "KID-inception-v3"
    assert networks[True].protocol_fields(128) == {
        "resize": "bilinear to 299 px",
        "antialias": False,
        "network": "inception-v3 port, prepared as pytorch-fid",
        "network_sha256": "cd" * 32,
    }


def test_an_unknown_preparation_is_refused(inception_file):
    plain = inspect.unwrap(inception_network)  # without the run-time type checks of the tests
    with pytest.raises(ConfigError, match='no preparation "tf"; there are pytorch-fid, tensorflow'):
        plain(inception_file, sha256="", is_published=False, preparation="tf")


def test_both_preparations_of_inception(inception_file):
    images = torch.rand(1, 3, 40, 40) * 2 - 1
    network = InceptionV3.from_file(inception_file)
    plain = inception_network(inception_file, sha256="", is_published=False)
    assert torch.equal(plain(images), network(Resize(299)(images)))
    tensorflow = inception_network(inception_file, sha256="", is_published=False, preparation="tensorflow")
    pixels = (images + 1) * 127.5
    expected = network((Resize(299, grid="corners")(pixels) - 128) / 128)
    assert torch.allclose(tensorflow(images), expected, rtol=1e-4)
    assert plain.class_scores is not None and plain.class_scores(expected).shape == (1, 1008)
