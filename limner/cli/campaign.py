"""`limner reproduce campaign` and `limner reproduce pack`: all trainings within a number of minutes, and their data."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from limner.cli.common import emit, new_parser
from limner.errors import ConfigError

EXAMPLES = (
    "limner reproduce pack --data faces --out parcels",
    "limner reproduce campaign --parcels parcels --out campaign --minutes 540",
    "limner reproduce campaign --parcels parcels --out campaign --minutes 5 --preset smoke --plan mine.yaml",
)


def main(argv: list[str]) -> int:
    """Run `limner reproduce campaign`; 1 if a step failed, 130 if some are left for another call."""
    options = _parse(argv)

    from limner.reproduce import campaign as campaigns

    parcels = [] if options.parcels is None else sorted(Path(options.parcels).glob("*.tar"))
    campaign = campaigns.Campaign(
        steps=campaigns.load_plan(options.plan),
        out=Path(options.out),
        preset=options.preset,
        minutes=options.minutes,
        call_minutes=options.call_minutes,
        num_images=options.num_images,
    )
    if options.parcels is not None and not parcels:
        raise ConfigError(f"--parcels {options.parcels} holds no .tar files; make them by limner reproduce pack.")
    if not parcels and not campaign.data.is_dir():
        raise ConfigError(f"There are no data in {campaign.data}; name a folder of --parcels.")
    logging.getLogger("limner").setLevel(logging.INFO)
    states = campaigns.run_campaign(campaign, parcels)
    emit({"out": campaign.out, "steps": states}, options.json, campaigns.report(campaign, states))
    found = {state["state"] for state in states.values()}
    return 1 if "failed" in found else 0 if found == {"done"} else 130


def pack_main(argv: list[str]) -> int:
    """Run `limner reproduce pack`."""
    parser = new_parser(
        "reproduce pack", "Pack a data set into parcels of a limited size, for another machine.", examples=EXAMPLES[:1]
    )
    parser.add_argument("--data", type=str, required=True, metavar="PATH", help="folder of the data set")
    parser.add_argument("--out", type=str, required=True, metavar="DIR", help="folder of the parcels")
    parser.add_argument("--max-mb", type=float, default=45.0, metavar="MB", help="of one parcel, in millions of bytes")
    options = parser.parse_args(argv)

    from limner.reproduce.parcels import MEGABYTE, pack

    if not 0.1 <= options.max_mb <= 100_000:
        raise ConfigError(f"--max-mb is {options.max_mb:g}; it must be from 0.1 to 100000.")
    parcels = pack(Path(options.data), Path(options.out), max_bytes=int(options.max_mb * MEGABYTE))
    size = sum(path.stat().st_size for path in parcels)
    emit({"parcels": parcels, "size_bytes": size}, options.json, f"{len(parcels)} parcels, {size / 1e6:.1f} MB")
    return 0


def _parse(argv: list[str]) -> Any:
    parser = new_parser(
        "reproduce campaign",
        "Train every system of a plan within a time budget, validate it, write its weights in half precision, and "
        "recompute tables, without a network. The same command goes on with what is not finished.",
        examples=EXAMPLES,
    )
    parser.add_argument("--parcels", type=str, default=None, metavar="DIR", help="folder of .tar files with the data")
    parser.add_argument("--out", type=str, required=True, metavar="DIR", help="folder of everything")
    parser.add_argument("--minutes", type=float, required=True, metavar="N", help="time of the whole")
    parser.add_argument("--call-minutes", type=float, default=None, metavar="N", help="time of this call (else all)")
    parser.add_argument("--preset", type=str, default="gpu", help="of the steps that name none: gpu, cpu, smoke, paper")
    parser.add_argument("--plan", type=str, default="default", metavar="default|FILE.yaml", help="what is done")
    parser.add_argument("--num-images", type=int, default=1_000, metavar="N", help="pictures that judge a system")
    options = parser.parse_args(argv)
    for name in ("minutes", "call_minutes"):
        value = getattr(options, name)
        if value is not None and not 0 < value <= 60 * 24 * 60:
            raise ConfigError(
                f"--{name.replace('_', '-')} is {value:g}; it must be above 0 and at most {60 * 24 * 60}."
            )
    if options.num_images < 2:
        raise ConfigError(f"--num-images is {options.num_images}; every distance needs at least 2.")
    return options
