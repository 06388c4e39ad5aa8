"""Which arithmetic a run takes: bf16-mixed where the hardware multiplies bfloat16, else float32.

Where the hardware does not, a CPU works bfloat16 out in float32 and is 9 to 20 times slower than without it.
No torch import before a question is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Precision = Literal["32-true", "bf16-mixed"]
"""What a run can compute in."""

CPU_INFO = Path("/proc/cpuinfo")
"""Where Linux says what its processor can do."""
CPU_FLAGS = ("avx512_bf16", "amx_bf16")
"""Flags of processors whose bfloat16 convolutions and matrix products are faster than float32's."""
CUDA_CAPABILITY = (8, 0)
"""Least compute capability with bfloat16 in hardware (Ampere)."""

COMPILERS = ("g++", "clang++", "cl")
"""Programs that torch.compile can translate its kernels with on a CPU."""


@dataclass(frozen=True)
class Choice:
    """The arithmetic of a run and why it was taken."""

    precision: Precision
    """What the networks compute in."""
    reason: str
    """Half a sentence for the first line of a run."""
    is_slow: bool = False
    """Whether somebody asked for what this hardware can only imitate."""


def choose(asked: Literal["auto", "32-true", "bf16-mixed"], accelerator: Literal["cpu", "cuda"]) -> Choice:
    """The arithmetic for a run on this machine.

    Args:
        asked: as in `TrainConfig`.
        accelerator: where the run will be.
    """
    is_there, what = cuda_bf16() if accelerator == "cuda" else cpu_bf16()
    if asked == "auto":
        return Choice("bf16-mixed" if is_there else "32-true", what)
    return Choice(asked, f"as asked; {what}", is_slow=asked == "bf16-mixed" and not is_there)


def cpu_bf16() -> tuple[bool, str]:
    """Whether the processor has bfloat16 in hardware, and the words for it."""
    import torch

    found = [flag for flag in CPU_FLAGS if flag in cpu_flags()]
    if found and not torch.backends.mkldnn.is_available():
        return False, "this build of torch lacks oneDNN, which bfloat16 on a processor needs"
    if found:
        return True, f"the processor has bfloat16 in hardware ({', '.join(found)})"
    return False, f"the processor has no bfloat16 in hardware ({' or '.join(CPU_FLAGS)})"


def cuda_bf16() -> tuple[bool, str]:
    """Whether every CUDA device has bfloat16 in hardware, and the words for it."""
    import torch

    devices = [torch.cuda.get_device_capability(index) for index in range(torch.cuda.device_count())]
    least = min(devices, default=(0, 0))
    words = f"compute capability {least[0]}.{least[1]}"
    if least >= CUDA_CAPABILITY:
        return True, f"the GPU has bfloat16 in hardware ({words})"
    return False, f"the GPU has no bfloat16 in hardware ({words}; it begins with 8.0)"


def cpu_flags() -> frozenset[str]:
    """What the processor can do, in Linux's words; elsewhere in torch's, where it says anything."""
    if CPU_INFO.is_file():
        for line in CPU_INFO.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("flags", "Features"):  # x86, ARM
                return frozenset(value.split())
        return frozenset()
    import torch

    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return frozenset(name for name, value in known.items() if value is True)
