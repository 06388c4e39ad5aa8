"""Weights folders: saved whole, loaded strictly, everything doubtful refused in one sentence."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import limner
from limner import hub
from limner.errors import ConfigError, WeightsError
from limner.files import sha256_of
from limner.pipelines import load
from limner.systems.scgan.pipeline import SCGANPipeline
from limner.weights_folder import load_network, tensors_to_save

MAP = np.ones((32, 32), dtype=np.uint8)


def update_sums(folder: Path) -> None:
    """Make SHA256SUMS right again, so that what a test spoilt is met by the later checks."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != hub.SUMS
    ]
    (folder / hub.SUMS).write_text("".join(lines))


def edit_json(path: Path, **changes: Any) -> None:
    data = json.loads(path.read_text())
    data.update(changes)
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not ...}))


def edit_tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_load_gives_back_every_network_bit_for_bit(make_scgan, tmp_path: Path) -> None:
    pipeline = make_scgan()
    pipeline.save_pretrained(tmp_path / "w", expected={"mIoU": 0.5})
    again = load(tmp_path / "w")
    assert type(again) is SCGANPipeline
    assert again.spec == pipeline.spec and again.image_size == 32 and again.expected == {"mIoU": 0.5}
    for name, network in pipeline.components.items():
        assert again.config(name) == pipeline.config(name)
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, again.components[name].state_dict()[key])
    assert again.weights_hash == pipeline.weights_hash
    assert np.array_equal(pipeline(MAP).images[0], again(MAP).images[0])
    assert not any(module.training for network in again.components.values() for module in network.modules())


def test_folder_has_the_documented_files(tiny_weights: Path, root: Path) -> None:
    files = {path.relative_to(tiny_weights).as_posix() for path in tiny_weights.rglob("*") if path.is_file()}
    networks = {
        f"{name}/{file}" for name in ("generator", "segmentor") for file in ("config.json", "model.safetensors")
    }
    assert files == {"pipeline.json", "README.md", "SHA256SUMS"} | networks
    page = (root / "docs" / "weights-format.md").read_text()
    for key in json.loads((tiny_weights / "pipeline.json").read_text()):
        assert f"`{key}`" in page
    for name, digest in (line.split("  ")[::-1] for line in (tiny_weights / "SHA256SUMS").read_text().splitlines()):
        assert hashlib.sha256((tiny_weights / name).read_bytes()).hexdigest() == digest
    assert all(path.stat().st_mode & 0o044 for path in tiny_weights.rglob("*"))  # others may read what is passed on


def test_half_is_half_the_size_and_nearly_the_same_picture(make_scgan, tmp_path: Path) -> None:
    pipeline = make_scgan()
    sizes = {}
    for half in (False, True):
        path = pipeline.save_pretrained(tmp_path / str(half), half=half)
        sizes[half] = (path / "generator" / "model.safetensors").stat().st_size
    assert sizes[True] < 0.55 * sizes[False]
    loaded = load(tmp_path / "True")
    assert {p.dtype for network in loaded.components.values() for p in network.parameters()} == {torch.float32}
    difference = np.abs(np.asarray(pipeline(MAP).images[0], int) - np.asarray(loaded(MAP).images[0], int))
    assert difference.max() <= 4  # half precision has 11 bits, a picture 8
    assert loaded.weights_hash != pipeline.weights_hash


def test_half_leaves_running_statistics_as_they_are() -> None:
    norm = torch.nn.BatchNorm2d(2)
    norm.running_var[:] = torch.tensor([3e5, 1e-9])  # neither is a number of half precision
    tensors = tensors_to_save(norm, "norm", half=True)
    assert tensors["weight"].dtype == torch.float16
    assert torch.equal(tensors["running_var"], norm.running_var)


def test_half_that_would_overflow_is_refused(make_scgan, tmp_path: Path) -> None:
    pipeline = make_scgan()
    with torch.no_grad():
        pipeline.components["generator"].to_rgb.bias[0] = 1e6
    with pytest.raises(WeightsError, match=r'"to_rgb.bias" of generator does not fit in half precision'):
        pipeline.save_pretrained(tmp_path / "w", half=True)
    assert list(tmp_path.iterdir()) == []


def test_hash_covers_every_value_of_the_networks_that_draw(make_scgan) -> None:
    one = make_scgan().weights_hash
    assert make_scgan().weights_hash == one
    assert make_scgan(discriminator=True).weights_hash == one
    other = make_scgan()
    with torch.no_grad():
        other.components["segmentor"].layers[0].weight[0, 0, 0, 0] += 1e-3
    assert other.weights_hash != one


