"""What is on the disk: sessions, assets, results, and what leaves first."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from limner.studio.catalogue import reports
from limner.studio.workspace import Session, Workspace


def result(session: Session, size: int = 10) -> str:
    name = session.new_id()
    folder = session.result_folder(name)
    folder.mkdir()
    (folder / "picture").write_bytes(bytes(size))
    (folder / "about.json").write_text(json.dumps({"id": name}))
    return name


def test_the_folder_is_the_users_alone(tmp_path: Path) -> None:
    session = Workspace(tmp_path).new()
    assert (tmp_path / "sessions").stat().st_mode & 0o777 == 0o700
    assert session.folder.stat().st_mode & 0o777 == 0o700


def test_sessions_are_found_again(tmp_path: Path) -> None:
    session = Workspace(tmp_path).new()
    asset = session.add_asset(b"content", "photo", name="me.png", width=1, height=1)
    first = result(session)
    found = Workspace(tmp_path).get(session.id)
    assert found is not None and found.asset(asset.id) == asset and found.results() == [first]
    assert found.new_id() > first


def test_the_same_file_is_the_same_asset(tmp_path: Path) -> None:
    session = Workspace(tmp_path).new()
    assert session.add_asset(b"x", "photo").id == session.add_asset(b"x", "photo").id
    assert session.add_asset(b"y", "photo").id != session.add_asset(b"x", "photo").id


@pytest.mark.parametrize("name", ["../" * 8 + "etc/passwd", "..", "", "a" * 63, "A" * 64, "a" * 64 + "\n", "a/b"])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    session = Workspace(tmp_path).new()
    assert session.asset(name) is None and session.result(name) is None
    assert Workspace(tmp_path).get(name) is None


def test_an_unfinished_result_is_none(tmp_path: Path) -> None:
    session = Workspace(tmp_path).new()
    name = session.new_id()
    session.result_folder(name).mkdir()
    assert session.result(name) is None and session.results() == []


def test_the_oldest_results_leave_first(tmp_path: Path) -> None:
    session = Workspace(tmp_path).new()
    names = [result(session) for _ in range(4)]
    assert session.trim_results(3, 10**6) == [names[0]]
    assert session.trim_results(9, 1) == [names[2], names[1]]  # the newest stays, however large
    assert session.results() == [names[3]]


def test_a_damaged_job_file_is_dropped(tmp_path: Path) -> None:
    session = Workspace(tmp_path).new()
    session.write_job({"id": "00000001-aaaaaaaa"})
    (session.folder / "jobs" / "00000002-aaaaaaaa.json").write_text("{")
    assert session.jobs() == [{"id": "00000001-aaaaaaaa"}]
    assert Session(session.folder).new_id().startswith("00000002")


def test_idle_sessions_are_known_unless_they_draw(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    old, busy, fresh = workspace.new(), workspace.new(), workspace.new()
    for session in (old, busy):
        os.utime(session.folder / "session.json", (time.time() - 10 * 86_400,) * 2)
    assert workspace.idle(7, {busy.id}) == [old] and fresh in workspace.idle(-1, set())
    workspace.remove(old)
    assert set(workspace.open) == {busy.id, fresh.id} and not old.folder.exists()


def test_assets_of_waiting_jobs_stay(tmp_path: Path) -> None:
    session = Workspace(tmp_path).new()
    assets = [session.add_asset(bytes([number]), "photo") for number in range(3)]
    for age, asset in enumerate(assets):
        os.utime(session.folder / "assets" / f"{asset.id}.about", (age, age))
    session.write_job({"id": "00000001-aaaaaaaa", "values": {"photo": assets[0].id}})
    session.trim_assets(most=1)
    assert [session.asset(one.id) is not None for one in assets] == [True, False, True]


def test_hidden_files_beside_ours_are_none_of_ours(tmp_path: Path) -> None:
    """As macOS leaves them on disks of other systems: `._NAME` in AppleDouble form, `.DS_Store`."""
    session = Workspace(tmp_path).new()
    session.write_job({"id": "00000001-aaaaaaaa"})
    asset, name = session.add_asset(b"x", "photo"), result(session)
    hidden = [
        session.folder / "jobs" / "._00000001-aaaaaaaa.json",
        session.folder / "assets" / f"._{asset.id}.about",
        session.folder / "results" / "._00000009-aaaaaaaa" / "about.json",
    ]
    for path in hidden:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\x00\x05\x16\x07\xff")
    again = Workspace(tmp_path).get(session.id)
    assert again is not None
    assert again.jobs() == [{"id": "00000001-aaaaaaaa"}] and again.results() == [name]
    again.trim_assets(most=0)
    assert again.asset(asset.id) is None
    assert all(path.exists() for path in hidden)  # not ours to delete


def test_hidden_files_are_no_reports(tmp_path: Path) -> None:
    for name in ("._run.md", "run.md", ".cache/old.md", "deep/more.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    assert list(reports(tmp_path)) == ["deep~more.json", "run.md"]
