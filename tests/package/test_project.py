"""The project as a whole: public names, what its texts claim, what its files must not hold, the wheel."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import limner
from limner import hub
from limner.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
NAMES_TORCH = {"Makefile", "tests/package/test_makefile.py"}
"""What may name PyTorch's public index of CPU builds, which a user of `make` may change."""
IGNORED = {".git", ".venv", "build", "dist", "runs", "limner-demo"}
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".cfg", ".html", ".sh", ""}
DOCUMENTS = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "limner" / "systems").glob("*/README.md")),
]

PUBLIC = {
    "limner": {"Pipeline", "__version__", "list_systems", "load"},
    "limner.errors": {
        "ConfigError",
        "DataError",
        "LimnerError",
        "MissingExtraError",
        "ShapeError",
        "TrainingError",
        "WeightsError",
        "counted",
        "missing",
        "named",
        "nearest",
        "quoted",
    },
    "limner.pipelines": {"ExportTarget", "Pipeline", "load"},
    "limner.plan": {"Condition", "GenerationPlan", "Item", "safe_name"},
    "limner.results": {"Beside", "Found", "GenerationResult", "find", "read_result", "state_of"},
    "limner.hub": {
        "Location",
        "PublishedFile",
        "WeightsFile",
        "WeightsInfo",
        "default_weights",
        "is_shipped",
        "list_weights",
        "published_file",
        "read_index",
        "read_json",
        "resolve",
        "short_name",
    },
    "limner.registry": {
        "config_class",
        "demo_function",
        "demo_words",
        "evaluate_function",
        "generate_options",
        "is_system",
        "operations",
        "pipeline_class",
        "preset",
        "presets",
        "stage_presets",
        "system_class",
        "system_names",
        "task",
    },
}
"""Names that users may import: taking one away, or adding one, is a decision to write into the changelog."""


def files() -> list[Path]:
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in IGNORED and not name.endswith(("_cache", "__pycache__"))]
        found += [Path(folder) / name for name in names if name not in IGNORED]  # .git of a worktree is a file
    return sorted(found)


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names(module: str) -> None:
    path = ROOT / (module.replace(".", "/") + ".py")
    if module == "limner":
        found = set(limner.__all__)
        assert all(getattr(limner, name) is not None for name in found)
    else:
        tree = ast.parse(path.read_text())
        defined = (ast.FunctionDef, ast.ClassDef)
        found = {node.name for node in tree.body if isinstance(node, defined) and not node.name.startswith("_")}
    assert found == PUBLIC[module]


def test_unknown_attribute_of_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute"):
        limner.laod  # noqa: B018
    assert {"load", "list_systems"} <= set(dir(limner))


def test_files_hold_no_paths_of_a_machine_and_no_registry() -> None:
    machine = r"(?<![\w.])/(?:work|root|home|Users|farm|opt)/[\w.-]+|/tmp/(?:w|bash_jobs)\b"
    registry = r"(?:index-url|find-links|pypi\.org|files\.pythonhosted\.org|registry\.npmjs|download\.pytorch\.org/whl)"
    forbidden = re.compile(f"{machine}|{registry}")
    for path in files():
        if path.suffix in TEXT and path != Path(__file__).resolve():
            text = path.read_text(encoding="utf-8")
            if path.relative_to(ROOT).as_posix() in NAMES_TORCH:
                text = text.replace("--index-url", "").replace("https://download.pytorch.org/whl/cpu", "")
            for number, line in enumerate(text.splitlines(), 1):
                assert not forbidden.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"


def test_sizes_of_files() -> None:
    weights = [path for path in files() if ROOT / "weights" in path.parents]
    assert sum(path.stat().st_size for path in weights) <= 64e6
    for system in {path.relative_to(ROOT / "weights").parts[0] for path in weights}:
        assert sum(path.stat().st_size for path in weights if system in path.parts) <= 12e6
    for path in files():
        if path.suffix in {".png", ".jpg", ".gif", ".webp"}:
            assert path.stat().st_size <= 300_000, path


def test_every_requirement_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {line.partition("==")[0].lower().replace("_", "-") for line in lines if not line.startswith("#")}
    for requirements in [project["dependencies"], *project["optional-dependencies"].values()]:
        for requirement in requirements:
            name = re.split(r"[><=\[]", requirement)[0].lower().replace("_", "-")
            assert name in pins | {"limner"}, requirement
    assert "torch==2.13.0" in lines
    assert all("==" in line for line in lines if not line.startswith("#"))


def test_metadata_is_whole() -> None:
    """Authors, addresses, classifiers; every licence file in the wheel, every folder of code in the source archive."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = tables["project"]
    assert project["authors"] and project["urls"] and len(project["classifiers"]) > 8
    assert not [name for name in project["classifiers"] if name.startswith("License ::")], "PEP 639: `license` says it"
    licences = [path.relative_to(ROOT).as_posix() for path in files() if path.name.startswith(("LICENSE", "NOTICE"))]
    assert sorted(project["license-files"]) == sorted(licences)
    included = tables["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    for folder in {path.relative_to(ROOT).parts[0] for path in files() if path.suffix == ".py"}:
        assert f"/{folder}" in included, folder


def test_addresses_are_those_of_papers_that_are_cited() -> None:
    """The project has no address of its own, and CONTRIBUTING.md says so; none is made up."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    sources = "".join(path.read_text() for path in (ROOT / "limner/systems").rglob("*.py"))
    titles = " ".join(sources.lower().replace("-", " ").split())
    for name, address in urls.items():
        place = re.fullmatch(r"https://(?:arxiv\.org/abs|doi\.org)/(\S+)", address)
        known = place is not None and re.search(rf"(arXiv|doi):{re.escape(place[1])}\b", sources)
        assert known or name.lower().replace("-", " ") in titles, f"{name}: {address} is cited nowhere"
    assert "## Addresses\n\nLimner has no public address" in (ROOT / "CONTRIBUTING.md").read_text()


