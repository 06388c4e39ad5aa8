"""The one reader of text, JSON and YAML; names of files; outputs and inputs."""

from __future__ import annotations

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import limner
from limner.errors import ConfigError, DataError, WeightsError
from limner.files import (
    checked_name,
    checked_path,
    keeping,
    open_regular,
    read_bytes,
    read_json,
    read_text,
    read_yaml,
    refuse_replaced_inputs,
    replacing_folder,
    resolved,
    sha256_of,
    write_atomically,
)

DEEP = "[" * 50_000


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe that nobody writes to: to open it waits for ever."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_text_may_have_a_mark_and_the_line_ends_of_any_system(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthr\xc3\xa9e\n")
    assert read_text(tmp_path / "a.txt") == "one\ntwo\nthrée\n"


@pytest.mark.parametrize("read", [read_text, read_json, read_yaml])
def test_what_is_no_file_is_refused_before_it_is_read(read, pipe: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pipe cannot be read: it is not a file but a pipe or a device"):
        read(pipe)
    with pytest.raises(DataError, match="zero cannot be read: it is not a file but a pipe or a device"):
        read("/dev/zero")
    with pytest.raises(DataError, match="it is a folder"):
        read(tmp_path)
    with pytest.raises(DataError, match="No such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no file name"):
        read("a\0b")


def test_hash_of_a_pipe_is_refused(pipe: Path) -> None:
    with pytest.raises(OSError, match="pipe or a device"):
        sha256_of(pipe)


def test_links_to_files_are_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to("a")
    with open_regular(tmp_path / "b") as file:
        assert file.read() == b"x"


def test_limit_of_size(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[1,2]")
    assert read_bytes(tmp_path / "a.json", most=5) == b"[1,2]"
    with pytest.raises(WeightsError, match=r"a.json has more than 4e-06 MB"):
        read_json(tmp_path / "a.json", most=4, error=WeightsError)


def test_a_sparse_file_is_not_read_whole(tmp_path: Path) -> None:
    with open(tmp_path / "huge.yaml", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match=r"huge.yaml has more than"):
        read_yaml(tmp_path / "huge.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe{}", "not a text file in UTF-8"),
        (b'{"a": 1', "not valid JSON, perhaps cut off"),
        (DEEP.encode(), "nested too deeply"),
        (b"", "not valid JSON"),
        (b"9" * 5000, "not valid JSON"),
    ],
)
def test_json_that_is_none(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        read_json(tmp_path / "a.json", error=ConfigError)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: &x [1]\nb: *x\n", r"has the alias \*x: write the value out"),
        ("a: &a [1,1,1]\nb: &b [*a,*a,*a]\n", r"alias \*a"),
        ("a: [", "not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        (DEEP, "nested too deeply"),
        ("? [1, 2]\n: 3\n", "not valid YAML"),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(ConfigError, match=words) as caught:
        read_yaml(tmp_path / "a.yaml", error=ConfigError)
    assert "\n" not in str(caught.value)


def test_yaml_with_a_mark_and_crlf(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbftrain:\r\n  images: 64\r\n")
    assert read_yaml(tmp_path / "a.yaml") == {"train": {"images": 64}}


@pytest.mark.parametrize("name", ["result", "a b", "photo-1.small", "日本", "x" * 200])
def test_names_of_files(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "/abs", "../x", "a/b", "a\\b", "C:x", ".hidden", "..", "a\0b", "a\nb", "x" * 201, "\ud800", 7, None, b"x"],
)
def test_names_that_leave_their_folder_are_refused(name: object) -> None:
    with pytest.raises(DataError, match=r"settings.name is"):
        checked_name(name, what="settings.name", error=DataError)


def test_outputs_never_replace_inputs(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    photo = tmp_path / "photos/a.png"
    photo.write_bytes(b"x")
    (tmp_path / "out").symlink_to("photos")
    (tmp_path / "same.png").hardlink_to(photo)
    refuse_replaced_inputs([tmp_path / "photos/b.png"], [photo])
    for output in (photo, tmp_path / "out/a.png", tmp_path / "photos/../photos/a.png", tmp_path / "same.png"):
        with pytest.raises(ConfigError, match="is an input"):
            refuse_replaced_inputs([output], [photo])
    with pytest.raises(ConfigError, match="is an input"):  # neither is there yet, as with a pipeline that runs ahead
        refuse_replaced_inputs([tmp_path / "out/new.png"], [tmp_path / "photos/new.png"])
    with pytest.raises(ConfigError, match="Two outputs"):
        refuse_replaced_inputs([tmp_path / "out/new.png", tmp_path / "photos/new.png"], [])


def test_a_link_to_itself_has_a_whole_path(tmp_path):
    link = tmp_path / "loop"
    link.symlink_to(link)
    assert resolved(link) == Path(os.path.realpath(tmp_path)) / "loop"
    assert [
        path
        for path in sorted(Path(limner.__file__).parent.rglob("*.py"))
        if re.search(r"(?<!__file__\))(?<!hub)\.resolve\(\)", path.read_text(encoding="utf-8"))
    ] == []


def test_threads_that_write_one_file_do_not_meet(tmp_path: Path) -> None:
    """Pipelines of several threads fill one cache; the second to be renamed was not there any more."""
    both_have_written = threading.Barrier(2, timeout=10)

    def write(text: str) -> None:
        def fill(path: Path) -> None:
            path.write_text(text)
            both_have_written.wait()

        write_atomically({tmp_path / "file": fill})

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(write, text) for text in ("one", "two")]:
            done.result()
    assert (tmp_path / "file").read_text() in ("one", "two")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    (folder := tmp_path / "folder").mkdir()
    (folder / "a").write_text("old")
    (folder / "b").write_text("old")
    (link := tmp_path / "link").symlink_to(folder)

    def state() -> dict[str, str]:
        return {path.name: path.read_text() for path in folder.iterdir()}

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), replacing_folder(folder, ours=lambda name: name in "ab") as new:
            (new / "a").write_text("new")
            raise error
        assert state() == {"a": "old", "b": "old"}
    with keeping([folder]), pytest.raises(ConfigError, match="is an input"):
        replacing_folder(folder, ours=lambda name: True).__enter__()
    with pytest.raises(ConfigError, match="has b, which would be lost"):
        replacing_folder(folder, ours=lambda name: name == "a").__enter__()
    with replacing_folder(link, ours=lambda name: name in "ab") as new:
        (new / "a").write_text("new")
    assert state() == {"a": "new"} and link.is_symlink()
    with pytest.raises(ValueError), replacing_folder(tmp_path / "x/y", ours=lambda name: True):
        raise ValueError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link"]


def test_a_folder_that_could_not_take_its_name_is_put_back(tmp_path: Path) -> None:
    (folder := tmp_path / "folder").mkdir()
    (folder / "a").write_text("old")
    with pytest.raises(OSError), replacing_folder(folder, ours=lambda name: True) as new:
        new.rmdir()  # so that nothing can be renamed after the old folder has left its place
    assert (folder / "a").read_text() == "old" and list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("name", ["a", "a b.c", "é/ü.x", "WOMEN/id_1/01_1_front", ".hidden", "a..b"])
def test_paths_below_a_folder(name: str) -> None:
    assert checked_path(name) == name


@pytest.mark.parametrize(
    "name", ["", "/a", "../a", "a/../b", "a/..", ".", "a//b", "a\\b", "a\nb", "\udcff", "a\0", 5, None]
)
def test_paths_that_leave_it_are_refused(name: object) -> None:
    with pytest.raises(DataError, match="it must be the name of a file, or a path below a folder"):
        checked_path(name)
