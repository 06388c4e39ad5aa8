"""`limner list` and `limner doctor`."""

from __future__ import annotations

import itertools
import json
import re
import tomllib

import pytest

from limner import registry
from limner.cli import doctor
from limner.cli.main import main
from limner.engine import precision


def test_list_has_every_system_preset_and_weight(tiny_weights, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    assert main(["list", "--json"]) == 0
    inventory = json.loads(capsys.readouterr().out)
    assert [system["name"] for system in inventory["systems"]] == registry.system_names()
    for system in inventory["systems"]:
        assert system["about"] and system["task"] == registry.task(system["name"]).about()
        assert list(system["presets"]) == list(registry.presets(system["name"]))
        assert all(system["presets"].values()), "every preset says what to expect of it"
    weights = {entry["name"]: entry for entry in inventory["systems"][0]["weights"]}
    entry = weights["scgan-people-64"]
    assert entry["default"] and entry["image_size"] == 32 and entry["expected"] == {"mIoU": 0.5}
    assert entry["license"] and entry["size_bytes"] > 0


def test_shipped_weights_say_what_to_expect_of_them(capsys) -> None:
    assert main(["list", "--json"]) == 0
    systems = json.loads(capsys.readouterr().out)["systems"]
    shipped = [entry for system in systems for entry in system["weights"]]
    assert shipped
    for entry in shipped:
        assert entry["expected"]["protocol"] and len(entry["expected"]) > 1, entry["name"]


def test_list_as_text(tiny_weights, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert "scgan-people-64" in text and "mIoU 0.5" in text and "smoke" in text and "Apache-2.0" in text
    assert max(map(len, text.splitlines())) <= 120


def test_doctor_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["packages"]["torch"]["version"]
    assert report["cpu"]["cores"] >= 1
    assert report["devices"][0]["name"] == "cpu"
    rates = report["speed"]["conv_gflops"]
    assert all(rate > 0 for rate in rates.values())
    assert report["speed"]["faster"] == max(rates, key=rates.get)
    assert report["speed"]["auto"] in rates and report["speed"]["reason"]
    assert set(report["systems"]) == set(registry.system_names())


def test_doctor_names_the_faster_precision_and_the_one_that_training_takes(monkeypatch, tmp_path, capsys) -> None:
    (tmp_path / "cpuinfo").write_text("flags : fpu avx2\n")
    monkeypatch.setattr(doctor, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "no bf16 in hardware" in text
    assert "32-true wins" in text or "bf16-mixed wins" in text
    assert "limner train takes 32-true here: the processor has no bfloat16" in text


def test_rate_of_a_very_slow_machine_is_not_rounded_to_zero(monkeypatch) -> None:
    monkeypatch.setattr(doctor.time, "perf_counter", itertools.count(0, 10**7).__next__)
    found = doctor.speed("cpu")
    assert all(0 < rate < 1e-4 for rate in found["conv_gflops"].values())


def test_doctor_says_what_each_system_lacks(monkeypatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "dlib-bin" else "1.0")
    lacking = doctor.examine()["systems"]
    assert lacking["portrait"] == [
        'what it takes to find faces in photos that are not cut (--align): pip install "limner[landmarks]"'
    ]
    assert lacking["spade"] == ["weights: train them, or give a folder with --weights"]
    assert lacking["scgan"] == lacking["painter"] == []


def test_doctor_names_weights_that_are_there_though_a_package_is_not(monkeypatch, capsys) -> None:
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "dlib-bin" else "1.0")
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^  portrait +has weights; lacks what it takes to find faces in photos", text, re.MULTILINE)
    assert re.search(r"^  caae +lacks weights: .*; what it takes to find the face", text, re.MULTILINE)


def test_doctor_as_text(monkeypatch, capsys) -> None:
    monkeypatch.setattr(doctor, "CORE", (*doctor.CORE, "no-such-package"))
    monkeypatch.setattr(doctor, "EXTRAS", {"data": {"no-such-reader": "read odd files"}})
    assert main(["doctor"]) == 1, "a core package is missing"
    text = capsys.readouterr().out
    assert "no-such-package    MISSING" in text
    assert 'no-such-reader     not installed; to read odd files: pip install "limner[data]"' in text


def test_doctor_knows_the_packages_of_pyproject(root) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> list[str]:
        return [requirement.partition(">")[0] for requirement in requirements]

    assert list(doctor.CORE) == names(project["dependencies"])
    assert {extra: list(members) for extra, members in doctor.EXTRAS.items()} == {
        extra: names(members)
        for extra, members in project["optional-dependencies"].items()
        if extra not in ("all", "dev", "studio-test")
    }
