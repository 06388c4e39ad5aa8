"""Learning at toy size, with real networks on scenes drawn by code: minutes, therefore slow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from limner.systems.painter.environment import Scene, episode, paint
from limner.systems.painter.networks import Actor, AttentionNetwork, Renderer
from limner.systems.painter.rasterizer import stroke_alphas
from limner.systems.painter.stages.attention import soft_iou
from limner.systems.painter.weight_map import pixel_weights, weighted_distance

from .conftest import scene

pytestmark = pytest.mark.slow

SIZE, STEPS = 32, 5


@pytest.fixture(scope="module")
def strokes() -> tuple[torch.Tensor, torch.Tensor]:
    """20 000 random strokes and what they look like; the last 1 000 are held out."""
    params = np.random.default_rng(0).random((20_000, 10), np.float32)
    return torch.from_numpy(params), torch.from_numpy(stroke_alphas(params, SIZE))[:, None]


@pytest.fixture(scope="module")
def renderer(strokes) -> Renderer:
    """Trained for 2 000 batches of 64."""
    params, alphas = strokes
    torch.manual_seed(0)
    network = Renderer(image_size=SIZE, widths=(128, 256, 512, 1024))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(2_000):
        rows = torch.randint(0, 19_000, (64,))
        loss = (network(params[rows]) - alphas[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.requires_grad_(False).eval()


def scenes(numbers: range) -> Scene:
    """Two-toned discs before smooth random backgrounds, with their masks as attention."""
    pictures, masks = zip(*(scene(number, height=SIZE, width=SIZE) for number in numbers), strict=True)
    mask = torch.from_numpy(np.stack(masks))[:, None].float() / 255
    discs = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    spots = torch.stack([torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(number)) for number in numbers])
    background = functional.interpolate(spots, size=(SIZE, SIZE), mode="bilinear", align_corners=True)
    return Scene(torch.where(mask > 0, discs, background), mask, torch.zeros_like(mask))


def trained(renderer: Renderer, weighting: str) -> Actor:
    """100 rounds of 5 one-step updates on 32 scenes: each action is to lower the distance that it leaves."""
    torch.manual_seed(0)
    actor = Actor(width=8)  # tiny, as the bounds are meant for: a wider one paints plain backgrounds too well for 1.4
    optimizer = torch.optim.Adam(actor.parameters(), lr=1e-3)
    for number in range(100):
        batch = scenes(range(1_000 + 32 * number, 1_032 + 32 * number))
        weights = pixel_weights(batch.attention, batch.features, weighting=weighting)
        canvas = torch.zeros_like(batch.target)
        for step in range(STEPS):
            action = actor(batch.state([canvas], torch.full((32,), step / STEPS), attends=True))
            canvas, _ = paint(canvas, action, renderer)
            loss = weighted_distance(canvas, batch.target, weights).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            canvas = canvas.detach()
    return actor.eval()


def errors(actor: Actor, renderer: Renderer) -> tuple[float, float, float]:
    """Squared error of the whole, the discs and the background of 64 held-out scenes."""
    batch = scenes(range(64))
    *_, (_, canvas) = episode(batch, torch.zeros_like(batch.target), actor, renderer, steps=STEPS, attends=True)
    square, mask = (canvas - batch.target).square().mean(dim=1, keepdim=True), batch.attention
    parts = [float((part * square).sum() / part.sum()) for part in (mask, 1 - mask)]
    return float(square.mean()), parts[0], parts[1]


@pytest.fixture(scope="module")
def plain(renderer: Renderer) -> tuple[float, float, float]:
    return errors(trained(renderer, "uniform"), renderer)


def test_renderer_learns_the_brush(renderer: Renderer, strokes) -> None:
    params, alphas = strokes[0][19_000:], strokes[1][19_000:]
    with torch.no_grad():
        error = float((renderer(params) - alphas).square().mean())
    zero = float(alphas.square().mean())
    assert error < 0.012 and error < 0.25 * zero, (error, zero)


def test_agent_learns_to_paint(plain) -> None:
    blank = float(scenes(range(64)).target.square().mean())
    assert plain[0] < 0.25 * blank, (plain, blank)


def test_attention_helps_the_foreground(plain, renderer: Renderer) -> None:
    _, foreground, background = errors(trained(renderer, "attention"), renderer)
    assert foreground <= 0.7 * plain[1] and background <= 1.4 * plain[2], (foreground, background, plain)


def test_attention_network_learns_discs() -> None:
    torch.manual_seed(0)
    batch = scenes(range(8))
    network = AttentionNetwork(width=8)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(120):
        logits = network(batch.target)
        loss = functional.binary_cross_entropy_with_logits(logits, batch.attention)
        loss = loss + 1 - soft_iou(logits.sigmoid(), batch.attention).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        found = (network.eval()(batch.target) > 0).float()
    assert float(soft_iou(found, batch.attention).min()) > 0.9
