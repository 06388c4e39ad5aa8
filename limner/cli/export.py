"""`limner export SYSTEM --format … --out …`: a network for another runtime, or a weights folder to pass on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from limner import hub, registry
from limner.cli.common import add_weights, emit, new_parser, refuse_missing
from limner.errors import ConfigError
from limner.files import keeping, read_json, refuse_replaced_inputs

FORMATS = ("onnx", "torch-export", "torchscript", "weights")


def main(argv: list[str]) -> int:
    """Run `limner export`."""
    options = _parse(argv)
    system = options.system
    if system not in registry.system_names():
        registry.config_class(system)  # raises the error with the nearest name

    out = Path(options.out)
    read = [Path(file) for file in (options.card, options.expected) if file is not None]
    with keeping([*hub.inputs(options.weights or system, system=system), *read]):
        refuse_replaced_inputs([out])
        payload, text = (_weights if options.format == "weights" else _network)(options, out)
    emit(payload, options.json, text)
    return 0


def _weights(options: Any, out: Path) -> tuple[dict[str, Any], str]:
    """Write a weights folder; what to say of it."""
    from limner.pipelines import load

    pipeline = load(options.weights or options.system, system=options.system)
    expected = _expected(options.expected)
    path = pipeline.save_pretrained(
        out, half=options.half, card=options.card, expected=expected, default=options.default
    )
    again = load(path, system=options.system)  # what is passed on must load
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    payload = {"path": path, "weights_hash": again.weights_hash, "size_bytes": size}
    return payload, f"wrote the weights folder {path} ({size / 1e6:.1f} MB), hash {again.weights_hash[:12]}"


def _network(options: Any, out: Path) -> tuple[dict[str, Any], str]:
    """Write one network for another runtime; what to say of it."""
    from limner.export.networks import export_network
    from limner.pipelines import load
    from limner.runtimes import TOLERANCE

    pipeline = load(options.weights or options.system, system=options.system)
    report = export_network(pipeline, out, format=options.format, network=options.network)
    if report.max_difference is None:
        compared = "not compared with the network, as onnxruntime is not installed"
    else:
        compared = f"largest difference from the network {report.max_difference:.2g} (allowed {TOLERANCE:g})"
    signature = f"{', '.join(report.inputs)} -> {', '.join(report.outputs)}"
    payload = {**dataclasses.asdict(report), "allowed_difference": TOLERANCE}
    return payload, f"wrote {report.network} to {report.path}: {signature}; {compared}"


def _parse(argv: list[str]) -> Any:
    parser = new_parser(
        "export",
        "Write a network for another runtime, compared with the original, or a weights folder to pass on.",
        examples=[
            "limner export scgan --format onnx --out generator.onnx",
            "limner export scgan --weights runs/first --format onnx --network segmentor --out segmentor.onnx",
            "limner export scgan --weights runs/first --format weights --half --card card.md --out scgan-mine",
        ],
    )
    parser.add_argument("system", nargs="?", default=None, help=f"one of: {', '.join(registry.system_names())}")
    add_weights(parser)
    parser.add_argument("--format", choices=FORMATS, default=None, help="what to write")
    parser.add_argument("--out", default=None, metavar="FILE|DIR", help="where to; a folder for --format weights")
    parser.add_argument("--network", default=None, metavar="NAME", help="which network (default: the one that draws)")
    parser.add_argument("--half", action="store_true", help="weights: store half precision")
    parser.add_argument("--card", default=None, metavar="FILE", help="weights: the model card (Markdown)")
    parser.add_argument(
        "--expected", default=None, metavar="FILE", help="weights: JSON of expected metrics and protocol"
    )
    parser.add_argument("--default", action="store_true", help="weights: limner.load(SYSTEM) takes them where shipped")
    options = parser.parse_args(argv)
    if not options.system:
        raise ConfigError(f"Name a system ({', '.join(registry.system_names())}).")
    refuse_missing(options, ["format", "out"], example=f"limner export {options.system} --format onnx --out model.onnx")
    weights = options.format == "weights"
    unused = {
        "--network": options.network is not None and weights,
        "--half": options.half and not weights,
        "--card": options.card is not None and not weights,
        "--default": options.default and not weights,
        "--expected": options.expected is not None and not weights,
    }
    for flag, is_unused in unused.items():
        if is_unused:
            raise ConfigError(f"{flag} has no effect with --format {options.format}; leave it out.")
    return options


def _expected(path: str | None) -> dict[str, Any] | None:
    if path is None:
        return None
    value = read_json(path, error=ConfigError)
    if not isinstance(value, dict):
        raise ConfigError(f"--expected {path} holds no JSON object.")
    return value
