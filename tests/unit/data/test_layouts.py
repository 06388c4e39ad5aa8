"""Every layout, written tiny and read back."""

from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import pytest
from PIL import Image

from limner import registry
from limner.data.datasets.celebamask_hq import merge_parts
from limner.data.image_io import save_label_map
from limner.data.landmarks import label_map_from_landmarks
from limner.data.manifest import open_manifest
from limner.data.schema import SCHEMAS, converter
from limner.errors import ConfigError, DataError, ShapeError

# --- CelebAMask-HQ


def test_celebamask_hq_merged(celebamask_hq, draw_face):
    manifest = open_manifest(celebamask_hq())
    assert manifest.kind == "celebamask-hq" and manifest.spec.schema.name == "celebamask-19"
    assert [row.name for row in manifest.rows] == [str(index) for index in range(12)], "in the order of numbers"
    image, label_map = manifest.read(manifest.rows[5])
    assert image.shape == (32, 32, 3) and (label_map == draw_face(32, 1)).all()
    assert manifest.rows[5].attributes == (1.0, 1.0)


def test_celebamask_hq_parts_give_the_merged_map(celebamask_hq, draw_face):
    manifest = open_manifest(celebamask_hq(3, maps="parts"))
    for index, row in enumerate(manifest.rows):
        assert (manifest.read_label_map(row) == draw_face(32, index - 1)).all()
    assert manifest.fingerprint()


def test_celebamask_hq_images_may_be_larger_than_maps(celebamask_hq):
    manifest = open_manifest(celebamask_hq(2, size=64, map_size=32))
    image, label_map = manifest.read(manifest.rows[0])
    assert image.shape == (64, 64, 3) and label_map.shape == (32, 32)


def test_hidden_files_beside_parts_change_nothing(celebamask_hq):
    root = celebamask_hq(maps="parts")
    before = open_manifest(root)
    for path in [*root.rglob("*")]:
        (path.parent / f"._{path.name}").write_bytes(bytes(range(256)))
    after = open_manifest(root)
    assert (after.rows, after.problems) == (before.rows, before.problems)


def test_parts_are_painted_in_the_official_order(tmp_path, save):
    everywhere = np.full((4, 4), 255, np.uint8)
    parts = {name: save(tmp_path / f"{name}.png", everywhere) for name in ("hat", "skin", "hair")}
    assert (merge_parts(parts) == SCHEMAS["celebamask-19"].id("hat")).all()
    parts.pop("hat")
    assert (merge_parts(parts) == SCHEMAS["celebamask-19"].id("hair")).all()
    with pytest.raises(DataError, match="no part mask to merge"):
        merge_parts({})


def test_part_files_that_are_wrong(celebamask_hq, save):
    root = celebamask_hq(3, maps="parts")
    parts = root / "CelebAMask-HQ-mask-anno" / "0"
    (parts / "00000_skin.png").unlink()
    for path in parts.glob("00001_*.png"):
        path.unlink()
    save(parts / "00002_beard.png", np.zeros((32, 32), np.uint8))
    problems = open_manifest(root, allow_problems=True).problems
    assert len(problems) == 3
    assert 'unknown part "beard"' in problems[0]
    assert "00000_skin.png is missing" in problems[1]
    assert "00001_*.png are missing" in problems[2]
    (parts / "00002_beard.png").unlink()
    save(parts / "00002_hair.png", np.zeros((16, 16), np.uint8))
    manifest = open_manifest(root, allow_problems=True)
    with pytest.raises(DataError, match=r"00002_hair\.png is 16x16, but the other parts of this face are 32x32"):
        manifest.read_label_map(manifest.rows[2])
    with pytest.raises(DataError, match="are missing"):
        manifest.read_label_map(manifest.rows[1])


def test_celebamask_hq_without_maps(celebamask_hq):
    with pytest.raises(DataError, match="neither CelebAMaskHQ-mask"):
        open_manifest(celebamask_hq(1, maps="none"))


def test_celebamask_hq_missing_map_and_attribute_row(celebamask_hq):
    root = celebamask_hq(3)
    (root / "CelebAMaskHQ-mask" / "1.png").unlink()
    path = root / "CelebAMask-HQ-attribute-anno.txt"
    path.write_text("2\nDark_Hair\n0.jpg 1\n1.jpg 1\n")
    problems = open_manifest(root, allow_problems=True).problems
    assert len(problems) == 2 and "1.png is missing" in problems[0] and "no row for 2.jpg" in problems[1]


