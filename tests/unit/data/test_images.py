"""Any folder of pictures: what is found, how it is split, and what the cache keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.data.datasets.images import list_pictures, open_pictures
from limner.errors import ConfigError, DataError


def save(path: Path, value: int = 100, size: tuple[int, int] = (12, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 50, 50)).save(path)


def splits(root: Path) -> dict[str, str]:
    return {picture.name: picture.split for picture in list_pictures(root)}


def test_pictures_at_any_depth(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"a/b/{number}.png")
    save(tmp_path / "top.JPG")
    save(tmp_path / ".hidden/x.png")
    (tmp_path / "notes.txt").write_text("no picture")
    found = splits(tmp_path)
    assert list(found) == ["a/b/0.png", "a/b/1.png", "a/b/2.png", "a/b/3.png", "top.JPG"]
    assert list(found.values()) == ["test", "val", "train", "train", "train"]


def test_masks_are_found_by_their_place(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"images/x/{number}.jpg")
    mask = Image.new("L", (12, 8))
    mask.paste(255, (0, 0, 6, 8))
    (tmp_path / "masks/x").mkdir(parents=True)
    mask.save(tmp_path / "masks/x/1.png")
    cache = open_pictures(tmp_path, size=8, cache=tmp_path / "cache")
    assert cache.has_mask.tolist() == [False, True, False]
    assert cache.masks[1, 4].tolist()[:3] == [255, 255, 255] and cache.masks[1, 4, -1] == 0


def test_known_layouts_have_their_own_splits(tmp_path: Path) -> None:
    for split, number in (("train", 3), ("val", 2)):
        for index in range(number):
            save(tmp_path / f"imagenet/{split}/n01/{index}.JPEG")
    assert list(splits(tmp_path / "imagenet").values()) == ["val", "train", "train", "test", "test"]
    for index in range(2003):
        path = tmp_path / f"celeba/img_align_celeba/{index:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert list(splits(tmp_path / "celeba").values()).count("test") == 2001
    for index in range(3):
        save(tmp_path / f"cub/images/1.bird/{index}.jpg")
    (tmp_path / "cub/images.txt").write_text("".join(f"{i + 1} 1.bird/{i}.jpg\n" for i in range(3)))
    (tmp_path / "cub/train_test_split.txt").write_text("1 1\n2 0\n3 1\n")
    assert splits(tmp_path / "cub") == {
        "images/1.bird/0.jpg": "val",
        "images/1.bird/1.jpg": "test",
        "images/1.bird/2.jpg": "train",
    }


def test_data_sets_with_label_maps_bring_their_masks(drawn_faces: Path, tmp_path: Path) -> None:
    cache = open_pictures(drawn_faces, size=16, cache=tmp_path)
    assert len(cache) == 40 and cache.has_mask.all()
    assert {"train", "val", "test"} >= set(cache.splits)
    assert 0.2 < float((cache.masks > 127).mean()) < 0.95
    assert set(np.unique(cache.masks)) > {0, 255}, "shrunk masks are soft"


def test_crop_and_squash(tmp_path: Path) -> None:
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16] = 255
    (tmp_path / "p").mkdir()
    Image.fromarray(wide).save(tmp_path / "p/wide.png")
    cropped = open_pictures(tmp_path / "p", size=8, cache=tmp_path / "cache")
    squashed = open_pictures(tmp_path / "p", size=8, fit="squash", cache=tmp_path / "cache")
    assert cropped.images.min() == 255
    assert squashed.images[0, 4, 0, 0] < 30 and squashed.images[0, 4, 4, 0] > 200


def test_unreadable_pictures_are_left_out_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "p"
    for number in range(3):
        save(root / f"{number}.png", value=number)
    (root / "1.png").write_bytes((root / "1.png").read_bytes()[:50])
    cache = open_pictures(root, size=8, cache=tmp_path / "cache")
    assert cache.names == ("0.png", "2.png") and len(cache.skipped) == 1 and "1.png" in cache.skipped[0]
    assert "1 of 3 pictures are left out" in caplog.text
    assert cache.images[:, 0, 0, 0].tolist() == [0, 2], "pixels and names belong together"
    (root / "0.png").write_bytes(b"")
    (root / "2.png").write_bytes(b"")
    with pytest.raises(DataError, match="No picture can be read"):
        open_pictures(root, size=8, cache=tmp_path / "cache")


def test_the_cache_is_used_until_a_file_changes(tmp_path: Path) -> None:
    root = tmp_path / "p"
    for number in range(3):
        save(root / f"{number}.png", value=number)
    first = open_pictures(root, size=8, cache=tmp_path / "cache")
    assert open_pictures(root, size=8, cache=tmp_path / "cache").folder == first.folder
    assert open_pictures(root, size=4, cache=tmp_path / "cache").folder != first.folder
    save(root / "2.png", value=200, size=(9, 9))
    second = open_pictures(root, size=8, cache=tmp_path / "cache")
    assert second.folder != first.folder and second.images[2, 0, 0, 0] == 200
    assert first.fingerprint([0, 1]) == second.fingerprint([0, 1]) != second.fingerprint([0, 2])
    (second.folder / "images.npy").write_bytes(b"x")
    with pytest.raises(DataError, match="damaged"):
        open_pictures(root, size=8, cache=tmp_path / "cache")


def test_maps_are_derived_once(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"p/{number}.png", value=10 * number)
    cache = open_pictures(tmp_path / "p", size=8, cache=tmp_path / "cache")
    calls = []

    def red(images: np.ndarray) -> np.ndarray:
        calls.append(len(images))
        return images[..., 0]

    for _ in range(2):
        found = cache.derived("red", red)
        assert found[:, 0, 0].tolist() == [0, 10, 20]
    assert calls == [3]


def test_impossible_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures"):
        open_pictures(tmp_path / "empty", size=8)
    with pytest.raises(DataError, match="missing"):
        open_pictures(tmp_path / "none", size=8)
    with pytest.raises(ConfigError, match="1 to 4096"):
        open_pictures(tmp_path, size=0)
    save(tmp_path / "p/0.png")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="name another folder"):
        open_pictures(tmp_path / "p", size=8, cache=tmp_path / "file")
    with pytest.raises(DataError, match='split "dev"; there are: train'):
        open_pictures(tmp_path / "p", size=8, cache=tmp_path / "cache").rows("dev")
