"""`limner plot RUN [RUN2 …]`: the curves of runs as a picture, and a table that compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limner.cli.common import emit, new_parser
from limner.errors import ConfigError, DataError
from limner.files import refuse_replaced_inputs, write_atomically


def main(argv: list[str]) -> int:
    """Run `limner plot`."""
    parser = new_parser(
        "plot",
        "Draw the losses and scores of one or several runs, and print a table that compares them; runs may still "
        "go on. The picture needs matplotlib (extra plot), the table does not.",
        examples=[
            "limner plot runs/first",
            "limner plot runs/first runs/second --out compared.png",
            "limner plot runs/first --metrics validation/ loss/generator --out curves.png",
            "limner plot runs/* --table",
        ],
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, as limner train writes them")
    parser.add_argument("--out", default=None, metavar="FILE", help="the picture (.png); else limner-plot.png")
    parser.add_argument(
        "--metrics", nargs="+", default=[], metavar="NAME", help="only these numbers, or how they begin"
    )
    parser.add_argument("--table", action="store_true", help="the table alone, no picture")
    parser.add_argument("--force", action="store_true", help="overwrite another picture that is there")
    options = parser.parse_args(argv)
    if options.table and (options.out is not None or options.metrics or options.force):
        raise ConfigError("--table leaves the picture out, so --out, --metrics and --force have no effect with it.")
    out = Path(options.out or "limner-plot.png")
    if out.suffix.lower() != ".png":
        raise ConfigError(f"--out is {out}, but must end in .png.")

    from limner.runs import chosen_metrics, compare, draw, read_runs, to_markdown, was_drawn_here

    runs = read_runs(options.runs)
    compared = compare(runs)
    payload: dict[str, Any] = {"runs": compared}
    text = to_markdown(compared)
    if not options.table:
        if out.exists() and not options.force and not was_drawn_here(out):
            raise DataError(f"{out} exists already: choose another name, or overwrite it with --force.")
        metrics = chosen_metrics(runs, options.metrics)
        refuse_replaced_inputs([out], [run.path / "metrics.jsonl" for run in runs])
        picture = draw(runs, metrics)
        write_atomically({out: lambda path: path.write_bytes(picture)})
        payload |= {"out": out, "metrics": metrics}
        text += f"\n\nwrote 1 picture with {len(metrics)} curves to {out}"
    emit(payload, options.json, text)
    return 0
