"""`limner list`: systems, presets and shipped weights. Imports no torch."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

import limner
from limner import hub, registry
from limner.cli.common import emit, new_parser
from limner.data.size import Size

LICENSE = "Apache-2.0"


def main(argv: list[str]) -> int:
    """Run `limner list`."""
    parser = new_parser(
        "list",
        "Systems, their presets and the weights that came with this installation.",
        examples=["limner list", "limner list --json"],
    )
    arguments = parser.parse_args(argv)
    inventory = collect()
    emit(inventory, arguments.json, _text(inventory))
    return 0


def collect() -> dict[str, Any]:
    """All that `limner list --json` prints."""
    return {
        "limner": limner.__version__,
        "license": LICENSE,
        "systems": [_system(name) for name in registry.system_names()],
    }


def _system(name: str) -> dict[str, Any]:
    package = registry.config_class(name).__module__.rpartition(".")[0]
    return {
        "name": name,
        "about": inspect.getdoc(importlib.import_module(package)) or "",
        "task": registry.task(name).about(),
        # A preset says in its docstring what to expect of it: metric, peak memory, time.
        "presets": {key: inspect.getdoc(function) or "" for key, function in registry.presets(name).items()},
        "weights": [
            {
                "name": info.name,
                "default": info.default,
                "license": info.license,
                "image_size": info.image_size.to_json(),
                "size_bytes": info.size_bytes,
                "path": info.path,
                "expected": info.expected,
            }
            for info in hub.list_weights(name)
        ],
    }


def _text(inventory: dict[str, Any]) -> str:
    lines = [f"Limner {inventory['limner']}, licence of the code: {inventory['license']}"]
    for system in inventory["systems"]:
        lines += ["", f"{system['name']}: {_first_paragraph(system['about'])}"]
        lines += [*_wrap("  ", system["task"]), "  presets"]
        width = max(map(len, system["presets"]))
        for name, about in system["presets"].items():
            lines += _wrap(f"    {name:{width}}  ", " ".join(about.split()))
        lines.append("  weights" if system["weights"] else "  weights: none came with this installation")
        for weights in system["weights"]:
            facts = [
                f"{Size.of(weights['image_size'])} px",
                f"{weights['size_bytes'] / 1e6:.1f} MB",
                weights["license"],
                *([f"taken by limner.load({system['name']!r})"] if weights["default"] else []),
            ]
            lines += _wrap(f"    {weights['name']}  ", ", ".join(facts))
            lines += _wrap("      expected: ", ", ".join(_numbers(weights["expected"]))) if weights["expected"] else []
    return "\n".join(lines)


def _numbers(expected: Mapping[str, Any], prefix: str = "") -> list[str]:
    """`name value` of every entry, nested ones with dotted names."""
    found = []
    for key, value in expected.items():
        if isinstance(value, Mapping):
            found += _numbers(value, f"{prefix}{key}.")
        else:
            found.append(f"{prefix}{key} {value:.4g}" if isinstance(value, float) else f"{prefix}{key} {value}")
    return found


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def _wrap(head: str, text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent=head, subsequent_indent=" " * len(head)) or [head.rstrip()]
