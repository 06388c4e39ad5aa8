"""How an agent is judged: whole episodes of held-out pictures, as numbers and as a grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.engine.ranks import gather_named
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.environment import Draw, ExactRenderer, Scene, episode, paint
from limner.systems.painter.networks import NUM_PARAMS
from limner.systems.painter.reward import Reward
from limner.systems.painter.stages.views import Views
from limner.systems.painter.weight_map import weighted_distance

_SHARES = (0.25, 0.5, 1.0)  # of an episode, at which it is scored
_SAMPLE_STROKES = (5, 20, 50, 200)  # canvases of the sample grids
_GAP_PICTURES = 4


class Scores:
    """Paints whole episodes of held-out pictures.

    Args:
        config: of the run.
        views: how pictures are shown.
        brush: what paints.
    """

    def __init__(self, config: PainterConfig, views: Views, brush: Draw) -> None:
        self.config, self.views, self.brush = config, views, brush

    def sample(self, fixed: Scene, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a picture: the picture, a and w where there are any, the canvas after some numbers of strokes."""
        scene = self._scene(fixed, networks)
        columns = [scene.target]
        if self.config.attends:
            columns += [part.expand(-1, 3, -1, -1) for part in (scene.attention, self._weights(scene))]
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

        def note(name: str, value: Tensor) -> None:
            scores.setdefault(name, []).append(value.flatten().double().cpu())

        for batch in batches:
            scene = self._scene(batch, networks)
            weights, inside = self._weights(scene), (scene.attention > 0.5).float()
            radius = [torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)]
            marks = {max(1, round(share * self.config.agent.steps)): share for share in _SHARES}
            believed = exact = self.views.blank(scene)[:_GAP_PICTURES]
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
            blank = weighted_distance(self.views.blank(scene), scene.target, weights)
            note("reward_fm", 1 - weighted_distance(canvas, scene.target, weights) / (blank + 1e-8))
            note("attention", scene.attention.mean(dim=(1, 2, 3)))
            for name, (total, count) in zip(("foreground", "background"), radius, strict=True):
                note(f"radius_{name}", (total / count)[None] if count > 0 else torch.empty(0))
        found = gather_named(scores)
        found["renderer_gap"] = found["renderer_gap"][:_GAP_PICTURES]  # of the first pictures, whoever had them
        means = {name: float(rows.mean()) for name, rows in found.items()}
        means["error"], means["mse"] = means["error_at_100"], means["mse_at_100"]
        return means

    def _scene(self, pictures: Scene, networks: dict[str, nn.Module]) -> Scene:
        return self.views.whole(self.views.attended(pictures, networks))

    def _weights(self, scene: Scene) -> Tensor:
        return Reward(self.config.reward, None, None, self.views.blank_color).weights(scene)

    def _episode(self, scene: Scene, networks: dict[str, nn.Module]) -> Iterator[tuple[Tensor, Tensor]]:
        return episode(
            scene,
            self.views.blank(scene),
            networks["actor"],
            self.brush,
            steps=self.config.agent.steps,
            attends=self.config.attends,
        )


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
