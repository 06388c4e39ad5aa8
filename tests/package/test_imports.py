"""Imports go one way, cost nothing before they are needed, and never reach a forbidden package."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "limner").rglob("*.py"))
}

# Who may import whom: a module belongs to the longest prefix here, and may import its own layer and those named.
BASE = {
    "limner.errors",
    "limner.optional",
    "limner.files",
    "limner.ranges",
    "limner.arguments",
    "limner.markdown",
    "limner.memory",
    "limner.provenance",
    "limner.media",
    "limner.workers",
    "limner",
}
LOW = BASE | {"limner.data", "limner.nn", "limner.engine", "limner.metrics", "limner.losses", "limner.backbones"}
LOW |= {"limner.metrics.judges"}
FIND = {
    "limner.registry",
    "limner.hub",
    "limner.operations",
    "limner.systems",
    "limner.task",
}  # by name only: strings, no class of a system
RESULTS = {"limner.plan", "limner.results", "limner.mode"}
DOORS = {"limner.inputs", "limner.faces", "limner.motion", "limner.tasks"}
MIDDLE = LOW | FIND | RESULTS | DOORS | {"limner.pipelines", "limner.features", "limner.demo"}
LAYERS = {
    "limner": {"limner.loading", "limner.pipelines", "limner.registry"},  # lazy exports
    "limner.loading": BASE | {"limner.pipelines", "limner.runtimes", "limner.systems"},  # systems for their types alone
    "limner.__main__": {"limner.cli"},
    "limner.errors": set(),
    "limner.optional": {"limner.errors"},
    "limner.files": {"limner.errors"},
    "limner.ranges": {"limner.errors"},
    "limner.arguments": {"limner.errors"},
    "limner.memory": {"limner.errors"},
    "limner.markdown": set(),
    "limner.provenance": set(),
    "limner.workers": set(),
    "limner.media": {"limner.errors", "limner.optional", "limner.files", "limner.provenance"},
    "limner.mode": BASE | {"limner.plan", "limner.results"},
    "limner.nn": BASE | {"limner.data"},
    "limner.losses": BASE | {"limner.nn", "limner.backbones"},
    "limner.backbones": BASE | {"limner.nn"},
    "limner.data": BASE,
    "limner.people": BASE | {"limner.data"},
    "limner.engine": BASE | {"limner.data"},
    "limner.metrics.judges": BASE | FIND | {"limner.metrics"},  # finds judges by name, as the registry finds systems
    "limner.metrics": BASE | {"limner.data", "limner.nn", "limner.backbones", "limner.engine"},
    "limner.task": BASE | {"limner.data"},
    "limner.operations": BASE,
    "limner.registry": BASE | {"limner.operations", "limner.systems", "limner.task"},
    "limner.hub": BASE | {"limner.data", "limner.registry"},
    "limner.plan": BASE,
    "limner.results": BASE | {"limner.plan"},
    "limner.weights_folder": LOW | FIND,
    "limner.runtimes": BASE | {"limner.nn"},
    "limner.pipelines": LOW | FIND | RESULTS | {"limner.runtimes", "limner.weights_folder"},
    "limner.motion": BASE | {"limner.results"},
    "limner.features": LOW | {"limner.hub", "limner.pipelines"},
    "limner.tasks": LOW | RESULTS | {"limner.pipelines", "limner.task"},
    "limner.inputs": BASE | {"limner.data", "limner.plan", "limner.tasks"},
    "limner.faces": BASE | {"limner.data"},
    "limner.demo": LOW | RESULTS | {"limner.hub", "limner.pipelines"},
    "limner.training": LOW | {"limner.pipelines", "limner.registry"},
    "limner.runs": BASE | {"limner.data", "limner.markdown"},
    "limner.mask_to_image": LOW
    | RESULTS
    | DOORS
    | {"limner.demo", "limner.hub", "limner.people", "limner.pipelines", "limner.task"},
    "limner.ageing": LOW | RESULTS | DOORS | {"limner.operations", "limner.pipelines", "limner.task"},
    "limner.pose_transfer": LOW
    | RESULTS
    | DOORS
    | {"limner.features", "limner.hub", "limner.operations", "limner.pipelines", "limner.task"},
    "limner.text_to_image": LOW
    | RESULTS
    | DOORS
    | {"limner.hub", "limner.operations", "limner.pipelines", "limner.task"},
    "limner.talking_faces": LOW
    | RESULTS
    | DOORS
    | {"limner.ageing", "limner.operations"}  # photos of faces are read as for ageing
    | {"limner.people", "limner.pipelines", "limner.task"},
    "limner.systems": MIDDLE
    | {"limner.ageing", "limner.mask_to_image", "limner.people", "limner.pose_transfer"}
    | {"limner.talking_faces", "limner.text_to_image"},
    "limner.export": MIDDLE | {"limner.runtimes"},
    "limner.studio": MIDDLE | {"limner.export", "limner.people", "limner.runtimes"},
    "limner.reproduce": MIDDLE | {"limner.pose_transfer", "limner.training"},
    "limner.cli": MIDDLE
    | {"limner.people", "limner.export", "limner.runtimes", "limner.studio", "limner.training", "limner.reproduce"}
    | {"limner.runs"},
}
FORBIDDEN = {
    "torchvision",
    "torchaudio",
    "timm",
    "lpips",
    "torch_fidelity",
    "segmentation_models_pytorch",
    "librosa",
    "cv2",
}
CORE = {"torch", "numpy", "PIL", "safetensors", "lightning_fabric", "torchmetrics", "jaxtyping", "tqdm", "yaml"}
TASK_FAMILIES = ("ageing", "mask_to_image", "pose_transfer", "text_to_image")
NO_TORCH = [
    name
    for name in MODULES
    if name
    in (
        "limner",
        "limner.__main__",
        "limner.errors",
        "limner.optional",
        "limner.registry",
        "limner.hub",
        "limner.metrics.judges",
        "limner.operations",
        "limner.memory",
        "limner.task",
        "limner.tasks",
        "limner.media",
        "limner.plan",
        "limner.provenance",
        "limner.results",
        "limner.training",
        "limner.runs",
        "limner.reproduce.study",
        "limner.systems",
        "limner.engine.config",
        "limner.data.config",
        "limner.data.fields",
        "limner.data.schema",
        "limner.data.manifest",
        "limner.data.ages",
        "limner.data.captions",
        "limner.data.point_schema",
        "limner.data.size",
        "limner.data.spec",
    )
    or name.startswith("limner.cli")
    or name in tuple(f"limner.{part}.{file}" for part in TASK_FAMILIES for file in ("options", "task"))
    or (
        name.startswith("limner.systems.")
        and name.rpartition(".")[2] in ("config", "presets", "options", "studio", "task")
    )
]


def imports(name: str) -> list[tuple[str, bool, int]]:
    """(imported module, whether it runs when the module is imported, line) of every import in a module."""
    tree = ast.parse(MODULES[name].read_text())
    found: list[tuple[str, bool, int]] = []

    def visit(node: ast.AST, at_import: bool) -> None:
        for child in ast.iter_child_nodes(node):
            inner = at_import and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                inner = False
            if isinstance(child, ast.Import):
                found.extend((alias.name, at_import, child.lineno) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{name}:{child.lineno} has a relative import"
                assert child.module is not None
                for alias in child.names:
                    full = f"{child.module}.{alias.name}"
                    found.append((full if full in MODULES else child.module, at_import, child.lineno))
            visit(child, inner)

    visit(tree, True)
    return found


def layer(module: str) -> str:
    parts = module.split(".")
    prefixes = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if prefixes[-1] == "limner" and len(parts) > 1:
        prefixes.pop()  # a new top-level module must be entered above
    return next((prefix for prefix in prefixes if prefix in LAYERS), module)


def test_the_modules_are_found() -> None:
    assert "limner" in MODULES and "limner.cli.main" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_one_way(name: str) -> None:
    own = layer(name)
    assert own in LAYERS, f"{name} is in no layer of this test: say which it may import"
    for target, _, line in imports(name):
        if target.partition(".")[0] != "limner":
            continue
        other = layer(target)
        assert other == own or other in LAYERS[own], f"{name}:{line} imports {target}"
        if own == "limner.systems" and target.startswith("limner.systems.") and name != "limner.systems":
            assert target.split(".")[2] == name.split(".")[2], f"{name}:{line} imports another system: {target}"
        elif own not in ("limner.systems", "limner.loading"):
            assert not target.startswith("limner.systems."), f"{name}:{line} names one system: {target}"


def test_layers_have_no_circle() -> None:
    """The imports that run at import time, layer by layer: each layer stands on others that do not stand on it."""

    def floor_of(module: str) -> str:
        return "the names of systems" if module == "limner.systems" else layer(module)

    below: dict[str, set[str]] = {}
    for name in MODULES:
        targets = {floor_of(target) for target, at_import, _ in imports(name) if at_import and target in MODULES}
        below.setdefault(floor_of(name), set()).update(targets - {floor_of(name), "limner"})
    assert not in_circles(below), "these layers import each other"


def test_modules_have_no_circle() -> None:
    """The same module by module, inside the layers and the systems too."""
    below = {name: {target for target, at_import, _ in imports(name) if at_import} - {name} for name in MODULES}
    assert not in_circles(below), "these modules import each other, or stand on such"


def in_circles(below: dict[str, set[str]]) -> list[str]:
    """Those that do not come free when, again and again, what stands on nothing that is left is taken away."""
    left = dict(below)
    while floor := {one for one, others in left.items() if not others & set(left)}:
        left = {one: others for one, others in left.items() if one not in floor}
    return sorted(left)


def test_a_circle_is_found() -> None:
    assert in_circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


@pytest.mark.parametrize("name", MODULES)
def test_packages_outside(name: str) -> None:
    for target, at_import, line in imports(name):
        package = target.partition(".")[0]
        if package == "jsonargparse":
            assert name.startswith("limner.cli."), f"{name}:{line}: only the command line knows jsonargparse"
            continue
        assert package not in FORBIDDEN, f"{name}:{line} imports {target}"
        stdlib = package == "limner" or package in sys.stdlib_module_names
        assert stdlib or package in CORE or not at_import, (
            f"{name}:{line} imports {package} at import time; use optional()"
        )


@pytest.mark.parametrize("name", NO_TORCH)
def test_no_torch_written(name: str) -> None:
    for target, at_import, line in imports(name):
        heavy = {"torch", "lightning_fabric", "torchmetrics", "safetensors"}
        assert not (at_import and target.partition(".")[0] in heavy), f"{name}:{line} imports {target}"


def test_no_torch_loaded(python) -> None:
    code = (
        "import importlib, sys\n"
        f"for name in {[name for name in NO_TORCH if name != 'limner.__main__']!r}:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules: sys.exit(f'{name} imports torch')"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_limner_itself_is_light(python) -> None:
    code = "import sys, limner; print(sorted({'torch', 'numpy', 'PIL', 'limner.registry'} & set(sys.modules)))"
    assert python("-c", code).stdout.strip() == "[]"


def test_core_works_without_forbidden_and_optional_packages(python, tiny_weights, tmp_path) -> None:
    # Not scipy and matplotlib: torchmetrics imports them wherever they are installed.
    blocked = sorted(FORBIDDEN | {"h5py", "tensorboard", "onnx", "onnxscript", "onnxruntime", "beartype"})
    code = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({blocked!r}))\n"  # None: importing it raises ImportError
        f"for name in {sorted(set(MODULES) - {'limner.__main__'})!r}:\n"
        "    importlib.import_module(name)\n"
        "import limner, numpy as np\n"
        f"result = limner.load({str(tiny_weights)!r})(np.ones((32, 32), np.uint8), seed=1)\n"
        f"result.save({str(tmp_path)!r})"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.png"))
