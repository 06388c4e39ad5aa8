"""`limner data`: exit codes, files, messages."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from limner.cli import data as command
from limner.cli.common import run
from limner.data.image_io import read_label_map
from limner.data.manifest import open_manifest
from limner.data.schema import SCHEMAS, converter


def limner_data(*argv):
    return run(command.main, [str(word) for word in argv])


def test_help(capsys):
    assert limner_data("--help") == 0 and "limner data check DATA" in capsys.readouterr().out
    assert limner_data() == 2
    for verb in command.VERBS:
        assert limner_data(verb, "--help") == 0
        assert "examples:" in capsys.readouterr().out


def test_unknown_words(capsys, tmp_path, folder):
    assert limner_data("chekc", tmp_path) == 2
    assert 'Did you mean "check"' in capsys.readouterr().err
    assert limner_data("check", tmp_path, "--nope") == 2
    assert limner_data("check", folder(), "--system", "scgam") == 2
    assert 'Did you mean "scgan"' in capsys.readouterr().err
    assert limner_data("make", "drawn-faxes", "--out", tmp_path / "x") == 2
    assert 'Did you mean "drawn-faces"' in capsys.readouterr().err
    assert limner_data("make", "drawn-faces", "--num", "0", "--out", tmp_path / "x") == 2
    assert "--num is 0" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_make_draws_faces_that_pass_the_check(capsys, tmp_path):
    out = tmp_path / "drawn"
    assert limner_data("make", "drawn-faces", "--num", "6", "--size", "32", "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["num"] == 6
    assert limner_data("check", out) == 0
    assert limner_data("make", "drawn-faces", "--num", "8", "--size", "32", "--out", out) == 0, "it goes on"
    assert len(open_manifest(out)) == 8


def test_check(capsys, celebamask_hq):
    root = celebamask_hq(40)
    assert limner_data("check", root, "--system", "scgan", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["errors"] == [] and report["num_rows"] == 40
    (root / "CelebAMaskHQ-mask" / "3.png").unlink()
    assert limner_data("check", root) == 1
    assert "error: " in capsys.readouterr().out
    (root / "CelebAMask-HQ-attribute-anno.txt").write_text("7\nMale\n")
    assert limner_data("check", root) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and "says 7 pictures" in captured.err


def test_the_code_that_trains_decides_for_a_system(capsys, folder):
    root = folder()
    (root / "splits.csv").write_text("name,split\n" + "".join(f"face-{index},test\n" for index in range(4)))
    assert limner_data("check", root) == 0
    capsys.readouterr()
    assert limner_data("check", root, "--system", "scgan", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["num_rows"] == 4 and len(report["errors"]) == 1
    assert report["errors"][0].startswith("scgan cannot train on it:")
    assert 'no samples in the split "train"' in report["errors"][0]
    (root / "splits.csv").write_text("name,split\n" + "".join(f"face-{index},train\n" for index in range(4)))
    assert limner_data("check", root, "--system", "scgan") == 0
    assert "training    scgan sees 4 samples, 4 validate it" in capsys.readouterr().out


def test_every_sample_is_read_as_training_reads_it(capsys, folder):
    root = folder()
    (root / "splits.csv").write_text("name,split\n" + "".join(f"face-{index},train\n" for index in range(4)))
    path = next((root / "images").glob("face-1.*"))
    with Image.open(path) as picture:
        picture.load()
    picture.resize((picture.width, picture.height + 1)).save(path)
    assert limner_data("check", root) == 0  # as there are systems that take it
    assert limner_data("check", root, "--system", "scgan") == 1
    assert "scgan cannot train on it: " in (error := capsys.readouterr().err) and "face-1" in error


def test_photos_without_maps_are_enough_for_who_paints_photos(capsys, tmp_path):
    for index in range(4):
        Image.new("RGB", (40, 40), (60 * index, 9, 9)).save(tmp_path / f"{index}.png")
    assert limner_data("check", tmp_path, "--system", "painter", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["errors"] == [] and report["training"]["train"] > 0
    assert limner_data("check", tmp_path, "--system", "portrait") == 1
    assert limner_data("check", tmp_path, "--system", "painter", "--kind", "celeba") == 2
    assert "--kind has no effect on painter" in capsys.readouterr().err


def test_show(capsys, celebamask_hq, tmp_path):
    root, out = celebamask_hq(), tmp_path / "sheets" / "sheet.png"
    assert limner_data("show", root, "--num", "5", "--columns", "2", "--size", "48", "--out", out, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    with Image.open(out) as sheet:
        assert sheet.size == (result["width"], result["height"]) and sheet.width < 300
    assert [path.name for path in out.parent.iterdir()] == ["sheet.png"]
    assert limner_data("show", root, "--out", out) == 1
    assert "exists already" in capsys.readouterr().err
    assert limner_data("show", root, "--out", out, "--force") == 0
    assert limner_data("show", root, "--out", tmp_path / "sheet.txt") == 2
    assert limner_data("show", root, "--out", tmp_path / "b.png", "--num", "-1") == 2
    assert limner_data("show", root, "--out", tmp_path / "b.png", "--split", "val") == 1


def test_convert_a_folder_of_maps(capsys, folder, tmp_path, draw_face):
    maps, out = folder() / "labels", tmp_path / "out"
    assert limner_data("convert", maps, "--out", out) == 2
    assert "--from" in capsys.readouterr().err
    assert limner_data("convert", maps, "--from", "celebamask-19", "--to", "portrait-11", "--out", out) == 0
    assert sorted(path.name for path in out.iterdir()) == [f"face-{index}.png" for index in range(4)]
    expected = converter("celebamask-19", "portrait-11")[draw_face()]
    assert (read_label_map(out / "face-1.png", SCHEMAS["portrait-11"]) == expected).all()
    assert limner_data("convert", maps, "--from", "celebamask-19", "--to", "bisenet-19", "--out", out) == 1
    (out / "keep.txt").write_text("mine")
    assert limner_data("convert", maps, "--from", "celebamask-19", "--to", "bisenet-19", "--out", out, "--force") == 0
    assert (out / "keep.txt").exists(), "--force overwrites files, it does not empty a folder"
    back = converter("celebamask-19", "bisenet-19")[draw_face()]
    assert (read_label_map(out / "face-1.png", SCHEMAS["bisenet-19"]) == back).all()


def test_convert_one_map(folder, tmp_path, draw_face):
    out = tmp_path / "one.png"
    path = folder() / "labels" / "face-1.png"
    assert limner_data("convert", path, "--from", "celebamask-19", "--to", "bisenet-19", "--out", out) == 0
    assert (read_label_map(out, SCHEMAS["bisenet-19"]) == converter("celebamask-19", "bisenet-19")[draw_face()]).all()


def test_convert_parts_to_merged_maps(celebamask_hq):
    root = celebamask_hq(3, maps="parts")
    parts = open_manifest(root)
    assert limner_data("convert", root, "--out", root / "CelebAMaskHQ-mask") == 0
    merged = open_manifest(root)
    assert merged.rows[0].label == "CelebAMaskHQ-mask/0.png"
    for row, other in zip(parts.rows, merged.rows, strict=True):
        assert (parts.read_label_map(row) == merged.read_label_map(other)).all()


def test_convert_landmarks_to_maps_of_the_whole_photo(celeba):
    root = celeba(landmarks=True)
    before = open_manifest(root)
    assert limner_data("convert", root, "--out", root / "segmentation") == 0
    with Image.open(root / "segmentation" / "000001.png") as label_map:
        assert label_map.size == (44, 54)
    after = open_manifest(root)
    assert (after.read_label_map(after.rows[0]) == before.read_label_map(before.rows[0])).all()


def test_convert_fixes_sides(folder, tmp_path, draw_face):
    root, out = folder(), tmp_path / "out"
    flipped = SCHEMAS["celebamask-19"].flip_permutation()[draw_face()]
    Image.fromarray(flipped).save(root / "labels" / "face-1.png")
    assert limner_data("convert", root, "--fix-sides", "--out", out) == 0
    assert (read_label_map(out / "face-1.png", SCHEMAS["celebamask-19"]) == draw_face()).all()


def test_convert_leaves_nothing_behind_when_it_fails(capsys, folder, tmp_path):
    root, out = folder(), tmp_path / "new" / "out"
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(root / "labels" / "face-3.png")
    assert limner_data("convert", root, "--to", "portrait-11", "--out", out) == 1
    assert "face-3.png has class id 77" in capsys.readouterr().err
    assert list(out.parent.iterdir()) == []
    assert limner_data("convert", root, "--from", "portrait-11", "--out", out) == 2
    assert limner_data("convert", tmp_path / "none", "--out", out) == 1
    assert limner_data("convert", root, "--to", "deepfashion-7", "--out", out) == 2
    assert "no counterpart" in capsys.readouterr().err
