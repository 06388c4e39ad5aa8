"""Energy at the finest scale against worked-out numbers."""

from __future__ import annotations

import pytest
import torch

from limner.metrics.energy import high_frequency_energy


def test_noise_alone_is_seen_by_the_energy_at_nyquist() -> None:
    size = 16
    columns = torch.arange(size)
    grid = (1 - 2 * (columns % 2)).float().expand(1, 3, size, size)  # alternates along rows
    assert high_frequency_energy(grid).item() == pytest.approx(1.0)
    ramp = (columns / size).float().expand(1, 3, size, size)
    assert high_frequency_energy(ramp).item() == pytest.approx(0.0, abs=1e-10)
