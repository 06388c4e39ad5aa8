"""What `--train.precision auto` takes, on processors and GPUs with and without bfloat16 in hardware."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner import registry
from limner.engine import precision
from limner.engine.config import TrainConfig
from limner.engine.fabric import choose_precision, make_fabric
from limner.engine.precision import choose


@pytest.fixture
def processor(monkeypatch, tmp_path):
    """Call it with the flags that the processor shall have in this test's view."""

    def set_flags(*flags: str, key: str = "flags") -> None:
        file: Path = tmp_path / "cpuinfo"
        file.write_text(f"processor\t: 0\nmodel name\t: any\n{key}\t\t: fpu {' '.join(flags)}\nbugs\t: \n")
        monkeypatch.setattr(precision, "CPU_INFO", file)

    return set_flags


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_a_processor_with_bfloat16_takes_it(processor, flag):
    processor("avx2", flag)
    choice = choose("auto", "cpu")
    assert (choice.precision, choice.is_slow) == ("bf16-mixed", False)
    assert flag in choice.reason


@pytest.mark.parametrize("flags", [("avx2",), ("avx2", "avx512f", "avx512_vnni"), ()])
def test_a_processor_without_trains_in_float32(processor, flags):
    processor(*flags)
    choice = choose("auto", "cpu")
    assert (choice.precision, choice.is_slow) == ("32-true", False)
    assert "no bfloat16" in choice.reason


def test_flags_of_arm_are_read_too(processor):
    processor("asimd", key="Features")
    assert "asimd" in precision.cpu_flags()


def test_without_the_file_torch_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "nothing")
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"amx_bf16": True, "avx512_bf16": False}, raising=False)
    assert precision.cpu_flags() == {"amx_bf16"}


def test_what_is_asked_for_is_taken_and_a_slow_wish_is_known(processor):
    processor("avx2")
    assert choose("bf16-mixed", "cpu").is_slow and choose("bf16-mixed", "cpu").precision == "bf16-mixed"
    assert not choose("32-true", "cpu").is_slow
    processor("avx512_bf16")
    assert not choose("bf16-mixed", "cpu").is_slow
    assert choose("32-true", "cpu").precision == "32-true"


@pytest.mark.parametrize(
    ("capabilities", "wanted"), [([(8, 0), (9, 0)], "bf16-mixed"), ([(7, 5)], "32-true"), ([(9, 0), (7, 0)], "32-true")]
)
def test_a_gpu_takes_it_from_ampere_on(monkeypatch, capabilities, wanted):
    monkeypatch.setattr("torch.cuda.device_count", lambda: len(capabilities))
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda index: capabilities[index])
    assert choose("auto", "cuda").precision == wanted


def test_fabric_gets_what_was_taken(processor):
    config = TrainConfig(images=8, batch_size=8, accelerator="cpu")
    for flags, wanted in (((), "32-true"), (("avx512_bf16",), "bf16-mixed")):
        processor(*flags)
        assert choose_precision(config).precision == wanted
        assert make_fabric(config)._precision.precision == wanted


@pytest.mark.parametrize("name", registry.system_names())
def test_presets_leave_it_to_the_machine_or_are_float32(name):
    """No preset forces bf16; `smoke` is float32, so that no test depends on the processor."""
    for preset in registry.presets(name):
        asked = registry.preset(name, preset).train.precision
        assert asked in ("auto", "32-true"), preset
        assert asked == "32-true" or not preset.startswith("smoke"), preset
    assert registry.preset(name, "cpu").train.precision == "auto"
