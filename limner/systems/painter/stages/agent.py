"""S3 and S4: the agent learns to paint by model-based DDPG; in S4 the attention network learns with it.

The rule is that of Huang et al. 2019 (arXiv:1903.04411, Sec. 3.3): the critic values the canvas after an action, the
action reaches it only through the differentiable renderer, and the reward of a replayed action is computed anew with
the discriminator's slow copy. One iteration of the engine is a round of episodes, one for each picture of the batch,
and then the updates. An agent without memory learns from every action as it is played, which needs neither critic nor
discriminator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from limner.engine.engine import Engine
from limner.engine.ranks import gather_named
from limner.engine.stages import Stage, copy_weights
from limner.errors import WeightsError
from limner.systems.painter.config import UNTRAINED, PainterConfig
from limner.systems.painter.data import collate_scenes, feature_function, usable_features
from limner.systems.painter.environment import (
    Draw,
    Easels,
    ExactRenderer,
    Replay,
    Scene,
    Transitions,
    episode,
    paint,
    resized,
    to_bytes,
)
from limner.systems.painter.networks import NUM_PARAMS, Actor, fingerprint
from limner.systems.painter.reward import Reward, gradient_penalty
from limner.systems.painter.stages.parts import (
    SAMPLE_ROWS,
    adam_of,
    frozen_network,
    load_parts,
    new_network,
    same_renderer,
)
from limner.systems.painter.strokes import parse_color
from limner.systems.painter.weight_map import usable_attention, weighted_distance

_SHARES = (0.25, 0.5, 1.0)  # of an episode, at which it is scored
_SAMPLE_STROKES = (5, 20, 50, 200)  # canvases of the sample grids
_GAP_PICTURES = 4
_WHOLE = 0.3  # share of the pictures that are not cut
_BLURS = range(3, 9)  # pixels a side that are left of a picture that an episode begins with


@dataclass
class UpdateBatch(Transitions):
    """Transitions with the random draws of one update."""

    mix: Float[Tensor, "b 1 1 1"]
    """Share of the real picture in the gradient penalty's point."""