def test_discriminator_is_loaded_only_on_request(make_scgan, tmp_path: Path) -> None:
    make_scgan(discriminator=True).save_pretrained(tmp_path / "w")
    assert set(load(tmp_path / "w").components) == {"generator", "segmentor"}
    assert "discriminator" in load(tmp_path / "w", with_optional=True).components
    make_scgan().save_pretrained(tmp_path / "without")
    assert "discriminator" not in load(tmp_path / "without", with_optional=True).components


def test_saving_does_not_change_the_live_networks(make_scgan, tmp_path: Path) -> None:
    pipeline = make_scgan()
    pipeline.components["generator"].train()
    pipeline.components["segmentor"].eval()
    pipeline(MAP)
    pipeline.save_pretrained(tmp_path / "w", half=True)
    assert pipeline.components["generator"].training and not pipeline.components["segmentor"].training
    assert all(p.requires_grad and p.dtype == torch.float32 for p in pipeline.components["generator"].parameters())


def test_existing_weights_are_replaced_and_nothing_else(make_scgan, tmp_path: Path) -> None:
    path = make_scgan(seed=0).save_pretrained(tmp_path / "w")
    make_scgan(seed=1, discriminator=True).save_pretrained(path)
    assert load(path).weights_hash == make_scgan(seed=1).weights_hash
    assert [entry.name for entry in tmp_path.iterdir()] == ["w"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(WeightsError, match="exists and is not a weights folder"):
        make_scgan().save_pretrained(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_failed_save_leaves_the_old_folder_and_no_rest(make_scgan, tmp_path: Path) -> None:
    path = make_scgan(seed=0).save_pretrained(tmp_path / "w")
    before = load(path).weights_hash
    broken = make_scgan(seed=1)
    with torch.no_grad():
        broken.components["segmentor"].layers[0].weight[0] = 1e9  # found when half of the folder is written
    with pytest.raises(WeightsError):
        broken.save_pretrained(path, half=True)
    assert load(path).weights_hash == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["w"]


def test_full_disk_is_one_sentence_and_leaves_nothing(make_scgan, tmp_path: Path) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))  # files end there, as on a full disk
    try:
        with pytest.raises(WeightsError, match="cannot be written"):
            make_scgan().save_pretrained(tmp_path / "w")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_path_below_a_file_is_one_sentence(make_scgan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot be written"):
        make_scgan().save_pretrained(tmp_path / "file" / "w")


def test_card_from_text_or_file(make_scgan, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("---\nlicense: CC0-1.0\n---\n# Faces\n")
    path = make_scgan().save_pretrained(tmp_path / "a", card=card)
    assert (path / "README.md").read_text() == card.read_text()
    path = make_scgan().save_pretrained(tmp_path / "b", card="# Text\nof a card\n")
    assert (path / "README.md").read_text() == "# Text\nof a card\n"
    with pytest.raises(ConfigError, match=r"nowhere.md cannot be read"):
        make_scgan().save_pretrained(tmp_path / "c", card=tmp_path / "nowhere.md")
    assert not (tmp_path / "c").exists()


def test_wrong_networks_are_programming_errors(make_scgan) -> None:
    good = make_scgan()
    with pytest.raises(TypeError, match="needs the network 'segmentor'"):
        SCGANPipeline(spec=good.spec, size=32, generator=good.components["generator"])
    with pytest.raises(TypeError, match="has no network 'critic'"):
        SCGANPipeline(spec=good.spec, size=32, **good.components, critic=good.components["segmentor"])


def rename_key(tensors: dict[str, torch.Tensor]) -> None:
    tensors["encoder.0.gamma"] = tensors.pop("encoder.0.weight")


def fill_nan(tensors: dict[str, torch.Tensor]) -> None:
    tensors["to_rgb.weight"][0, 0, 0, 0] = float("nan")


def fill_inf(tensors: dict[str, torch.Tensor]) -> None:
    tensors["to_rgb.bias"][1] = float("inf")


def cut_shape(tensors: dict[str, torch.Tensor]) -> None:
    tensors["to_rgb.weight"] = tensors["to_rgb.weight"][:2].clone()


def make_integer(tensors: dict[str, torch.Tensor]) -> None:
    tensors["to_rgb.bias"] = tensors["to_rgb.bias"].long()


def drop_key(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["to_rgb.bias"]


def add_key(tensors: dict[str, torch.Tensor]) -> None:
    tensors["to_rgb.scale"] = torch.ones(3)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (drop_key, r'lacks the tensor "to_rgb.bias" of shape \(3,\)'),
        (add_key, 'has the tensor "to_rgb.scale", which Generator does not have'),
        (rename_key, 'lacks the tensor "encoder.0.weight"'),
        (cut_shape, r'"to_rgb.weight" has shape \(2, 8, 3, 3\), but config.json asks for \(3, 8, 3, 3\)'),
        (make_integer, '"to_rgb.bias" is torch.int64, it must be torch.float32'),
        (fill_nan, '"to_rgb.weight" holds NaN or infinite values'),
        (fill_inf, '"to_rgb.bias" holds NaN or infinite values'),
    ],
)
def test_tensors_that_do_not_fit_are_refused(folder: Path, change: Callable[..., object], text: str) -> None:
    edit_tensors(folder / "generator" / "model.safetensors", change)
    update_sums(folder)
    with pytest.raises(WeightsError, match=text) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


FUTURE = hub.FORMAT_VERSION + 1


@pytest.mark.parametrize(
    ("file", "changes", "text"),
    [
        ("pipeline.json", {"format_version": FUTURE}, f"format version {FUTURE}, .* update Limner"),
        ("pipeline.json", {"format_version": ..., "_class_name": "DiTPipeline"}, 'no whole number "format_version"'),
        ("pipeline.json", {"format_version": "1"}, 'no whole number "format_version"'),
        ("pipeline.json", {"system": "sgan"}, 'unknown system "sgan". Did you mean "scgan"'),
        ("pipeline.json", {"system": "parser"}, 'names the network "generator", which "parser" does not have'),
        ("pipeline.json", {"system": ...}, 'no "system" of the right kind'),
        ("pipeline.json", {"networks": ["generator"]}, 'does not name the network "segmentor"'),
        ("pipeline.json", {"networks": ["generator", "segmentor", "critic"]}, 'names the network "critic"'),
        ("pipeline.json", {"networks": ["../../generator", "segmentor"]}, r"names the network '../../generator'"),
        ("pipeline.json", {"networks": ["/etc", "segmentor"]}, "names the network '/etc'"),
        ("pipeline.json", {"networks": [["generator"]]}, "names the network"),
        ("pipeline.json", {"networks": "generator"}, 'no "networks" of the right kind'),
        ("pipeline.json", {"image_size": 64}, "generator has image_size 32, but the data description asks for 64"),
        ("pipeline.json", {"spec": {}}, "does not fit its networks: The data description lacks"),
        ("pipeline.json", {"spec": []}, 'no "spec" of the right kind'),
        ("generator/config.json", {"width": 16}, "has shape .* but config.json asks for"),
        (
            "generator/config.json",
            {"colour": 1},
            "does not describe a generator: .*unexpected keyword argument 'colour'",
        ),
        ("generator/config.json", {"image_size": ...}, "does not describe a generator: .*image_size"),
        ("generator/config.json", {"image_size": -64}, "does not describe a generator: .*power of two"),
        ("generator/config.json", {"image_size": 2**80}, "does not describe a generator"),
        ("generator/config.json", {"latent_size": 10**9}, "the number 1000000000, which its tensors do not bear out"),
        ("generator/config.json", {"num_classes": "many"}, "does not describe a generator"),
        ("segmentor/config.json", {"num_classes": 7}, "has shape .* but config.json asks for"),
    ],
)
def test_foreign_or_wrong_json_is_refused(folder: Path, file: str, changes: dict[str, Any], text: str) -> None:
    edit_json(folder / file, **changes)
    update_sums(folder)
    with pytest.raises(WeightsError, match=text) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_schema_that_the_networks_were_not_trained_with_is_refused(folder: Path) -> None:
    from limner.data.schema import get_schema

    index = json.loads((folder / "pipeline.json").read_text())
    index["spec"]["schema"] = get_schema("deepfashion-7").to_json()
    (folder / "pipeline.json").write_text(json.dumps(index))
    update_sums(folder)
    with pytest.raises(WeightsError, match="generator has num_classes 19, but the data description asks for 7"):
        load(folder)


@pytest.mark.parametrize("file", ["generator/config.json", "generator/model.safetensors", "SHA256SUMS"])
def test_missing_files_are_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(WeightsError, match=Path(file).name):
        load(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, 20_000])
