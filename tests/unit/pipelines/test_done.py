"""The one rule: is what is asked for there already? And what files say of how they came about."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from limner.errors import ConfigError, DataError
from limner.media import Clip, Picture
from limner.plan import GenerationPlan
from limner.provenance import EDITED_MEDIA, IPTC_COMPOSITE, IPTC_SOURCE_TYPE, SYNTHETIC_MEDIA
from limner.results import Beside, GenerationResult, state_of

MADE_BY = {"system": "toy", "weights": "toy-32", "weights_hash": "0" * 64, "limner": "0", "torch": "0"}


def make(**changes: Any) -> GenerationResult:
    words = {"seeds": [None, None], "settings": {"mode": "toy"}, "conditions": {}, "names": ["left", "right"]}
    plan = GenerationPlan(**{**words, **changes})
    return GenerationResult([Picture(Image.new("RGB", (8, 6), "red"))] * len(plan.seeds), plan, MADE_BY)


def note(path: Path, *, asked: Any = True, text: str = "text") -> Beside:
    return Beside(path, asked, lambda result, place: place.write_text(text))


def test_done_again_and_foreign(tmp_path: Path) -> None:
    result = make()
    state = lambda **words: state_of(tmp_path, result.plan, MADE_BY, **words).state  # noqa: E731
    assert state() == "again"
    paths = result.save(tmp_path)
    assert [path.name for path in paths] == ["left.png", "right.png"] and state() == "done"
    other = make(settings={"mode": "other"})
    found = state_of(tmp_path, other.plan, MADE_BY)
    assert found.state == "foreign" and "result of another request" in found.why
    paths[0].unlink()
    assert state() == "again"


def test_files_beside_are_noted_with_how_they_were_asked_for(tmp_path: Path) -> None:
    result, mine = make(), tmp_path / "notes" / "mine.txt"
    state = lambda *beside: state_of(tmp_path / "out", result.plan, MADE_BY, beside=beside).state  # noqa: E731
    result.save(tmp_path / "out", beside=[note(mine, asked=[25, None])])
    assert state(note(mine, asked=[25, None])) == "done"
    assert state(note(mine, asked=[10, None])) == "again", "another rate is another file"
    assert state() == "done", "less than what is there"
    more = note(tmp_path / "out" / "more.txt")
    assert state(more) == "again"
    result.save(tmp_path / "out", beside=[more])
    assert state(note(mine, asked=[25, None]), more) == "done", "earlier files of this result are remembered"
    written = json.loads((tmp_path / "out" / "result.json").read_text())["written"]
    assert written == {"left.png": True, "right.png": True, "../notes/mine.txt": [25, None], "more.txt": True}


def test_a_users_file_is_foreign_and_a_killed_run_is_not(tmp_path: Path) -> None:
    result = make()
    Image.new("RGB", (3, 3)).save(tmp_path / "right.png")
    found = state_of(tmp_path, result.plan, MADE_BY)
    assert found.state == "foreign" and "right.png is there already" in found.why
    result.save(tmp_path, replace=True)
    (tmp_path / "result.json").unlink()
    assert state_of(tmp_path, result.plan, MADE_BY).state == "again"
    assert state_of(tmp_path, make(settings={"mode": "other"}).plan, MADE_BY).state == "foreign"


@pytest.mark.parametrize("from_photo", [False, True])
def test_what_a_file_says_of_itself(tmp_path: Path, from_photo: bool) -> None:
    path = make(from_photo=from_photo).save(tmp_path)[0]
    with Image.open(path) as picture:
        said = dict(picture.info)
    assert said["Disclaimer"] == (EDITED_MEDIA if from_photo else SYNTHETIC_MEDIA)
    assert said["DigitalSourceType"] == (IPTC_COMPOSITE if from_photo else IPTC_SOURCE_TYPE)
    assert "limner:seed" not in said, "no seed was used"
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["statement"] == said["Disclaimer"] and record["digital_source_type"] == said["DigitalSourceType"]


def test_results_of_version_1_are_read_and_their_edits_called_edits(scgan, tmp_path: Path) -> None:
    """As Limner 0.1 wrote them: named after seeds, without the new fields, with their own digest."""
    result = scgan(np.zeros((32, 32), np.uint8), seed=3)
    result.save(tmp_path)
    record = json.loads((tmp_path / "result.json").read_text())
    for key in ("written", "digital_source_type"):
        del record[key]
    record["format_version"] = 1
    assert "names" not in record and "from_photo" not in record, "plain pictures keep the old form and digest"
    (tmp_path / "result.json").write_text(json.dumps(record))
    again = scgan.reproduce(tmp_path / "result.json")
    assert np.array_equal(np.asarray(again.images[0]), np.asarray(result.images[0]))
    assert state_of(tmp_path, result.plan, scgan.provenance).state == "done"


def test_names_are_as_many_as_pictures_and_differ() -> None:
    for names in (["one"], ["same", "same"]):
        with pytest.raises(ConfigError, match="names of the files"):
            make(names=names)
    with pytest.raises(ConfigError, match="has no seeds"):
        make().plan.seeds_of(range(2))


def test_results_show_themselves() -> None:
    result = make(settings={"mode": "toy", "columns": 2})
    assert repr(result) == "<GenerationResult: 2 pictures of 8x6 px by toy-32; .save(folder) writes them>"
    assert result._repr_png_().startswith(b"\x89PNG")
    assert result._repr_html_().count("<img") == 2 and "left" in result._repr_html_()
    assert result.sheet().size == (16, 6) and result.sheet(scale=2.5).size == (40, 15)
    for scale in (0, 17, float("nan")):
        with pytest.raises(ConfigError, match="scale is"):
            result.sheet(scale=scale)


def test_clips_show_and_save_themselves(tmp_path: Path) -> None:
    pytest.importorskip("av")
    frames = np.full((4, 16, 16, 3), 90, np.uint8)
    plan = GenerationPlan([7], {"mode": "toy"}, {})
    result = GenerationResult([Clip(frames, 5.0)], plan, MADE_BY)
    assert [path.name for path in result.save(tmp_path)] == ["seed-000007.mp4"]
    assert "<video" in result._repr_html_() and result._repr_png_().startswith(b"\x89PNG")
    assert state_of(tmp_path, plan, MADE_BY, suffix=".mp4").state == "done"


def test_progress_counts_pictures_and_its_error_ends_the_work_cleanly(scgan) -> None:
    plan = scgan.plan(np.zeros((32, 32), np.uint8), num_images=5, batch_size=2)
    seen: list[int] = []
    scgan.render(plan, progress=seen.append)
    assert seen == [2, 2, 1] and scgan.amount(plan) == 5

    class Stop(Exception):
        """Of the user's own."""

    def stop(number: int) -> None:
        raise Stop

    generator = scgan.components["generator"]
    generator.train()
    first, *_ = generator.children()
    first.eval()  # frozen by a training
    before = [module.training for module in generator.modules()]
    with pytest.raises(Stop):
        scgan.render(plan, progress=stop)
    assert [module.training for module in generator.modules()] == before, "the networks are as they were"
    assert True in before and False in before
    assert len(scgan.render(plan).images) == 5


