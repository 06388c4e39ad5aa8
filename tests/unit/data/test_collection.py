"""Collections made by code: stops of every sort, then the same bytes as without them."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from limner.data.collection import RECORDS
from limner.data.drawn import write_drawn_faces
from limner.data.manifest import open_manifest
from limner.errors import ConfigError, DataError

from ...terminal import ctrl_c, in_a_terminal

NUM, SIZE = 12, 16


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def make(out: Path, num: int = NUM, **options) -> list:
    return write_drawn_faces(out, num=num, size=SIZE, seed=3, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """A run that nothing disturbs."""
    out = tmp_path_factory.mktemp("whole") / "faces"
    make(out)
    return contents(out)


def test_records_are_in_order_and_name_every_file(tmp_path):
    records = make(tmp_path / "out", part_masks=True)
    assert [record["index"] for record in records] == list(range(NUM))
    lines = (tmp_path / "out" / RECORDS).read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    named = {name for record in records for name in record["files"]}
    tables = {RECORDS, "drawn.json", "splits.csv", "landmarks68.csv", "CelebAMask-HQ-attribute-anno.txt"}
    assert named | tables == set(contents(tmp_path / "out"))


@pytest.mark.parametrize("damage", ["missing", "short", "map", "torn line", "no records", "odd line", "leftover"])
def test_what_is_damaged_is_made_again(damage, killed_while_writing, tmp_path, whole):
    out = tmp_path / "out"
    make(out)
    picture, records = out / "CelebA-HQ-img/5.png", out / RECORDS
    untouched = (out / "CelebA-HQ-img/6.png").stat().st_mtime_ns
    if damage == "missing":
        picture.unlink()
    elif damage == "short":
        picture.write_bytes(picture.read_bytes()[:-10])
    elif damage == "map":
        (out / "CelebAMaskHQ-mask/5.png").unlink()
    elif damage == "torn line":
        records.write_bytes(records.read_bytes()[:-200])
    elif damage == "no records":
        records.unlink()
    elif damage == "odd line":
        files = json.dumps(json.loads(records.read_text().splitlines()[7])["files"])
        odd = [
            *('{"index": 5}', "[]", '{"index": "a", "files": {}}', '{"index": 3, "files": {}}'),
            *('{"index": [3], "files": {}}', '{"index": true, "files": {"drawn.json": 1}}', f'{{"index": 99{files}'),
            *(f'{{"index": 99, "files": {files}}}', f'{{"index": 7, "files": {files}}}', '{"index": 1, "files": 2}'),
            '{"index": 2, "files": {"a\\u0000b": 3}, "attributes": {}, "landmarks": []}',
        ]
        records.write_text("\n".join([*records.read_text().splitlines()[1:], *odd]))
    else:
        killed_while_writing(picture)
    make(out)
    assert contents(out) == whole
    if damage != "no records":
        assert (out / "CelebA-HQ-img/6.png").stat().st_mtime_ns == untouched


def test_the_bar_counts_what_is_left_to_do(tmp_path):
    seen: list[tuple[int, int]] = []

    def progress(finished: Iterable[int]) -> Iterator[int]:
        for index in finished:
            seen.append((len(finished), index))
            yield index

    write_drawn_faces(tmp_path, num=4, size=SIZE, progress=progress)
    assert seen == [(4, 0), (4, 1), (4, 2), (4, 3)]
    seen.clear()
    write_drawn_faces(tmp_path, num=6, size=SIZE, progress=progress)
    assert seen == [(2, 4), (2, 5)]


def test_hidden_files_of_the_user_stay(tmp_path):
    make(tmp_path, 1)
    (tmp_path / ".mine.tmp").write_text("a user's")
    make(tmp_path, 2)
    assert (tmp_path / ".mine.tmp").read_text() == "a user's"


def test_a_killed_worker_is_one_sentence_and_the_rest_stays(tmp_path):
    # So many pictures that the parent hands out chunks until the end: with a few of them all may be finished when the
    # first is seen, on a machine that is busy.
    num = 8 * NUM
    out, undisturbed = tmp_path / "out", tmp_path / "undisturbed"

    def kill_one(finished: Iterable[int]) -> Iterator[int]:
        for count, index in enumerate(finished):
            if count == 0:
                os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
            yield index

    with pytest.raises(DataError, match=rf"worker process was killed.* of {num} drawn faces are in .*fewer workers"):
        make(out, num, workers=2, progress=kill_one)
    assert multiprocessing.active_children() == []
    there = open_manifest(out)
    for row in there.rows:
        there.read(row)
    assert not list(out.rglob("*.tmp"))
    make(out, num)
    make(undisturbed, num)
    assert contents(out) == contents(undisturbed)


def test_a_full_disk_is_one_sentence_and_leaves_no_half_of_a_line(tmp_path, whole):
    out = tmp_path / "out"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, hard))  # about five lines of records
    try:
        with pytest.raises(DataError, match=r"cannot be written: "):
            make(out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    lines = (out / RECORDS).read_text().splitlines()
    assert 0 < len(lines) < NUM and all(json.loads(line) for line in lines)
    make(out)
    assert contents(out) == whole


def test_a_folder_in_which_nothing_was_finished_begins_anew(tmp_path, whole):
    def interrupted(finished: Iterable[int]) -> Iterator[int]:
        raise KeyboardInterrupt
        yield from finished

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write_drawn_faces(out, num=NUM + 5, size=2 * SIZE, seed=4, progress=interrupted)
    assert json.loads((out / "drawn.json").read_text())["num"] == NUM + 5
    make(out)
    assert contents(out) == whole


def test_fewer_than_were_begun(tmp_path):
    def interrupted(finished: Iterable[int]) -> Iterator[int]:
        for index in finished:
            if index == 2:
                raise KeyboardInterrupt
            yield index

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, progress=interrupted)
    with pytest.raises(ConfigError, match=f"begun for {NUM} drawn faces, of which 3 are finished: ask for {NUM} or"):
        make(tmp_path, 4)
    with pytest.raises(ConfigError, match="holds 3 drawn faces, more than 2: choose another folder"):
        make(tmp_path, 2)
    make(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"num": 1e999}'])
def test_damaged_settings_say_what_helps(text, tmp_path):
    make(tmp_path / "out", 1)
    (tmp_path / "out" / "drawn.json").write_text(text)
    with pytest.raises(DataError, match=r"drawn.json is damaged: choose another folder, or remove all of .*out\."):
        make(tmp_path / "out", 1)


def test_no_workers(tmp_path):
    with pytest.raises(ConfigError, match="workers is 0"):
        make(tmp_path / "out", workers=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for children in /proc")
def test_workers_end_with_their_parent(tmp_path, root):
    words = shlex.split("-m limner data make drawn-faces --num 100000 --size 64 --workers 2 --out")
    parent = subprocess.Popen(
        [sys.executable, *words, str(tmp_path / "out")], env={**os.environ, "PYTHONPATH": str(root)}
    )
    try:
        workers: list[int] = []
        while parent.poll() is None:
            workers = [pid for pid in children_of(parent.pid) if "spawn_main" in command_line(pid)]
            if len(workers) == 2 and (tmp_path / "out" / RECORDS).exists():
                break
            time.sleep(0.1)
        assert len(workers) == 2
    finally:
        parent.kill()
        parent.wait()
    end = time.monotonic() + 1800  # which only ends what hangs
    while any(command_line(pid) for pid in workers):
        assert time.monotonic() < end, "workers outlive their parent"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_waits_for_no_picture(times, tmp_path, root):
    """A terminal sends it to all processes at once; people press it again when nothing happens."""
    out = tmp_path / "out"
    words = shlex.split("data make drawn-faces --num 400 --size 1024 --workers 2 --out")
    process = in_a_terminal([*words, str(out)], root)
    while process.poll() is None and not (out / RECORDS).exists():
        time.sleep(0.05)
    while process.poll() is None and not (out / RECORDS).stat().st_size:
        time.sleep(0.05)
    for _ in range(times):
        ctrl_c(process)
        time.sleep(0.5)
    _, error = process.communicate(timeout=300)
    assert "Traceback" not in error and error.splitlines()[-1] == "error: interrupted"
    assert process.returncode in ((130,) if times == 1 else (130, -signal.SIGINT))  # the second may end the end
    with pytest.raises(ProcessLookupError):
        for _ in range(600):
            os.killpg(process.pid, 0)
            time.sleep(0.1)
    assert not list(out.rglob("*.tmp")) or times == 2
    records = [json.loads(line) for line in (out / RECORDS).read_text().splitlines()]
    assert records and all(
        (out / name).stat().st_size == size for one in records for name, size in one["files"].items()
    )


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
