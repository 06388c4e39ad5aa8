"""Tar shards: order, bytes, splits."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from limner.data.shards import Sample, write_shards


def samples(root: Path, num: int) -> Iterator[Sample]:
    (root / "file.txt").write_text("from a file")
    for index in range(num):
        members = {"jpg": bytes([index] * 700), "txt": root / "file.txt"}
        yield Sample("test" if index == 2 else "train", f"{index:04d}", members)


def test_the_tar_files_hold_the_samples_in_order(tmp_path):
    written = write_shards(tmp_path, samples(tmp_path, 6), per_shard=2)
    assert [path.name for path in written] == [
        "test-000000.tar", "train-000000.tar", "train-000001.tar", "train-000002.tar",
    ]  # fmt: skip
    with tarfile.open(written[2]) as tar:
        assert tar.getnames() == ["0003.jpg", "0003.txt", "0004.jpg", "0004.txt"]
        assert tar.extractfile("0004.jpg").read() == bytes([4] * 700)
        assert tar.extractfile("0003.txt").read() == b"from a file"
        assert all(member.isfile() for member in tar)
    with tarfile.open(written[3]) as tar:
        assert tar.getnames() == ["0005.jpg", "0005.txt"]


def test_the_same_samples_give_the_same_bytes(tmp_path):
    def written(name: str) -> dict[str, bytes]:
        paths = write_shards(tmp_path / name, samples(tmp_path, 6), per_shard=2)
        return {path.name: path.read_bytes() for path in paths}

    first = written("first")
    (tmp_path / "file.txt").unlink()  # written anew by `samples`, at another time
    assert written("again") == first
