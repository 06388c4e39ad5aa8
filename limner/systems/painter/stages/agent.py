"""S3 and S4: the agent learns to paint by model-based DDPG; in S4 the attention network learns with it.

The rule is that of Huang et al. 2019 (arXiv:1903.04411, Sec. 3.3): the critic values the canvas after an action, the
action reaches it only through the differentiable renderer, and the reward of a replayed action is computed anew with
the discriminator's slow copy. One iteration of the engine is a round of episodes, one for each picture of the batch,
and then the updates. An agent without memory learns from every action as it is played, which needs neither critic nor
discriminator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from limner.engine.engine import Engine
from limner.engine.stages import Stage, copy_weights
from limner.errors import WeightsError
from limner.systems.painter.config import UNTRAINED, PainterConfig
from limner.systems.painter.data import collate_scenes, usable_features
from limner.systems.painter.environment import Draw, ExactRenderer, Scene
from limner.systems.painter.networks import Actor, fingerprint
from limner.systems.painter.stages.losses import Losses
from limner.systems.painter.stages.online import Online
from limner.systems.painter.stages.parts import (
    SAMPLE_ROWS,
    adam_of,
    frozen_network,
    load_parts,
    new_network,
    same_renderer,
)
from limner.systems.painter.stages.remembered import Remembered
from limner.systems.painter.stages.scores import Scores
from limner.systems.painter.stages.views import Views


class AgentStage(Stage[PainterConfig, Scene]):
    """Actor, critic and discriminators, with slow copies, a frozen renderer, attention, and the replay memory."""

    def __init__(self, config: PainterConfig) -> None:
        super().__init__(config)
        self.learners = ["actor", *(["critic"] if config.looks_ahead else []), *config.discriminators]
        self._build()
        actor = self.networks["actor"]
        assert isinstance(actor, Actor)  # tells the type checker
        self.views = Views(config, actor.config["features"])
        self.losses = Losses(config, self.networks, self.views.blank_color)
        brush: Draw = self.networks["renderer"]
        if config.agent.brush == "exact":
            brush = ExactRenderer(config.model.image_size)
        rule = Remembered if config.agent.replay_episodes else Online
        self.rule = rule(config, self.networks, self.views, self.losses, brush)
        self.scores = Scores(config, self.views, brush)

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
        # Only the critic's target asks the slow actor.
        for name in self.learners if config.looks_ahead else config.discriminators:
            networks[f"{name}_slow"] = new_network(name, config).requires_grad_(False)
            networks[f"{name}_slow"].load_state_dict(networks[name].state_dict())
        if config.stage.name == "joint" and "attention" in networks:
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
        if self.config.looks_ahead:
            rates["critic"] = (options.lr_critic, (0.9, 0.999))
        rates |= dict.fromkeys(self.config.discriminators, (options.lr_discriminator, (0.5, 0.999)))
        if "attention_reference" in self.networks:
            rates["attention"] = (options.lr_attention_joint, (0.9, 0.999))
        return rates

    def training_step(self, batch: Scene, engine: Engine) -> None:
        """Episodes and updates by the rule of this agent."""
        self.rule.step(self.views.training(batch, self.networks, engine), engine)

    def fixed_inputs(self, dataset: Any) -> Scene:
        """The first held-out pictures."""
        return collate_scenes([dataset[index] for index in range(min(SAMPLE_ROWS, len(dataset)))])

    def sample(self, fixed: Scene, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """Pictures, what weighs them, and how their paintings grow."""
        return self.scores.sample(fixed, networks)

    def validate(self, batches: Iterable[Scene], networks: dict[str, nn.Module]) -> dict[str, float]:
        """See `Scores.validate`."""
        return self.scores.validate(batches, networks)

    def state_dict(self) -> dict[str, Any]:
        """The memory, how many rounds were played, and what is on the easels."""
        return {"rounds": 0, "replay": None, "easels": None} | self.rule.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore memory and easels."""
        self.rule.load_state_dict(state)
