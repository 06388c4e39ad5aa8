"""A folder in parcels and back."""

import tarfile

import pytest

from limner.errors import ConfigError, DataError
from limner.reproduce.parcels import join_parts, pack, split_files, unpack


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "faces"
    for number in range(6):
        path = root / f"part-{number % 2}/{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]) * 20_000)
    (root / ".hidden").write_bytes(b"x")
    return root


def content(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_folder_comes_back_parcel_after_parcel(folder, tmp_path):
    parcels = pack(folder, tmp_path / "parcels", max_bytes=60_000)
    assert len(parcels) > 2 and all(path.stat().st_size <= 60_000 for path in parcels)
    there = tmp_path / "there"
    first = unpack(parcels[:1], there)
    assert 0 < first < 6 and unpack(parcels, there) == 6 - first
    expected = {name: data for name, data in content(folder).items() if name != ".hidden"}
    assert content(there) == expected
    assert unpack(parcels, there) == 0  # nothing is written twice
    again = pack(folder, tmp_path / "again", max_bytes=60_000)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in parcels]


def test_what_cannot_be_packed_or_unpacked_is_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="more than a parcel"):
        pack(folder, tmp_path / "parcels", max_bytes=15_000)
    with pytest.raises(DataError, match="holds no files"):
        pack(tmp_path / "nothing", tmp_path / "parcels")
    bad = tmp_path / "bad.tar"
    with tarfile.open(bad, "w") as tar:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(DataError, match="is no file"):
        unpack([bad], tmp_path / "there")
    bad.write_bytes(b"no tar")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack([bad], tmp_path / "there")
    with tarfile.open(bad, "w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack([bad], tmp_path / "there")
    assert not (tmp_path / "outside").exists()


def test_no_file_that_was_packed_is_replaced(folder):
    (folder / "faces-000.tar").write_bytes(b"mine")
    before = content(folder)
    with pytest.raises(ConfigError, match="is an input"):
        pack(folder, folder)
    assert content(folder) == before


def test_a_file_that_is_cut_off_does_not_count_as_unpacked(folder, tmp_path):
    (parcel,) = pack(folder, tmp_path / "parcels")
    whole = parcel.read_bytes()
    parcel.write_bytes(whole[:30_000])  # in the middle of the second file
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack([parcel], tmp_path / "there")
    assert len(content(tmp_path / "there")) == 1
    parcel.write_bytes(whole)
    assert unpack([parcel], tmp_path / "there") == 5
    assert content(tmp_path / "there") == {name: data for name, data in content(folder).items() if name != ".hidden"}


def test_large_files_are_cut_and_joined(folder):
    before = content(folder)
    parts = split_files(folder, max_bytes=7_000)
    assert len(parts) == 6 * 3 and max(path.stat().st_size for path in parts) == 7_000
    assert len(join_parts(folder)) == 6
    assert content(folder) == before
