"""Plans and results: provenance, storage, reproduction to the bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import limner
from limner.errors import ConfigError, DataError, ShapeError, WeightsError
from limner.files import write_atomically
from limner.plan import GenerationPlan
from limner.provenance import IPTC_SOURCE_TYPE, SYNTHETIC_MEDIA
from limner.results import GenerationResult, read_result

MAP = np.zeros((32, 32), dtype=np.uint8)
MAP[8:24, 8:24] = 1


def pixels(result: GenerationResult) -> list[np.ndarray]:
    return [np.asarray(image) for image in result.images]


def equal(one: GenerationResult, other: GenerationResult) -> bool:
    return len(one.images) == len(other.images) and all(map(np.array_equal, pixels(one), pixels(other)))


def test_png_says_where_it_comes_from(scgan, tmp_path: Path) -> None:
    path = scgan(MAP, {"Male": 1}, seed=7).save(tmp_path / "out")[0]
    assert path == tmp_path / "out" / "seed-000007.png"
    with Image.open(path) as picture:
        text = picture.text
    assert text["Software"] == f"Limner {limner.__version__}"
    assert text["Disclaimer"] == SYNTHETIC_MEDIA and text["DigitalSourceType"] == IPTC_SOURCE_TYPE
    assert text["limner:system"] == "scgan"
    assert text["limner:weights"] == scgan.weights_name and text["limner:weights_hash"] == scgan.weights_hash
    assert json.loads(text["limner:seed"]) == 7
    assert json.loads(text["limner:settings"])["attributes"]["Male"] == 1.0


def all_kinds(pipeline: Any) -> dict[str, GenerationResult]:
    other = MAP.copy()
    other[20:30] = 13
    plain = pipeline([MAP, other], {"Male": 0.3, "Young": 1}, seed=3, num_images=2)
    return {
        "plain": plain,
        "latent": pipeline(MAP, latent=np.linspace(-1, 1, 8, dtype=np.float32)),
        "batched": pipeline(MAP, num_images=5, batch_size=3),
        "grid": pipeline.grid(MAP, [2, 5]),
        "change": pipeline.change_attributes(MAP, {"Male": 0.1}, {"Male": 0.9}, steps=3),
        "all": pipeline.interpolate([MAP, other], what="all", target={"Young": 1}, steps=3),
        "edited": pipeline.rerender(other, like=plain),
    }


def test_every_kind_of_result_is_made_again_to_the_bit(scgan, tiny_weights: Path, tmp_path: Path) -> None:
    fresh = limner.load(tiny_weights)
    for kind, result in all_kinds(scgan).items():
        paths = result.save(tmp_path / kind)
        again = fresh.reproduce(tmp_path / kind / "result.json")
        assert equal(result, again), kind
        assert (again.seeds, again.settings) == (result.seeds, result.settings)
        for path, stored in zip(paths, again.save(tmp_path / kind / "again"), strict=True):
            assert path.read_bytes() == stored.read_bytes()
        assert (tmp_path / kind / "result.json").read_text() == (tmp_path / kind / "again" / "result.json").read_text()
        assert (tmp_path / kind / "result-sheet.png").exists() == ("columns" in result.settings)


def test_sheet_lays_pictures_out_by_rows(scgan) -> None:
    result = scgan.grid(MAP, [0, 1])
    sheet = np.asarray(result.sheet())
    assert sheet.shape == (2 * 32, 12 * 32, 3)
    assert np.array_equal(sheet[32:64, 5 * 32 : 6 * 32], pixels(result)[12 + 5])
    assert scgan(MAP, num_images=3).sheet().size == (3 * 32, 32)


def test_names_never_collide(scgan, tmp_path: Path) -> None:
    for result in (scgan([MAP, MAP]), scgan.grid(MAP, [1, 1])):
        assert len(set(result.save(tmp_path))) == len(result.images)


def test_a_result_of_other_weights_is_refused(scgan, make_scgan, tmp_path: Path) -> None:
    scgan(MAP).save(tmp_path)
    other = make_scgan(scgan.spec.attribute_names, seed=1)
    with pytest.raises(WeightsError, match="load the weights that drew it"):
        other.reproduce(tmp_path / "result.json")


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("seeds", [4], "was changed after it was written"),
        ("settings", {}, "was changed after it was written"),
        ("weights_hash", "0" * 64, "was changed after it was written"),
        ("batch_size", 0, "is not a result"),
        ("conditions", {}, "was changed"),
        ("conditions", {"label_map": {"dtype": "|O", "shape": [1], "zlib_base64": ""}}, "is not a result"),
        ("conditions", {"label_map": {"dtype": "|u1", "shape": [9], "zlib_base64": "!!"}}, "is not a result"),
        ("conditions", {"label_map": {"dtype": "|u1", "shape": [10**12], "zlib_base64": "eJwDAAAAAAE="}}, "is not"),
        ("seeds", "many", "is not a result"),
        ("system", 3, "is not a result"),
        ("format_version", 99, "was written by a newer Limner"),
        ("format_version", "x", "is not a result"),
    ],
)
def test_changed_results_are_refused(scgan, tmp_path: Path, key: str, value: object, text: str) -> None:
    scgan(MAP).save(tmp_path)
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(DataError, match=text):
        scgan.reproduce(path)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"{}", b"\xff\xfe", b"null"])
def test_files_that_are_no_results_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "result.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"result.json"):
        read_result(path)


def test_digest_changes_with_everything_that_decides_pixels() -> None:
    def digest(**changes: Any) -> str:
        parts = {"seeds": [1], "settings": {"a": 1}, "conditions": {"x": np.ones((1, 2), np.float32)}, "batch_size": 1}
        return GenerationPlan(**{**parts, **changes}).digest("scgan", "hash")

    others = [
        digest(seeds=[2]),
        digest(settings={"a": 2}),
        digest(batch_size=2),
        digest(conditions={"y": np.ones((1, 2), np.float32)}),
        digest(conditions={"x": np.ones((1, 2), np.float64)}),
        digest(conditions={"x": np.zeros((1, 2), np.float32)}),
    ]
    assert len({digest(), *others}) == 1 + len(others) and digest() == digest()


def test_plans_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size is 0"):
        GenerationPlan([0], {}, {}, batch_size=0)
    for wrong in (1.5, "4", True, None):
        with pytest.raises(ConfigError, match="it must be a whole number"):
            GenerationPlan([0], {}, {}, batch_size=wrong)  # type: ignore[arg-type]
    assert type(GenerationPlan([0], {}, {}, batch_size=np.int64(4)).batch_size) is int  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r'"x" has shape \(2, 3\), but there are 3 pictures'):
        GenerationPlan([0, 1, 2], {}, {"x": np.zeros((2, 3))})


def test_an_unwritable_folder_leaves_nothing(scgan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="cannot be written"):
        scgan(MAP).save(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_writing_several_files_is_all_or_none(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_text("old")
    with pytest.raises(DataError, match="b cannot be written: No space left on device"):
        write_atomically({tmp_path / "a": lambda path: path.write_text("new"), tmp_path / "b": fail})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}