def test_celebamask_hq_split_of_celeba(celebamask_hq):
    root = celebamask_hq(3)
    (root / "list_eval_partition.txt").write_text("000009.jpg 2\n000007.jpg 0\n000003.jpg 1\n")
    with pytest.raises(DataError, match=r"put CelebA-HQ-to-CelebA-mapping\.txt beside it"):
        open_manifest(root)
    mapping = "idx orig_idx orig_file\n0 8 000009.jpg\n1 6 000007.jpg\n2 2 000003.jpg\n"
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text(mapping)
    assert [row.split for row in open_manifest(root).rows] == ["test", "train", "val"]
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text(mapping.replace("000003", "000004"))
    with pytest.raises(DataError, match=r"no row for 000004.jpg"):
        open_manifest(root)


def test_two_files_of_one_name(celebamask_hq):
    root = celebamask_hq(2)
    Image.new("RGB", (32, 32)).save(root / "CelebA-HQ-img" / "1.png")
    with pytest.raises(DataError, match=r"both 1.jpg and 1.png"):
        open_manifest(root)


# --- CelebA


def test_celeba_with_maps(celeba, draw_face):
    manifest = open_manifest(celeba())
    assert manifest.kind == "celeba" and len(manifest) == 4 and "1 of 5 photos" in manifest.notes[0]
    assert [row.split for row in manifest.rows] == ["test", "train", "train", "train"]
    assert manifest.rows[1].attributes == (1.0, 0.0, 0.0, 1.0, 1.0)
    image, label_map = manifest.read(manifest.rows[1])
    assert image.shape == (44, 44, 3), "the middle square"
    assert (label_map[6:38, 6:38] == converter("celebamask-19", "scgan-celeba-7")[draw_face()]).all()


def test_celeba_with_landmarks(celeba):
    manifest = open_manifest(celeba(landmarks=True))
    assert len(manifest) == 4, "no face was found in the fifth"
    image, label_map = manifest.read(manifest.rows[0])
    assert image.shape[:2] == label_map.shape == (44, 44)
    assert set(np.unique(label_map)) == set(range(7))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,x,y\n", "must begin with the header"),
        ("HEADER\n1.jpg,1,2\n", "136 numbers in line 2"),
        ("HEADER\n1.jpg" + ",a" * 136, "136 numbers in line 2"),
        ("HEADER\n1.jpg" + ",nan" * 136, "in line 2 that is no number, or over 1,000,000"),
        ("HEADER\n1.jpg" + ",1" * 135 + ",1e30", "in line 2 that is no number, or over 1,000,000"),
        ("HEADER\n1.jpg" + ",1" * 136 + "\n1.jpg" + ",1" * 136, "two rows"),
    ],
)
def test_wrong_landmark_files(celeba, text, message):
    root = celeba(landmarks=True)
    header = (root / "landmarks68.csv").read_text().splitlines()[0]
    (root / "landmarks68.csv").write_text(text.replace("HEADER", header))
    with pytest.raises(DataError, match=message):
        open_manifest(root)


def test_celeba_without_maps(celeba):
    root = celeba(landmarks=True)
    (root / "landmarks68.csv").unlink()
    with pytest.raises(DataError, match="neither segmentation"):
        open_manifest(root)


def test_landmarks_are_painted_in_their_places(landmarks_68):
    label_map = label_map_from_landmarks(landmarks_68 + 64, (128, 128))
    schema = SCHEMAS["scgan-celeba-7"]
    assert label_map.shape == (128, 128) and label_map.dtype == np.uint8

    def at(x, y):
        return schema.classes[label_map[64 + y, 64 + x]]

    assert at(-25, -15) == "l_eye" and at(25, -15) == "r_eye", "left is the image's left"
    assert at(0, 10) == "nose" and at(0, 32) == "mouth" and at(0, 24) == "lips" and at(0, 40) == "lips"
    assert at(0, 55) == "skin" and at(-40, 5) == "skin" and at(0, -40) == "background" and at(0, 63) == "background"


def test_landmarks_of_a_wrong_shape_are_refused(landmarks_68):
    with pytest.raises(ShapeError, match="68 finite points"):
        label_map_from_landmarks(landmarks_68[:67], (8, 8))
    with pytest.raises(ShapeError, match="68 finite points"):
        label_map_from_landmarks(landmarks_68 * np.nan, (8, 8))
    with pytest.raises(ShapeError, match="positive"):
        label_map_from_landmarks(landmarks_68, (0, 8))


# --- Fashion Synthesis


