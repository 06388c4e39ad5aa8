"""The report on a data set, and the judgement of class order and sides."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from limner.data.checks import check_dataset, refuse_wrong_order
from limner.data.manifest import open_manifest
from limner.data.plausibility import face_score, order_problem, side_agreement
from limner.data.schema import SCHEMAS, converter
from limner.errors import ConfigError, DataError

FACES = ("celebamask-19", "bisenet-19", "portrait-11", "scgan-celeba-7")


@pytest.fixture
def faces(draw_face):
    return [draw_face(32, shift) for shift in (-2, -1, 0, 1, 2)]


@pytest.mark.parametrize("name", FACES)
def test_a_right_order_is_accepted(faces, name):
    maps = [converter("celebamask-19", name)[face] for face in faces]
    assert [face_score(face, SCHEMAS[name]) for face in maps] == [1.0] * 5
    assert [side_agreement(face, SCHEMAS[name]) for face in maps] == [1.0] * 5
    assert order_problem(maps, SCHEMAS[name]) is None


@pytest.mark.parametrize("made_as", FACES)
@pytest.mark.parametrize("read_as", FACES[:2])
def test_a_wrong_order_is_named(faces, made_as, read_as):
    maps = [converter("celebamask-19", made_as)[face] for face in faces]
    problem = order_problem(maps, SCHEMAS[read_as])
    if made_as == read_as:
        assert problem is None
    else:
        assert problem is not None and f"look like {made_as}" in problem and read_as in problem


def test_exchanged_sides_are_named(faces):
    flip = SCHEMAS["celebamask-19"].flip_permutation()
    problem = order_problem([flip[face] for face in faces], SCHEMAS["celebamask-19"])
    assert problem is not None and "exchanged" in problem and "the subject's" in problem


def test_what_is_no_face_is_not_judged(faces):
    empty = np.zeros((8, 8), np.uint8)
    assert order_problem([empty] * 5, SCHEMAS["celebamask-19"]) is None
    assert order_problem(faces, SCHEMAS["ccp-7"]) is None
    assert order_problem([], SCHEMAS["celebamask-19"]) is None
    assert face_score(empty, SCHEMAS["celebamask-19"]) is None
    assert side_agreement(empty, SCHEMAS["celebamask-19"]) is None


def test_noise_in_the_range_of_ids_is_no_face():
    random = np.random.default_rng(0)
    maps = [random.integers(0, 19, (32, 32)).astype(np.uint8) for _ in range(8)]
    assert "do not look like faces" in (order_problem(maps, SCHEMAS["celebamask-19"]) or "")


def test_report_of_a_good_set(celebamask_hq):
    seen = []
    report = check_dataset(open_manifest(celebamask_hq()), progress=lambda rows: seen.append(len(rows)) or rows)
    assert seen == [12] and report.errors == [] and report.num_checked == report.num_rows == 12
    assert report.image_sizes == report.label_map_sizes == {"32x32": 12}
    assert abs(sum(report.class_shares.values()) - 1) < 1e-9
    assert report.class_presence["hair"] == 1 and report.class_presence["hat"] == 0
    assert report.attribute_shares == {"Dark_Hair": 0.5, "Smiling": 1.0}
    assert any("hat" in text and "cannot learn" in text for text in report.warnings)
    assert any("Smiling is the same for all" in text for text in report.warnings)
    assert json.loads(json.dumps(report.to_json()))["kind"] == "celebamask-hq"
    text = report.to_text()
    assert "no errors" in text and "Dark_Hair 50%" in text and "32x32: 12" in text


def test_report_of_a_bad_set(folder, save, draw_face):
    root = folder(8)
    (root / "labels" / "face-0.png").unlink()
    (root / "images" / "face-1.png").write_bytes(b"no picture")
    save(root / "labels" / "face-2.png", np.full((32, 32), 40, np.uint8))
    save(root / "labels" / "face-3.png", draw_face()[:, :20])
    (root / "images" / "face-5.png").write_bytes((root / "images" / "face-4.png").read_bytes())
    flipped = SCHEMAS["celebamask-19"].flip_permutation()[draw_face()]
    save(root / "labels" / "face-7.png", flipped)
    (root / "splits.csv").write_text(
        "name,split\n" + "".join(f"face-{i},{'test' if i == 5 else 'train'}\n" for i in range(8))
    )
    report = check_dataset(open_manifest(root, allow_problems=True))
    for part in (
        "face-0.png is missing",
        "not a picture",
        "class id 40",
        "the image is 32x32 but its label map is 20x32",
    ):
        assert sum(part in error for error in report.errors) == 1, part
    assert len(report.errors) == 4
    assert any("Maps with left and right exchanged (1): face-7; read them" in text for text in report.warnings)
    assert any("Pictures that are there twice (1): face-4 = face-5." in text for text in report.warnings)
    assert any("Test pictures that are in another split, too (1): face-4 = face-5." in text for text in report.warnings)
    assert "4 errors" in report.to_text()


def test_a_wrong_order_is_an_error(folder, draw_face):
    root = folder(5, schema=None)
    report = check_dataset(open_manifest(root, schema="bisenet-19"))
    assert len(report.errors) == 1 and "they look like celebamask-19" in report.errors[0]


def test_a_wrong_order_is_refused_before_a_run(folder):
    root = folder(5, schema=None)
    refuse_wrong_order(open_manifest(root, schema="celebamask-19"))
    with pytest.raises(DataError, match="they look like celebamask-19"):
        refuse_wrong_order(open_manifest(root, schema="bisenet-19"))


def test_a_limit_spreads_over_the_set(celebamask_hq):
    root = celebamask_hq()
    Image.new("L", (32, 32), 30).save(root / "CelebAMaskHQ-mask" / "8.png")
    manifest = open_manifest(root)
    report = check_dataset(manifest, limit=3)  # rows 0, 4 and 8
    assert report.num_checked == 3 and len(report.errors) == 1
    with pytest.raises(ConfigError, match="limit is 0"):
        check_dataset(manifest, limit=0)


def test_long_lists_are_cut_in_the_text(folder):
    root = folder(15)
    for path in (root / "labels").iterdir():
        path.write_bytes(b"")
    text = check_dataset(open_manifest(root)).to_text()
    assert "… and 5 more" in text and "15 errors" in text
    report = check_dataset(open_manifest(root), limit=1)
    assert "1 error, " in report.to_text()
    report.errors, report.warnings = [], ["one"]
    assert report.to_text().endswith("no errors, 1 warning")