def blocks(language: str) -> list[tuple[str, str]]:
    """(document, text) of every fenced block of a language."""
    return [
        (path.relative_to(ROOT).as_posix(), match)
        for path in DOCUMENTS
        for match in re.findall(
            rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
    ]


def test_python_in_the_documents_parses() -> None:
    assert blocks("python")
    for document, text in blocks("python"):
        compile(text, document, "exec")


def test_commands_in_the_documents_exist(capsys: pytest.CaptureFixture[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    helps: dict[tuple[str, ...], str] = {}
    seen = 0
    for document, text in blocks("bash"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["make"]:
                assert words[1] in targets, f"{document}: {line}"
            if words[:1] != ["limner"] or len(words) < 2 or words[1].startswith("-"):
                continue
            assert words[1] in COMMANDS, f"{document}: {line}"
            seen += 1
            takes_system = words[1] in ("train", "generate", "evaluate", "export", "data")
            key = (
                (words[1], words[2])
                if takes_system and len(words) > 2 and not words[2].startswith("-")
                else (words[1],)
            )
            if key not in helps:
                assert main([*key, "--help"]) == 0, f"{document}: {line}"
                helps[key] = capsys.readouterr().out
            for option in [word.partition("=")[0] for word in words if word.startswith("--")]:
                assert re.search(rf"{re.escape(option)}(?![\w-])", helps[key]), f"{document}: no {option} in: {line}"
    assert seen


def test_links_between_documents() -> None:
    for path in DOCUMENTS:
        words = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)  # no code
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", words):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def test_every_folder_is_in_the_layout_and_every_document_in_the_readme() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("## Layout") : text.index("## Adding")]
    inside = [path for path in (ROOT / "limner").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    folders = [path for path in (ROOT / "tests").iterdir() if any(path.glob("*.py"))]
    there = [path.name for path in inside if not path.stem.startswith("__")] + [path.name for path in folders]
    assert [name for name in there if not re.search(rf"[`/]{re.escape(name)}[`/]", table)] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"(docs/{path.name})" not in readme] == []


def test_system_table_of_the_readme_is_honest() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| (.+?) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    here = {name for name, status in rows if not status.startswith("planned")}
    assert here == set(limner.list_systems())


def test_extras_of_the_readme_are_those_of_the_project() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("| extra | for |")[2].partition("\n\n")[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == set(project["optional-dependencies"])


def test_version_is_in_the_changelog() -> None:
    assert re.search(rf"^## \[{re.escape(limner.__version__)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_default_weights_belong_to_their_systems() -> None:
    for info in hub.list_weights():
        assert info.system in limner.list_systems()
    defaults = [info.system for info in hub.list_weights() if info.default]
    assert len(defaults) == len(set(defaults)) and {"scgan", "maskface", "portrait", "painter", "parser"} <= set(
        defaults
    )


@pytest.mark.slow
@pytest.mark.network
def test_wheel_holds_weights_and_package_data(tmp_path: Path) -> None:
    """Builds with pip, which fetches the build backend; then uses the wheel alone, outside the checkout."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in files():
        inside = path.relative_to(ROOT).as_posix()
        if inside.startswith("weights/"):
            assert f"limner/{inside}" in names, inside
        elif inside.startswith("limner/"):
            assert inside in names, inside
    assert not [name for name in names if name.startswith("tests")]
    licences = {name.partition("/licenses/")[2] for name in names if "/licenses/" in name}
    assert {"LICENSE", "limner/people/assets/LICENSE"} <= licences
    target = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-m", "limner", "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(target)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    for info in hub.list_weights():
        assert f'"{info.name}"' in done.stdout


OPENERS = {  # what opens a file of the user's -> the modules that may; others go through these
    r"Image\.open\(": {
        "limner/data/image_io.py",
        "limner/people/body.py",  # unpacks PNG of the package
        "limner/pose_transfer/evaluation.py",  # reads back the JPEG that it has just made
        "limner/results.py",  # reads the notes of PNG files that it wrote
    },
    r"(?<!files)\.read_text\(": {
        "limner/cli/doctor.py",  # of the kernel, like the next
        "limner/engine/precision.py",
        "limner/metrics/tables.py",  # of the package, like the others
        "limner/people/gallery.py",
        "limner/reproduce/campaign.py",
        "limner/reproduce/study.py",
    },
    r"yaml\.safe_load\(|yaml\.load\(": {"limner/files.py", "limner/metrics/tables.py"},
    r"\bjson\.load\(": {"limner/people/espeak.py"},  # of its parent process
}


@pytest.mark.parametrize("opener", OPENERS)
def test_files_of_the_user_are_opened_in_one_place(opener: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "limner").rglob("*.py")
        if re.search(opener, path.read_text(encoding="utf-8"))
    }
    assert found <= OPENERS[opener], "use limner.files or limner.data.image_io"


def test_ssim_on_record_was_taken_on_the_published_range() -> None:
    """Limner once took it on [-1, 1], which gives lower values than published ones."""
    found = []
    for path in (ROOT / "docs/results").rglob("*.json"):
        measurements = json.loads(path.read_text()).get("measurements", {})
        found += [one["protocol"] for key, one in measurements.items() if key.endswith("_ssim")]
    assert found
    assert all("images on [0, 1], data range 1" in one["settings"] for one in found)
