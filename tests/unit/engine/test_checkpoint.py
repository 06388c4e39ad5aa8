import json
import os
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from limner.engine.checkpoint import STATE_FILE, CheckpointFolder
from limner.engine.loop import _Run
from limner.engine.state import load_state, save_state
from limner.errors import TrainingError, WeightsError


def write(folder: CheckpointFolder, images_seen: int, value: float = 0.0) -> None:
    folder.write(images_seen, {"value": torch.tensor(value)}, lambda path: path.mkdir())


def names(folder: CheckpointFolder) -> list[str]:
    return [path.name for path in folder.newest()]


def test_state_keeps_bits_types_and_keys(tmp_path):
    state = {
        "networks": {"g": {"w": torch.randn(3, 4).t()}},  # not contiguous
        "optimizer": {
            "state": {0: {"step": torch.tensor(3.0)}, 1: {}},
            "groups": [{"lr": 1e-4, "betas": [0.5, 0.999]}],
        },
        "half": torch.randn(5).bfloat16(),
        "ids": torch.arange(4),
        "numbers": [1, 2.5, True, None, "text", float("inf")],
        "empty": {},
        "no_elements": torch.zeros(0, 3),
    }
    save_state(tmp_path / "s", state)
    loaded = load_state(tmp_path / "s")
    assert torch.equal(loaded["networks"]["g"]["w"], state["networks"]["g"]["w"])
    assert loaded["half"].dtype == torch.bfloat16 and torch.equal(loaded["half"], state["half"])
    assert loaded["ids"].dtype == torch.int64
    assert list(loaded["optimizer"]["state"]) == [0, 1]
    assert loaded["optimizer"]["groups"] == state["optimizer"]["groups"]
    assert loaded["numbers"] == state["numbers"] and loaded["empty"] == {}
    assert loaded["no_elements"].shape == (0, 3)


def test_only_plain_values_are_saved(tmp_path):
    with pytest.raises(TypeError, match="object at /a/1"):
        save_state(tmp_path / "s", {"a": [1, object()]})


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "pickle", "foreign"])
def test_unreadable_state_is_one_sentence(tmp_path, damage):
    path = tmp_path / "state.safetensors"
    if damage != "missing":
        save_state(path, {"w": torch.randn(100)})
    if damage == "empty":
        path.write_bytes(b"")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    if damage == "text":
        path.write_text("not weights")
    if damage == "pickle":
        torch.save({"w": torch.zeros(3)}, path)
    if damage == "foreign":
        save_file({"w": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match="training state"):
        load_state(path)


def test_newest_and_best_are_kept(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    write(folder, 10)
    folder.set_best(10, "score", 1.0)
    for images in (20, 30, 40):
        write(folder, images)
    assert names(folder) == ["000000040", "000000030", "000000010"]
    folder.set_best(40, "score", 2.0)
    write(folder, 50)
    assert names(folder) == ["000000050", "000000040"]


def test_best_is_none_when_its_record_is_broken(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=1)
    assert folder.best() is None
    (tmp_path / "best.json").write_text("{")
    assert folder.best() is None
    (tmp_path / "best.json").write_text(json.dumps({"checkpoint": "000000010"}))
    assert folder.best() is None  # names a folder that is not there


def test_failed_write_leaves_earlier_checkpoints_and_nothing_else(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    write(folder, 10, value=1.0)

    def fail(path):
        raise OSError(28, "No space left on device")

    with pytest.raises(TrainingError, match=r"at 20 images.*No space left.*--resume auto"):
        folder.write(20, {"value": torch.tensor(2.0)}, fail)
    assert names(folder) == ["000000010"]
    assert os.listdir(folder.folder) == ["000000010"]
    assert load_state(folder.folder / "000000010" / STATE_FILE)["value"] == 1.0


def test_unfinished_checkpoint_is_invisible_and_removed(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    (folder.folder / ".writing-000000010").mkdir(parents=True)
    assert names(folder) == []
    write(folder, 20)
    assert os.listdir(folder.folder) == ["000000020"]


def test_a_best_checkpoint_by_another_metric_counts_no_more():
    """A run of an earlier version, which chose by shares, goes on with one that chooses by errors."""

    def better(best, value):
        at_work = SimpleNamespace(
            system=SimpleNamespace(best_metric=("error", "min")), engine=SimpleNamespace(images_seen=20), best=best
        )
        return _Run.better(at_work, {"error": value})

    now = {"images_seen": 20, "metric": "error", "value": 0.5}
    assert better({"images_seen": 10, "metric": "accuracy", "value": 0.1}, 0.5) == now
    other = {"images_seen": 10, "metric": "error", "value": 0.1}
    assert better(other, 0.5) == other and better({**other, "value": 0.9}, 0.5) == now and better(None, 0.5) == now
