"""The parent's checkpoints: the same strokes come out, for pictures in the other order of colours."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from limner.errors import WeightsError
from limner.systems.painter.convert import convert
from limner.systems.painter.networks import NUM_PARAMS, Actor, Renderer


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Actor, Renderer, Path, Path]:
    """Networks with random weights, and their files as the parent's program would write them."""
    folder = tmp_path_factory.mktemp("parent")
    torch.manual_seed(0)
    actor, renderer = Actor(in_channels=9).eval(), Renderer().eval()
    wrapped = {f"module.{name}": tensor for name, tensor in actor.state_dict().items()}  # saved on several GPUs
    torch.save(wrapped, folder / "actor.pkl")
    torch.save(renderer.state_dict(), folder / "renderer.pkl")
    return actor, renderer, folder / "actor.pkl", folder / "renderer.pkl"


def test_converted_weights_paint_the_same(parent) -> None:
    actor, renderer, actor_file, renderer_file = parent
    pipeline = convert(actor_file, renderer_file)
    assert pipeline.name == "learning-to-paint" and not pipeline.attends
    state = torch.rand(2, 9, 128, 128)  # canvas and target in BGR, as the parent sees them
    in_rgb = torch.cat([state[:, :3].flip(1), state[:, 3:6].flip(1), state[:, 6:]], dim=1)
    with torch.no_grad():
        theirs = actor(state).view(2, 5, NUM_PARAMS)
        ours = pipeline.components["actor"](in_rgb).view(2, 5, NUM_PARAMS)
        torch.testing.assert_close(ours[..., :10], theirs[..., :10], rtol=0, atol=1e-6)
        torch.testing.assert_close(ours[..., 10:], theirs[..., 10:].flip(-1), rtol=0, atol=1e-6)
        shape = torch.rand(3, 10)
        parents_answer = 1 - renderer(shape)[:, 0]
        ours = 1 - pipeline.components["renderer"](shape)[:, 0]
        torch.testing.assert_close(ours, parents_answer, rtol=0, atol=1e-6)


def test_foreign_files_are_refused(parent, tmp_path: Path) -> None:
    _, _, actor_file, renderer_file = parent
    with pytest.raises(WeightsError, match="no weights file"):
        convert(tmp_path / "none.pkl", renderer_file)
    with pytest.raises(WeightsError, match="it must be"):
        convert(renderer_file, renderer_file)
    torch.save({"weights": object}, tmp_path / "code.pkl")
    with pytest.raises(WeightsError, match="only tensors are read"):
        convert(actor_file, tmp_path / "code.pkl")
    torch.save([1, 2], tmp_path / "list.pkl")
    with pytest.raises(WeightsError, match="no plain list of tensors"):
        convert(actor_file, tmp_path / "list.pkl")