@pytest.mark.parametrize("sideways", [True, False])
def test_fashion_synthesis(fashion, sideways):
    manifest = open_manifest(fashion(sideways=sideways))
    assert manifest.kind == "fashion-synthesis" and manifest.spec.attribute_kind == "exclusive"
    assert manifest.spec.attribute_names[2] == "color_3" and len(manifest.spec.attribute_names) == 17
    assert [row.split for row in manifest.rows] == ["train", "train", "train", "test"]
    assert manifest.rows[2].attributes == tuple(float(index == 2) for index in range(17))
    image, label_map = manifest.read(manifest.rows[0])
    assert label_map[:, 7].tolist() == [1] * 2 + [2] * 3 + [3] * 4 + [4] * 3 + [5] * 4, "the head is up"
    assert image[6, 7].tolist() == [128] * 3 and image[0, 0].tolist() == [0] * 3
    assert manifest.read_image(manifest.rows[3])[6, 7].tolist() == [255] * 3, "clipped, not stretched"
    assert manifest.split("train").fingerprint() != manifest.fingerprint()
    again = pickle.loads(pickle.dumps(manifest.reader))
    assert (again.read_label_map(manifest.rows[0]) == label_map).all()


def test_fashion_synthesis_without_annotations(fashion):
    root = fashion()
    (root / "Anno" / "language_original.mat").unlink()
    (root / "ind.mat").unlink()
    manifest = open_manifest(root)
    assert manifest.spec.attribute_names == () and set(manifest.split_sizes()) <= {"train", "test"}


def test_fashion_synthesis_that_is_wrong(fashion):
    h5py = pytest.importorskip("h5py")
    from scipy.io import savemat

    root = fashion()
    savemat(root / "ind.mat", {"train_ind": [1, 2, 3], "test_ind": [3, 4]})
    with pytest.raises(DataError, match="picture 3 in both"):
        open_manifest(root)
    savemat(root / "ind.mat", {"train_ind": [0, 1], "test_ind": [2]})
    with pytest.raises(DataError, match="train_ind that are not whole numbers from 1 to 4"):
        open_manifest(root)
    (root / "ind.mat").write_bytes(b"x" * 200)
    with pytest.raises(DataError, match="cannot be read as a MATLAB file"):
        open_manifest(root)
    (root / "ind.mat").unlink()
    savemat(root / "Anno" / "language_original.mat", {"color_": [1, 2, 3]})
    with pytest.raises(DataError, match="3 colours for 4 pictures"):
        open_manifest(root)
    savemat(root / "Anno" / "language_original.mat", {"color_": [1, 2, 3, 18]})
    with pytest.raises(DataError, match="color_ that are not whole numbers from 1 to 17"):
        open_manifest(root)
    savemat(root / "Anno" / "language_original.mat", {"other": [1]})
    with pytest.raises(DataError, match="no array color_"):
        open_manifest(root)
    for name, arrays, message in (
        ("upside-down", {"flip": True}, "head down"),
        ("shape", {"b_": np.zeros((4, 16, 16))}, "arrays of the shapes"),
        ("lost", {"b_": None}, "no array b_"),
    ):
        path = root.with_name(name) / "G2.h5"
        path.parent.mkdir()
        with h5py.File(root / "Img" / "G2.h5") as old, h5py.File(path, "w") as new:
            for key in ("ih", "ih_mean", "b_"):
                value = old[key][()][..., ::-1] if arrays.get("flip") else arrays.get(key, old[key][()])
                if value is not None:
                    new[key] = value
        with pytest.raises(DataError, match=message):
            open_manifest(path.parent)
    broken = root.with_name("broken")
    broken.mkdir()
    (broken / "G2.h5").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read as an HDF5 file"):
        open_manifest(broken)


# --- Clothing Co-Parsing


@pytest.mark.parametrize("mat", [False, True])
def test_clothing(clothing, mat):
    if mat:
        pytest.importorskip("scipy")
    manifest = open_manifest(clothing(mat=mat))
    assert manifest.kind == "clothing-co-parsing" and len(manifest) == 3 and "1 of 4 photos" in manifest.notes[0]
    assert manifest.spec.schema.name == "ccp-7" and manifest.spec.attribute_names == ()
    image, label_map = manifest.read(manifest.rows[0])
    assert image.shape == (16, 16, 3) and label_map.shape == (16, 16), "padded to a square"
    assert label_map[:, 7].tolist() == [0, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5]
    full = open_manifest(manifest.root, schema="ccp-59", attributes=["coat", "dress"])
    assert set(np.unique(full.read_label_map(full.rows[0]))) == {0, 7, 13, 19, 25, 41}
    assert full.rows[0].attributes == (1.0, 0.0)


def test_clothing_that_is_wrong(clothing):
    root = clothing()
    (root / "tags.csv").write_text("photo,labels\n0000,0 59\n")
    with pytest.raises(DataError, match='the label "59" in line 2'):
        open_manifest(root)
    (root / "tags.csv").write_text("photo,labels\n0000,0 5\n")
    with pytest.raises(DataError, match="no row for 0001"):
        open_manifest(root)
    (root / "tags.csv").write_text("name,tags\n")
    with pytest.raises(DataError, match="header: photo,labels"):
        open_manifest(root)
    (root / "label_list.json").write_text(json.dumps(["null", "hat"]))
    with pytest.raises(DataError, match="does not list the 59 classes"):
        open_manifest(root)
    (root / "label_list.json").write_text("[")
    with pytest.raises(DataError, match="not valid JSON"):
        open_manifest(root)


