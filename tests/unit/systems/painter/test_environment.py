"""Painting as a game: one stroke after the other, and a memory that forgets nothing it should keep."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.systems.painter.environment import ExactRenderer, Replay, Scene, coordinates, episode, paint, to_bytes
from limner.systems.painter.networks import NUM_PARAMS, Renderer
from limner.systems.painter.strokes import StrokeList

SIZE, STEPS = 16, 4


def make_scene(num: int, seed: int = 0) -> Scene:
    random = torch.Generator().manual_seed(seed)
    return Scene(*(torch.rand(num, channels, SIZE, SIZE, generator=random) for channels in (3, 1, 1)))


def test_every_stroke_gives_a_canvas_and_the_last_is_the_result() -> None:
    torch.manual_seed(0)
    renderer = Renderer(image_size=32, widths=(8, 8, 8, 16))
    canvas, action = torch.rand(2, 3, 32, 32), torch.rand(2, 3 * NUM_PARAMS)
    last, canvases = paint(canvas, action, renderer)
    assert len(canvases) == 3 and torch.equal(last, canvases[-1])
    step = canvas
    for number in range(3):
        step, _ = paint(step, action.view(2, 3, -1)[:, number], renderer)
        # another batch size of the renderer rounds in another order
        torch.testing.assert_close(step, canvases[number], rtol=1e-5, atol=1e-6)


def test_invisible_strokes_leave_the_canvas() -> None:
    action = torch.rand(2, 2, NUM_PARAMS)
    action[..., 8:10] = 0
    canvas = torch.rand(2, 3, SIZE, SIZE)
    assert torch.equal(paint(canvas, action.flatten(1), ExactRenderer(SIZE))[0], canvas)


def test_exact_renderer_paints_what_a_stroke_list_paints() -> None:
    action = torch.rand(1, 5, NUM_PARAMS)
    canvas, _ = paint(torch.zeros(1, 3, 32, 32), action.flatten(1), ExactRenderer(32))
    strokes = StrokeList.from_params(action[0].double().numpy())
    expected = strokes.paint(np.zeros((3, 32, 32), np.float32))
    np.testing.assert_allclose(canvas[0].numpy(), expected, atol=1e-6)  # colours: float32 here, float64 there


def test_coordinates_are_row_then_column() -> None:
    grid = coordinates(5, torch.device("cpu"))[0]
    assert grid[0, :, 0].tolist() == grid[1, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert (grid[0, 2] == 0.5).all() and (grid[1, :, 2] == 0.5).all()


@pytest.mark.parametrize(("attends", "channels"), [(True, 11), (False, 9)])
def test_channels_of_the_state(attends: bool, channels: int) -> None:
    scene, progress = make_scene(2), torch.tensor([0.0, 0.5])
    canvas = torch.zeros(2, 3, SIZE, SIZE)
    state = scene.state([canvas], progress, attends=attends)
    assert state.shape[1] == channels
    torch.testing.assert_close(state[:, 3:6], scene.target)
    assert (state[1, 6] == 0.5).all()
    assert scene.state([canvas, canvas], progress, attends=attends).shape[1] == channels + 3


def test_an_episode_tells_the_actor_how_much_is_over() -> None:
    seen = []

    def actor(state: torch.Tensor) -> torch.Tensor:
        seen.append(float(state[0, 6, 0, 0]))
        return torch.rand(len(state), NUM_PARAMS)

    steps = list(
        episode(make_scene(2), torch.zeros(2, 3, SIZE, SIZE), actor, ExactRenderer(SIZE), steps=4, attends=True)
    )
    assert seen == [0, 0.25, 0.5, 0.75] and len(steps) == 4


class NaiveMemory:
    """Whole transitions, as the parent keeps them."""

    def __init__(self) -> None:
        self.transitions: list[tuple[torch.Tensor, ...]] = []

    def add(self, scene: Scene, canvases: torch.Tensor, actions: torch.Tensor) -> None:
        for row in range(len(actions)):
            for step in range(STEPS):
                self.transitions.append(
                    (to_bytes(scene.target[row]), canvases[row, step], canvases[row, step + 1], actions[row, step])
                )


def fill(*memories: Replay | NaiveMemory, rounds: int = 1) -> None:
    for number in range(rounds):
        random = torch.Generator().manual_seed(number)
        canvases = to_bytes(torch.rand(3, STEPS + 1, 3, SIZE, SIZE, generator=random))
        actions = torch.rand(3, STEPS, NUM_PARAMS, generator=random)
        for memory in memories:
            memory.add(make_scene(3, number), canvases, actions)


def make_replay(episodes: int = 7) -> Replay:
    return Replay(episodes, steps=STEPS, size=SIZE, num_params=NUM_PARAMS)


def test_replay_gives_the_transitions_of_a_naive_memory() -> None:
    replay, naive = make_replay(9), NaiveMemory()
    fill(replay, naive, rounds=2)
    assert len(replay) == 6
    draws = (torch.cartesian_prod(torch.arange(6), torch.arange(STEPS)) + 0.5) / torch.tensor([6, STEPS])
    found = replay.sample(draws, torch.device("cpu"))
    for row, (target, canvas, next_canvas, action) in enumerate(naive.transitions):
        assert torch.equal(to_bytes(found.target[row]), target)
        assert torch.equal(to_bytes(found.canvas[row]), canvas)
        assert torch.equal(to_bytes(found.next_canvas[row]), next_canvas)
        assert torch.equal(found.action[row], action)
    assert found.done[:, 0].tolist() == [0, 0, 0, 1] * 6 and found.step[:5].tolist() == [0, 1, 2, 3, 0]


def test_replay_forgets_the_oldest_and_resumes() -> None:
    replay = make_replay(7)
    fill(replay, rounds=4)
    assert len(replay) == 7 and replay.added == 12
    again = make_replay(7)
    again.load_state_dict(replay.state_dict())
    draws = torch.rand(20, 2)
    first, second = (memory.sample(draws, torch.device("cpu")) for memory in (replay, again))
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in vars(first))
    fill(replay, again, rounds=1)
    assert all(torch.equal(a, b) for a, b in zip(*(m._parts.values() for m in (replay, again)), strict=True))


def test_memory_is_as_small_as_computed() -> None:
    episodes, steps, size = 8, 40, 128
    with torch.device("meta"):
        replay = Replay(episodes, steps=steps, size=size, num_params=5 * NUM_PARAMS)
    formula = episodes * (steps + 1) * 3 * size**2
    assert formula <= replay.num_bytes <= 1.1 * formula
    naive = episodes * steps * 2 * 7 * size**2
    assert naive > 4 * replay.num_bytes


def test_faint_paint_builds_up() -> None:
    canvas = truncated = torch.zeros(1, 3, 2, 2)
    for _ in range(200):
        canvas = to_bytes(canvas + 0.003).float() / 255
        truncated = ((truncated + 0.003) * 255).byte().float() / 255
    assert canvas.max() > 0.5 and truncated.max() == 0