def test_truncated_safetensors_are_refused(folder: Path, keep: int) -> None:
    path = folder / "generator" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"its SHA-256 differs from the one in SHA256SUMS"):
        load(folder)
    update_sums(folder)
    with pytest.raises(WeightsError, match="is not a complete safetensors file"):
        load(folder)


def test_changed_values_and_files_that_are_not_listed_are_refused(folder: Path) -> None:
    edit_tensors(folder / "segmentor" / "model.safetensors", lambda tensors: tensors["layers.0.weight"].mul_(2))
    with pytest.raises(WeightsError, match=r"segmentor/model.safetensors is not the file that was saved"):
        load(folder)
    sums = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(line for line in sums if "segmentor/model" not in line))
    with pytest.raises(WeightsError, match=r"does not list segmentor/model.safetensors"):
        load(folder)
    (folder / "SHA256SUMS").write_bytes(b"\xff\xfe")
    with pytest.raises(WeightsError, match="SHA256SUMS is not a text file"):
        load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"'])
def test_json_that_is_none_is_refused(folder: Path, text: str) -> None:
    for file in ("generator/config.json", "pipeline.json"):
        (folder / file).write_text(text)
        update_sums(folder)
        with pytest.raises(WeightsError, match=f"{file} (is not valid JSON|holds no JSON object)"):
            load(folder)


