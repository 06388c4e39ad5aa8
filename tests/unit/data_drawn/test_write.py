"""Collections of drawn faces on disk: the layout, restarts and independence of the number of processes."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from limner.data.drawn import ATTRIBUTES, draw_face, write_drawn_faces
from limner.data.manifest import open_manifest
from limner.data.schema import SCHEMAS
from limner.errors import ConfigError, DataError, ShapeError

SCHEMA = SCHEMAS["celebamask-19"]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    out = tmp_path_factory.mktemp("drawn") / "faces"
    write_drawn_faces(out, num=6, size=64, seed=4, start=1998, part_masks=True)
    return out


def test_the_files_hold_what_was_drawn(collection):
    for index in range(1998, 2004):
        face = draw_face(4, index, size=64)
        with Image.open(collection / f"CelebA-HQ-img/{index}.png") as picture:
            assert np.array_equal(np.asarray(picture), face.image)
        with Image.open(collection / f"CelebAMaskHQ-mask/{index}.png") as picture:
            assert picture.mode == "P"
            assert np.array_equal(np.asarray(picture), face.label_map)
            assert np.array_equal(np.asarray(picture.convert("RGB")), SCHEMA.colorize(face.label_map))
        merged = np.zeros_like(face.label_map)
        for i, name in enumerate(SCHEMA.classes):
            path = collection / f"CelebAMask-HQ-mask-anno/{index // 2000}/{index:05d}_{name}.png"
            assert path.exists() == (i > 0 and (face.label_map == i).any())
            if path.exists():
                with Image.open(path) as picture:
                    merged[np.asarray(picture) == 255] = i
        assert np.array_equal(merged, face.label_map)


def test_the_tables_hold_what_was_drawn(collection):
    lines = (collection / "CelebAMask-HQ-attribute-anno.txt").read_text().splitlines()
    assert lines[0] == "6" and lines[1].split() == list(ATTRIBUTES)
    landmarks = list(csv.reader((collection / "landmarks68.csv").open()))
    assert landmarks[0][:3] == ["name", "x0", "y0"] and landmarks[0][-1] == "y67"
    for row, line, index in zip(landmarks[1:], lines[2:], range(1998, 2004), strict=True):
        face = draw_face(4, index, size=64)
        assert line.split()[0] == f"{index}.png" and row[0] == str(index)
        assert [int(value) > 0 for value in line.split()[1:]] == [bool(v) for v in face.attributes.values()]
        assert np.allclose(np.array(row[1:], float).reshape(68, 2), face.landmarks, atol=1e-3)


def test_the_reader_reads_it(collection):
    manifest = open_manifest(collection)
    assert manifest.kind == "celebamask-hq" and len(manifest) == 6
    assert manifest.spec.schema == SCHEMA
    assert manifest.spec.attribute_names == ATTRIBUTES[:5]
    row = manifest.rows[2]
    face = draw_face(4, int(row.name), size=64)
    assert np.array_equal(manifest.read_image(row), face.image)
    assert np.array_equal(manifest.read_label_map(row), face.label_map)
    assert [int(value) for value in row.attributes] == list(face.attributes.values())[:5]


def test_splits_are_80_10_10_and_stay_when_the_collection_grows(tmp_path):
    write_drawn_faces(tmp_path, num=4, size=16)
    first = (tmp_path / "splits.csv").read_text()
    write_drawn_faces(tmp_path, num=60, size=16)
    grown = (tmp_path / "splits.csv").read_text()
    assert grown.startswith(first)
    splits = [line.split(",")[1] for line in grown.splitlines()[1:]]
    shares = {name: splits.count(name) / len(splits) for name in ("train", "val", "test")}
    assert sum(shares.values()) == 1
    assert shares["train"] > 0.7 and 0.03 < shares["val"] < 0.2 and 0.03 < shares["test"] < 0.2


def test_a_stopped_run_goes_on_and_gives_the_same_files(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write_drawn_faces(whole, num=8, size=32, seed=1)

    class Stopped(Exception):
        pass

    def stop_after_three(indices):
        for count, index in enumerate(indices, start=1):
            yield index
            if count == 3:
                raise Stopped

    with pytest.raises(Stopped):
        write_drawn_faces(parts, num=8, size=32, seed=1, progress=stop_after_three)
    drawn = sorted((parts / "CelebA-HQ-img").iterdir())
    assert len(drawn) == 3
    drawn[0].unlink()
    kept = drawn[1].stat().st_mtime_ns
    write_drawn_faces(parts, num=8, size=32, seed=1)
    assert drawn[1].stat().st_mtime_ns == kept
    assert contents(parts) == contents(whole)


def test_the_number_of_processes_does_not_matter(tmp_path):
    write_drawn_faces(tmp_path / "one", num=5, size=32, seed=7, image_format="jpg")
    write_drawn_faces(tmp_path / "two", num=5, size=32, seed=7, image_format="jpg", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num": 0}, ConfigError, "num is 0"),
        ({"num": 1, "seed": -1}, ConfigError, "seed is -1"),
        ({"num": 1, "start": -1}, ConfigError, "start is -1"),
        ({"num": 1, "workers": 0}, ConfigError, "workers is 0"),
        ({"num": 1, "size": 8}, ShapeError, "16 to 2048"),
        ({"num": 1, "image_format": "webp"}, ConfigError, "png or jpg"),
    ],
)
def test_wrong_arguments_write_nothing(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        write_drawn_faces(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_two_collections_are_not_mixed(tmp_path):
    write_drawn_faces(tmp_path, num=2, size=16)
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match="seed = 0, not 1"):
        write_drawn_faces(tmp_path, num=2, size=16, seed=1)
    with pytest.raises(ConfigError, match="holds 2 drawn faces"):
        write_drawn_faces(tmp_path, num=1, size=16)
    assert contents(tmp_path) == before
    (tmp_path / "drawn.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        write_drawn_faces(tmp_path, num=2, size=16)
    (tmp_path / "drawn.json").unlink()
    with pytest.raises(ConfigError, match="not made here"):
        write_drawn_faces(tmp_path, num=2, size=16)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        write_drawn_faces(tmp_path / "file", num=1, size=16)


def test_the_settings_are_noted(collection):
    noted = json.loads((collection / "drawn.json").read_text())
    assert noted == {
        "seed": 4,
        "start": 1998,
        "size": 64,
        "image_format": "png",
        "part_masks": True,
        "num": 6,
    }
