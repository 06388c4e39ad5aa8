"""Compared systems are trained under equal conditions."""

from __future__ import annotations

import pytest

from limner import registry


@pytest.mark.parametrize("system", ["attngan", "hdgan", "stackgan"])
@pytest.mark.parametrize("size", ["gpu", "cpu"])
def test_compared_systems_see_the_same(system: str, size: str) -> None:
    ours, theirs = registry.preset("hfgan", size), registry.preset(system, size)
    for section in ("text", "dataset", "augment", "train"):
        assert getattr(theirs, section) == getattr(ours, section), section
    assert theirs.model.image_size == ours.model.image_size
