"""`limner data check | show | convert | make`: know a data set before training on it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from limner import registry
from limner.cli.common import add_reading_options, emit, new_parser, progress, reading
from limner.errors import ConfigError, DataError, LimnerError, counted, nearest
from limner.files import refuse_replaced_inputs

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

T = TypeVar("T")
Shown = Callable[[Iterable[int]], Iterable[int]]

HELP = """\
usage: limner data check | show | convert | make ...

Know a data set before training on it.

  check PATH             what is in a data set and what is wrong with it; exit code 1 if anything is
  show PATH --out FILE   a contact sheet: pictures, label maps, points, names, attributes, captions
  convert PATH --out DIR label maps in another schema; parts merged; landmarks painted; sides corrected; tar files
  make KIND --out DIR    a data set made by code, with exact labels: rendered people, drawn faces

`limner data VERB --help` has the options of one of them.

examples:
  limner data check DATA --system scgan
  limner data show DATA --out sheet.png
  limner data convert maps --from bisenet-19 --to celebamask-19 --out maps-celebamask
  limner data make people-faces --num 8000 --workers 2 --out faces"""


def main(argv: list[str]) -> int:
    """Run one of the verbs; see `HELP`.

    Raises:
        ConfigError: if the verb is unknown.
    """
    if not argv or argv[0] in ("-h", "--help"):
        print(HELP)
        return 0 if argv else 2
    if argv[0] not in VERBS:
        raise ConfigError(f'There is no verb "{argv[0]}" of limner data.{nearest(argv[0], VERBS)}')
    return VERBS[argv[0]](argv[1:])


def check(argv: list[str]) -> int:
    """`limner data check`: print a report.

    Raises:
        DataError: with the first of its errors, if it has any.
    """
    parser = new_parser(
        "data check",
        "Read a data set and report counts, sizes, classes, attributes, and everything that is wrong with it.",
        examples=["limner data check DATA", "limner data check DATA --system scgan --limit 200 --json"],
    )
    _add_dataset(parser)
    parser.add_argument("--system", type=str, default=None, help="check that this system can train on it")
    parser.add_argument("--limit", type=int, default=None, help="read only so many samples, evenly spread")
    args = parser.parse_args(argv)
    if args.system is not None and args.system not in registry.system_names():
        raise ConfigError(f'There is no system "{args.system}".{nearest(args.system, registry.system_names())}')
    report: dict[str, Any] = {"path": args.path, "errors": []}
    lines: list[str] = []
    # What a system that needs nothing but pictures makes of a folder is its own business; the layout is looked at where
    # it must have one.
    if args.system is None or set(registry.task(args.system).needs) - {"image"}:
        from limner.data.checks import check_dataset

        found = check_dataset(_open(args, allow_problems=True), limit=args.limit, progress=_bar("checking"))
        report, lines = found.to_json(), [found.to_text()]
    if args.system is not None:
        training = _training_of(args)
        report["training"] = training
        report["errors"] = [*report["errors"], *training["errors"]]
        lines.append(_training_text(training))
    errors: list[str] = report["errors"]
    emit(report, args.json, "\n".join(lines))
    if errors:
        more = f" ({len(errors) - 1} more errors in the report)" if errors[1:] else ""
        raise DataError(f"{args.path} fails the check: {errors[0]}{more}")
    return 0


def _training_of(args: Any) -> dict[str, Any]:
    """What a run of the system would train on: its own code opens the folder and makes a batch."""
    config = registry.preset(args.system, "smoke")
    chosen = reading(args, given=True)
    for name in chosen:
        if name not in registry.task(args.system).data_options:
            option = name.replace("_", "-")
            raise ConfigError(f"--{option} has no effect on {args.system}, which reads no such thing; leave it out.")
    found: dict[str, Any] = {"system": args.system, "errors": []}
    try:
        config = dataclasses.replace(config, dataset=dataclasses.replace(config.dataset, **chosen))
        data = registry.system_class(args.system).open_data(config, Path(args.path))
        found |= {"train": len(data.train_set), "validation": len(data.validation_set)}
        data.collate([data.train_set[0], data.train_set[len(data.train_set) - 1]])
    except LimnerError as error:
        found["errors"].append(f"{args.system} cannot train on it: {error}")
        return found
    errors: dict[str, None] = {}  # in their order; without a split of its own, validation has pictures of training
    for samples in (data.train_set, data.validation_set):
        num = min(args.limit or len(samples), len(samples))
        for index in _bar(f"reading as {args.system}")([i * len(samples) // num for i in range(num)]):
            try:
                samples[index]
            except LimnerError as error:
                errors[f"{args.system} cannot train on it: {error}"] = None
    found["errors"] = list(errors)
    return found


def _training_text(training: Mapping[str, Any]) -> str:
    if "train" not in training:
        return f"training    {training['errors'][0]}"
    return f"training    {training['system']} sees {training['train']} samples, {training['validation']} validate it"


def show(argv: list[str]) -> int:
    """`limner data show`: write a contact sheet."""
    parser = new_parser(
        "data show",
        "Write a contact sheet: pictures, label maps and points laid over them, names, attributes and captions.",
        examples=[
            "limner data show DATA --out sheet.png",
            "limner data show DATA --split test --num 12 --out sheet.png",
        ],
    )
    _add_dataset(parser)
    _add_out(parser, "the picture to write (.png)")
    parser.add_argument("--split", type=str, default=None, help="only this split")
    parser.add_argument("--num", type=int, default=24, help="how many samples, evenly spread")
    parser.add_argument("--columns", type=int, default=4, help="samples side by side")
    parser.add_argument("--size", type=int, default=160, help="side of a picture in pixels")
    args = parser.parse_args(argv)
    for name in ("num", "columns", "size"):
        if not 1 <= getattr(args, name) <= 1000:
            raise ConfigError(f"--{name} is {getattr(args, name)}, but must be from 1 to 1000.")
    out = Path(args.out)
    if out.suffix.lower() != ".png":
        raise ConfigError(f"--out is {out}, but must end in .png.")
    _check_free(out, args.force)
    manifest = _open(args)
    refuse_replaced_inputs([out], [manifest.root])
    if args.split is not None:
        manifest = manifest.split(args.split)
    from limner.data.preview import contact_sheet
    from limner.files import write_atomically

    sheet = contact_sheet(manifest, num=args.num, columns=args.columns, size=args.size, progress=_bar("reading"))
    write_atomically({out: lambda path: sheet.save(path, format="PNG")})
    num = min(args.num, len(manifest))
    emit({"out": out, "num": num, "width": sheet.width, "height": sheet.height}, args.json, f"{num} samples: {out}")
    return 0


def convert(argv: list[str]) -> int:
    """`limner data convert`: write label maps."""
    parser = new_parser(
        "data convert",
        "Write label maps as palette PNG: in another schema, merged from part masks, painted from landmarks, or with "
        "left and right corrected. PATH is a data set, a folder of maps or one map. With --shards, write the whole "
        "data set as tar files (webdataset) with an index, which all commands read as they read the folder.",
        examples=[
            "limner data convert maps --from bisenet-19 --to celebamask-19 --out maps-celebamask",
            "limner data convert CelebAMask-HQ --out CelebAMask-HQ/CelebAMaskHQ-mask",
            "limner data convert celeba --out celeba/segmentation",
            "limner data convert CelebAMask-HQ --shards 1000 --out faces-tar",
        ],
    )
    parser.add_argument("path", type=str, help="a data set, a folder of label maps, or one label map")
    parser.add_argument(
        "--from", dest="source", type=str, default=None, help="schema of the maps (a name or JSON file)"
    )
    parser.add_argument("--to", type=str, default=None, help="schema to write; none: that of the maps")
    add_reading_options(parser, ("kind", "fix_sides", "colors"))
    parser.add_argument("--shards", type=int, default=0, metavar="N", help="write tar files of N samples each instead")
    _add_out(parser, "folder to write to (or a .png, if PATH is one map)")
    args = parser.parse_args(argv)
    if args.shards:
        return _pack(args)
    from limner.data.convert import open_maps, write_label_maps
    from limner.data.schema import get_schema

    path = Path(args.path)
    if not path.exists():
        raise DataError(f"{path} is missing: name a data set, a folder of label maps, or one label map.")
    manifest = open_maps(
        path,
        source=args.source and get_schema(args.source),
        target=args.to and get_schema(args.to),
        kind=args.kind,
        fix_sides=args.fix_sides,
        colors=args.colors,
    )
    num = write_label_maps(manifest, Path(args.out), force=args.force, progress=_bar("converting"))
    result = {
        "out": args.out,
        "num": num,
        "from": manifest.native_schema.name if manifest.native_schema else "none",
        "to": manifest.spec.schema.name,
    }
    emit(result, args.json, f"{num} label maps ({result['from']} -> {result['to']}): {args.out}")
    return 0


def _pack(args: Any) -> int:
    """`limner data convert --shards`."""
    from limner.data.shards import pack

    given = {"--from": args.source, "--to": args.to, "--fix-sides": args.fix_sides, "--colors": args.colors}
    for flag, value in given.items():
        if value:
            raise ConfigError(f"{flag} is given where a data set is read, not with --shards; leave it out.")
    out = Path(args.out)
    _check_free(out, args.force)
    num = pack(args.path, out, per_shard=args.shards, kind=args.kind, progress=_bar("packing"))
    emit({"out": args.out, "num": num}, args.json, f"{num} samples in tar files: {out / 'shards'}")
    return 0


def make(argv: list[str]) -> int:
    """`limner data make`: draw or render a data set."""
    parser = new_parser(
        "data make",
        "Write a data set that is made by code, with exact labels: drawn faces, or rendered people in the layouts of "
        "CelebAMask-HQ (people-faces), UTKFace (people-ages), DeepFashion In-shop (people-bodies), LRW and GRID "
        "(people-talking). A folder that is there already is gone on with.",
        examples=[
            "limner data make people-faces --num 8000 --size 128 --workers 2 --out faces",
            "limner data make people-ages --num 500 --out ages",
            "limner data make people-ages --num 200 --same-scene --out ages-truth",
            "limner data make people-bodies --num 400 --size 256 --shards 100 --out bodies",
            "limner data make people-talking --layout lrw --num 700 --size 64 --workers 2 --out talking",
            "limner data make people-talking --words window garden coffee --num 50 --seed 9 --out unheard",
            "limner data make drawn-faces --num 500 --size 128 --out drawn",
        ],
    )
    parser.add_argument("kind", type=str, help=f"what to make: {', '.join(MAKERS)}")
    parser.add_argument("--out", type=str, required=True, help="folder to write to; what is there already is kept")
    parser.add_argument("--num", type=int, default=100, help="how many pictures or clips")
    parser.add_argument("--size", type=int, default=128, help="side of a picture in pixels")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other pictures")
    parser.add_argument("--workers", type=int, default=1, help="number of processes, each of one thread")
    parser.add_argument(
        "--shards", type=int, default=0, metavar="N", help="also pack people into tar files (webdataset) of N samples"
    )
    parser.add_argument(
        "--same-scene", action="store_true", help="people-ages only: nothing but the age changes (for evaluation)"
    )
    parser.add_argument(
        "--layout", type=str, default=None, help="people-talking only: words in the layout of lrw (default), or grid's"
    )
    for name, what in (
        ("words", "words of the lrw layout instead of its 20"),
        ("carriers", "sentences around a word, {} its place"),
    ):
        parser.add_argument(f"--{name}", type=str, nargs="+", default=None, help=f"people-talking only: {what}")
    args = parser.parse_args(argv)
    if args.kind not in MAKERS:
        raise ConfigError(f'There is no kind "{args.kind}" to make.{nearest(args.kind, MAKERS)}')
    sizes = (16, 2048) if args.kind == DRAWN else (64, 512)
    limits = {"num": (1, 10_000_000), "size": sizes, "seed": (0, 2**63 - 1), "workers": (1, 256), "shards": (0, 10**6)}
    for name, (low, high) in limits.items():
        if not low <= getattr(args, name) <= high:
            raise ConfigError(f"--{name} is {getattr(args, name)}, but must be from {low} to {high}.")
    for name in ("layout", "words", "carriers"):
        if getattr(args, name) is not None and args.kind != TALKING:
            raise ConfigError(f"--{name} is for {TALKING}, not {args.kind}: leave it out.")
    start, made = time.monotonic(), 0
    unit = "clip" if args.kind == TALKING else "picture"

    def shown(finished: Iterable[int]) -> Iterator[int]:
        nonlocal made
        for index in progress(finished, unit=unit, desc="making"):
            made += 1
            yield index

    MAKERS[args.kind](args, shown)
    rate = made / (time.monotonic() - start)
    result = {"out": args.out, "kind": args.kind, "num": args.num, "made": made, f"{unit}s_per_second": round(rate, 2)}
    emit(result, args.json, f"{counted(args.num, unit)}, {made} of them new ({rate:.1f} a second): {args.out}")
    return 0


def _make_drawn_faces(args: Any, shown: Shown) -> None:
    from limner.data.drawn import write_drawn_faces

    if args.shards:
        raise ConfigError(f"--shards packs people, not {DRAWN}: leave it out.")
    if args.same_scene:
        raise ConfigError(f"--same-scene is for people-ages, not {DRAWN}: leave it out.")
    write_drawn_faces(args.out, num=args.num, size=args.size, seed=args.seed, workers=args.workers, progress=shown)


def _make_people(args: Any, shown: Shown) -> None:
    from limner.people.write import write_people

    write_people(
        args.kind,
        args.out,
        num=args.num,
        size=args.size,
        seed=args.seed,
        workers=args.workers,
        per_shard=args.shards,
        same_scene=args.same_scene,
        progress=shown,
    )


def _make_talking(args: Any, shown: Shown) -> None:
    for name in ("shards", "same_scene"):
        if getattr(args, name):
            raise ConfigError(f"--{name.replace('_', '-')} is not for {TALKING}: leave it out.")
    from limner.people.write.talking import write_talking

    write_talking(
        args.out,
        num=args.num,
        size=args.size,
        seed=args.seed,
        layout=args.layout or "lrw",
        words=args.words,
        carriers=args.carriers,
        workers=args.workers,
        progress=shown,
    )


DRAWN, TALKING = "drawn-faces", "people-talking"
VERBS: dict[str, Callable[[list[str]], int]] = {"check": check, "show": show, "convert": convert, "make": make}
MAKERS: dict[str, Callable[[Any, Shown], None]] = {
    DRAWN: _make_drawn_faces,
    **dict.fromkeys(("people-faces", "people-ages", "people-bodies"), _make_people),
    TALKING: _make_talking,
}


def _add_dataset(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help="folder of the data set")
    add_reading_options(parser)


def _add_out(parser: ArgumentParser, text: str) -> None:
    parser.add_argument("--out", type=str, required=True, help=text)
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def _open(args: Any, *, allow_problems: bool = False) -> Any:
    from limner.data.manifest import open_manifest

    return open_manifest(
        args.path,
        **reading(args),
        allow_problems=allow_problems,
    )


def _bar(desc: str) -> Callable[[Sequence[T]], Iterable[T]]:
    return lambda rows: progress(rows, total=len(rows), unit="sample", desc=desc)


def _check_free(out: Path, force: bool) -> None:
    if not force and (out.is_file() or (out.is_dir() and any(out.iterdir()))):
        raise DataError(f"{out} exists already: choose another name, or overwrite it with --force.")
