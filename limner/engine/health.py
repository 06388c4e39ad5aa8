"""Early warnings of a GAN that is going wrong, from the averages that the run logs anyway.

A system logs what it can measure under fixed names, and only what is logged is judged:

`critic_accuracy`           share of (real, fake) pairs in which the discriminator scores the real one higher
`gradient_norm/<network>`   L2 norm before clipping (logged by the engine)
`diversity`                 mean difference of fixed samples that share everything but the latent
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

PATIENCE = 5  # consecutive log intervals; single intervals cross these lines in healthy runs too


class HealthMonitor:
    """Keeps the last `PATIENCE` values of each series and says in words what they mean together."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=PATIENCE))

    def check(self, metrics: dict[str, float]) -> list[str]:
        """Add one interval's averages; the warnings that hold now (empty when all is well)."""
        warnings = []
        for name, value in metrics.items():
            if name not in ("critic_accuracy", "diversity") and not name.startswith("gradient_norm/"):
                continue
            self._recent[name].append(value)
            values = self._recent[name]
            if len(values) < PATIENCE:
                continue
            if name == "critic_accuracy":
                if min(values) > 0.995:
                    warnings.append("the discriminator tells every fake from every real: the generator may be stuck")
                elif max(values) < 0.005:
                    warnings.append("the discriminator ranks every fake above every real: its updates do not work")
                elif abs(sum(values) / PATIENCE - 0.5) < 0.05:
                    warnings.append("the discriminator is at chance: it learns nothing the generator could follow")
            if name.startswith("gradient_norm/") and max(values) < 1e-7:
                warnings.append(f"gradients of {name.partition('/')[2]} have vanished (norm below 1e-7)")
            if name == "diversity" and max(values) < 0.005:
                warnings.append("mode collapse: latents no longer change the picture (mean difference below 0.005)")
        return warnings

    def state_dict(self) -> dict[str, Any]:
        """The series, for the checkpoint."""
        return {name: list(values) for name, values in self._recent.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the series."""
        for name, values in state.items():
            self._recent[name].extend(values)
