"""What systems declare of themselves, and how it is found."""

from __future__ import annotations

import dataclasses

import pytest

from limner import registry
from limner.metrics.tables import table_names
from limner.task import Task


@pytest.mark.parametrize("name", registry.system_names())
def test_every_system_declares_what_it_is_about(name: str) -> None:
    task = registry.task(name)
    assert isinstance(task, Task) and task.conditions
    assert not set(task.needs) & set(task.uses)
    assert set(task.tables) <= set(table_names())


@pytest.mark.parametrize("name", registry.system_names())
def test_its_data_options_are_settings_of_its_data(name: str) -> None:
    """`train` and `data check --system` put them there."""
    options = registry.task(name).data_options
    assert set(options) <= {field.name for field in dataclasses.fields(registry.preset(name, "smoke").dataset)}


@pytest.mark.parametrize("name", registry.system_names())
def test_every_stage_has_a_preset_of_every_size(name: str) -> None:
    presets = registry.presets(name)
    for size in ("paper", "gpu", "cpu", "smoke"):
        stages = registry.stage_presets(name, size)
        assert list(stages) == list(registry.task(name).stages)
        for stage, preset in stages.items():
            assert registry.preset(name, preset).stage.name == stage
    staged = {
        preset for size in ("paper", "gpu", "cpu", "smoke") for preset in registry.stage_presets(name, size).values()
    }
    assert not staged or staged == set(presets), "a preset trains no stage"


@pytest.mark.parametrize("name", registry.system_names())
def test_published_settings_and_smoke_are_in_float32_everywhere(name: str) -> None:
    """Decision 3: as published, and so that no test depends on the processor."""
    for preset in registry.presets(name):
        if preset.partition("-")[0] in ("paper", "smoke"):
            assert registry.preset(name, preset).train.precision == "32-true", preset


def test_a_wrong_word_is_told_to_the_author() -> None:
    with pytest.raises(ValueError, match='needs has "pictures", but may have image, label_map'):
        Task(gives="picture", needs=("pictures",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='gives has "movie"'):
        Task(gives="movie")  # type: ignore[arg-type]


def test_about_is_a_sentence() -> None:
    task = Task(gives="clip", needs=("image", "audio", "landmarks"), uses=("captions",))
    assert task.about() == ("learns from pictures, sound and landmarks (and captions where there are any); makes clips")
    assert dataclasses.replace(task, needs=("image",), uses=()).about() == "learns from pictures; makes clips"
