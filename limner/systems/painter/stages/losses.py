"""What the networks of an agent learn from a transition: the rule of Huang et al. 2019 (arXiv:1903.04411, Sec. 3.3).

The critic values the canvas after an action, the action reaches it only through the differentiable renderer, and the
reward of a remembered action is computed anew with the discriminators' slow copies.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.engine.engine import Engine
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.environment import Easels, Transitions, paint
from limner.systems.painter.reward import Reward, gradient_penalty


@dataclass
class UpdateBatch(Transitions):
    """Transitions with the random draws of one update."""

    mix: Float[Tensor, "b 1 1 1"]
    """Share of the real picture in the gradient penalty's point."""


class Losses:
    """The losses of actor, critic, discriminators and, in stage joint, the attention network.

    Args:
        config: of the run.
        networks: of the stage.
        blank_color: (3,) of the empty canvas in [0, 1].
    """

    def __init__(self, config: PainterConfig, networks: dict[str, nn.Module], blank_color: Tensor) -> None:
        self.config, self.networks, self.blank_color = config, networks, blank_color

    def reward(self, engine: Engine) -> Reward:
        """The reward by the slow discriminators."""
        slow = {name: _caller(engine, f"{name}_slow") for name in self.config.discriminators}
        return Reward(self.config.reward, slow.get("discriminator"), slow.get("foreground"), self.blank_color)

    def discriminator(self, batch: UpdateBatch, engine: Engine, name: str) -> Tensor:
        """D(I, C') - D(I, I) + 10 gradient penalty; `foreground` sees the attended part of both."""
        mask = batch.attention if name == "foreground" else torch.ones_like(batch.attention)
        target, fake = mask * batch.target, mask * batch.next_canvas
        # No normalisation in D, so one pass over both halves equals two passes.
        scores = engine.networks[name](torch.cat([target, target]), torch.cat([target, fake])).float()
        real_score, fake_score = scores.chunk(2)
        penalty = gradient_penalty(_caller(engine, name), target, target, fake, batch.mix)
        engine.log(f"{name}/gap", real_score.mean() - fake_score.mean())
        engine.log(f"{name}/gradient_penalty", penalty)
        return fake_score.mean() - real_score.mean() + self.config.reward.gradient_penalty * penalty

    def critic(self, batch: UpdateBatch, engine: Engine) -> Tensor:
        """(V(s, a) + r(s, a) - y)^2 with y = r(s, a) + gamma (1 - done) (V'(s', a') + r(s', a')), a' = pi'(s').

        The reward of the remembered action stands on both sides, so it is not computed; nor is its canvas, which is in
        the memory.
        """
        with torch.no_grad():
            state = batch.state([batch.next_canvas], self._progress(batch, 1), attends=self.config.attends)
            action = _caller(engine, "actor_slow")(state)
            last, _ = paint(batch.next_canvas, action, _caller(engine, "renderer"))
            value = self.value(_caller(engine, "critic_slow"), batch, batch.next_canvas, last, 2)
            following = value + _total(self.reward(engine)(batch, batch.next_canvas, last))
            target = self.config.agent.discount**self.config.model.strokes * (1 - batch.done) * following
        value = self.value(engine.networks["critic"], batch, batch.canvas, batch.next_canvas, 1)
        engine.log("value", value.mean())
        return functional.mse_loss(value, target)

    def actor(self, batch: Easels, engine: Engine) -> Tensor:
        """-(V + r) of the actor's own action; the gradient runs through renderer, critic and slow D, which stay."""
        return -self.worth(batch, self.action(batch, engine), engine).mean()

    def action(self, batch: Easels, engine: Engine) -> Tensor:
        """The actor's, (b, params)."""
        state = batch.state([batch.canvas], self._progress(batch, 0), attends=self.config.attends)
        return engine.networks["actor"](state)

    def attention(self, batch: Easels, engine: Engine) -> Tensor:
        """-(V + r) through the actor's attention channel, anchored to what S2 had learned.

        Without the anchor attention collapses: it pays to attend to nothing, or to everything.
        """
        # With the running means of S2: as it is used for painting, and so that the anchor does not move.
        self.networks["attention"].eval()
        self.networks["attention_reference"].eval()
        attention = engine.networks["attention"](batch.target).float().sigmoid()
        with torch.no_grad():
            anchor = _caller(engine, "attention_reference")(batch.target).float().sigmoid()
        seen = dataclasses.replace(batch, attention=attention)
        with engine.frozen("actor") as actor:
            action = actor(seen.state([batch.canvas], self._progress(batch, 0), attends=True))
        closeness = functional.binary_cross_entropy(attention.clamp(1e-6, 1 - 1e-6), anchor)
        drift = (attention.mean() - anchor.mean()).abs()
        engine.log("attention/cross_entropy", closeness)
        engine.log("attention/drift", drift)
        return -self.worth(batch, action, engine).mean() + closeness + drift

    def worth(self, batch: Easels, action: Tensor, engine: Engine) -> Float[Tensor, "b 1"]:
        """V + r of an action; r alone where nobody looks ahead."""
        canvas, _ = paint(batch.canvas, action, _caller(engine, "renderer"))
        terms = self.reward(engine)(batch, batch.canvas, canvas)
        for name, term in terms.items():
            engine.log(f"reward/{name}", term.mean())
        if not self.config.looks_ahead:
            return _total(terms)
        with engine.frozen("critic") as critic:
            value = self.value(critic, batch, batch.canvas, canvas, 1)
        return value + _total(terms)

    def value(
        self, critic: Callable[[Tensor], Tensor], batch: Easels, before: Tensor, after: Tensor, steps: int
    ) -> Float[Tensor, "b 1"]:
        """V of an action, by the canvases before and after it; `steps` is how far the canvas after it has moved on."""
        return critic(batch.state([before, after], self._progress(batch, steps), attends=self.config.attends)).float()

    def _progress(self, batch: Easels, ahead: int) -> Float[Tensor, " b"]:
        return (batch.step + ahead) / self.config.agent.steps


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, *, tau: float) -> None:
    """Move the slow copy's parameters by a share `tau` towards the fast ones; buffers are copied.

    Buffers are batch norm's running means. Sharing or forgetting them makes the copy depend on the device it is on.
    """
    torch._foreach_lerp_(list(slow.parameters()), list(fast.parameters()), tau)
    for mine, theirs in zip(slow.buffers(), fast.buffers(), strict=True):
        mine.copy_(theirs)


def _caller(engine: Engine, name: str) -> Callable[..., Tensor]:
    """A network without DDP, under this run's precision, as a function."""

    def call(*inputs: Tensor) -> Tensor:
        with engine.unwrapped(name) as network:
            return network(*inputs)

    return call


def _total(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum(dim=0)