class AgentStage(Stage[PainterConfig, Scene]):
    """Actor, critic and discriminators, with slow copies, a frozen renderer, attention, and the replay memory."""

    def __init__(self, config: PainterConfig) -> None:
        super().__init__(config)
        self.attends = config.model.attention != "none"
        self.is_joint = config.stage.name == "joint"
        self.discriminators = [
            name
            for name, weight in (
                ("discriminator", config.reward.weight_gan),
                ("foreground", config.reward.weight_foreground),
            )
            if weight > 0
        ]
        self.looks_ahead = config.agent.discount > 0
        self.learners = ["actor", *(["critic"] if self.looks_ahead else []), *self.discriminators]
        self.slow = (
            self.learners if self.looks_ahead else self.discriminators
        )  # only the critic's target asks the actor's
        self.blank_color = torch.tensor(parse_color(config.agent.canvas)).float() / 255
        self._build()
        self.replay: Replay | None = None
        self.easels: Easels | None = None
        self.rounds = 0

    def _build(self) -> None:
        config = self.config
        networks = self.networks
        networks["renderer"] = frozen_network("renderer", config)
        if config.model.attention == "network":
            networks["attention"] = frozen_network("attention", config)
        for name in self.learners:
            networks[name] = new_network(name, config)
        if config.stage.agent is not None:
            self._continue_agent(config.stage.agent)
        known = UNTRAINED not in (config.stage.renderer, config.stage.agent) and self.missing() is None
        actor = networks["actor"]
        assert isinstance(actor, Actor)  # tells the type checker
        actor.config["renderer_hash"] = fingerprint(networks["renderer"]) if known else ""
        actor.config["features"] = usable_features(config.dataset)
        actor.config |= {name: getattr(config.reward, name) for name in ("weighting", "epsilon", "kappa")}
        for name in self.slow:
            networks[f"{name}_slow"] = new_network(name, config).requires_grad_(False)
            networks[f"{name}_slow"].load_state_dict(networks[name].state_dict())
        if self.is_joint and "attention" in networks:
            reference = new_network("attention", config).requires_grad_(False)
            reference.load_state_dict(networks["attention"].state_dict())
            networks["attention_reference"] = reference
            networks["attention"].requires_grad_(True)

    def _continue_agent(self, source: str) -> None:
        """Take over what another agent's run has learned, its renderer and attention too where none is named.

        Raises:
            WeightsError: if it was trained with another renderer, unless --stage.force says so.
        """
        parts = load_parts(source)
        stage = self.config.stage
        for name in ("renderer", "attention"):
            if name in self.networks and getattr(stage, name) is None:
                copy_weights(self.networks[name], parts, name, source)
        copy_weights(self.networks["actor"], parts, "actor", source)
        for name in self.learners[1:]:
            if name in parts:  # only run folders have them
                copy_weights(self.networks[name], parts, name, source)
        if not stage.force and not same_renderer(parts["actor"], self.networks["renderer"]):
            raise WeightsError(
                f"The agent of {source} was trained with another renderer than {stage.renderer}; leave "
                "--stage.renderer out to keep its own, or insist with --stage.force true."
            )

    def missing(self) -> str | None:
        """Says which earlier stage is not there."""
        stage = self.config.stage
        if stage.name == "joint" and stage.agent is None:
            return "Stage joint needs a trained agent: name its run with --stage.agent."
        if stage.renderer is None and stage.agent is None:
            return (
                "The agent needs a trained renderer: train one with a preset whose name ends in -renderer, and name "
                "its run with --stage.renderer."
            )
        if self.config.model.attention == "network" and stage.attention is None and stage.agent is None:
            return (
                "The agent needs a trained attention network: train one with a preset whose name ends in -attention, "
                "and name its run with --stage.attention; or choose --model.attention labels or none."
            )
        return None

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam each."""
        return adam_of(self.networks, self.learning_rates())

    def learning_rates(self) -> dict[str, tuple[float, tuple[float, float]]]:
        """Actor, critic, discriminators, and in S4 the attention network."""
        options = self.config.optimizer
        rates = {"actor": (options.lr_actor, (0.9, 0.999))}
        if self.looks_ahead:
            rates["critic"] = (options.lr_critic, (0.9, 0.999))
        rates |= dict.fromkeys(self.discriminators, (options.lr_discriminator, (0.5, 0.999)))
        if "attention_reference" in self.networks:
            rates["attention"] = (options.lr_attention_joint, (0.9, 0.999))
        return rates

    def training_step(self, batch: Scene, engine: Engine) -> None:
        """A round of episodes into the memory, then the updates; or actions and updates in turn."""
        scene = self._recolored(self._cut(self._attended(batch, self.networks), engine), engine)
        if self.config.agent.replay_episodes == 0:
            self._paint_and_learn(scene, engine)
            return
        self._play(scene, engine)
        if self.rounds > self.config.agent.warmup_episodes:
            for number in range(self.config.agent.updates):
                self._update(engine, number)

    @torch.no_grad()
    def _attended(self, scene: Scene, networks: dict[str, nn.Module]) -> Scene:
        """The scene with attention from the network, if that is where it comes from."""
        attention = scene.attention
        if "attention" in networks:
            small = resized(scene.target, self.config.model.image_size)
            attention = resized(networks["attention"].eval()(small).float().sigmoid(), scene.target.shape[-1])
        return dataclasses.replace(scene, attention=usable_attention(attention)[0])

    def _cut(self, scene: Scene, engine: Engine) -> Scene:
        """Random squares of pictures that are larger than the networks see them, at the networks' size.

        The passes over tiles see the same: attention to the whole picture, features of the tile. They alone put 1 in
        the place of a tile's attention that says nothing (`painting._Easel._scene`).
        """
        size, full = self.config.model.image_size, scene.target.shape[-1]
        if full == size:
            return scene
        draws = engine.rand(len(scene), 4, purpose="views").tolist()
        rows = []
        for row, (whole, log_side, down, right) in zip(scene.chunk(len(scene)), draws, strict=True):
            side = full if whole < _WHOLE else round(size * (full / size) ** log_side)
            top, left = (int(place * (full - side + 1)) for place in (down, right))
            box = (..., slice(top, top + side), slice(left, left + side))
            rows.append([resized(part[box], size) for part in (row.target, row.attention)])
        target, attention = (torch.cat(parts) for parts in zip(*rows, strict=True))
        return Scene(target, attention, self._features(target))

    def _recolored(self, scene: Scene, engine: Engine) -> Scene:
        """Scenes of which the share `exchange` has its colour channels in another order."""
        share = self.config.dataset.exchange
        if share == 0:
            return scene
        draws = engine.rand(len(scene), 4, purpose="colours")
        order = torch.where(draws[:, :1] < share, draws[:, 1:].argsort(dim=1), torch.arange(3, device=draws.device))
        rows = torch.arange(len(scene), device=draws.device)[:, None]
        return dataclasses.replace(scene, target=scene.target[rows, order])

    def _whole(self, scene: Scene) -> Scene:
        """The same of whole pictures."""
        size = self.config.model.image_size
        if scene.target.shape[-1] == size:
            return scene
        target = resized(scene.target, size)
        return Scene(target, resized(scene.attention, size), self._features(target))

    @cached_property
    def _find_features(self) -> Callable[[Tensor], Tensor]:
        actor: Any = self.networks["actor"]
        return feature_function(actor.config["features"], self.config.dataset.vgg16)

    def _features(self, target: Tensor) -> Tensor:
        return self._find_features(target.cpu()).to(target.device)

    def _blank(self, scene: Scene) -> Tensor:
        return self.blank_color.to(scene.target)[None, :, None, None].expand_as(scene.target)

    def _beginning(self, scene: Scene, engine: Engine) -> Tensor:
        """Canvases that episodes begin with: empty ones, and blurs for the share `begun`."""
        canvas, share = self._blank(scene), self.config.agent.begun
        if share == 0:
            return canvas
        is_begun, coarseness = engine.rand(len(scene), 2, purpose="beginnings").view(-1, 2, 1, 1, 1).unbind(1)
        size = canvas.shape[-1]
        for number, side in enumerate(_BLURS):
            small = functional.interpolate(scene.target, (side, side), mode="area")
            blur = functional.interpolate(small, (size, size), mode="bicubic", align_corners=False).clamp(0, 1)
            is_chosen = (is_begun < share) & ((coarseness * len(_BLURS)).long() == number)
            canvas = torch.where(is_chosen, blur, canvas)
        return canvas

    def _brush(self) -> Draw:
        """What paints the episodes."""
        if self.config.agent.brush == "exact":
            return ExactRenderer(self.config.model.image_size)
        return self.networks["renderer"]

    def _paint_and_learn(self, scene: Scene, engine: Engine) -> None:
        """As many actions as an episode has, each with an update on the very canvases that it was for.

        The easels are at different steps, so that every update sees the whole of an episode; each of them comes to an
        end of its own once in an iteration, and then takes its row of the new pictures.
        """
        steps = self.config.agent.steps
        beginning = self._beginning(scene, engine)
        fresh = Easels(**vars(scene), canvas=beginning, step=torch.zeros(len(scene), device=beginning.device))
        if self.easels is None:
            spread = torch.arange(len(scene), device=beginning.device) * steps // len(scene)
            self.easels = dataclasses.replace(fresh, step=spread.float())
        for _ in range(steps):
            easels = self.easels
            actions: list[Tensor] = []
            if self.is_joint:
                easels = dataclasses.replace(easels, attention=self._attended(easels, self.networks).attention)

            def loss(part: Easels, actions: list[Tensor] = actions) -> Tensor:
                action = self._action(part, engine)
                actions.append(action.detach().float())
                return -self._worth(part, action, engine).mean()

            engine.update("actor", loss, easels)
            if "attention_reference" in self.networks:
                engine.update("attention", lambda part: self.attention_loss(part, engine), easels)
            with torch.no_grad():
                canvas, _ = paint(easels.canvas, torch.cat(actions), self._brush())
            is_last = easels.step == steps - 1
            if is_last.any():
                engine.log("episode/mse", (canvas - easels.target)[is_last].square().mean())
            self.easels = easels.after(canvas, steps, fresh)
        engine.log("episode/attention", scene.attention.mean())

    def _play(self, scene: Scene, engine: Engine) -> None:
        config = self.config.agent
        memory = self._memory()
        noise = None
        if config.noise > 0:
            size = (len(scene), config.steps, self.config.model.strokes * NUM_PARAMS)
            spread = config.noise * engine.rand(len(scene), 1, 1, purpose="exploration")
            noise = spread * engine.randn(*size, purpose="exploration noise")
        beginning = self._beginning(scene, engine)
        canvas, canvases, actions = beginning, [to_bytes(beginning)], []
        networks = self.networks
        networks["actor"].eval()  # the policy that will be published acts; updates use the batch's statistics
        with engine.fabric.autocast():
            for action, canvas in episode(
                scene,
                beginning,
                networks["actor"],
                self._brush(),
                steps=config.steps,
                attends=self.attends,
                noise=noise,
            ):
                actions.append(action)
                canvases.append(to_bytes(canvas))
        networks["actor"].train()
        memory.add(scene, torch.stack(canvases, dim=1), torch.stack(actions, dim=1))
        self.rounds += 1
        engine.log("episode/mse", (canvas - scene.target).square().mean())
        engine.log("episode/attention", scene.attention.mean())

    def _memory(self) -> Replay:
        if self.replay is None:  # made when it is first needed: it may be gigabytes
            self.replay = Replay(
                self.config.agent.replay_episodes,
                steps=self.config.agent.steps,
                size=self.config.model.image_size,
                num_params=self.config.model.strokes * NUM_PARAMS,
            )
        return self.replay

    def _update(self, engine: Engine, number: int) -> None:
        """One update of everything on remembered transitions."""
        size = self.config.agent.batch_size
        draws = engine.rand(size, 2, purpose=f"replay {number}")
        found = self._memory().sample(draws, engine.fabric.device)
        if self.is_joint:
            found = dataclasses.replace(found, attention=self._attended(found, self.networks).attention)
        mix = engine.rand(size, 1, 1, 1, purpose=f"gradient penalty {number}")
        batch = UpdateBatch(**vars(found), mix=mix)
        for name in self.discriminators:
            engine.update(name, partial(self.discriminator_loss, engine=engine, name=name), batch)
        if self.looks_ahead:
            engine.update("critic", lambda part: self.critic_loss(part, engine), batch)
        engine.update("actor", lambda part: self.actor_loss(part, engine), batch)
        if "attention_reference" in self.networks:
            engine.update("attention", lambda part: self.attention_loss(part, engine), batch)
        for name in self.slow:
            follow(self.networks[f"{name}_slow"], self.networks[name], tau=self.config.agent.tau)

    def reward(self, engine: Engine) -> Reward:
        """The reward by the slow discriminators."""
        slow = {name: _caller(engine, f"{name}_slow") for name in self.discriminators}
        return Reward(self.config.reward, slow.get("discriminator"), slow.get("foreground"), self.blank_color)

    def discriminator_loss(self, batch: UpdateBatch, engine: Engine, name: str) -> Tensor:
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

    def critic_loss(self, batch: UpdateBatch, engine: Engine) -> Tensor:
        """(V(s, a) + r(s, a) - y)^2 with y = r(s, a) + gamma (1 - done) (V'(s', a') + r(s', a')), a' = pi'(s').

        The reward of the remembered action stands on both sides, so it is not computed; nor is its canvas, which is in
        the memory.
        """
        with torch.no_grad():
            state = batch.state([batch.next_canvas], self._progress(batch, 1), attends=self.attends)
            action = _caller(engine, "actor_slow")(state)
            last, _ = paint(batch.next_canvas, action, _caller(engine, "renderer"))
            value = self._value(_caller(engine, "critic_slow"), batch, batch.next_canvas, last, 2)
            following = value + _total(self.reward(engine)(batch, batch.next_canvas, last))
            target = self.config.agent.discount**self.config.model.strokes * (1 - batch.done) * following
        value = self._value(engine.networks["critic"], batch, batch.canvas, batch.next_canvas, 1)
        engine.log("value", value.mean())
        return functional.mse_loss(value, target)

    def actor_loss(self, batch: Easels, engine: Engine) -> Tensor:
        """-(V + r) of the actor's own action; the gradient runs through renderer, critic and slow D, which stay."""
        return -self._worth(batch, self._action(batch, engine), engine).mean()

    def _action(self, batch: Easels, engine: Engine) -> Tensor:
        return engine.networks["actor"](batch.state([batch.canvas], self._progress(batch, 0), attends=self.attends))

    def attention_loss(self, batch: Easels, engine: Engine) -> Tensor:
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
        return -self._worth(batch, action, engine).mean() + closeness + drift

    def _worth(self, batch: Easels, action: Tensor, engine: Engine) -> Float[Tensor, "b 1"]:
        """V + r of an action; r alone where nobody looks ahead."""
        canvas, _ = paint(batch.canvas, action, _caller(engine, "renderer"))
        terms = self.reward(engine)(batch, batch.canvas, canvas)
        for name, term in terms.items():
            engine.log(f"reward/{name}", term.mean())
        if not self.looks_ahead:
            return _total(terms)
        with engine.frozen("critic") as critic:
            value = self._value(critic, batch, batch.canvas, canvas, 1)
        return value + _total(terms)

    def _value(
        self, critic: Callable[[Tensor], Tensor], batch: Easels, before: Tensor, after: Tensor, steps: int
    ) -> Float[Tensor, "b 1"]:
        return critic(batch.state([before, after], self._progress(batch, steps), attends=self.attends)).float()

    def _progress(self, batch: Easels, ahead: int) -> Float[Tensor, " b"]:
        return (batch.step + ahead) / self.config.agent.steps

    def fixed_inputs(self, dataset: Any) -> Scene:
        """The first held-out pictures."""
        return collate_scenes([dataset[index] for index in range(min(SAMPLE_ROWS, len(dataset)))])

    def sample(self, fixed: Scene, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a picture: the picture, a and w where there are any, the canvas after some numbers of strokes."""
        scene = self._whole(self._attended(fixed, networks))
        columns = [scene.target]
        if self.attends:
            weights = Reward(self.config.reward, None, None, self.blank_color).weights(scene)
            columns += [part.expand(-1, 3, -1, -1) for part in (scene.attention, weights)]
        steps, strokes = self.config.agent.steps, self.config.model.strokes
        wanted = sorted({min(steps, max(1, number // strokes)) for number in _SAMPLE_STROKES} | {steps})
        canvases = [canvas for _, canvas in self._episode(scene, networks)]
        columns += [canvases[step - 1] for step in wanted]
        return torch.stack(columns, dim=1) * 2 - 1

    def validate(self, batches: Iterable[Scene], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Errors at a quarter, half and the whole of the episode, the brush inside and outside the subject.

        `error` is the weighted distance at the end, which is what the agent is trained for; `mse` weighs all alike.
        `reward_fm` is the sum of r_fm over an episode, 1 for a perfect one; `renderer_gap` the squared difference
        between what the renderer painted and what the exact brush would have, of the first pictures.
        """
        scores: dict[str, list[Tensor]] = {}
        weigh = Reward(self.config.reward, None, None, self.blank_color).weights

        def note(name: str, value: Tensor) -> None:
            scores.setdefault(name, []).append(value.flatten().double().cpu())

        for batch in batches:
            scene = self._whole(self._attended(batch, networks))
            weights, inside = weigh(scene), (scene.attention > 0.5).float()
            radius = [torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)]
            marks = {max(1, round(share * self.config.agent.steps)): share for share in _SHARES}
            believed = exact = self._blank(scene)[:_GAP_PICTURES]
            for step, (action, canvas) in enumerate(self._episode(scene, networks), start=1):
                if "renderer_gap" not in scores:
                    exact, _ = paint(exact, action[:_GAP_PICTURES], ExactRenderer(exact.shape[-1]))
                    believed, _ = paint(believed, action[:_GAP_PICTURES], networks["renderer"])
                _add_radii(radius, action.view(len(action), -1, NUM_PARAMS), inside)
                if step not in marks:
                    continue
                suffix = f"_at_{round(100 * marks[step])}"
                square = (canvas - scene.target).square().mean(dim=1, keepdim=True)
                note(f"mse{suffix}", square.mean(dim=(1, 2, 3)))
                note(f"error{suffix}", weighted_distance(canvas, scene.target, weights))
                for name, part in (("foreground", inside), ("background", 1 - inside)):
                    shown = part.sum(dim=(1, 2, 3)) > 0
                    note(f"mse_{name}{suffix}", ((part * square).sum((1, 2, 3)) / part.sum((1, 2, 3)))[shown])
            if "renderer_gap" not in scores:
                note("renderer_gap", (believed - exact).square().mean(dim=(1, 2, 3)))
            blank = weighted_distance(self._blank(scene), scene.target, weights)
            note("reward_fm", 1 - weighted_distance(canvas, scene.target, weights) / (blank + 1e-8))
            note("attention", scene.attention.mean(dim=(1, 2, 3)))
            for name, (total, count) in zip(("foreground", "background"), radius, strict=True):
                note(f"radius_{name}", (total / count)[None] if count > 0 else torch.empty(0))
        found = gather_named(scores)
        found["renderer_gap"] = found["renderer_gap"][:_GAP_PICTURES]  # of the first pictures, whoever had them
        means = {name: float(rows.mean()) for name, rows in found.items()}
        means["error"], means["mse"] = means["error_at_100"], means["mse_at_100"]
        return means

    def _episode(self, scene: Scene, networks: dict[str, nn.Module]) -> Iterable[tuple[Tensor, Tensor]]:
        return episode(
            scene,
            self._blank(scene),
            networks["actor"],
            self._brush(),
            steps=self.config.agent.steps,
            attends=self.attends,
        )

    def state_dict(self) -> dict[str, Any]:
        """The memory, how many rounds were played, and what is on the easels."""
        return {
            "rounds": self.rounds,
            "replay": None if self.replay is None else self.replay.state_dict(),
            "easels": None if self.easels is None else dict(vars(self.easels)),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore memory and easels."""
        self.rounds = state["rounds"]
        if state["easels"] is not None:
            device = next(self.networks["actor"].parameters()).device  # checkpoints are read to the CPU
            self.easels = Easels(**state["easels"]).to(device)
        if state["replay"] is not None:
            self._memory().load_state_dict(state["replay"])


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


def _add_radii(radius: list[Tensor], strokes: Float[Tensor, "b n 13"], inside: Float[Tensor, "b 1 h w"]) -> None:
    """Add mean radii (as fractions of the side) and counts of strokes whose middle lies inside and outside."""
    side = inside.shape[-1]
    middle = (strokes[..., [0, 1]] + strokes[..., [4, 5]]) / 2  # of the ends; the control point moves it little
    places = (middle * side).long().clamp(0, side - 1)
    rows = torch.arange(len(strokes), device=strokes.device)[:, None]
    is_inside = inside[rows, 0, places[..., 0], places[..., 1]] > 0
    size = strokes[..., 6:8].mean(dim=-1) / 4
    for part, chosen in zip(radius, (is_inside, ~is_inside), strict=True):
        part += torch.stack([size[chosen].double().sum(), chosen.sum().double()]).cpu()