def test_weights_of_another_system_are_refused(tiny_weights: Path) -> None:
    from limner.systems.parser.pipeline import ParserPipeline

    with pytest.raises(WeightsError, match='holds weights of the system "scgan", not of "parser"'):
        load(tiny_weights, system="parser")
    with pytest.raises(WeightsError, match='holds weights of the system "scgan", not of "parser"'):
        ParserPipeline.from_pretrained(tiny_weights)


class Trap:
    """Unpickling it would make a file: proof that nothing unpickled it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".ckpt", ".pkl"])
def test_pickles_are_refused_unopened(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / "run" / f"model{suffix}"
    file.parent.mkdir()
    torch.save(Trap(tmp_path / "sprung"), file)
    for path in (file, file.parent):
        with pytest.raises(WeightsError, match=r"is a pickle file.* only safetensors are loaded"):
            limner.load(path)
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_under_the_name_of_safetensors_is_refused(folder: Path, tmp_path: Path) -> None:
    torch.save(Trap(tmp_path / "sprung"), folder / "generator" / "model.safetensors")
    update_sums(folder)
    with pytest.raises(WeightsError, match="is not a complete safetensors file"):
        load(folder)
    assert not (tmp_path / "sprung").exists()


def test_folder_may_be_moved_and_linked(tiny_weights: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(tiny_weights, tmp_path / "elsewhere"))
    (tmp_path / "link").symlink_to(moved)
    assert load(tmp_path / "link").weights_hash == load(tiny_weights).weights_hash


@pytest.mark.parametrize(
    "config",
    [{"image_size": 2**40}, {"width": 10**12}, {"latent_size": 10**9}, {"num_blocks": 10**9}, {"num_classes": 1e300}],
    ids=str,
)
def test_numbers_of_a_config_are_bounded_by_its_tensors(folder: Path, config: dict[str, float]) -> None:
    edit_json(folder / "generator/config.json", **config)
    update_sums(folder)
    with pytest.raises(WeightsError, match=r"generator/config.json does not describe a generator"):
        load(folder)


class Tower(torch.nn.Module):
    """Any number of layers, as its config asks for."""

    def __init__(self, num_blocks: int) -> None:
        super().__init__()
        self.config = {"num_blocks": num_blocks}
        self.blocks = torch.nn.ModuleList(torch.nn.Linear(2, 2) for _ in range(num_blocks))


def test_a_config_asks_for_no_more_parts_than_its_tensors_have(tmp_path: Path) -> None:
    """900 000 layers would pass for a number, and take minutes and gigabytes to build."""
    (tmp_path / "tower").mkdir()
    save_file(Tower(3).state_dict(), tmp_path / "tower/model.safetensors")
    for num_blocks in (3, 900_000):
        (tmp_path / "tower/config.json").write_text(json.dumps({"num_blocks": num_blocks}))
        sums = {f"tower/{name}": sha256_of(tmp_path / "tower" / name) for name in ("config.json", "model.safetensors")}
        if num_blocks == 3:
            assert len(load_network(tmp_path, "tower", Tower, sums).state_dict()) == 6
        else:
            with pytest.raises(WeightsError, match="more parts than its tensors are of"):
                load_network(tmp_path, "tower", Tower, sums)
    torch.nn.Linear(2, 2)  # the count has ended


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "", None])
def test_a_device_that_does_not_exist(tiny_weights: Path, device) -> None:
    with pytest.raises(ConfigError, match=r"^There is no device ('\w*:?x?'|None); name cpu, cuda, cuda:1 or mps\.$"):
        load(tiny_weights).to(device)


@pytest.mark.parametrize(
    "wrong",
    [
        {"half": "no"},
        {"half": 1},
        {"default": "x"},
        {"default": np.bool_(True)},
        {"card": 5},
        *({"expected": value} for value in (5, "x", {"a": float("nan")}, {"a": float("inf")}, {"a": {1, 2}}, {(): 1})),
    ],
    ids=str,
)
def test_arguments_that_no_weights_folder_can_hold(make_scgan, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        make_scgan().save_pretrained(tmp_path / "weights", **wrong)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("plan", [None, 5, "x", {}])
def test_what_is_no_plan_is_not_drawn(make_scgan, plan: object) -> None:
    with pytest.raises(ConfigError, match="is no plan"):
        make_scgan().render(plan)
