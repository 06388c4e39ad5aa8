"""Sizes to the unit, what fusion does at the start, and that padding changes nothing."""

from __future__ import annotations

import pytest
import torch

from limner.errors import ShapeError
from limner.nn.text_to_image import JointDiscriminator
from limner.systems.attngan.networks import Generator as AttnGANGenerator
from limner.systems.hfgan.networks import Generator

SMALL = dict(image_size=64, width=4, num_blocks=1, code_size=16, condition_size=8, latent_size=8)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def inputs(num_words: int = 5, batch: int = 3) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    is_word = torch.ones(batch, num_words, dtype=torch.bool)
    is_word[0, 2:] = False
    return {
        "latent": torch.randn(batch, 8, generator=random),
        "condition": torch.randn(batch, 8, generator=random),
        "words": torch.randn(batch, 16, num_words, generator=random),
        "is_word": is_word,
    }


def test_published_numbers_of_parameters():
    with torch.device("meta"):
        assert count(Generator()) == 7_109_424
        assert count(Generator(fusion="none")) == 7_082_864
        assert count(Generator(width=48, num_blocks=3)) == 13_867_904
        assert count(Generator(width=48, num_blocks=3, fusion="none")) == 13_808_864
        assert [count(fuse) for fuse in Generator().fuses] == [14_656, 7_488, 4_416]
        assert count(Generator(width=8, num_blocks=1)) == 1_151_352
        assert count(AttnGANGenerator()) == 7_084_592
        sizes = {64: 6_313_730, 128: 19_424_002, 256: 71_858_946}
        assert {size: count(JointDiscriminator(image_size=size)) for size in sizes} == sizes
        assert count(JointDiscriminator(image_size=256, width=96)) == 160_774_274


def test_shapes_and_attention():
    with torch.no_grad():
        painted = Generator(**SMALL)(**inputs())
        small, middle, large = AttnGANGenerator(**SMALL)(**inputs()).images
    assert painted.image.shape == (3, 3, 64, 64) and painted.image.abs().max() <= 1
    for shares, size in zip(painted.attention, (16, 32), strict=True):
        assert shares.shape == (3, 5, size, size)
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(3, size, size))
        assert (shares[0, 2:] == 0).all()
    assert [picture.shape[-1] for picture in (small, middle, large)] == [16, 32, 64]
    with pytest.raises(ShapeError, match="image_size is 48"):
        Generator(**{**SMALL, "image_size": 48})


def test_weights_begin_as_the_plain_sum():
    weighted = Generator(**SMALL)
    plain, gated = (Generator(**SMALL, fusion=kind) for kind in ("identity", "gated"))
    plain.load_state_dict({key: value for key, value in weighted.state_dict().items() if "logits" not in key})
    missing = gated.load_state_dict(weighted.state_dict(), strict=False).missing_keys
    assert missing and all(".gate." in key for key in missing)
    pictures = [net.eval()(**inputs()).image for net in (weighted, plain, gated)]
    torch.testing.assert_close(pictures[0], pictures[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(pictures[0], pictures[2], atol=1e-5, rtol=0)
    torch.nn.init.normal_(weighted.fuses[1].logits)
    for level, shares in weighted.fusion_weights().items():
        assert sum(shares) == pytest.approx(len(shares), abs=1e-5), level
    assert plain.fusion_weights() == {}


def test_a_source_can_be_left_out():
    net = Generator(**SMALL).eval()
    whole = net(**inputs()).image
    assert not torch.equal(net(**inputs(), without=(2, 0)).image, whole)
    with torch.no_grad():
        net.fuses[2].logits[1] = -200.0  # the weight of the same source falls to 0, and the others share its part
        net.fuses[2].logits[0] = 0.0
    silent = net(**inputs()).image
    torch.testing.assert_close(net(**inputs(), without=(2, 0)).image, silent)


def test_padding_changes_nothing():
    net = Generator(**SMALL).eval()
    given = inputs()
    longer = {
        **given,
        "words": torch.cat([given["words"], torch.full((3, 16, 7), 9.0)], dim=2),
        "is_word": torch.cat([given["is_word"], torch.zeros(3, 7, dtype=torch.bool)], dim=1),
    }
    torch.testing.assert_close(net(**given).image, net(**longer).image, atol=1e-5, rtol=0)


@pytest.mark.parametrize("fusion", ["weighted", "identity", "gated", "none"])
def test_every_parameter_learns(fusion):
    net = Generator(**SMALL, fusion=fusion)
    given = inputs()
    condition, mean, log_variance = net.trunk.condition(torch.randn(3, 16), torch.randn(3, 8))
    kept, _, _ = net.trunk.condition(torch.randn(3, 16), torch.zeros(3, 8))
    assert condition.shape == mean.shape == log_variance.shape == kept.shape == (3, 8)
    net(**{**given, "condition": condition}).image.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        # The gate's first layer waits for its last one, which begins at 0.
        assert parameter.grad.abs().max() > 0 or ".gate.0." in name, name


def test_the_discriminator_judges_picture_and_pair():
    net = JointDiscriminator(image_size=64, width=4, sentence_size=16)
    features = net(torch.rand(3, 3, 64, 64))
    assert features.shape == (3, 32, 4, 4)
    assert net.picture_logits(features).shape == net.pair_logits(features, torch.randn(3, 16)).shape == (3,)
    alone = JointDiscriminator(image_size=64, width=4, sentence_size=16, unconditional=False)
    assert alone.picture_logits(alone(torch.rand(3, 3, 64, 64))) is None
