"""The shape of the code: no function that cannot be read on one screen."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 60
EXEMPT = {}
"""`module:function` -> why it may be longer. Kernels and tables only."""


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length of the body of every function of a file, without its docstring, blank and comment lines."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if body:
            used = lines[body[0].lineno - 1 : body[-1].end_lineno]
            yield node.name, sum(bool(line.strip()) and not line.strip().startswith("#") for line in used)


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for path in sorted((ROOT / "limner").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name, length in functions(path):
            if length > MAX_LINES and f"{module}:{name}" not in EXEMPT:
                long[f"{module}:{name}"] = length
    assert not long, "\n".join(f"{name} has {length} lines" for name, length in sorted(long.items()))


def test_what_is_exempt_is_there_and_needs_it() -> None:
    for key in EXEMPT:
        module, _, name = key.partition(":")
        lengths = dict(functions(ROOT / (module.replace(".", "/") + ".py")))
        assert lengths.get(name, 0) > MAX_LINES, f"{key} needs no exemption"


def names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names of classes and functions that are called or inherited from, without what they are parameters of."""
    return {ast.unparse(node).partition("[")[0] for node in nodes}


def own_core(path: Path) -> list[str]:
    """What a file of a system has that belongs into the core: caches, schemas, stages, rules of what is done."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), []
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    stages = {"Stage"} if "from limner.engine.stages import" in ast.unparse(tree) else set()
    for node in classes:
        bases = names(node.bases)
        if "Cache" in node.name:
            found.append(f"the cache {node.name}")
        if node.name.endswith("Stage"):
            found += [] if bases & stages else [f"the stage {node.name}"]
            stages.add(node.name)
        for method in node.body:
            is_work = isinstance(method, ast.FunctionDef) and method.name == "run"
            if is_work and any(argument.arg == "force" for argument in method.args.kwonlyargs):
                calls = names(call.func for call in ast.walk(method) if isinstance(call, ast.Call))
                found += [] if "state_of" in calls else [f"a rule of what is done in {node.name}"]
    calls = names(node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return found + ["a schema of labels"] * ("LabelSchema" in calls)


def test_systems_bring_no_core_of_their_own() -> None:
    found = {path.relative_to(ROOT).as_posix(): own_core(path) for path in (ROOT / "limner/systems").rglob("*.py")}
    assert not {path: what for path, what in found.items() if what}
    assert (ROOT / "limner/reproduce/studies/painter-ablation.yaml").is_file(), "its study is one of limner reproduce"


def test_a_core_of_its_own_is_found(tmp_path: Path) -> None:
    text = """
class Stage: ...
class ThinStage(Stage): ...
class PictureCache: ...
class Work:
    def run(self, *, force): return self.path.exists()
SCHEMA = LabelSchema("dummy", ("background", "subject"))
"""
    (tmp_path / "system.py").write_text(text)
    found = own_core(tmp_path / "system.py")
    assert [what.split()[1] for what in found] == ["stage", "cache", "rule", "schema"]
