"""Sizes to the unit, what fusion does at the start, and that padding changes nothing."""

from __future__ import annotations

import pytest
import torch

from limner.errors import ShapeError
from limner.nn.text_to_image import Blend, JointDiscriminator, Kept, UpBlock, kept_outside, place_of
from limner.systems.attngan.networks import Generator as AttnGANGenerator
from limner.systems.hfgan.networks import Fuse, Generator

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
        (image,), attention = Generator(**SMALL).paint(**inputs())
        small, middle, large = AttnGANGenerator(**SMALL).paint(**inputs())[0]
    assert image.shape == (3, 3, 64, 64) and image.abs().max() <= 1
    for shares, size in zip(attention, (16, 32), strict=True):
        assert shares.shape == (3, 5, size, size)
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(3, size, size))
        assert (shares[0, 2:] == 0).all()
    assert [picture.shape[-1] for picture in (small, middle, large)] == [16, 32, 64]
    with pytest.raises(ShapeError, match="image_size is 48"):
        Generator(**{**SMALL, "image_size": 48})


@pytest.mark.parametrize("smoothed", [False, True])
def test_smoothed_enlargements_leave_no_stripes(smoothed):
    """Of a slope each pixel differs from the next, in a block that enlarges and in a coarse map that is fused."""
    block = UpBlock(1, 1, smooth_enlargement=smoothed).eval()
    fuse = Fuse(1, [1], kind="identity", smooth_enlargement=smoothed).eval()
    for conv in (block.conv, fuse.shortcuts[0][0]):
        torch.nn.init.dirac_(conv.weight)
    slope = torch.arange(1.0, 9).expand(1, 1, 8, 8)
    with torch.no_grad():
        for larger in (block(slope), fuse(torch.zeros(1, 1, 32, 32), [slope])):
            row = larger[0, 0, 8, 4:-4]
            assert bool((row.diff() > 0).all()) is smoothed


def test_weights_fit_with_and_without_smoothed_enlargements():
    Generator(**SMALL, smooth_enlargement=True).load_state_dict(Generator(**SMALL).state_dict())


def test_a_place_is_where_named_words_have_a_third_of_their_peak():
    shares = torch.zeros(2, 3, 16, 16)
    shares[0, 1, 2:6, 2:6] = 0.8  # of the first picture's second word
    shares[1, 1, 10:14, 10:14] = 0.6
    shares[1, 1, 8:10, 2:4] = 0.1
    shares[:, 2] = 1  # of a word that says nothing about places
    place = place_of(shares, torch.tensor([[False, True, False], [False, True, False]]))
    assert place.shape == (1, 1, 16, 16) and set(place.unique().tolist()) == {0, 1}
    assert (place[0, 0, 2:6, 2:6] == 1).all() and (place[0, 0, 10:14, 10:14] == 1).all()
    assert (place[0, 0, :, 8] == 0).all() and (place[0, 0, 8:10, 2:4] == 0).all()
    assert (place_of(shares, torch.zeros(2, 3, dtype=torch.bool)) == 0).all()


def test_a_level_is_kept_outside_of_the_place():
    level, place = torch.randn(2, 4, 32, 32), torch.zeros(1, 1, 16, 16)
    place[..., 4:8, 4:8] = 1
    kept = kept_outside(level, place)
    assert (kept[0] == level[0]).all()
    assert (kept[1, :, 10:14, 10:14] == level[1, :, 10:14, 10:14]).all()
    assert (kept[1, :, 20:] == level[0, :, 20:]).all()


