"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

from limner.systems import SYSTEMS

# Where tensors go in and out, a wrong shape or type is an error of its own. The modules are imported after this line.
install_import_hook(
    ["limner.nn", "limner.backbones", "limner.losses", "limner.metrics", "limner.data.batch"]
    # Not mask_to_image.inputs: what users pass is checked there, with a sentence.
    + [f"limner.mask_to_image.{module}" for module in ("evaluation", "export", "training")]
    + [f"limner.ageing.{module}" for module in ("data", "shapes", "validation", "evaluation")]
    + [f"{target.partition(':')[0]}.{module}" for target in SYSTEMS.values() for module in ("networks", "system")],
    "beartype.beartype",
)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read from or left in the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _own_threads() -> Iterator[None]:
    """The threads that the run was given: numba's first loop gives PyTorch as many as there are cores."""
    yield
    torch, number = sys.modules.get("torch"), os.environ.get("OMP_NUM_THREADS", "")
    if torch is not None and number.isdecimal() and torch.get_num_threads() != int(number):
        torch.set_num_threads(int(number))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python(*arguments, env={}, cwd=None)`: a fresh interpreter that finds this checkout first."""

    def run(*arguments: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        return subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, timeout=1800
        )

    return run


@pytest.fixture(scope="session")
def killed_while_writing(python: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[[Path], None]:
    """`killed_while_writing(path)`: a process that writes this file dies, and leaves its half of it beside."""
    code = (
        "import os, sys; from pathlib import Path; from limner.files import write_atomically\n"
        "write_atomically({Path(sys.argv[1]): lambda path: (path.write_text('half'), os._exit(9))})"
    )

    def kill(path: Path) -> None:
        there = len(list(path.parent.glob(".*.tmp"))) if path.parent.is_dir() else 0
        assert python("-c", code, str(path)).returncode == 9
        assert len(list(path.parent.glob(".*.tmp"))) == there + 1

    return kill


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights under the name that `limner.load("scgan")` takes: random, 32 px, CelebA's five attributes.

    Set `LIMNER_WEIGHTS` to its parent to make it the shipped one.
    """
    import torch

    from limner.data.manifest import SCGAN_ATTRIBUTES
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec
    from limner.systems.scgan.networks import Generator, Segmentor
    from limner.systems.scgan.pipeline import SCGANPipeline

    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = Generator(image_size=32, num_classes=19, num_attributes=5, latent_size=8, width=8)
        segmentor = Segmentor(num_classes=19, width=8)
    spec = DataSpec(labels=get_schema("celebamask-19"), attribute_names=SCGAN_ATTRIBUTES, attribute_kind="multi_label")
    pipeline = SCGANPipeline(spec=spec, size=32, generator=generator, segmentor=segmentor)
    path = tmp_path_factory.mktemp("weights") / "scgan-people-64"
    return pipeline.save_pretrained(path, expected={"mIoU": 0.5}, default=True)


@pytest.fixture(scope="session")
def drawn_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 drawn faces, 64 px, in the CelebAMask-HQ layout; do not change it."""
    from limner.data.drawn import write_drawn_faces

    folder = tmp_path_factory.mktemp("drawn") / "faces"
    write_drawn_faces(folder, num=40, size=64, seed=0)
    return folder


@pytest.fixture(scope="session")
def ready_ages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of eight ready-made people at five ages each, 64 px, in the layout of UTKFace; do not change it."""
    from tests.ages import write_ready_ages

    return write_ready_ages(tmp_path_factory.mktemp("ready") / "ages")
