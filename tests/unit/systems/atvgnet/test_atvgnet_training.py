"""ATVGnet's run: directions are counted first, speech is learned after them; clips without landmarks are refused."""

from __future__ import annotations

import pytest
import torch

from limner.engine.fabric import make_fabric
from limner.errors import DataError
from limner.systems.atvgnet.presets import smoke
from limner.systems.atvgnet.system import BASIS, FRAMES, JUDGE, LANDMARKS, ATVGnet
from tests.sine_speech import write_sine_speech, write_sine_words

pytest.importorskip("av")


def test_speech_is_learned_after_the_directions(tmp_path):
    words = write_sine_words(tmp_path / "words", num=(2, 1, 1))
    config = smoke()
    data = ATVGnet.open_data(config, words)
    system = ATVGnet(config, data.spec)
    engine = system.engine(make_fabric(config.train))
    for number, expected in ((2 * 4, {FRAMES, JUDGE, BASIS}), (2 * 4, {FRAMES, JUDGE, LANDMARKS})):
        before = {name: [t.clone() for t in net.state_dict().values()] for name, net in system.networks.items()}
        engine.run_step(data.collate([data.train_set[0], data.train_set[1]]))
        changed = {
            name
            for name, net in system.networks.items()
            if any(not torch.equal(a, b) for a, b in zip(before[name], net.state_dict().values(), strict=True))
        }
        assert changed == expected and float(system.basis.number) == number  # two clips of four frames


def test_clips_without_landmarks_are_refused(tmp_path):
    grid = write_sine_speech(tmp_path, speakers=1)
    with pytest.raises(DataError, match=r"has no landmarks of its frames, from which atvgnet learns"):
        ATVGnet.open_data(smoke(), grid)