def test_a_mode_draws_and_plans(scgan) -> None:
    label_map = np.zeros((32, 32), np.uint8)
    plan = scgan.interpolate.plan(label_map, what="z", steps=3)
    assert isinstance(plan, GenerationPlan) and len(plan.seeds) == 3
    drawn = scgan.interpolate(label_map, what="z", steps=3)
    assert drawn.plan.digest("", "") == plan.digest("", "") and "Pictures on the way" in scgan.interpolate.__doc__
    with pytest.raises(TypeError):
        scgan.interpolate.plan(label_map, stepps=3)


def test_one_pipeline_may_draw_in_several_threads(scgan) -> None:
    label_map = np.zeros((32, 32), np.uint8)
    expected = [np.asarray(scgan(label_map, seed=seed).images[0]) for seed in range(4)]
    found: dict[int, np.ndarray] = {}

    def draw(seed: int) -> Callable[[], None]:
        return lambda: found.update({seed: np.asarray(scgan(label_map, seed=seed).images[0])})

    threads = [threading.Thread(target=draw(seed)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[seed], expected[seed]) for seed in range(4))


def test_a_result_replaces_an_earlier_one_and_nobody_elses_file(tmp_path: Path) -> None:
    """Such as the picture that it was made from."""
    result = make()
    result.save(tmp_path)
    other = make(settings={"mode": "other"})
    other.save(tmp_path)
    assert json.loads((tmp_path / "result.json").read_text())["settings"] == {"mode": "other"}
    for name in ("left.png", "result.json"):
        folder = tmp_path / f"of-{name}"
        folder.mkdir()
        Image.new("RGB", (8, 6)).save(folder / name, format="PNG")
        before = (folder / name).read_bytes()
        with pytest.raises(DataError, match=name):
            result.save(folder)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {name: before}
        result.save(folder, replace=True)
        assert (folder / name).read_bytes() != before and (folder / "result.json").is_file()


@pytest.mark.parametrize("path", ["a\0b", "folder/a\0b"])
def test_a_path_that_no_file_can_have(path: str) -> None:
    with pytest.raises(ConfigError, match="has a NUL character"):
        make().save(path)
