"""Layouts without label maps: captions, key points with pairs, clips, plain pictures; trees made by code."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.cli.main import main
from limner.data.captions import Vocabulary
from limner.data.checks import check_dataset
from limner.data.datasets.cub import cut_to_box
from limner.data.drawn import write_drawn_faces
from limner.data.keypoints import keypoint_row
from limner.data.manifest import hash_split, open_manifest
from limner.data.marks import SpokenWord
from limner.data.preview import contact_sheet
from limner.errors import DataError
from tests.ages import write_ready_ages
from tests.stick_people import write_stick_people


def picture(path: Path, *, width: int = 24, height: int = 16, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)).save(path)


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def oxford(root: Path) -> None:
    for index in range(1, 9):
        picture(root / f"jpg/image_{index:05d}.jpg", seed=index)
        caption = [f"flower number {index} is red"] * 11
        text(root / f"text_c10/class_{1 + index % 4:05d}/image_{index:05d}.txt", *caption, "")


def cub(root: Path) -> None:
    base = root / "CUB_200_2011"
    names = [f"00{1 + index % 2}.Bird/Bird_{index}.jpg" for index in range(4)]
    for index, name in enumerate(names):
        picture(base / "images" / name, width=40, height=30, seed=index)
        text((root / "text" / name).with_suffix(".txt"), "a small bird", "it is grey")
    text(base / "images.txt", *[f"{index} {name}" for index, name in enumerate(names)])
    text(base / "bounding_boxes.txt", *[f"{index} 10.0 5.0 16.0 12.0" for index in range(4)])


def coco(root: Path) -> None:
    for split, numbers in (("train", range(3)), ("val", range(3, 5))):
        images = [{"id": number, "file_name": f"COCO_{number}.jpg"} for number in numbers]
        for number in numbers:
            picture(root / f"images/COCO_{number}.jpg", seed=number)
        captions = [{"image_id": n, "caption": f"A dog\n number {k}"} for n in numbers for k in range(6)]
        text(root / f"annotations/captions_{split}2014.json", json.dumps({"images": images, "annotations": captions}))


def captioned(root: Path) -> None:
    for index in range(3):
        picture(root / f"images/{index}.png", seed=index)
        text(root / f"text/{index}.txt", f"shape {index}")
    text(root / "train.txt", "0", "1")
    text(root / "test.txt", "2")


def beside(root: Path) -> None:
    for index in range(3):
        picture(root / f"{index}.jpg", seed=index)
        text(root / f"{index}.txt", f"shape {index}", "another sentence")


def market(root: Path, *, head_top: bool = True) -> None:
    points = np.stack([np.arange(18) % 5 * 3.0, np.arange(18) * 1.5], axis=1)
    if head_top:
        points[14:] = np.nan
    points[4] = np.nan
    lines = ["name:keypoints_y:keypoints_x"]
    for person in ("0002", "0007", "0000"):
        for index in range(2):
            name = f"{person}_c1s1_00000{index}_01.jpg"
            picture(root / "bounding_box_train" / name, width=16, height=32, seed=index)
            lines.append(keypoint_row(name, points))
    text(root / "market-annotation-train.csv", *lines)
    pair = ("0002_c1s1_000000_01.jpg", "0002_c1s1_000001_01.jpg")
    text(root / "market-pairs-train.csv", "from,to", ",".join(pair), ",".join(reversed(pair)))


TREES: dict[str, Callable[[Path], None]] = {
    "oxford-102": oxford,
    "cub": cub,
    "coco-captions": coco,
    "caption-folder": captioned,
    "market-1501": market,
}


@pytest.mark.parametrize("kind", TREES)
def test_each_layout_is_recognised_checked_and_shown(kind, tmp_path, capsys):
    TREES[kind](tmp_path)
    manifest = open_manifest(tmp_path)
    assert manifest.kind == kind and "label_map" not in manifest.fields and manifest.spec.labels is None
    report = check_dataset(manifest)
    assert report.errors == [] and report.num_checked == len(manifest)
    assert "label maps" not in report.to_text() and "of maps" not in report.to_text()
    sheet = contact_sheet(manifest, num=2, size=32)
    assert sheet.width > 64
    assert main(["data", "check", str(tmp_path)]) == 0
    assert main(["data", "show", str(tmp_path), "--num", "2", "--out", str(tmp_path / "sheet.png")]) == 0
    capsys.readouterr()
    assert len(manifest.fingerprint()) == 16
    with pytest.raises(DataError, match=f"{kind}.* has no label maps, which scgan needs; it has pictures"):
        open_manifest(tmp_path, needs=("image", "label_map"), asked_by="scgan")
    with pytest.raises(DataError, match="no label maps"):
        manifest.read_label_map(manifest.rows[0])


def grid(root: Path) -> None:
    for index, name in enumerate(("bbaf2n", "lwbsza")):
        sentence(root, "s1", name, seed=index)
        text(root / f"s1/align/{name}.align", "0 5000 bin", "5000 10000 blue")


def lrw(root: Path) -> None:
    for split in ("train", "val", "test"):
        sentence(root, f"lipread_mp4/ABOUT/{split}", f"ABOUT_00001{split}", seed=1, seconds=29 / 25)
        text(root / f"lipread_mp4/ABOUT/{split}/ABOUT_00001{split}.txt", "Duration: 0.40 seconds")


WRITTEN = {
    **TREES,
    "beside": beside,
    "grid": grid,
    "lrw": lrw,
    "ages": write_ready_ages,
    "stick people with parts": lambda root: write_stick_people(root, has_parsing=True),
    "drawn faces": lambda root: write_drawn_faces(root, num=4, size=32, seed=0),
}


@pytest.mark.parametrize("tree", WRITTEN)
def test_hidden_files_change_nothing(tree, tmp_path):
    """macOS puts `._name` beside every file of a disk that it did not format, and `.DS_Store` into folders."""
    if tree in ("grid", "lrw"):
        pytest.importorskip("av")
    root = tmp_path / "data"
    root.mkdir()
    WRITTEN[tree](root)

    def seen():
        manifest = open_manifest(root)
        marks = [repr(manifest.marks_of(row)) for row in manifest.rows]
        return manifest.kind, manifest.rows, manifest.spec, manifest.problems, marks

    before = seen()
    for path in [root, *root.rglob("*")]:
        (path.parent / f"._{path.name}").write_bytes(b"\0\5\x16\7\0\2" + bytes(range(256)))
        if path.is_dir():
            (path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1" + bytes(range(256)))
    assert seen() == before


def test_flowers_hold_out_whole_classes(tmp_path):
    oxford(tmp_path)
    manifest = open_manifest(tmp_path, needs=("captions",))
    row = manifest.rows[0]
    assert row.category == "class_00002" and manifest.read_image(row).shape == (16, 16, 3)
    assert manifest.marks_of(row).captions == ("flower number 1 is red",) * 10
    for row in manifest.rows:
        assert row.split == hash_split(row.category, test_share=0.2)
    assert manifest.spec.vocabulary.words[:4] == ("<end>", "flower", "number", "1")
    assert manifest.spec.attribute_names == () and manifest.spec.labels is None
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    (tmp_path / "train/filenames.pickle").write_bytes(pickle.dumps(["jpg/image_00001", "jpg/image_00002"], protocol=2))
    (tmp_path / "test/filenames.pickle").write_bytes(pickle.dumps(["jpg/image_00003"], protocol=0))
    splits = {row.name: row.split for row in open_manifest(tmp_path).rows}
    assert [splits[f"image_0000{n}"] for n in (1, 2, 3, 4)] == ["train", "train", "test", "unused"]


def test_a_pickle_that_is_more_than_names_is_refused(tmp_path):
    oxford(tmp_path)
    (tmp_path / "train").mkdir()
    path = tmp_path / "train/filenames.pickle"
    path.write_bytes(pickle.dumps(print))
    with pytest.raises(DataError, match=r"filenames\.pickle holds \w+\.print"):
        open_manifest(tmp_path)
    path.write_bytes(b"\x80\x02]q")
    with pytest.raises(DataError, match="damaged pickle"):
        open_manifest(tmp_path)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(DataError, match="not a list of names"):
        open_manifest(tmp_path)


def test_the_words_of_a_pickle_keep_their_numbers(tmp_path):
    oxford(tmp_path)
    words = {0: "<end>", 1: "red", 2: "flower", 3: "is"}
    numbers = {word: number for number, word in words.items()}
    (tmp_path / "captions.pickle").write_bytes(pickle.dumps([[[2, 3, 1]], [], words, numbers], protocol=2))
    vocabulary = open_manifest(tmp_path, needs=("captions",)).spec.vocabulary
    assert vocabulary.encode("a red flower").ids == (1, 2) and len(vocabulary) == 4
    (tmp_path / "captions.pickle").write_bytes(pickle.dumps([[], [], {1: "red"}], protocol=2))
    with pytest.raises(DataError, match="not in AttnGAN's form"):
        open_manifest(tmp_path)


def test_captions_stay_unread_where_the_vocabulary_is_known(tmp_path):
    """Weights bring their words, so that an evaluation reads the captions that it scores alone."""
    oxford(tmp_path)
    known = Vocabulary.of(["a flower"])
    damaged = tmp_path / "text_c10/class_00002/image_00001.txt"
    damaged.write_bytes(b"\xff\xfe\x00")
    assert open_manifest(tmp_path, needs=("captions",), vocabulary=known).spec.vocabulary == known
    assert open_manifest(tmp_path, needs=("image",), vocabulary=known).spec.vocabulary is None
    with pytest.raises(DataError, match=damaged.name):
        open_manifest(tmp_path, needs=("captions",))


def test_birds_are_cut_about_their_box(tmp_path):
    image = np.arange(30 * 40 * 3, dtype=np.uint8).reshape(30, 40, 3)
    cut = cut_to_box(image, (10.0, 5.0, 16.0, 12.0))  # centre 18, 11, reach 12
    assert cut.shape == (23, 24, 3) and (cut == image[0:23, 6:30]).all()
    cub(tmp_path)
    manifest = open_manifest(tmp_path)
    assert manifest.reader.read_image(manifest.rows[0]).shape == (23, 24, 3)
    assert {row.category for row in manifest.rows} == {"001.Bird", "002.Bird"}
    (tmp_path / "CUB_200_2011/bounding_boxes.txt").write_text("0 1 2 3\n")
    with pytest.raises(DataError, match=r"bounding_boxes.txt has 3 values after the number in line 1, not 4"):
        open_manifest(tmp_path)


def test_coco_reads_five_captions_and_its_own_splits(tmp_path):
    coco(tmp_path)
    manifest = open_manifest(tmp_path)
    assert manifest.split_sizes() == {"train": 3, "test": 2}
    captions = manifest.marks_of(manifest.rows[0]).captions
    assert len(captions) == 5 and captions[0] == "A dog number 0"
    text(tmp_path / "annotations/captions_train2014.json", '{"images": [{"id": 1}]}')
    with pytest.raises(DataError, match="not in the form of COCO's captions"):
        open_manifest(tmp_path)
    content = {"images": [{"id": 1, "file_name": "../secret.jpg"}], "annotations": []}
    text(tmp_path / "annotations/captions_train2014.json", json.dumps(content))
    with pytest.raises(DataError, match="outside of the data set"):
        open_manifest(tmp_path)


def test_folders_with_captions(tmp_path):
    captioned(tmp_path / "apart")
    manifest = open_manifest(tmp_path / "apart")
    assert [row.split for row in manifest.rows] == ["train", "train", "test"]
    (tmp_path / "apart/text/1.txt").unlink()
    with pytest.raises(DataError, match="has no captions of 1: every picture needs some"):
        open_manifest(tmp_path / "apart")
    beside(tmp_path / "beside")
    manifest = open_manifest(tmp_path / "beside")
    assert manifest.kind == "caption-folder"
    assert manifest.marks_of(manifest.rows[2]).captions == ("shape 2", "another sentence")


def test_people_of_market(tmp_path):
    market(tmp_path)
    manifest = open_manifest(tmp_path, needs=("keypoints", "identity", "pairs"))
    assert [row.identity for row in manifest.rows] == ["0002", "0002", "0007", "0007"]  # without the distractor
    assert manifest.spec.keypoints.name == "market-14" and manifest.keypoint_schema == manifest.spec.keypoints
    points = manifest.marks_of(manifest.rows[0]).keypoints
    assert points.shape == (14, 2) and np.isnan(points[4]).all() and points[13].tolist() == [9.0, 19.5]
    first, second = (row.name for row in manifest.rows[:2])
    assert manifest.pairs == ((first, second), (second, first))
    splits = {row.identity: row.split for row in manifest.rows}
    assert splits == {person: hash_split(person, val_share=0.0) for person in ("0002", "0007")}


def test_market_with_faces_has_a_nose(tmp_path):
    market(tmp_path, head_top=False)
    manifest = open_manifest(tmp_path, needs=("keypoints",))
    assert manifest.spec.keypoints.name == "openpose-18"
    assert manifest.marks_of(manifest.rows[0]).keypoints.shape == (18, 2)


def test_any_folder_of_pictures(tmp_path):
    for index in range(4):
        picture(tmp_path / f"holiday/{index}.jpg", seed=index)
    manifest = open_manifest(tmp_path)
    assert manifest.kind == "pictures" and manifest.fields == {"image"} and len(manifest) == 4
    assert check_dataset(manifest).errors == []
    with pytest.raises(DataError, match="has no label maps and no captions, which hfgan needs"):
        open_manifest(tmp_path, needs=("image", "label_map", "captions"), asked_by="hfgan")


def sentence(root: Path, speaker: str, name: str, *, seed: int, seconds: float = 0.4) -> None:
    from limner.media import write_video

    path = root / speaker / f"{name}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.random.default_rng(seed).integers(0, 256, (round(seconds * 25), 32, 32, 3), np.uint8)
    sound = 0.5 * np.sin(np.arange(round(seconds * 16_000)) * 0.2).astype(np.float32)
    write_video(path, iter(frames), frames_per_second=25, waveform=sound, sample_rate_hz=16_000)


def test_sentences_of_grid(tmp_path):
    pytest.importorskip("av")
    for index, name in enumerate(("bbaf2n", "lwbsza", "prwq3s")):
        sentence(tmp_path, "s1", name, seed=index)
    text(tmp_path / "s1/align/bbaf2n.align", "0 2500 sil", "2500 5000 bin", "5000 10000 blue", "10000 11000 sp")
    manifest = open_manifest(tmp_path, needs=("video", "audio"))
    assert manifest.kind == "grid" and [row.name for row in manifest.rows] == ["s1-bbaf2n", "s1-lwbsza", "s1-prwq3s"]
    marks = manifest.marks_of(manifest.rows[0])
    assert marks.words == (SpokenWord("bin", 0.1, 0.2), SpokenWord("blue", 0.2, 0.4))
    assert marks.captions == ("bin blue",) and manifest.marks_of(manifest.rows[1]).captions == ()
    assert manifest.rows[0].identity == "s1" and manifest.spec.audio.sample_rate_hz == 16_000
    clip = manifest.reader.read_clip(manifest.rows[0])
    assert clip.frames.shape == (10, 32, 32, 3) and abs(len(clip.waveform) - 6400) < 1200
    assert manifest.read_image(manifest.rows[0]).shape == (32, 32, 3)
    assert check_dataset(manifest).further["clips"] == "frames with sound"
    text(tmp_path / "s1/align/bbaf2n.align", "0 bin")
    with pytest.raises(DataError, match="a start, an end and a word in line 1"):
        manifest.marks_of(manifest.rows[0])


def test_words_of_lrw(tmp_path):
    pytest.importorskip("av")
    for split in ("train", "val", "test"):
        sentence(tmp_path, f"lipread_mp4/ABOUT/{split}", "ABOUT_00001" + split, seed=1, seconds=29 / 25)
        text(tmp_path / f"lipread_mp4/ABOUT/{split}/ABOUT_00001{split}.txt", "Channel: 1", "Duration: 0.40 seconds")
    manifest = open_manifest(tmp_path)
    assert manifest.kind == "lrw" and manifest.split_sizes() == {"train": 1, "val": 1, "test": 1}
    row = manifest.rows[0]
    assert row.category == "ABOUT" and row.video == row.audio
    (word,) = manifest.marks_of(row).words
    assert word.text == "about" and (word.start_seconds, word.end_seconds) == pytest.approx((0.38, 0.78))
    assert manifest.reader.read_clip(row).frames.shape == (29, 32, 32, 3)
    text(tmp_path / "lipread_mp4/ABOUT/train/ABOUT_00001train.txt", "Channel: 1")
    with pytest.raises(DataError, match="no line"):
        manifest.marks_of(row)
