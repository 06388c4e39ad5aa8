"""Data sets as tar files with an index: the same samples as the folder, in the same order, resumed too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from limner.cli.main import main
from limner.data.batch import collate
from limner.data.dataset import MaskToImageDataset
from limner.data.image_io import save_label_map
from limner.data.manifest import Manifest, open_manifest
from limner.data.sampler import ImagesSeenSampler
from limner.data.schema import get_schema
from limner.data.shards import pack
from limner.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plain folder of 11 pictures in three splits, with a turned photo and an attribute."""
    root, random, schema = tmp_path / "folder", np.random.default_rng(0), get_schema("celebamask-19")
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    lines, splits = ["name,Smiling,Share"], ["name,split"]
    for number in range(11):
        photo = Image.fromarray(random.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        if number == 3:
            exif = Image.Exif()
            exif[0x0112] = 6
            photo.save(root / "images" / f"p{number}.jpg", exif=exif)
        else:
            photo.save(root / "images" / f"p{number}.{'png' if number % 2 else 'jpg'}")
        path = root / "labels" / f"p{number}.png"
        save_label_map(path, random.integers(0, 19, (24, 24), dtype=np.uint8), schema)
        if number == 3:
            with Image.open(path) as picture:
                picture.load()
            picture.save(path, exif=exif)
        lines.append(f"p{number},{number % 2},{number % 3 % 2}")
        splits.append(f"p{number},{('train', 'train', 'train', 'val', 'test')[number % 5]}")
    (root / "attributes.csv").write_text("\n".join(lines) + "\n")
    (root / "splits.csv").write_text("\n".join(splits) + "\n")
    (root / "schema.json").write_text('{"name": "celebamask-19"}')
    return root


def assert_same(one: Manifest, other: Manifest) -> None:
    """Every split of two manifests has the same samples in the same order."""
    assert one.split_sizes() == other.split_sizes() and one.spec == other.spec and one.fields == other.fields
    for split in one.split_sizes():
        rows, others = one.split(split).rows, other.split(split).rows
        for row, same in zip(rows, others, strict=True):
            for name in ("name", "attributes", "split", "age", "identity", "category"):
                assert getattr(row, name) == getattr(same, name)
            assert np.array_equal(one.read_image(row), other.read_image(same))
            if one.native_schema is not None:
                assert np.array_equal(one.read_native_label_map(row), other.read_native_label_map(same))
            marks, found = one.marks_of(row), other.marks_of(same)
            assert marks.captions == found.captions and marks.facts == found.facts
            for points, moved in ((marks.landmarks, found.landmarks), (marks.keypoints, found.keypoints)):
                assert (points is None) == (moved is None)
                assert points is None or np.array_equal(points, moved, equal_nan=True)


def test_a_folder_and_its_tar_files(folder: Path, tmp_path: Path) -> None:
    assert main(["data", "convert", str(folder), "--shards", "3", "--out", str(tmp_path / "tar")]) == 0
    assert len(list((tmp_path / "tar" / "shards").glob("train-*.tar"))) == 3
    manifest = open_manifest(tmp_path / "tar")
    assert manifest.kind == "webdataset"
    assert_same(open_manifest(folder), manifest)
    # The files of the folder are in there as they are.
    row = next(row for row in manifest.rows if row.name == "p3")
    assert manifest.reader._content(row.image) == (folder / "images" / "p3.jpg").read_bytes()
    # Without an index, a tar file is gone through.
    for index in (tmp_path / "tar" / "shards").glob("*.tar.json"):
        index.unlink()
    assert_same(open_manifest(folder), open_manifest(tmp_path / "tar"))


def test_rendered_people(tmp_path: Path, ready_ages: Path) -> None:
    pack(ready_ages, tmp_path / "tar", per_shard=7)
    assert_same(open_manifest(ready_ages, needs=("age_group",)), open_manifest(tmp_path / "tar", needs=("age_group",)))


def test_training_order_resumed(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "tar", per_shard=2)

    def batches(root: Path, start: int, workers: int = 0) -> list[torch.Tensor]:
        train = open_manifest(root).split("train")
        data = MaskToImageDataset(train, image_size=16, seed=1)
        sampler = ImagesSeenSampler(len(data), seed=5, batch_size=2, start_images=start)
        loader = DataLoader(data, batch_size=2, sampler=sampler, collate_fn=collate, num_workers=workers)
        return [batch.image for batch, _ in zip(loader, range(9 - start // 2), strict=False)]

    whole = batches(folder, 0)
    assert all(torch.equal(one, other) for one, other in zip(whole, batches(tmp_path / "tar", 0), strict=True))
    resumed = batches(tmp_path / "tar", 8, workers=1)
    assert all(torch.equal(one, other) for one, other in zip(whole[4:], resumed, strict=True))


def test_an_address(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    pack(folder, tmp_path / "tar", per_shard=4)
    system = fsspec.filesystem("memory")
    for file in (tmp_path / "tar" / "shards").iterdir():
        system.pipe_file(f"/limner-test/shards/{file.name}", file.read_bytes())
    try:
        for address in ("memory://limner-test", Path("memory://limner-test")):
            assert_same(open_manifest(folder), open_manifest(address))
        assert not list((tmp_path / "cache").rglob("*.tar"))  # only the index was fetched
        with pytest.raises(DataError, match=r"memory://limner-none has no dataset\.json"):
            open_manifest("memory://limner-none")
    finally:
        system.rm("/limner-test", recursive=True)
    with pytest.raises(DataError, match="nosuch://bucket cannot be read"):
        open_manifest("nosuch://bucket")


def test_damage_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "tar", per_shard=100)
    shards = tmp_path / "tar" / "shards"
    copy = shutil.copytree(shards, tmp_path / "cut")
    (copy / "train-000000.tar").write_bytes((shards / "train-000000.tar").read_bytes()[:5000])
    with pytest.raises(DataError, match=r"is not the file that train-000000\.tar\.json is of"):
        open_manifest(copy)
    index = json.loads((shards / "train-000000.tar.json").read_text())
    for wrong in (-1, 1.5, True, "x"):
        index["samples"][0][1]["png" if "png" in index["samples"][0][1] else "jpg"] = [wrong, 10]
        (shards / "train-000000.tar.json").write_text(json.dumps(index))
        with pytest.raises(DataError, match=r"the index of .* is damaged"):
            open_manifest(shards)
    shutil.rmtree(shards)
    pack(folder, tmp_path / "tar", per_shard=100)
    manifest = open_manifest(shards).split("train")
    (shards / "train-000000.tar").write_bytes((shards / "train-000000.tar").read_bytes()[:100])
    with pytest.raises(DataError, match="ends after 0 of"):
        manifest.read_image(manifest.rows[0])


HOSTILE = {
    "a name that leaves the folder": ("index", lambda it: it["samples"][0][2]["limner"].update(name="../evil"), "evil"),
    "a whole path": ("index", lambda it: it["samples"][0][2]["limner"].update(name="/tmp/evil"), "/tmp/evil"),
    "a split that is a path": ("index", lambda it: it["samples"][0][2]["limner"].update(split="../x"), "split"),
    "a place beyond the end": ("index", lambda it: it["samples"][0][1].update(json=[0, 2**61]), "beyond its end"),
    "samples that are none": ("index", lambda it: it.update(samples=[3]), "is damaged"),
    "shards that are no list": ("description", lambda it: it.update(shards=5), "is not what limner data wrote"),
    "a shard elsewhere": ("description", lambda it: it.update(shards=["../x.tar"]), "is not what limner data wrote"),
    "another version": ("description", lambda it: it.update(format_version=99), "format_version 99"),
    "an address without one": ("address", lambda it: it.update(other=1), "is not what limner data wrote"),
    "an address of no kind": ("address", lambda it: it.update(address="nope://x"), "nope://x cannot be read"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_index_is_refused_in_a_sentence(case, folder: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("fsspec")
    file, change, words = HOSTILE[case]
    pack(folder, tmp_path / "tar", per_shard=100)
    names = {"index": "train-000000.tar.json", "description": "dataset.json", "address": "address.json"}
    path = tmp_path / "tar" / "shards" / names[file]
    content = json.loads(path.read_text()) if path.exists() else {}
    change(content)
    path.write_text(json.dumps(content))
    out = tmp_path / "maps"
    assert main(["data", "convert", str(tmp_path / "tar"), "--out", str(out)]) in (1, 2)
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1 and "fault in Limner" not in error
    assert not out.exists() and not list(tmp_path.glob("evil*"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_shards_are_replaced_whole_or_not_at_all(folder: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "tar"
    pack(folder, out, per_shard=2)
    before = contents(out)
    (broken := tmp_path / "broken").mkdir()
    shutil.copytree(folder, broken, dirs_exist_ok=True)
    (broken / "images/p6.jpg").write_bytes((folder / "images/p6.jpg").read_bytes()[:100])
    words = ["data", "convert", str(broken), "--shards", "3", "--out"]
    assert main([*words, str(out), "--force"]) == 1
    assert contents(out) == before  # a picture cannot be read
    assert main([*words, str(tmp_path / "new")]) == 1
    assert not (tmp_path / "new").exists()
    capsys.readouterr()
    assert main(["data", "convert", str(out), "--shards", "3", "--out", str(out), "--force"]) == 2
    assert "is an input" in capsys.readouterr().err and contents(out) == before
    (link := tmp_path / "link").symlink_to(out)
    assert main(["data", "convert", str(out), "--shards", "3", "--out", str(link), "--force"]) == 2
    assert contents(out) == before
    (out / "shards/mine.tar").write_bytes(b"mine")
    assert main(["data", "convert", str(folder), "--shards", "3", "--out", str(out), "--force"]) == 2
    assert "mine.tar" in capsys.readouterr().err
    (out / "shards/mine.tar").unlink()
    assert contents(out) == before
    assert main(["data", "convert", str(folder), "--shards", "100", "--out", str(out), "--force"]) == 0
    names = {path.name for path in (out / "shards").iterdir()}
    tars = {f"{split}-000000.tar" for split in ("train", "val", "test")}
    assert names == {"dataset.json", *tars, *(f"{tar}.json" for tar in tars)}  # those of more shards are gone
    assert_same(open_manifest(folder), open_manifest(out))


def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="per_shard is 0"):
        pack(folder, tmp_path / "tar", per_shard=0)
    words = ["data", "convert", str(folder), "--shards", "3", "--out", str(tmp_path / "t"), "--to", "scgan-celeba-7"]
    assert main(words) == 2 and "--to is given where a data set is read" in capsys.readouterr().err
