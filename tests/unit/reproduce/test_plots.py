"""Plots of a record: a panel for each column that somebody measured, five side by side."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from limner.reproduce import plots
from limner.reproduce.study import load_study

pytest.importorskip("matplotlib")
STUDY = load_study("hfgan-tables")


@pytest.mark.parametrize("make", [plots.curves, plots.bars])
@pytest.mark.parametrize(("measured", "size"), [(2, (640, 288)), (5, (1600, 288)), (7, (1600, 576)), (0, (1600, 576))])
def test_columns_that_nobody_measured_have_no_panel(make, measured: int, size: tuple[int, int]) -> None:
    values = dict.fromkeys(list(STUDY.columns)[:measured], 0.5) | {"inception_score": None}
    record = {"results": {"HfGAN": [{"10": values}, {"10": values}], "AttnGAN": []}, "seeds": {"HfGAN": [0, 1]}}
    with Image.open(io.BytesIO(make(STUDY, {**record, "budget": 10}))) as found:
        assert found.size == size
