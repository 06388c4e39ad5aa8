"""The reward: shapes, sums, and where its gradient goes."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch
from torch import nn

from limner.errors import ShapeError
from limner.systems.painter.config import RewardConfig
from limner.systems.painter.environment import Scene, paint
from limner.systems.painter.networks import Actor, Discriminator, Renderer
from limner.systems.painter.reward import Reward, gradient_penalty
from limner.systems.painter.weight_map import weighted_distance

SIZE = 32
BLACK = torch.zeros(3)


@pytest.fixture
def scene() -> Scene:
    random = torch.Generator().manual_seed(0)
    return Scene(*(torch.rand(2, channels, SIZE, SIZE, generator=random) for channels in (3, 1, 1)))


def test_terms_are_columns_and_sum_to_what_was_gained(scene: Scene) -> None:
    torch.manual_seed(0)
    discriminators = [Discriminator(width=4) for _ in range(2)]
    reward = Reward(RewardConfig(weight_foreground=2.0), *discriminators, BLACK)
    canvases = [torch.zeros_like(scene.target), *torch.rand(4, *scene.target.shape)]
    with torch.no_grad():
        terms = [reward(scene, before, after) for before, after in itertools.pairwise(canvases)]
    assert all(term.shape == (2, 1) for step in terms for term in step.values())
    assert set(terms[0]) == {"gan", "fm", "fg"}
    weights = reward.weights(scene)
    last, blank = (weighted_distance(canvas, scene.target, weights) for canvas in (canvases[-1], canvases[0]))
    total = torch.stack([step["fm"] for step in terms]).sum(0)
    torch.testing.assert_close(total / 10, 1 - last / blank, rtol=1e-5, atol=1e-5)


def test_progress_may_be_measured_against_what_is_left(scene: Scene) -> None:
    reward = Reward(RewardConfig(weight_gan=0.0, measure="left"), None, None, BLACK)
    before = (scene.target + 0.2).clamp(0, 1)
    halved = scene.target + (before - scene.target) * 0.5**0.5
    torch.testing.assert_close(reward(scene, before, halved)["fm"], torch.full((2, 1), 5.0))
    perfect = reward(scene, scene.target, before)["fm"]
    assert perfect.isfinite().all() and (perfect < 0).all()


def test_a_reward_of_another_shape_is_refused(scene: Scene) -> None:
    reward = Reward(RewardConfig(), lambda target, candidate: candidate.mean(dim=(1, 2, 3)), None, BLACK)
    with pytest.raises(ShapeError, match=r"\(2, 1\)"):
        reward(scene, scene.target, scene.target)


def test_the_gradient_reaches_the_actor_and_nobody_else(scene: Scene) -> None:
    torch.manual_seed(0)
    actor, renderer = Actor(width=8), Renderer(image_size=SIZE, widths=(8, 8, 8, 16)).requires_grad_(False)
    discriminator = Discriminator(width=4).requires_grad_(False)
    attention, features = (part.clone().requires_grad_(True) for part in (scene.attention, scene.features))
    seen = dataclasses.replace(scene, attention=attention, features=features)
    blank = torch.zeros_like(scene.target)
    action = actor(scene.state([blank], torch.zeros(2), attends=True))
    canvas, _ = paint(blank, action, renderer)
    terms = Reward(RewardConfig(), discriminator, None, BLACK)(seen, blank, canvas)
    sum(terms.values()).sum().backward()
    assert any(parameter.grad.abs().max() > 0 for parameter in actor.parameters())
    assert attention.grad is None and features.grad is None
    frozen = [*renderer.parameters(), *discriminator.parameters()]
    assert all(parameter.grad is None for parameter in frozen)


def test_penalty_of_a_linear_discriminator_of_unit_norm_is_zero() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(6 * 8 * 8, 1, bias=False)
    with torch.no_grad():
        linear.weight /= linear.weight.norm()

    def score(target: torch.Tensor, candidate: torch.Tensor) -> torch.Tensor:
        return linear(torch.cat([target, candidate], dim=1).flatten(1))

    target, fake = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    penalty = gradient_penalty(score, target, target, fake, torch.rand(2, 1, 1, 1))
    assert float(penalty.detach()) < 1e-10
    double = gradient_penalty(lambda a, b: 2 * score(a, b), target, target, fake, torch.rand(2, 1, 1, 1))
    torch.testing.assert_close(float(double.detach()), 1.0, rtol=1e-5, atol=0)
