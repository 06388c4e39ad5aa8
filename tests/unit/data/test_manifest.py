"""Opening a data folder: layout, attributes, splits, schema, squares."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.data.config import DataConfig
from limner.data.manifest import Manifest, Row, hash_split, open_manifest
from limner.data.marks import Marks
from limner.data.schema import SCHEMAS, LabelSchema
from limner.data.spec import DataSpec
from limner.data.transforms import make_square, zoom_in
from limner.errors import ConfigError, DataError


def test_missing_empty_and_unknown_folders(tmp_path):
    with pytest.raises(DataError, match="is missing"):
        open_manifest(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is not a folder"):
        open_manifest(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is empty"):
        open_manifest(tmp_path / "empty")
    with pytest.raises(DataError, match="no layout that is known"):
        open_manifest(tmp_path)
    with pytest.raises(ConfigError, match=r'no data layout "celebmask-hq".*Did you mean "celebamask-hq"'):
        open_manifest(tmp_path, kind="celebmask-hq")
    for kind in ("celebamask-hq", "celeba", "fashion-synthesis", "clothing-co-parsing", "folder"):
        with pytest.raises(DataError):
            open_manifest(tmp_path, kind=kind)


def test_attributes_that_the_map_shows_are_left_out(celebamask_hq):
    root = celebamask_hq()
    assert open_manifest(root).spec.attribute_names == ("Dark_Hair", "Smiling")
    assert open_manifest(root, schema="scgan-celeba-7").spec.attribute_names == ("Dark_Hair", "Eyeglasses", "Smiling")


def test_attributes_by_name_and_order(celebamask_hq):
    root = celebamask_hq()
    manifest = open_manifest(root, attributes=["Smiling", "Dark_Hair"])
    assert manifest.rows[1].attributes == (1.0, 1.0) and manifest.rows[0].attributes == (1.0, 0.0)
    assert open_manifest(root, attributes=[]).rows[0].attributes == ()
    with pytest.raises(ConfigError, match=r'no attribute "Smile".*Did you mean "Smiling"'):
        open_manifest(root, attributes=["Smile"])
    with pytest.raises(ConfigError, match="named twice"):
        open_manifest(root, attributes=["Smiling", "Smiling"])


def test_no_attribute_file_means_no_attributes(celebamask_hq):
    root = celebamask_hq()
    (root / "CelebAMask-HQ-attribute-anno.txt").unlink()
    assert open_manifest(root).spec.attribute_names == ()
    with pytest.raises(ConfigError, match="no attributes at all"):
        open_manifest(root, attributes=["Male"])


def test_the_five_attributes_of_the_paper_come_first(celeba):
    names = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
    assert open_manifest(celeba()).spec.attribute_names == names


def test_hash_split_is_a_stable_tenth():
    splits = [hash_split(str(index)) for index in range(5000)]
    assert 0.08 < splits.count("test") / 5000 < 0.12
    assert 0.04 < splits.count("val") / 5000 < 0.06
    assert [hash_split(name) for name in ("0", "7", "18")] == [hash_split(name) for name in ("0", "7", "18")]
    assert splits != [hash_split(str(index), seed=1) for index in range(5000)]


def test_split_and_its_error(folder):
    manifest = open_manifest(folder(6))
    (manifest.root / "splits.csv").write_text("name,split\nface-0,test\nface-1.png,train\n")
    manifest = open_manifest(manifest.root)
    assert manifest.split_sizes() == {"test": 1, "train": 1, "unused": 4}
    assert [row.name for row in manifest.split("test").rows] == ["face-0"]
    rest = r'it has: test \(1\), train \(1\), unused \(4\)\. Choose one of these, or "all"'
    with pytest.raises(DataError, match=f'no samples in the split "val"; {rest}'):
        manifest.split("val")


def test_maps_are_converted_when_read(celebamask_hq, draw_face):
    manifest = open_manifest(celebamask_hq(), schema="portrait-11")
    label_map = manifest.read_label_map(manifest.rows[1])
    assert manifest.spec.schema.name == "portrait-11"
    assert set(np.unique(label_map)) <= set(range(11))
    left, right = (np.argwhere(label_map == manifest.spec.schema.id(name))[:, 1].mean() for name in ("l_eye", "r_eye"))
    assert left < right
    with pytest.raises(ConfigError, match="cannot become"):
        open_manifest(manifest.root, schema="deepfashion-7")


def test_sides_can_be_fixed(folder, draw_face):
    root = folder()
    wrong = SCHEMAS["celebamask-19"].flip_permutation()[draw_face(32, 1)]
    Image.fromarray(wrong).save(root / "labels" / "face-2.png")
    manifest = open_manifest(root, fix_sides=True)
    assert (manifest.read_label_map(manifest.rows[2]) == draw_face(32, 1)).all()
    assert (manifest.read_label_map(manifest.rows[1]) == draw_face(32, 0)).all()
    assert (open_manifest(root).read_label_map(manifest.rows[2]) == wrong).all()


def test_fingerprint_depends_on_content_not_on_place(folder, tmp_path):
    manifest = open_manifest(folder())
    first = manifest.fingerprint()
    shutil.copytree(manifest.root, tmp_path / "copy")
    assert open_manifest(tmp_path / "copy").fingerprint() == first
    assert (
        len(
            {
                first,
                open_manifest(manifest.root, fit="pad").fingerprint(),
                open_manifest(manifest.root, schema="portrait-11").fingerprint(),
            }
        )
        == 3
    )
    with (manifest.root / "labels" / "face-0.png").open("ab") as file:
        file.write(b"more")
    assert open_manifest(manifest.root).fingerprint() != first


def test_pictures_that_are_not_square(folder, save):
    root = folder(1)
    save(root / "images" / "face-0.png", np.zeros((32, 20, 3), np.uint8))
    save(root / "labels" / "face-0.png", np.ones((16, 10), np.uint8))
    manifest = open_manifest(root)
    with pytest.raises(DataError, match=r"face-0.png is 20x32, but must be square"):
        manifest.read(manifest.rows[0])
    manifest = open_manifest(root, fit="pad")
    image, label_map = manifest.read(manifest.rows[0])
    assert image.shape == (32, 32, 3) and label_map.shape == (16, 16)
    assert label_map[:, 0].max() == 0 and label_map[:, 8].min() == 1
    manifest = open_manifest(root, fit="crop")
    assert manifest.read_image(manifest.rows[0]).shape == (20, 20, 3)
    assert manifest.read_label_map(manifest.rows[0]).shape == (10, 10)


def test_pairs_of_different_crops_are_refused_although_both_are_square_after_the_fit(folder, save):
    root = folder(1)
    save(root / "images" / "face-0.png", np.zeros((32, 20, 3), np.uint8))
    manifest = open_manifest(root, fit="crop")
    with pytest.raises(DataError, match=r"face-0.png: the image is 20x32 but its label map is 32x32"):
        manifest.read(manifest.rows[0])


def test_problems_are_refused_unless_allowed(folder):
    root = folder(3)
    (root / "labels" / "face-0.png").unlink()
    (root / "labels" / "face-1.png").rename(root / "labels" / "other.png")
    with pytest.raises(DataError, match=r"face-0.png is missing.*2 more problems: limner data check"):
        open_manifest(root)
    assert len(open_manifest(root, allow_problems=True).problems) == 3


def test_the_manifest_imports_no_torch():
    import subprocess
    import sys

    code = "import sys, limner.data.manifest, limner.data.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@dataclass(frozen=True)
class SpotReader:
    """A grey picture of 60 x 48 with one bright spot, and a map that has class 1 there."""

    def read_image(self, row):
        image = np.full((60, 48, 3), 90, dtype=np.uint8)
        image[35, 20] = 255
        return image

    def read_label_map(self, row):
        return (self.read_image(row)[..., 0] == 255).astype(np.uint8)

    def files(self, row):
        return ()


def test_zoom_moves_picture_map_and_landmarks_together():
    schema = LabelSchema(name="spot", classes=("background", "spot"), palette=((0, 0, 0), (255, 255, 255)))
    row = Row("a")
    shared = {"kind": "memory", "rows": (row,), "reader": SpotReader(), "native_schema": schema, "fit": "pad"}
    marks = {"marks": lambda name: Marks(landmarks=np.array([[20.0, 35.0]]))}
    whole, near = (
        Manifest(root=Path("memory"), spec=DataSpec(schema, zoom=zoom), zoom=zoom, **shared, **marks)
        for zoom in (1.0, 1.5)
    )
    assert np.array_equal(whole.marks_of(row).landmarks, [[20, 35]])
    reader = dataclasses.replace(near, fit="crop")
    assert reader.read_image(row).shape == (32, 32, 3), "two thirds of both sides, then square"
    image, label_map = zoom_in(SpotReader().read_image(row), 1.5), near.read_whole_label_map(row)
    assert image.shape == (40, 32, 3) and label_map.shape == (40, 32)
    x, y = near.marks_of(row).landmarks[0].astype(int)
    assert image[y, x, 0] == 255 and label_map[y, x] == 1 and label_map.sum() == 1
    assert whole.fingerprint() != near.fingerprint()


def test_a_zoom_is_of_the_data_and_of_the_weights(folder):
    root = folder(2)
    near, whole = open_manifest(root, zoom=1.5), open_manifest(root)
    assert near.spec.zoom == 1.5 and DataSpec.from_json(near.spec.to_json()) == near.spec
    assert "zoom" not in whole.spec.to_json(), "older weights have no such field"
    assert near.read_image(near.rows[0]).shape[0] == round(whole.read_image(whole.rows[0]).shape[0] / 1.5)
    with pytest.raises(ConfigError, match=r"--dataset.zoom is 0.5"):
        DataConfig(zoom=0.5)


def test_what_another_processor_drew_has_the_same_settings(drawn_faces, tmp_path):
    """Its pictures differ by roundings, and with them the sizes of their files."""
    shutil.copytree(drawn_faces, tmp_path / "other")
    manifest, other = open_manifest(drawn_faces), open_manifest(tmp_path / "other")
    first = manifest.settings_fingerprint()
    assert first and len(first) == 16 and first == other.settings_fingerprint() != manifest.fingerprint()
    picture = other.reader.files(other.rows[0])[0]
    records = tmp_path / "other/records.jsonl"
    size = picture.stat().st_size
    name = picture.relative_to(tmp_path / "other").as_posix()
    picture.write_bytes(picture.read_bytes() + b"\0")
    assert other.settings_fingerprint() is None  # somebody changed it
    changed = records.read_text().replace(f'"{name}":{size}', f'"{name}":{size + 1}')
    assert changed != records.read_text()
    records.write_text(changed)
    assert other.settings_fingerprint() == first and other.fingerprint() != manifest.fingerprint()
    assert manifest.split("train").settings_fingerprint() != first
    settings = json.loads((tmp_path / "other/drawn.json").read_text())
    (tmp_path / "other/drawn.json").write_text(json.dumps({**settings, "seed": 9}))
    assert other.settings_fingerprint() not in (None, first)
    for content in ("{", "[]", "5", '{"index": 0}', '{"index": 0, "files": 5}', '{"files": {"a": "b"}}'):
        records.write_text(content)
        assert other.settings_fingerprint() is None
    records.unlink()
    assert other.settings_fingerprint() is None


def test_a_folder_of_files_has_no_settings(folder):
    assert open_manifest(folder()).settings_fingerprint() is None


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("kind", value) for value in ([], {}, None, 5)),
        *(("attributes", value) for value in (5, "Male", [5], float("nan"))),
        *(("fit", value) for value in ("nope", 5, ["crop"])),
        *(("fix_sides", value) for value in ("no", None, 1)),
        *(("colors", value) for value in (5, [], {})),
        *(("zoom", value) for value in (-1, 0, 1e9, float("nan"), "x", None, True)),
        ("vocabulary", 5),
        ("needs", ("nope",)),
        ("uses", ("nope", 5)),
    ],
)
def test_options_that_no_data_are_read_with(folder, option, value):
    with pytest.raises(ConfigError) as error:
        open_manifest(folder(), **{option: value})
    assert len(str(error.value)) < 400


def test_a_fit_that_there_is_not_is_no_padding():
    for fit in ("nope", None, 5, ["crop"]):
        with pytest.raises(ConfigError, match="fit is"):
            make_square(np.zeros((4, 4), np.uint8), fit, "it")
