"""The pictures of a study's rows side by side, for systems of pose transfer."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from limner.data.size import Size
from limner.reproduce.run import Plan, open_data
from limner.reproduce.sheet import NUM_PICTURES, _of_pairs, comparison_sheet
from limner.reproduce.study import load_study
from limner.systems.adgan.presets import PRESETS as ADGAN_PRESETS
from limner.systems.adgan.system import ADGAN
from limner.systems.scagan.presets import PRESETS as SCAGAN_PRESETS
from limner.systems.scagan.system import SCAGAN
from tests.stick_people import write_stick_people


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_stick_people(tmp_path_factory.mktemp("people"), people=12, has_parsing=True)


def pipeline_of(system, preset, folder):
    torch.manual_seed(0)
    trained = system(preset, system.open_data(preset, folder).spec)
    return trained.pipeline(trained.networks)


def test_people_with_their_pose_the_true_picture_and_that_of_each_row(folder) -> None:
    first = pipeline_of(SCAGAN, SCAGAN_PRESETS["smoke"](), folder)
    other = pipeline_of(ADGAN, ADGAN_PRESETS["smoke"](), folder)
    manifest = other.open_data(folder)
    sheet = np.asarray(_of_pairs(manifest, {"SCA-GAN": first, "the same": first, "ADGAN": other}, Size(64, 44)))
    assert sheet.shape[0] == 6 * 66 - 2
    left = sheet.shape[1] - NUM_PICTURES * 46 + 2

    def tile(row: int, column: int) -> np.ndarray:
        return sheet[row * 66 : row * 66 + 64, left + column * 46 : left + column * 46 + 44].astype(int)

    for column in range(NUM_PICTURES):
        assert (tile(3, column) == tile(4, column)).all()
        assert abs(tile(3, column) - tile(5, column)).mean() > 1, "another system's"
        assert abs(tile(0, column) - tile(2, column)).mean() > 1, "another picture of the person"


def test_a_row_that_needs_more_of_the_data_than_the_first_is_shown_too(folder, tmp_path) -> None:
    """ADGAN needs body parsing, which SCA-GAN's own data have not read."""
    study = load_study("scagan-table")
    for name, system, presets in (("sca-gan", SCAGAN, SCAGAN_PRESETS), ("adgan", ADGAN, ADGAN_PRESETS)):
        run = tmp_path / f"{name}-0"
        pipeline_of(system, presets["smoke"](), folder).save_pretrained(run / "checkpoints" / "000000160")
        (run / "scores.json").write_text("{}")
    plan = Plan(study, folder, tmp_path, "smoke", 160, 1, (), 4, None, study.data_config())
    sheet = comparison_sheet(plan, open_data(plan))
    assert sheet is not None and Image.open(io.BytesIO(sheet)).height == 5 * 66 - 2