# --- a plain folder


def test_folder(folder, draw_face):
    manifest = open_manifest(folder())
    assert manifest.kind == "folder" and [row.name for row in manifest.rows] == [f"face-{index}" for index in range(4)]
    assert (manifest.read(manifest.rows[1])[1] == draw_face()).all()


def test_folder_needs_a_schema(folder):
    root = folder(schema=None)
    with pytest.raises(DataError, match=r"does not say what the ids in its label maps mean: write .*schema\.json"):
        open_manifest(root)
    assert open_manifest(root, schema="celebamask-19").spec.schema.name == "celebamask-19"


def test_folder_with_schema_file_and_another_asked_for(folder):
    assert open_manifest(folder(), schema="bisenet-19").read_label_map(open_manifest(folder()).rows[0]).max() <= 17


@pytest.mark.parametrize(("file", "text"), [
    ("attributes.csv", "name,Big\nface-0,1\nface-1.png,0\nface-2,1\nface-3,0\n"),
    ("attributes.txt", "4\nBig\nface-0.png 1\nface-1.png -1\nface-2.png 1\nface-3.png -1\n"),
])  # fmt: skip
def test_folder_attributes(folder, file, text):
    root = folder()
    (root / file).write_text(text)
    manifest = open_manifest(root)
    assert manifest.spec.attribute_names == ("Big",)
    assert [row.attributes for row in manifest.rows] == [(1.0,), (0.0,), (1.0,), (0.0,)]
    (root / file).write_text(text.replace("face-3", "face-9"))
    with pytest.raises(DataError, match=r'"face-9'):
        open_manifest(root)


def test_folder_of_nothing(folder):
    root = folder(1)
    for name in ("images", "labels"):
        (root / name / "face-0.png").unlink()
    with pytest.raises(DataError, match="holds no pictures"):
        open_manifest(root)


def test_one_class_only(folder, save):
    root = folder(1, schema=None)
    save(root / "labels" / "face-0.png", np.zeros((32, 32), np.uint8))
    (root / "schema.json").write_text('{"name": "x", "classes": ["all"]}')
    manifest = open_manifest(root)
    assert manifest.read(manifest.rows[0])[1].max() == 0


# --- what the maps of a plain folder are


@pytest.mark.parametrize("content", ['"celebamask-19"', '{"name": "celebamask-19"}'])
def test_schema_file_may_name_a_schema(folder, content):
    root = folder(schema=None)
    (root / "schema.json").write_text(content)
    assert open_manifest(root).native_schema == SCHEMAS["celebamask-19"]
    assert open_manifest(root, schema="portrait-11").native_schema == SCHEMAS["celebamask-19"]


def test_schema_file_with_an_unknown_name_alone(folder):
    root = folder(schema=None)
    (root / "schema.json").write_text('{"name": "celebmask-19"}')
    with pytest.raises(DataError, match=r'schema.json has only the name "celebmask-19".*"celebamask-19".*"classes"'):
        open_manifest(root)


def test_maps_that_limner_wrote_say_what_they_are(folder):
    root = folder(1, schema=None)
    file = next((root / "labels").iterdir())
    with Image.open(file) as picture:
        save_label_map(file, np.asarray(picture), SCHEMAS["celebamask-19"])
    assert open_manifest(root, schema="portrait-11").native_schema == SCHEMAS["celebamask-19"]


def test_portrait_on_a_folder_of_ones_own_is_no_loop_of_errors(folder):
    """Each error says what to do, and doing it ends in data that can be trained on."""
    root = folder(schema=None)
    config = registry.preset("portrait", "smoke")
    with pytest.raises(
        DataError, match=r'"portrait-11" has ids 0..10. Say which .*"celebamask-19"} in its schema.json'
    ):
        registry.system_class("portrait").open_data(config, root).train_set[0]
    asked = dataclasses.replace(config, dataset=dataclasses.replace(config.dataset, schema="celebamask-19"))
    opened = registry.system_class("portrait").open_data(asked, root)
    with pytest.raises(ConfigError, match=r"leave --schema out, or say --schema portrait-11.*schema.json"):
        registry.system_class("portrait")(asked, opened.spec)
    (root / "schema.json").write_text('{"name": "celebamask-19"}')
    opened = registry.system_class("portrait").open_data(config, root)
    assert opened.spec.schema.name == "portrait-11" and opened.train_set[0] is not None
