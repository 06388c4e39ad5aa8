"""Training of PATN on stick people."""

from __future__ import annotations

import torch

from limner.systems.patn.presets import PRESETS
from limner.systems.patn.system import PATN
from tests.pose_steps import check_steps
from tests.stick_people import write_stick_people


def test_a_step_changes_every_network_and_repeats_to_the_bit(tmp_path):
    check_steps(PATN, PRESETS["smoke"](), tmp_path, logged={"loss/adversarial", "loss/l1", "loss/perceptual"})


def test_joints_are_pixels_or_gaussians(tmp_path):
    folder, config = write_stick_people(tmp_path), PRESETS["smoke"]()
    system = PATN(config, PATN.open_data(config, folder).spec)
    points = torch.full((1, 18, 2), float("nan"))
    points[0, 4] = torch.tensor([10.0, 20.0])
    maps = system.heatmaps(points)
    assert maps.sum() == 1 and maps[0, 4, 20, 10] == 1
