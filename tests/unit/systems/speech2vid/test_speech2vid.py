"""Speech2Vid: parameters by hand, frames that know no others, and its two phases."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from limner.engine.fabric import make_fabric
from limner.errors import ShapeError
from limner.systems.speech2vid.networks import Generator, Sharpener
from limner.systems.speech2vid.presets import smoke
from limner.systems.speech2vid.system import Speech2Vid
from tests.sine_speech import write_sine_words


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def conv(i: int, o: int, kernel: int = 3) -> int:
    """Convolution without bias, batch norm."""
    return i * o * kernel**2 + 2 * o


def test_numbers_of_parameters():
    with torch.device("meta"):
        net = Generator()
        assert count(net.speech) == 27_833_536  # as AVWnet's and ATVGnet's
        identity = conv(3, 64, 7) + conv(64, 128) + conv(128, 256) + conv(256, 512) + conv(512, 512)
        assert count(net.stem) + count(net.downs) == identity
        decoder = conv(1024, 512) + conv(512, 512) + conv(1024, 512) + conv(512, 256) + conv(512, 256)
        decoder += conv(256, 128) + conv(256, 128) + conv(128, 64) + conv(128, 64) + 64 * 3 * 9 + 3
        codes = 512 * 64 * 256 + 256 + 512 * 512 * 64 + 512 * 64
        assert count(net) == 27_833_536 + identity + codes + decoder == 71_851_971
        assert count(Sharpener()) == 3 * 64 * 9 + 64 + 8 * (64 * 64 * 9 + 64) + 64 * 3 * 9 + 3


def test_frames_know_no_others():
    net = Generator(image_size=64, width=4).eval()
    random = torch.Generator().manual_seed(0)
    photo, windows = torch.rand(2, 3, 64, 64, generator=random), torch.randn(2, 3, 28, 12, generator=random)
    with torch.no_grad():
        whole = net(photo, windows)
        assert whole.shape == (2, 3, 3, 64, 64) and whole.abs().max() <= 1
        torch.testing.assert_close(net(photo, windows[:, 1:2]), whole[:, 1:2])
        sharpener = Sharpener(width=4, num_layers=2)
        assert torch.equal(sharpener(whole[0]), whole[0]), "it begins by changing nothing"
    with pytest.raises(ShapeError, match="image_size is 96"):
        Generator(image_size=96)


def test_the_sharpener_learns_in_the_last_part(tmp_path):
    pytest.importorskip("av")
    words = write_sine_words(tmp_path / "words", num=(2, 1, 1))
    for share, moved in ((0.0, "generator"), (1.0, "sharpener")):
        config = dataclasses.replace(smoke(), loss=dataclasses.replace(smoke().loss, sharpen_share=share))
        data = Speech2Vid.open_data(config, words)
        system = Speech2Vid(config, data.spec)
        engine = system.engine(make_fabric(config.train))
        before = {name: [p.clone() for p in net.parameters()] for name, net in system.networks.items()}
        engine.run_step(data.collate([data.train_set[0], data.train_set[1]]))
        changed = {
            name
            for name, net in system.networks.items()
            if any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
        }
        assert changed == {moved}