@pytest.mark.parametrize("network", [Generator, AttnGANGenerator])
def test_a_kept_picture_stays_where_the_words_do_not_count(network, monkeypatch):
    torch.manual_seed(0)
    generator, first = network(**SMALL).eval(), inputs()
    second = {**first, **{name: torch.randn_like(first[name]) for name in ("condition", "words")}}
    named = torch.zeros(6, 5, dtype=torch.bool)

    def painted(place=None):
        if place is not None:
            monkeypatch.setattr("limner.nn.text_to_image.place_of", lambda shares, named: place)
        kept = Kept(first["condition"], first["words"], first["is_word"], named)
        return generator.paint(**second, kept=kept)

    with torch.no_grad():
        kept, _ = generator.paint(**first)
        whole, shares = generator.paint(**second)
        nothing, _ = painted()
        everything, seen = painted(torch.ones(3, 1, 16, 16))
        left = torch.zeros(3, 1, 16, 16)
        left[..., :8] = 1
        half, _ = painted(left)
    for before, after, unchanged, changed, part in zip(kept, whole, nothing, everything, half, strict=True):
        torch.testing.assert_close(unchanged, before)
        torch.testing.assert_close(changed, after)
        edge = round(part.shape[-1] * 0.75)  # far enough from the place for what is round about it
        torch.testing.assert_close(part[..., edge:], before[..., edge:])
        assert (part[..., :8] - before[..., :8]).abs().mean() > 1e-3
    for one, other in zip(shares, seen, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("network", [Generator, AttnGANGenerator])
def test_on_the_way_to_another_caption_its_words_say_where_as_far_as_it_counts(network, monkeypatch):
    torch.manual_seed(0)
    generator, given = network(**SMALL).eval(), inputs()
    words = [torch.randn_like(given["words"]) for _ in range(2)]
    named, other_named = torch.zeros(6, 5, dtype=torch.bool), torch.ones(6, 5, dtype=torch.bool)
    monkeypatch.setattr(
        "limner.nn.text_to_image.place_of", lambda shares, named: named[:3, :1, None, None].float().expand(3, 1, 16, 16)
    )

    def painted(amount, **places):
        kept = Kept(given["condition"], words[0], given["is_word"], **places)
        blend = Blend(words[1], given["is_word"], torch.full((3,), amount))
        return generator.paint(**given, blend=blend, kept=kept)[0][-1]

    with torch.no_grad():
        alone = generator.paint(**{**given, "words": words[0]})[0][-1]
        target = generator.paint(**{**given, "words": words[1]})[0][-1]
        places = {"named": named, "other_named": other_named}
        torch.testing.assert_close(painted(0.0, **places), alone)
        torch.testing.assert_close(painted(1.0, **places), target)
        half = painted(0.5, **places)
    assert all((half - one).abs().mean() > 1e-3 for one in (alone, target))


def test_weights_begin_as_the_plain_sum():
    weighted = Generator(**SMALL)
    plain, gated = (Generator(**SMALL, fusion=kind) for kind in ("identity", "gated"))
    plain.load_state_dict({key: value for key, value in weighted.state_dict().items() if "logits" not in key})
    missing = gated.load_state_dict(weighted.state_dict(), strict=False).missing_keys
    assert missing and all(".gate." in key for key in missing)
    pictures = [net.eval().paint(**inputs())[0][0] for net in (weighted, plain, gated)]
    torch.testing.assert_close(pictures[0], pictures[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(pictures[0], pictures[2], atol=1e-5, rtol=0)
    torch.nn.init.normal_(weighted.fuses[1].logits)
    for level, shares in weighted.fusion_weights().items():
        assert sum(shares) == pytest.approx(len(shares), abs=1e-5), level
    assert plain.fusion_weights() == {}


def test_a_source_can_be_left_out():
    net = Generator(**SMALL).eval()
    whole = net.paint(**inputs())[0][0]
    assert not torch.equal(net.paint(**inputs(), without=(2, 0))[0][0], whole)
    with torch.no_grad():
        net.fuses[2].logits[1] = -200.0  # the weight of the same source falls to 0, and the others share its part
        net.fuses[2].logits[0] = 0.0
    silent = net.paint(**inputs())[0][0]
    torch.testing.assert_close(net.paint(**inputs(), without=(2, 0))[0][0], silent)


def test_padding_changes_nothing():
    net = Generator(**SMALL).eval()
    given = inputs()
    longer = {
        **given,
        "words": torch.cat([given["words"], torch.full((3, 16, 7), 9.0)], dim=2),
        "is_word": torch.cat([given["is_word"], torch.zeros(3, 7, dtype=torch.bool)], dim=1),
    }
    torch.testing.assert_close(net.paint(**given)[0][0], net.paint(**longer)[0][0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("fusion", ["weighted", "identity", "gated", "none"])
def test_every_parameter_learns(fusion):
    net = Generator(**SMALL, fusion=fusion)
    given = inputs()
    painted = net(given["latent"], torch.randn(3, 8), torch.randn(3, 16), given["words"], given["is_word"])
    assert painted.mean.shape == painted.log_variance.shape == (3, 8)
    painted.image.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        # The gate's first layer waits for its last one, which begins at 0.
        assert parameter.grad.abs().max() > 0 or ".gate.0." in name, name


def test_the_discriminator_judges_picture_and_pair():
    net = JointDiscriminator(image_size=64, width=4, sentence_size=16)
    images, sentence, wrong = torch.rand(3, 3, 64, 64), torch.randn(3, 16), torch.randn(3, 16)
    judged = net.eval()(images, sentence, wrong)
    assert judged.picture.shape == (3,) and [pair.shape for pair in judged.pairs] == [(3,), (3,)]
    torch.testing.assert_close(judged.pairs[1], net(images, wrong).pairs[0])
    alone = JointDiscriminator(image_size=64, width=4, sentence_size=16, unconditional=False)
    assert alone(images, sentence).picture is None


def test_half_way_between_two_captions():
    net, given, other = Generator(**SMALL).eval(), inputs(), inputs(num_words=4)
    for amount, same in ((0.0, given), (1.0, {**given, "words": other["words"], "is_word": other["is_word"]})):
        blend = Blend(other["words"], other["is_word"], torch.full((3,), amount))
        torch.testing.assert_close(net.paint(**given, blend=blend)[0][0], net.paint(**same)[0][0])
