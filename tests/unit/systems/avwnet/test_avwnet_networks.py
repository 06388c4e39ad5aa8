"""Sizes to the unit, masks, causality, and which loss reaches which part."""

from __future__ import annotations

import pytest
import torch

from limner.errors import ShapeError
from limner.nn.resampling import halve
from limner.systems.avwnet.networks import Generator, LevelDiscriminator, SequenceDiscriminator
from limner.systems.syncnet.networks import SyncNetwork
from limner.systems.wordnet.networks import WordNetwork

TINY = dict(image_size=32, width=8, num_blocks=1, num_fine_blocks=1, num_layers=1)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def inputs(batch: int = 2, frames: int = 4) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(2)
    return {
        "photo": torch.rand(batch, 3, 32, 32, generator=random) * 2 - 1,
        "landmark_maps": torch.rand(batch, 5, 32, 32, generator=random),
        "windows": torch.randn(batch, frames, 28, 12, generator=random),
    }


def test_numbers_of_parameters():
    with torch.device("meta"):
        generator = Generator()
        parts = {
            "speech": 27_833_536, "identity": 1_743_616, "memory": 1_841_152, "fuse": 3_539_968, "blocks": 18_882_560,
            "coarse": 30_916, "condition": 32_896, "join": 110_720, "fine_blocks": 147_968, "fine_up": 73_920,
            "fine": 17_284,
        }  # fmt: skip
        assert {name: count(getattr(generator, name)) for name in parts} == parts
        assert [count(up) for up in generator.up] == [2_360_320, 590_336, 147_712]
        assert count(generator) == 57_352_904
        assert count(LevelDiscriminator(image_size=64)) == 3_131_330
        assert count(LevelDiscriminator(image_size=128)) == 7_330_754
        assert count(SequenceDiscriminator()) == 2_365_993
        assert count(WordNetwork()) == 19_571_892
        sync = SyncNetwork()
        assert (count(sync.face), count(sync.speech)) == (13_031_808, 3_403_264)


def test_shapes_and_ranges():
    spoken = Generator(**TINY)(**inputs())
    assert spoken.coarse.frame.shape == (2, 4, 3, 16, 16) and spoken.fine.frame.shape == (2, 4, 3, 32, 32)
    assert spoken.coarse.mask.shape == (2, 4, 1, 16, 16) and spoken.speech.shape == (2, 4, 32)
    for level in (spoken.coarse, spoken.fine):
        assert level.frame.abs().max() <= 1 and level.mask.min() > 0 and level.mask.max() < 1
    with pytest.raises(ShapeError, match="image_size is 40"):
        Generator(**{**TINY, "image_size": 40})
    frames, speech = spoken.fine.frame.flatten(0, 1), spoken.speech.flatten(0, 1)
    patches, pair = LevelDiscriminator(image_size=32, width=4, speech_size=32)(frames, speech)
    assert patches.shape == (8, 1, 5, 5) and pair.shape == (8,)
    logit, points = SequenceDiscriminator(width=4, speech_size=32)(spoken.fine.frame, spoken.speech)
    assert logit.shape == (2,) and points.shape == (2, 4, 136)


def test_a_closed_mask_is_the_photo_and_an_open_one_the_colour():
    net, given = Generator(**TINY), inputs()
    for bias, wanted in ((-200.0, "photo"), (200.0, "color")):
        for heads in (net.coarse, net.fine):
            torch.nn.init.constant_(heads.attend[-1].bias, bias)
        spoken = net(**given)
        for level, photo in ((spoken.coarse, halve(given["photo"])), (spoken.fine, given["photo"])):
            expected = photo[:, None].expand_as(level.frame) if wanted == "photo" else level.color
            assert torch.equal(level.frame, expected)


def test_losses_reach_what_they_should():
    net = Generator(**TINY)
    spoken = net(**inputs())
    spoken.coarse.frame.square().mean().backward(retain_graph=True)
    assert net.coarse.color.weight.grad.abs().max() > 0 and net.fine.color.weight.grad is None
    net.zero_grad(set_to_none=True)
    spoken.fine.frame.square().mean().backward()
    assert net.coarse.color.weight.grad is None  # the coarse colour is no part of the fine frame; its mask is
    for part in (net.coarse.attend[-1], net.speech.layers[-2], net.fine.color):
        assert part.weight.grad.abs().max() > 0
    assert net.memory.weight_ih_l0.grad.abs().max() > 0


def test_later_speech_changes_no_earlier_frame_and_parts_join():
    net, given = Generator(**TINY).eval(), inputs()
    with torch.no_grad():
        whole = net(**given)
        changed = {**given, "windows": given["windows"].clone()}
        changed["windows"][:, 3] += 1
        later = net(**changed)
        assert torch.equal(later.fine.frame[:, :3], whole.fine.frame[:, :3])
        assert not torch.equal(later.fine.frame[:, 3], whole.fine.frame[:, 3])
        start = net(given["photo"], given["landmark_maps"], given["windows"][:, :2])
        end = net(given["photo"], given["landmark_maps"], given["windows"][:, 2:], memory=start.memory)
    joined = torch.cat([start.fine.frame, end.fine.frame], dim=1)
    torch.testing.assert_close(joined, whole.fine.frame, atol=1e-4, rtol=0)


def test_gain_moves_the_mouth_more():
    net, given = Generator(**TINY).eval(), inputs()
    with torch.no_grad():
        still, plain, wide = (net(**given, gain=gain).fine.color for gain in (0.0, 1.0, 3.0))
    assert torch.allclose(still[:, 0], still[:, 1], atol=1e-6)
    assert (wide[:, 0] - wide[:, 1]).abs().mean() > (plain[:, 0] - plain[:, 1]).abs().mean() > 0


def test_words_are_read_from_clips_of_any_length():
    net = WordNetwork(num_words=6, width=4, mouth_size=32).eval()
    for frames in (1, 5):
        clip = torch.rand(2, frames, 3, 32, 32) * 2 - 1
        assert net(clip).shape == (2, 6) and net(clip, every_frame=True).logits.shape == (2, frames, 6)
    changed = clip.clone()
    changed[:, :, :, :16] *= -1  # eyes and forehead
    torch.testing.assert_close(net(changed), net(clip))
    clip.requires_grad_()
    net(clip).sum().backward()
    assert clip.grad[:, :, :, 16:].abs().max() > 0


@pytest.mark.parametrize("face_size", [96, 64])
def test_codes_of_synchrony_have_length_one(face_size):
    net = SyncNetwork(width=4, face_size=face_size)
    face, speech = net(torch.rand(2, 5, 3, face_size, face_size), torch.randn(2, 80, 16))
    for codes in (face, speech):
        assert codes.shape == (2, 64) and codes.min() >= 0
        torch.testing.assert_close(codes.norm(dim=1), torch.ones(2))


def test_normalized_states_move_more_than_they_differ_by_person():
    """The option has no parameters; in training its states have mean 0 and variance 1 over all frames."""
    torch.manual_seed(0)
    plain, normal = Generator(**TINY), Generator(**TINY, is_normalized=True)
    assert count(plain) == count(normal)
    given = inputs(frames=8)
    states = []
    for net in (plain, normal):
        identity = net.identity(given["photo"], given["landmark_maps"])
        states.append(net.listen(identity.code, given["windows"]).state)
    assert states[0].std(dim=1).mean() < 0.2
    torch.testing.assert_close(states[1].flatten(0, 1).mean(dim=0), torch.zeros(32), atol=1e-5, rtol=0)
    assert 0.5 < states[1].flatten(0, 1).std(dim=0, correction=0).mean() <= 1.001
