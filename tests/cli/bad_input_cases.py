"""The table of bad inputs: what a user may do wrong, and what Limner must say. `test_bad_input.py` runs it.

Every case works in a folder of its own that holds, as links to shared folders:

=============  ========================================================================================
`faces`        12 drawn faces, 64 px, as a plain folder: images, labels, attributes, splits, schema
`hq`           the same in CelebAMask-HQ's layout
`weights`      SCGAN's, 32 px, for these classes and attributes; `parser` likewise
`parser-other` a parser of two classes
`run`          a finished run of `limner train scgan --preset smoke`
`result`       a finished `limner generate scgan`
`map.png`      a label map
=============  ========================================================================================
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file

from limner.data.schema import converter

Prepare = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """One bad input."""

    name: str
    command: str
    """Words after `limner`, in the syntax of a shell."""
    code: int
    words: tuple[str, ...]
    """What the sentence must contain: the thing that is wrong, what is allowed or what to do."""
    prepare: Prepare = lambda root: None
    leaves: tuple[str, ...] = ()
    """Files that may be new afterwards; with a / at its end, a folder with whatever is in it."""
    disk_bytes: int | None = None
    """The disk is full for files of more than so many bytes."""


def case(name: str, command: str, code: int, *words: str, prepare: Prepare = lambda root: None, **rest: object) -> Case:
    return Case(name, command, code, words, prepare, **rest)  # type: ignore[arg-type]


# --- what the cases do to files -------------------------------------------------------------------------------------


def own(path: Path) -> Path:
    """Replace the link at `path` by a copy that may be damaged."""
    if path.is_symlink():
        shared = path.resolve()
        path.unlink()
        (shutil.copytree if shared.is_dir() else shutil.copy)(shared, path)
    return path


def both(*steps: Prepare) -> Prepare:
    return lambda root: [step(root) for step in steps]


def begun(settings: str, text: str) -> Prepare:
    """A folder of `data make` with these settings and a picture."""

    def prepare(folder: Path) -> None:
        write(settings, text)(folder)
        write(f"{Path(settings).parent}/CelebA-HQ-img/0.png", "a picture")(folder)

    return prepare


def write(name: str, content: str | bytes) -> Prepare:
    """Write a file, in a copy of the shared folder if it lies in one."""

    def prepare(root: Path) -> None:
        own(root / Path(name).parts[0])
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return prepare


def remove(name: str) -> Prepare:
    def prepare(root: Path) -> None:
        own(root / Path(name).parts[0])
        shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()

    return prepare


def unsaid(root: Path) -> None:
    """Take away everything that says what the ids in the maps of `faces` mean."""
    remove("faces/schema.json")(root)
    for file in (root / "faces/labels").iterdir():
        with Image.open(file) as picture:
            ids = np.asarray(picture)
        Image.fromarray(ids).save(file)


def folder(name: str) -> Prepare:
    """Make an empty folder, in the place of the file if there is one."""

    def prepare(root: Path) -> None:
        own(root / Path(name).parts[0])
        (root / name).unlink(missing_ok=True)
        (root / name).mkdir(parents=True)

    return prepare


def link(name: str, target: str) -> Prepare:
    def prepare(root: Path) -> None:
        own(root / Path(name).parts[0])
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(target)

    return prepare


def pipe(name: str) -> Prepare:
    """A pipe that nobody writes to: opening it would wait for ever."""

    def prepare(root: Path) -> None:
        (root / name).unlink()
        os.mkfifo(root / name)

    return prepare


def truncate(name: str, size: int) -> Prepare:
    def prepare(root: Path) -> None:
        own(root / Path(name).parts[0])
        (root / name).write_bytes((root / name).read_bytes()[:size])

    return prepare


def edit(name: str, old: str, new: str) -> Prepare:
    def prepare(root: Path) -> None:
        own(root / Path(name).parts[0])
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))

    return prepare


def picture(name: str, change: Callable[[Image.Image], Image.Image], **options: object) -> Prepare:
    """Change a picture of a copy; `options` go to `Image.save`."""

    def prepare(root: Path) -> None:
        own(root / Path(name).parts[0])
        with Image.open(root / name) as old:
            old.load()
        change(old).save(root / name, **options)

    return prepare


def new_map(name: str, pixels: np.ndarray | list[list[int]], dtype: type = np.uint8, **options: object) -> Prepare:
    return lambda root: Image.fromarray(np.array(pixels, dtype)).save(root / name, **options)


def new_picture(name: str, mode: str, color: object, size: tuple[int, int] = (64, 64), **options: object) -> Prepare:
    return lambda root: Image.new(mode, size, color).save(root / name, **options)  # type: ignore[arg-type]


def as_bisenet(root: Path) -> None:
    """All maps in BiSeNet's order, still called CelebAMask-HQ."""
    table = converter("celebamask-19", "bisenet-19")
    for file in (own(root / "hq") / "CelebAMaskHQ-mask").iterdir():
        Image.fromarray(table[np.asarray(Image.open(file))]).save(file)


def bomb(name: str, side: int = 9_000) -> Prepare:
    """A picture of `side` by `side` pixels in a file of some kilobytes."""
    return lambda root: Image.new("1", (side, side)).save(root / name)


def reseal(weights: Path) -> None:
    """Write SHA256SUMS anew, as somebody who changes weights would."""
    files = sorted(path for path in weights.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(weights)}\n" for file in files]
    (weights / "SHA256SUMS").write_text("".join(lines))


def sealed(prepare: Prepare) -> Prepare:
    """Damage the weights, then make the check sums fit."""
    return lambda root: [prepare(root), reseal(root / "weights")]


def index(**fields: object) -> Prepare:
    """Change fields of `pipeline.json`."""

    def prepare(root: Path) -> None:
        file = own(root / "weights") / "pipeline.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))

    return sealed(prepare)


def network_config(**fields: object) -> Prepare:
    def prepare(root: Path) -> None:
        file = own(root / "weights") / "generator" / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))

    return sealed(prepare)


def one_value(value: float) -> Prepare:
    """One value of the generator is not a number."""

    def prepare(root: Path) -> None:
        file = own(root / "weights") / "generator" / "model.safetensors"
        tensors = load_file(file)
        tensors[min(tensors)].flat[0] = value
        save_file(tensors, file)

    return sealed(prepare)


def spec(schema: str = "celebamask-19") -> dict[str, object]:
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec

    return DataSpec(get_schema(schema), ("Dark",)).to_json()


def record(**fields: object) -> Prepare:
    """Change fields of a stored result."""

    def prepare(root: Path) -> None:
        file = own(root / "result") / "result.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))

    return prepare


PICKLE = pickle.dumps({"weights": [1.0, 2.0]})
DEEP = "[" * 50_000

# --- commands that several cases share ------------------------------------------------------------------------------

GENERATE = "generate scgan --weights weights --device cpu --out out"
TRAIN = "train scgan --preset smoke --train.accelerator cpu --data faces --out out"
RESUME = "train scgan --preset smoke --train.accelerator cpu --train.images 16 --data faces --out run --resume auto"
EVALUATE = "evaluate scgan --weights weights --judge parser --data faces --device cpu --out out"
EXPORT = "export scgan --weights weights"
CHECK = "data check faces"
CONVERT = "data convert maps --from celebamask-19 --to scgan-celeba-7 --out out"
RUN_FOLDER = ("out", "out/.lock", "out/command.txt", "out/config.yaml", "out/environment.json")

COMMAND_LINE = [
    case("unknown command", "trian scgan", 2, '"trian"', 'Did you mean "train"?'),
    case("unknown option", "list --jsn", 2, '"--jsn"', 'Did you mean "--json"?'),
    case("word too many", "doctor now", 2, "now"),
    case("unknown verb", "data chekc faces", 2, '"chekc"', 'Did you mean "check"?'),
    case("unknown system: train", "train scgna --data faces --out out", 2, '"scgna"', 'Did you mean "scgan"?'),
    case("unknown system: generate", "generate scgna --out out", 2, '"scgna"', 'Did you mean "scgan"?'),
    case("unknown system: evaluate", "evaluate parse --data faces", 2, '"parse"', 'Did you mean "parser"?'),
    case("unknown system: export", "export scgna --format onnx --out out", 2, '"scgna"', 'Did you mean "scgan"?'),
    case("unknown system: demo", "demo scgna", 2, '"scgna"', 'Did you mean "scgan"?'),
    case("unknown system: check", "data check faces --system scgna", 2, '"scgna"', 'Did you mean "scgan"?'),
    case("system without a demo", "demo pix2pix", 2, '"pix2pix"', "no demo"),
    case("unknown kind to make", "data make faces --out out", 2, '"faces"', "drawn-faces"),
    case("negative size", "data make drawn-faces --size -64 --out out", 2, "--size is -64", "from 16 to 2048"),
    case("zero images", "data make drawn-faces --num 0 --out out", 2, "--num is 0", "from 1 to"),
    case("huge count", f"data make drawn-faces --num {10**30} --out out", 2, "--num is 1", "from 1 to 10000000"),
    case("huge size", "data make drawn-faces --size 100000 --out out", 2, "--size is 100000", "2048"),
    case("count in words", "data make drawn-faces --num many --out out", 2, "--num", "many", "a whole number"),
    case("negative seed", "data make drawn-faces --seed -1 --out out", 2, "--seed is -1", "from 0 to"),
    case("people too small", "data make people-faces --size 32 --out out", 2, "--size is 32", "from 64 to 512"),
    case("people too large", "data make people-ages --size 1024 --out out", 2, "--size is 1024", "from 64 to 512"),
    case("bodies of odd size", "data make people-bodies --size 100 --out out", 2, "size is 100", "multiple of 32"),
    case("negative shards", "data make people-faces --shards -3 --out out", 2, "--shards is -3", "from 0 to"),
    case(
        "shards of drawings", "data make drawn-faces --shards 3 --out out", 2, "--shards packs people", "leave it out"
    ),
    case("too many workers", "data make people-faces --workers 1000 --out out", 2, "--workers is 1000", "1 to 256"),
    case("no --out", "data show faces", 2, "--out is missing, such as in: limner data show DATA --out sheet.png"),
]

DATA = [
    case("missing folder", "data check nowhere", 1, "nowhere is missing", "name the folder"),
    case("file as a data set", "data check map.png", 1, "map.png is not a folder"),
    case("empty folder", "data check empty", 1, "empty is empty", "docs/data.md", prepare=folder("empty")),
    case(
        "folder of no layout",
        "data check stuff",
        1,
        "stuff has no layout that is known",
        "images/ and labels/",
        prepare=write("stuff/readme.txt", "hello"),
    ),
    case("unknown layout", "data check faces --kind folders", 2, '"folders"', 'Did you mean "folder"?'),
    case("unknown schema", "data check faces --schema celebmask-19", 2, '"celebmask-19"', "celebamask-19"),
    case("unknown attribute", "data check faces --attributes Yong", 2, '"Yong"', 'Did you mean "Young"?'),
    case("attribute twice", "data check faces --attributes Male Male", 2, "Male", "twice"),
    case("unknown fit", "data check faces --fit squeeze", 2, "fit", "squeeze", "crop"),
    case("limit of nothing", "data check faces --limit 0", 2, "limit", "0", "at least"),
    case("schema that is not there", "data check faces --schema my.json", 1, "my.json cannot be read"),
    case(
        "schema that is not JSON",
        "data check faces --schema my.json",
        1,
        "my.json",
        "JSON",
        prepare=write("my.json", "{"),
    ),
    case(
        "schema nested without end",
        "data check faces --schema my.json",
        1,
        "my.json",
        "JSON",
        prepare=write("my.json", DEEP),
    ),
    case(
        "schema without names",
        "data check faces --schema my.json",
        1,
        "my.json",
        '"name"',
        prepare=write("my.json", '{"classes": ["a"]}'),
    ),
    case(
        "schema with colours of text",
        "data check faces --schema my.json",
        1,
        "my.json",
        "wrong kind",
        prepare=write("my.json", '{"name": "x", "classes": ["a"], "palette": ["red"]}'),
    ),
    case(
        "schema with too few colours",
        "data check faces --schema my.json",
        1,
        "my.json",
        "one colour of its own per class",
        prepare=write("my.json", '{"name": "x", "classes": ["a", "b"], "palette": [[0, 0, 0]]}'),
    ),
    case(
        "data without a schema",
        "data check faces",
        1,
        "faces does not say what the ids",
        "faces/schema.json",
        prepare=unsaid,
    ),
    case(
        "schema that maps cannot become",
        "data check faces --schema deepfashion-7",
        2,
        '"deepfashion-7"',
        "no counterpart",
    ),
    case("wrong label order", "data check hq", 1, "hq", "bisenet-19", "limner data convert", prepare=as_bisenet),
    case("wrong label order: train", TRAIN.replace("faces", "hq"), 1, "bisenet-19", prepare=as_bisenet),
    case("map missing", CHECK, 1, "3.png is missing", "every photo needs a map", prepare=remove("faces/labels/3.png")),
    case(
        "photo missing", CHECK, 1, "faces/attributes.csv", '"3.png"', "no picture", prepare=remove("faces/images/3.png")
    ),
    case("no maps at all", "data check hq", 1, "CelebAMaskHQ-mask", prepare=remove("hq/CelebAMaskHQ-mask")),
    case(
        "part files missing",
        "data check hq",
        1,
        "00000_*.png are missing",
        prepare=both(remove("hq/CelebAMaskHQ-mask"), folder("hq/CelebAMask-HQ-mask-anno/0")),
    ),
    case(
        "map of another size",
        CHECK,
        1,
        "images/2.png",
        "64x64",
        "32x64",
        "crop",
        prepare=picture("faces/labels/2.png", lambda p: p.crop((0, 0, 32, 64))),
    ),
    case(
        "pictures that are not square",
        "data show hq --out sheet.png",
        1,
        "64x32",
        "must be square",
        "crop",
        prepare=both(
            *(picture(f"hq/CelebA-HQ-img/{i}.png", lambda p: p.crop((0, 0, 64, 32))) for i in range(12)),
            *(picture(f"hq/CelebAMaskHQ-mask/{i}.png", lambda p: p.crop((0, 0, 64, 32))) for i in range(12)),
        ),
    ),
    case(
        "same name twice",
        CHECK,
        1,
        "2.jpg and 2.png",
        "remove one",
        prepare=both(write("faces/images/2.jpg", "x")),
    ),
    case("truncated PNG", CHECK, 1, "images/2.png is truncated", prepare=truncate("faces/images/2.png", 600)),
    case(
        "truncated JPEG",
        "data show faces --out sheet.png",
        1,
        "images/2.jpg is truncated",
        "again",
        prepare=both(
            picture("faces/images/2.png", lambda p: p, format="JPEG"),
            truncate("faces/images/2.png", 900),
            lambda root: (root / "faces/images/2.png").rename(root / "faces/images/2.jpg"),
            edit("faces/attributes.csv", "2.png", "2.jpg"),
        ),
    ),
    case("empty photo", CHECK, 1, "images/2.png", "not a picture", prepare=write("faces/images/2.png", b"")),
    case("text as a photo", CHECK, 1, "images/2.png", "not a picture", prepare=write("faces/images/2.png", "hello")),
    case("folder as a photo", CHECK, 1, "images/2.png is a folder", prepare=folder("faces/images/2.png")),
    case("link to nothing", CHECK, 1, "images/2.png is missing", prepare=link("faces/images/2.png", "gone")),
    case("link to itself", CHECK, 1, "images/2.png", "cannot be read", prepare=link("faces/images/2.png", "2.png")),
    case(
        "photo of 12 bits",
        CHECK,
        1,
        "images/2.png",
        "12 of its 16",
        "8 bits",
        prepare=picture("faces/images/2.png", lambda p: Image.fromarray(np.full((64, 64), 4_000, np.uint16))),
    ),
    case(
        "transparent photo",
        CHECK,
        1,
        "images/2.png has transparent pixels",
        "flatten",
        prepare=picture("faces/images/2.png", lambda p: Image.new("RGBA", p.size, (9, 9, 9, 90))),
    ),
    case(
        "animated GIF as a map",
        CHECK,
        1,
        "labels/2.gif has several frames",
        prepare=both(
            remove("faces/labels/2.png"),
            lambda root: Image.new("L", (64, 64)).save(
                root / "faces/labels/2.gif", save_all=True, append_images=[Image.new("L", (64, 64), 200)]
            ),
        ),
    ),
    case(
        "id out of range",
        CHECK,
        1,
        "labels/2.png has class id 77",
        "0..18",
        prepare=picture("faces/labels/2.png", lambda p: Image.new("L", p.size, 77)),
    ),
    case(
        "decompression bomb",
        CHECK,
        1,
        "images/2.png has more than 64 million pixels",
        prepare=both(remove("faces/images/2.png"), bomb("faces/images/2.png")),
    ),
    case(
        "attributes: no picture",
        CHECK,
        1,
        "1 has no picture",
        '"33.png"',
        prepare=edit("faces/attributes.csv", "3.png", "33.png"),
    ),
    case(
        "attributes: unknown value",
        CHECK,
        1,
        "attributes.csv",
        '"yes"',
        "only 1, 0 and -1",
        prepare=write("faces/attributes.csv", "name,Male\n0.png,yes\n"),
    ),
    case(
        "attributes: too many values",
        CHECK,
        1,
        "attributes.csv has 6 values in line 5",
        prepare=edit("faces/attributes.csv", "\n3.png,", "\n3.png,1,"),
    ),
    case(
        "attributes: name twice",
        CHECK,
        1,
        "attributes.csv has the attribute Male twice",
        prepare=edit("faces/attributes.csv", "Young", "Male"),
    ),
    case(
        "attributes: picture twice",
        CHECK,
        1,
        'attributes.csv has two rows for "4.png"',
        prepare=edit("faces/attributes.csv", "3.png", "4.png"),
    ),
    case(
        "attributes: wrong count",
        "data check hq",
        1,
        "says 12 pictures in line 1 but has 13 rows",
        prepare=edit("hq/CelebAMask-HQ-attribute-anno.txt", "\n3.png", "\n99.png 1 1 1 1 1\n3.png"),
    ),
    case(
        "attributes: binary file",
        CHECK,
        1,
        "attributes.csv",
        "text",
        prepare=write("faces/attributes.csv", PICKLE + b"\xff\xfe"),
    ),
    case(
        "attributes: NUL bytes",
        CHECK,
        1,
        "attributes.csv",
        prepare=write("faces/attributes.csv", b"name,Male\x00\n0.png,1\n"),
    ),
    case("attributes: empty file", CHECK, 1, "attributes.csv must begin", prepare=write("faces/attributes.csv", "")),
    case(
        "attributes: a field without end",
        CHECK,
        1,
        "attributes.csv",
        prepare=write("faces/attributes.csv", 'name,Male\n"' + "x" * 200_000),
    ),
    case(
        "splits: unknown split",
        CHECK,
        1,
        "splits.csv",
        "exam",
        "train, val, test",
        prepare=edit("faces/splits.csv", "test", "exam"),
    ),
    case("unknown split", "data show faces --split tset --out sheet.png", 1, '"tset"', "train"),
    case("sheet that is no PNG", "data show faces --out sheet.pdf", 2, "sheet.pdf", ".png"),
    case(
        "sheet that exists",
        "data show faces --out sheet.png",
        1,
        "sheet.png exists already",
        "--force",
        prepare=write("sheet.png", "mine"),
    ),
    case("sheet of nothing", "data show faces --num 0 --out sheet.png", 2, "--num is 0", "from 1 to 1000"),
    case(
        "sheet of too much",
        "data show other --size 1000 --num 1000 --out sheet.png",
        2,
        "pixels",
        "64 million",
        "fewer or smaller",
        prepare=lambda root: two_classes(root / "other", num=40),
    ),
    case("sheet below a file", "data show faces --out map.png/sheet.png", 1, "map.png is not a folder"),
    case("full disk: sheet", "data show faces --out sheet.png", 1, "sheet.png", "File too large", disk_bytes=1000),
    case(
        "broken map in a sheet",
        "data show faces --out new/sheet.png",
        1,
        "labels/2.png is truncated",
        prepare=truncate("faces/labels/2.png", 300),
    ),
    case("convert: nothing there", CONVERT, 1, "maps is missing"),
    case("convert: no map", CONVERT, 1, "maps holds no label maps", ".png", prepare=folder("maps")),
    case("convert: no schema", "data convert map.png --out new.png", 2, "--from"),
    case(
        "convert: no counterpart",
        "data convert map.png --from celebamask-19 --to deepfashion-7 --out new.png",
        2,
        "no counterpart",
    ),
    case(
        "convert: contradiction",
        "data convert hq --from bisenet-19 --out out",
        2,
        "celebamask-19, not bisenet-19",
        "--from",
    ),
    case(
        "convert: foreign pickle",
        "data convert model.pth --from celebamask-19 --out out",
        1,
        "model.pth",
        "not a picture",
        prepare=write("model.pth", PICKLE),
    ),
    case(
        "convert: one broken map",
        "data convert faces --to scgan-celeba-7 --out out",
        1,
        "labels/2.png is truncated",
        prepare=truncate("faces/labels/2.png", 300),
    ),
    case(
        "convert: out that is there",
        "data convert faces --to scgan-celeba-7 --out out",
        1,
        "out exists already",
        "--force",
        prepare=write("out/mine.txt", "mine"),
    ),
    case(
        "convert: out below a file",
        "data convert faces --to scgan-celeba-7 --out map.png/out",
        1,
        "map.png",
        "Not a directory",
    ),
    case(
        "convert: full disk",
        "data convert faces --to scgan-celeba-7 --out out",
        1,
        "cannot be written",
        "File too large",
        disk_bytes=300,
    ),
    case(
        "make: folder of other faces",
        "data make drawn-faces --num 1 --size 16 --out mine",
        2,
        "not made here",
        "another folder",
        prepare=write("mine/CelebA-HQ-img/me.jpg", "x"),
    ),
    case(
        "make: other settings",
        "data make drawn-faces --num 1 --size 16 --out drawn",
        2,
        "size = 64, not 16",
        prepare=begun(
            "drawn/drawn.json",
            '{"num": 1, "seed": 0, "start": 0, "size": 64, "image_format": "png", "part_masks": false}',
        ),
    ),
    case(
        "make: damaged settings",
        "data make drawn-faces --num 1 --size 16 --out drawn",
        1,
        "drawn.json is damaged",
        prepare=begun("drawn/drawn.json", "[1, 2]"),
    ),
    case(
        "make: another kind of people",
        "data make people-ages --num 1 --size 64 --out mine",
        2,
        "kind = people-faces, not people-ages",
        "another folder",
        prepare=begun("mine/people.json", '{"num": 1, "kind": "people-faces", "seed": 0, "size": 64, "limner": "0"}'),
    ),
    case(
        "make: people of another version",
        "data make people-faces --num 1 --size 64 --out mine",
        2,
        "with limner = 0, not",
        prepare=begun("mine/people.json", '{"num": 1, "kind": "people-faces", "seed": 0, "size": 64, "limner": "0"}'),
    ),
    case("make: people among drawings", "data make people-faces --num 1 --size 64 --out hq", 2, "hq", "not made here"),
    case(
        "make: people on a full disk",
        "data make people-faces --num 1 --size 64 --out out",
        1,
        "out/CelebA-HQ-img/0.jpg cannot be written",
        leaves=("out/",),
        disk_bytes=700,
    ),
    case("make: below a file", "data make drawn-faces --num 1 --size 16 --out map.png/x", 1, "map.png", "written"),
]

MAPS = [
    case("no map named", GENERATE, 2, "--label-map is missing"),
    case("map that is not there", f"{GENERATE} --label-map gone.png", 1, "gone.png is missing"),
    case("folder without a map", f"{GENERATE} --label-map empty", 1, "empty has no label map", prepare=folder("empty")),
    case("list without a map", f"{GENERATE} --label-map", 2, "--label-map"),
    case(
        "16-bit map",
        f"{GENERATE} --label-map m.png",
        1,
        "m.png has 16 or more bits",
        "8-bit",
        prepare=new_map("m.png", np.ones((64, 64)), np.uint16),
    ),
    case(
        "CMYK map",
        f"{GENERATE} --label-map m.tif",
        1,
        "m.tif has the colour mode CMYK",
        "PNG",
        prepare=new_picture("m.tif", "CMYK", (1, 2, 3, 4)),
    ),
    case(
        "map with alpha",
        f"{GENERATE} --label-map m.png",
        1,
        "m.png has transparent pixels",
        prepare=new_picture("m.png", "RGBA", (204, 0, 0, 128)),
    ),
    case(
        "wrong palette",
        f"{GENERATE} --label-map m.png",
        1,
        "m.png has the colour (1, 2, 3)",
        "celebamask-19",
        prepare=new_picture("m.png", "RGB", (1, 2, 3)),
    ),
    case(
        "JPEG map",
        f"{GENERATE} --label-map m.jpg",
        1,
        "m.jpg is a JPEG file",
        "PNG",
        prepare=new_picture("m.jpg", "L", 1),
    ),
    case(
        "id out of range in a map",
        f"{GENERATE} --label-map m.png",
        1,
        "m.png has class id 20",
        "0..18",
        "limner data convert",
        prepare=new_map("m.png", np.full((64, 64), 20)),
    ),
    case(
        "mask of one part",
        f"{GENERATE} --label-map m.png",
        1,
        "m.png has class id 255",
        "one part",
        prepare=new_map("m.png", np.eye(64) * 255),
    ),
    case(
        "another aspect ratio",
        f"{GENERATE} --label-map m.png",
        1,
        "m.png is 64x32",
        "square",
        prepare=new_map("m.png", np.zeros((32, 64))),
    ),
    case(
        "pickle as a map",
        f"{GENERATE} --label-map m.pth",
        1,
        "m.pth",
        "not a picture",
        prepare=write("m.pth", PICKLE),
    ),
    case("bomb as a map", f"{GENERATE} --label-map m.png", 1, "64 million pixels", prepare=bomb("m.png")),
    case("pipe as a map", f"{GENERATE} --label-map map.png", 1, "map.png", "not a file", prepare=pipe("map.png")),
    case(
        "two maps of one name",
        f"{GENERATE} --label-map map.png a/map.png",
        2,
        "map.png and a/map.png",
        prepare=both(write("a/map.png", "x")),
    ),
    case("schema of maps unknown", f"{GENERATE} --label-map map.png --schema bisenet", 2, '"bisenet"', "bisenet-19"),
    case("segment a text", f"{GENERATE} --segment m.png", 1, "m.png", "not a picture", prepare=write("m.png", "hello")),
    case(
        "segment a truncated photo",
        f"{GENERATE} --segment faces/images/2.png",
        1,
        "2.png is truncated",
        prepare=truncate("faces/images/2.png", 600),
    ),
    case(
        "parse a bomb",
        "generate parser --weights parser --image m.png --out out",
        1,
        "m.png has more than 64 million pixels",
        prepare=bomb("m.png", 20_000),
    ),
    case(
        "parse a text",
        "generate parser --weights parser --image m.png --out out",
        1,
        "m.png is not a picture",
        prepare=write("m.png", "hello"),
    ),
    case(
        "parse a truncated photo",
        "generate parser --weights parser --image faces/images/2.png --out out",
        1,
        "2.png is truncated",
        prepare=truncate("faces/images/2.png", 600),
    ),
]

ATTRIBUTES_AND_NUMBERS = [
    case("attribute unknown", f"{GENERATE} --label-map map.png --attribute Yong=1", 2, '"Yong"', 'mean "Young"?'),
    case("attribute above 1", f"{GENERATE} --label-map map.png --attribute Male=1.5", 2, "Male", "1.5", "0 to 1"),
    case("attribute below 0", f"{GENERATE} --label-map map.png --attribute Male=-1", 2, "Male", "-1", "0 to 1"),
    case("attribute NaN", f"{GENERATE} --label-map map.png --attribute Male=nan", 2, "Male", "nan", "0 to 1"),
    case("attribute in words", f"{GENERATE} --label-map map.png --attribute Male=yes", 2, "Male=yes", "NAME=VALUE"),
    case("attribute alone", f"{GENERATE} --label-map map.png --attribute Male", 2, "Male", "NAME=VALUE"),
    case("attribute named twice", f"{GENERATE} --label-map map.png --attribute Male=1 --attribute Male=0", 2, "twice"),
    case("seed below 0", f"{GENERATE} --label-map map.png --seed -1", 2, "seed is -1", "0.."),
    case("seed too large", f"{GENERATE} --label-map map.png --seed {2**64}", 2, "seed is 1", "0.."),
    case("no pictures", f"{GENERATE} --label-map map.png --num-images 0", 2, "--num-images is 0", "1 or more"),
    case("too many pictures", f"{GENERATE} --label-map map.png --num-images {10**15}", 2, "--num-images", "at most"),
    case("negative batch", f"{GENERATE} --label-map map.png --batch-size -1", 2, "--batch-size is -1", "at least 1"),
    case("no steps", f"{GENERATE} --label-map map.png --interpolate z --steps 1", 2, "steps is 1", "at least 2"),
    case(
        "too many steps", f"{GENERATE} --label-map map.png --interpolate z --steps {10**12}", 2, "steps is", "at most"
    ),
    case("walk without a goal", f"{GENERATE} --label-map map.png --interpolate c", 2, "target", "Male=1"),
    case("two modes", f"{GENERATE} --label-map map.png --grid --interpolate z", 2, "--grid and --interpolate"),
    case("option without effect", f"{GENERATE} --label-map map.png --steps 3", 2, "--steps has no effect"),
    case("shard out of range", f"{GENERATE} --label-map map.png --shard 4/4", 2, '"4/4"', "0/4"),
    case("unknown device", f"{GENERATE} --label-map map.png --device gpu", 2, '"gpu"', "cpu"),
    case("no such GPU", f"{GENERATE} --label-map map.png --device cuda:99", 2, '"cuda:99"', "cpu"),
]

RESULTS = [
    case("out that is a file", f"{GENERATE} --label-map map.png --out map.png", 2, "map.png is a file", "folder"),
    case("out below a file", f"{GENERATE} --label-map map.png --out map.png/out", 1, "map.png", "Not a directory"),
    case(
        "full disk: picture",
        f"{GENERATE} --label-map map.png",
        1,
        "cannot be written",
        "too large",
        disk_bytes=100,
        leaves=("out",),
    ),
    case(
        "result of another request",
        f"{GENERATE} --label-map map.png --seed 9 --out result",
        1,
        "result.json is the result of another request",
        "--force",
    ),
    case("like: missing", f"{GENERATE} --label-map map.png --like gone.json", 1, "gone.json cannot be read"),
    case("like: a PNG", f"{GENERATE} --label-map map.png --like map.png", 1, "map.png is not a text file"),
    case(
        "like: a list",
        f"{GENERATE} --label-map map.png --like r.json",
        1,
        "r.json is not a result",
        prepare=write("r.json", "[]"),
    ),
    case(
        "like: nested without end",
        f"{GENERATE} --label-map map.png --like r.json",
        1,
        "r.json is not valid JSON",
        prepare=write("r.json", DEEP),
    ),
    case(
        "like: wrong types",
        f"{GENERATE} --label-map map.png --like result/result.json",
        1,
        "result.json is not a result",
        prepare=record(seeds=["one"]),
    ),
    case(
        "like: batch of text",
        f"{GENERATE} --label-map map.png --like result/result.json",
        1,
        "result.json is not a result",
        prepare=record(batch_size="two"),
    ),
    case(
        "like: batch of none",
        f"{GENERATE} --label-map map.png --like result/result.json",
        1,
        "result.json",
        prepare=record(batch_size=0),
    ),
    case(
        "like: version of text",
        f"{GENERATE} --label-map map.png --like result/result.json",
        1,
        "result.json is not a result",
        prepare=record(format_version="one"),
    ),
    case(
        "like: newer",
        f"{GENERATE} --label-map map.png --like result/result.json",
        1,
        "newer Limner",
        "update",
        prepare=record(format_version=99),
    ),
    case(
        "like: changed by hand",
        f"{GENERATE} --label-map map.png --like result/result.json",
        1,
        "changed after it was written",
        prepare=record(seeds=[5]),
    ),
    case(
        "like: array of 10^18 bytes",
        f"{GENERATE} --label-map map.png --like result/result.json",
        1,
        "not a result",
        prepare=record(conditions={"label_map": {"dtype": "|u1", "shape": [10**9, 10**9], "zlib_base64": "eJw="}}),
    ),
    case(
        "like: other weights",
        "generate --from result/result.json --weights weights --out out",
        1,
        "was drawn by",
        "load the weights that drew it",
        prepare=one_value(0.5),
    ),
    case(
        "from: weights that are gone",
        "generate --from result/result.json --out out",
        1,
        "--weights",
        prepare=both(remove("weights"), record(weights_path="nowhere")),
    ),
    case("from: nothing", "generate --out out", 2, "Name a system", "--from"),
]

WEIGHTS = [
    case("unknown weights", "generate scgan --weights scgan-face-46 --label-map map.png --out out", 1, "scgan-face-46"),
    case("folder without weights", f"{GENERATE} --label-map map.png --weights faces", 1, "faces has no pipeline.json"),
    case("file as weights", f"{GENERATE} --label-map map.png --weights map.png", 1, "map.png is a file", "folder"),
    case(
        "pickle as weights",
        f"{GENERATE} --label-map map.png --weights model.pth",
        1,
        "model.pth is a pickle file",
        "safetensors",
        prepare=write("model.pth", PICKLE),
    ),
    case(
        "folder of a pickle",
        f"{GENERATE} --label-map map.png --weights model",
        1,
        "model.pth is a pickle file",
        prepare=write("model/model.pth", PICKLE),
    ),
    case(
        "pickle with the right name",
        f"{GENERATE} --label-map map.png",
        1,
        "model.safetensors is not a complete safetensors file",
        prepare=sealed(write("weights/generator/model.safetensors", PICKLE)),
    ),
    case(
        "another system's weights",
        f"{GENERATE} --label-map map.png --weights parser",
        1,
        '"parser"',
        'not of "scgan"',
    ),
    case("NaN weights", f"{GENERATE} --label-map map.png", 1, "generator", "NaN", prepare=one_value(np.nan)),
    case("infinite weights", f"{GENERATE} --label-map map.png", 1, "generator", "infinite", prepare=one_value(np.inf)),
    case(
        "truncated weights",
        f"{GENERATE} --label-map map.png",
        1,
        "generator/model.safetensors",
        "SHA-256",
        "copy",
        prepare=truncate("weights/generator/model.safetensors", 5000),
    ),
    case(
        "truncated weights, sums made to fit",
        f"{GENERATE} --label-map map.png",
        1,
        "model.safetensors is not a complete safetensors file",
        prepare=sealed(truncate("weights/generator/model.safetensors", 5000)),
    ),
    case(
        "sums that do not fit",
        f"{GENERATE} --label-map map.png",
        1,
        "pipeline.json is not the file that was saved",
        "SHA256SUMS",
        prepare=edit("weights/pipeline.json", '"image_size": 32', '"image_size": 64'),
    ),
    case("no sums", f"{GENERATE} --label-map map.png", 1, "SHA256SUMS", prepare=remove("weights/SHA256SUMS")),
    case(
        "binary sums", f"{GENERATE} --label-map map.png", 1, "SHA256SUMS", prepare=write("weights/SHA256SUMS", b"\xff")
    ),
    case(
        "network file missing",
        f"{GENERATE} --label-map map.png",
        1,
        "generator/model.safetensors",
        "cannot be read",
        prepare=remove("weights/generator/model.safetensors"),
    ),
    case(
        "network config is a folder",
        f"{GENERATE} --label-map map.png",
        1,
        "generator/config.json",
        "cannot be read",
        prepare=folder("weights/generator/config.json"),
    ),
    case(
        "newer format",
        f"{GENERATE} --label-map map.png",
        1,
        "format version 99",
        "update Limner",
        prepare=index(format_version=99),
    ),
    case(
        "foreign pipeline.json",
        f"{GENERATE} --label-map map.png",
        1,
        "pipeline.json is not Limner's",
        prepare=write("weights/pipeline.json", "{}"),
    ),
    case(
        "pipeline.json is a list",
        f"{GENERATE} --label-map map.png",
        1,
        "pipeline.json holds no JSON object",
        prepare=write("weights/pipeline.json", "[1]"),
    ),
    case(
        "pipeline.json nested without end",
        f"{GENERATE} --label-map map.png",
        1,
        "pipeline.json is not valid JSON",
        prepare=write("weights/pipeline.json", DEEP),
    ),
    case(
        "path traversal",
        f"{GENERATE} --label-map map.png",
        1,
        "'../../etc'",
        "small letters",
        prepare=index(networks=["generator", "../../etc"]),
    ),
    case(
        "unknown network",
        f"{GENERATE} --label-map map.png",
        1,
        '"painter"',
        "generator",
        prepare=index(networks=["generator", "segmentor", "painter"]),
    ),
    case(
        "network not named", f"{GENERATE} --label-map map.png", 1, '"segmentor"', prepare=index(networks=["generator"])
    ),
    case("unknown system inside", f"{GENERATE} --label-map map.png", 1, '"scgna"', prepare=index(system="scgna")),
    case("negative image size", f"{GENERATE} --label-map map.png", 1, "pipeline.json", prepare=index(image_size=-32)),
    case("image size true", f"{GENERATE} --label-map map.png", 1, "pipeline.json", prepare=index(image_size=True)),
    case("networks of numbers", f"{GENERATE} --label-map map.png", 1, "network 1", prepare=index(networks=[1])),
    case(
        "other attributes inside",
        f"{GENERATE} --label-map map.png",
        1,
        "num_attributes 5",
        "asks for 1",
        prepare=index(spec=spec()),
    ),
    case(
        "other schema inside",
        f"{GENERATE} --label-map map.png",
        1,
        "num_classes 19",
        "asks for 7",
        prepare=index(spec=spec("scgan-celeba-7")),
    ),
    case(
        "no schema inside",
        f"{GENERATE} --label-map map.png",
        1,
        "pipeline.json",
        "attribute_names",
        prepare=index(spec={}),
    ),
    case(
        "schema of wrong types inside",
        f"{GENERATE} --label-map map.png",
        1,
        "pipeline.json",
        prepare=index(spec={**spec(), "schema": {"name": "x", "classes": 3}}),
    ),
    case(
        "config with a foreign field",
        f"{GENERATE} --label-map map.png",
        1,
        "generator/config.json does not describe a generator",
        prepare=network_config(depth=3),
    ),
    case(
        "config of huge numbers",
        f"{GENERATE} --label-map map.png",
        1,
        "generator",
        prepare=network_config(width=10**12),
    ),
    case(
        "config of negative numbers",
        f"{GENERATE} --label-map map.png",
        1,
        "generator/config.json does not describe a generator",
        prepare=network_config(width=-8),
    ),
    case("config of other widths", f"{GENERATE} --label-map map.png", 1, "has shape", prepare=network_config(width=16)),
]

TRAINING = [
    case("no data named", "train scgan --preset smoke --out out", 2, "--data is missing, such as in: limner train"),
    case("data that is not there", TRAIN.replace("faces", "nowhere"), 1, "nowhere is missing"),
    case("unknown preset", TRAIN.replace("smoke", "smok"), 2, "smok", "smoke"),
    case("unknown setting", f"{TRAIN} --train.imags 8", 2, '"--train.imags"', "--train.images"),
    case("number in words", f"{TRAIN} --train.images many", 2, "--train.images", "many", "a whole number"),
    case("zero images to see", f"{TRAIN} --train.images 0", 2, "--train.images is 0", "at least 1"),
    case("more images than any run", f"{TRAIN} --train.images {10**20}", 2, "--train.images"),
    case("negative picture size", f"{TRAIN} --model.image_size -64", 2, "--model.image_size is -64", "power of two"),
    case("huge picture size", f"{TRAIN} --model.image_size {2**20}", 2, "--model.image_size is 1048576", "2048"),
    case("huge width", f"{TRAIN} --model.generator_width {10**9}", 2, "--model.generator_width is 1000000000"),
    case("odd picture size", f"{TRAIN} --model.image_size 100", 2, "--model.image_size is 100", "power of two"),
    case("no learning", f"{TRAIN} --optimizer.lr_generator 0", 2, "--optimizer.lr_generator is 0", "(0, 1]"),
    case("NaN learning rate", f"{TRAIN} --optimizer.lr_generator .nan", 2, "--optimizer.lr_generator"),
    case("batch that does not divide", f"{TRAIN} --train.accumulate 3", 2, "--train.batch_size 8", "multiple of 3"),
    case("negative training seed", f"{TRAIN} --train.seed -1", 2, "--train.seed is -1", "from 0 to"),
    case("seed beyond 32 bits", f"{TRAIN} --train.seed {2**40}", 2, f"--train.seed is {2**40}", "4294967295"),
    case("unknown precision", f"{TRAIN} --train.precision fp16", 2, "--train.precision", "bf16-mixed"),
    case("unknown accelerator", f"{TRAIN} --train.accelerator tpu", 2, "--train.accelerator", "cuda"),
    case("augmentation out of range", f"{TRAIN} --augment.scale 5", 2, "augment.scale is 5", "0 to 0.9"),
    case("attribute to train unknown", f"{TRAIN} --dataset.attributes [Yong]", 2, '"Yong"', 'mean "Young"?'),
    case("layout to train unknown", f"{TRAIN} --dataset.kind folders", 2, '"folders"', 'mean "folder"?'),
    case("schema to train unknown", f"{TRAIN} --dataset.schema scgan-celeb-7", 2, "scgan-celeba-7"),
    case("schema to train impossible", f"{TRAIN} --dataset.schema deepfashion-7", 2, "no counterpart"),
    case(
        "nothing to train on",
        TRAIN,
        1,
        'no samples in the split "train"',
        prepare=write("faces/splits.csv", "name,split\n" + "".join(f"{i},test\n" for i in range(12))),
    ),
    case(
        "broken picture in training data",
        f"{TRAIN} --train.images 16",
        1,
        "is truncated",
        prepare=both(*(truncate(f"faces/images/{i}.png", 600) for i in range(12))),
        leaves=RUN_FOLDER,
    ),
    case(
        "map of another aspect in training data",
        f"{TRAIN} --train.images 16",
        1,
        "the same crop",
        prepare=both(*(picture(f"faces/labels/{i}.png", lambda p: p.crop((0, 0, 32, 64))) for i in range(12))),
        leaves=RUN_FOLDER,
    ),
    case("config missing", f"{TRAIN} --config gone.yaml", 2, "gone.yaml"),
    case("config is a folder", f"{TRAIN} --config faces", 2, "faces"),
    case("config broken", f"{TRAIN} --config c.yaml", 2, "c.yaml", prepare=write("c.yaml", "train: [1,\n  - {")),
    case("config unknown key", f"{TRAIN} --config c.yaml", 2, "imags", prepare=write("c.yaml", "train:\n  imags: 3\n")),
    case(
        "config unknown part", f"{TRAIN} --config c.yaml", 2, "trian", prepare=write("c.yaml", "trian:\n  images: 3\n")
    ),
    case(
        "config wrong type", f"{TRAIN} --config c.yaml", 2, "images", prepare=write("c.yaml", "train:\n  images: [3]\n")
    ),
    case("config null", f"{TRAIN} --config c.yaml", 2, "--train.seed", prepare=write("c.yaml", "train: {seed: null}")),
    case(
        "config section of nothing",
        f"{TRAIN} --config c.yaml",
        2,
        "--model.image_size",
        prepare=write("c.yaml", "model: []"),
    ),
    case("config NUL", f"{TRAIN} --config c.yaml", 2, "c.yaml has a text", prepare=write("c.yaml", 'dataset: "\\0"')),
    case("config wrong shape", f"{TRAIN} --config c.yaml", 2, "train", prepare=write("c.yaml", "train: 3\n")),
    case("config a list", f"{TRAIN} --config c.yaml", 2, "c.yaml", prepare=write("c.yaml", "- 1\n- 2\n")),
    case("config empty", f"{TRAIN} --config c.yaml", 2, "c.yaml holds no settings", prepare=write("c.yaml", "")),
    case(
        "config nested without end", f"{TRAIN} --config c.yaml", 2, "c.yaml is not valid", prepare=write("c.yaml", DEEP)
    ),
    case("config binary", f"{TRAIN} --config c.yaml", 2, "c.yaml", prepare=write("c.yaml", PICKLE + b"\xff\x00")),
    case(
        "config with code",
        f"{TRAIN} --config c.yaml",
        2,
        "c.yaml",
        prepare=write("c.yaml", "train: !!python/object/apply:os.system ['touch hacked']\n"),
    ),
    case("run that is a file", f"{TRAIN} --out map.png", 2, "map.png is a file", "folder"),
    case("run below a file", f"{TRAIN} --out map.png/out", 1, "map.png", "Not a directory"),
    case(
        "run that is there",
        f"{TRAIN} --out run",
        2,
        "run holds a run already",
        "--resume auto",
        prepare=lambda r: own(r / "run"),
    ),
    case(
        "resume with other settings",
        f"{RESUME} --model.latent_size 16",
        2,
        "--model.latent_size is 16",
        "started with 8",
        prepare=lambda root: own(root / "run"),
    ),
    case("resume without config", RESUME, 2, "config.yaml cannot be read", prepare=remove("run/config.yaml")),
    case("resume with broken config", RESUME, 2, "config.yaml", prepare=write("run/config.yaml", "- [")),
    case("resume with a list as config", RESUME, 2, "config.yaml", prepare=write("run/config.yaml", "- 1")),
    case("resume with binary config", RESUME, 2, "config.yaml", prepare=write("run/config.yaml", b"\xff\xfe\x00")),
    case(
        "resume with other attributes",
        RESUME,
        1,
        "other labels or attributes",
        "same data",
        prepare=both(
            lambda root: own(root / "run"),
            edit("faces/attributes.csv", "Young", "Old"),
        ),
    ),
    case(
        "resume from a broken checkpoint",
        RESUME,
        1,
        "No checkpoint in run/checkpoints can be read",
        prepare=truncate("run/checkpoints/000000008/state.safetensors", 2000),
    ),
    case(
        "resume from foreign safetensors",
        RESUME,
        1,
        "No checkpoint in run/checkpoints can be read",
        prepare=both(
            lambda root: own(root / "run"),
            lambda root: save_file({"a": np.zeros(3)}, root / "run/checkpoints/000000008/state.safetensors"),
        ),
    ),
    case(
        "resume from a foreign state",
        RESUME,
        1,
        "No checkpoint in run/checkpoints can be read",
        prepare=both(
            lambda root: own(root / "run"),
            lambda root: save_file(
                {"a": np.zeros(3)}, root / "run/checkpoints/000000008/state.safetensors", metadata={"state": "[1]"}
            ),
        ),
    ),
    case(
        "full disk: checkpoint",
        f"{TRAIN} --train.images 8",
        1,
        "checkpoint at 8 images could not be written",
        "--resume auto",
        disk_bytes=700_000,
        leaves=(
            *RUN_FOLDER,
            "out/metrics.jsonl",
            "out/samples",
            "out/samples/000000008.png",
            "out/checkpoints",
            "out/tensorboard/",
        ),
    ),
]

EVALUATION = [
    case("one image", f"{EVALUATE} --num-images 1", 2, "1 image of", "at least two"),
    case("no image", f"{EVALUATE} --num-images 0", 2, "0 images", "at least two"),
    case("huge number of images", f"{EVALUATE} --num-images {10**12}", 2, "--num-images"),
    case("batch of nothing", f"{EVALUATE} --batch-size 0", 2, "--batch-size is 0", "at least 1"),
    case("unknown part", f"{EVALUATE} --split tset", 1, '"tset"', "test"),
    case("unknown table", f"{EVALUATE} --table scgan-celebs", 2, '"scgan-celebs"', "scgan-celeba"),
    case("judge of other classes", f"{EVALUATE} --judge parser-other", 2, "parser-other", "19 classes", "2 classes"),
    case("scgan as judge", f"{EVALUATE} --judge weights", 2, '"scgan"', "judges nothing"),
    case("unknown judge", f"{EVALUATE} --judge parser-face", 1, '"parser-face"'),
    case("parser as scgan", f"{EVALUATE} --weights parser", 1, '"parser"', 'not of "scgan"'),
    case("Inception", f"{EVALUATE} --features inception", 2, "Inception", "--features"),
    case("unknown features", f"{EVALUATE} --features vgg", 2, '"vgg"', "parser:"),
    case("negative evaluation seed", f"{EVALUATE} --seed -1", 2, "--seed is -1", "at least 0"),
    case("evaluation seed too large", f"{EVALUATE} --seed {2**64}", 2, f"--seed is {2**64}"),
    case("report into a file", f"{EVALUATE} --out map.png", 2, "map.png is a file"),
    case("report below a file", f"{EVALUATE} --num-images 2 --out map.png/out", 1, "map.png", "Not a directory"),
    case("scores into a folder", f"{EVALUATE} --json faces", 2, "faces is a folder"),
    case(
        "full disk: report", f"{EVALUATE} --num-images 2", 1, "out", "File too large", disk_bytes=500, leaves=("out",)
    ),
    case(
        "data of another schema",
        f"{EVALUATE} --data other",
        2,
        "no counterpart",
        prepare=lambda root: two_classes(root / "other"),
    ),
    case("judge of a parser", "evaluate parser --weights parser --judge parser --data faces", 2, "--judge"),
]


def two_classes(path: Path, num: int = 4) -> None:
    """A plain data set of two classes without attributes."""
    random = np.random.default_rng(0)
    (path / "images").mkdir(parents=True)
    (path / "labels").mkdir()
    for number in range(num):
        Image.fromarray(random.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(path / f"images/{number}.png")
        Image.fromarray(random.integers(0, 2, (32, 32), dtype=np.uint8)).save(path / f"labels/{number}.png")
    (path / "schema.json").write_text('{"name": "shapes", "classes": ["background", "box"]}')
    (path / "splits.csv").write_text("name,split\n0,train\n1,train\n2,test\n3,test\n")


EXPORTS = [
    case("unknown format", f"{EXPORT} --format tflite --out out", 2, "tflite", "onnx"),
    case(
        "no format",
        f"{EXPORT} --out out",
        2,
        "--format is missing, such as in: limner export scgan --format onnx --out",
    ),
    case(
        "unknown network to export",
        f"{EXPORT} --format torchscript --network painter --out out",
        2,
        '"painter"',
        "generator",
    ),
    case("network into a folder", f"{EXPORT} --format torchscript --out faces", 2, "faces is a folder"),
    case("network below a file", f"{EXPORT} --format torchscript --out map.png/g.pt", 1, "map.png is not a folder"),
    case("full disk: network", f"{EXPORT} --format torchscript --out g.pt", 1, "g.pt", "written", disk_bytes=5000),
    case("half of an ONNX file", f"{EXPORT} --format onnx --half --out out", 2, "--half has no effect"),
    case("card missing", f"{EXPORT} --format weights --card gone.md --out out", 2, "gone.md cannot be read"),
    case(
        "card binary", f"{EXPORT} --format weights --card c.md --out out", 2, "c.md", prepare=write("c.md", b"\xff\xfe")
    ),
    case(
        "expected broken",
        f"{EXPORT} --format weights --expected e.json --out out",
        2,
        "e.json",
        prepare=write("e.json", "{"),
    ),
    case(
        "expected a list",
        f"{EXPORT} --format weights --expected e.json --out out",
        2,
        "e.json holds no JSON object",
        prepare=write("e.json", "[]"),
    ),
    case("weights over other files", f"{EXPORT} --format weights --out faces", 1, "faces", "not a weights folder"),
    case("weights over a file", f"{EXPORT} --format weights --out map.png", 1, "map.png", "not a weights folder"),
    case("weights below a file", f"{EXPORT} --format weights --out map.png/w", 1, "map.png is not a folder"),
    case("full disk: weights", f"{EXPORT} --format weights --out w", 1, "w cannot be written", disk_bytes=5000),
    case("weights of a parser", f"{EXPORT} --weights parser --format weights --out w", 1, '"parser"', 'not of "scgan"'),
]

BAD = [*COMMAND_LINE, *DATA, *MAPS, *ATTRIBUTES_AND_NUMBERS, *RESULTS, *WEIGHTS, *TRAINING, *EVALUATION, *EXPORTS]


@dataclass(frozen=True)
class Good:
    """An odd input that must work."""

    name: str
    command: str
    makes: tuple[str, ...] = ()
    """Files that must be there afterwards."""
    prepare: Prepare = lambda root: None


def turned(root: Path) -> None:
    """A photo that lies on its side, with the EXIF note of how to hold it."""
    own(root / "faces")
    with Image.open(root / "faces/images/2.png") as photo:
        lying = photo.convert("RGB").transpose(Image.Transpose.ROTATE_90).crop((0, 0, 64, 64))
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.save(root / "faces/images/2.png", exif=exif)


GOOD = [
    Good("EXIF-rotated photo", "data check faces", prepare=turned),
    Good("CMYK photo", f"{GENERATE} --segment p.jpg", ("out/p.png",), new_picture("p.jpg", "CMYK", (9, 9, 9, 9))),
    Good("grey photo", f"{GENERATE} --segment p.png", ("out/p.png",), new_picture("p.png", "L", 90)),
    Good("opaque alpha", f"{GENERATE} --segment p.png", ("out/p.png",), new_picture("p.png", "RGBA", (9, 9, 9, 255))),
    Good(
        "map without a face",
        f"{GENERATE} --label-map m.png",
        ("out/seed-000000.png",),
        new_map("m.png", np.tril(np.ones((64, 64))) * 18),
    ),
    Good(
        "one class only",
        f"{GENERATE} --label-map m.png",
        ("out/seed-000000.png",),
        new_map("m.png", np.zeros((64, 64))),
    ),
    Good("one pixel", f"{GENERATE} --label-map m.png", ("out/seed-000000.png",), new_map("m.png", np.ones((1, 1)))),
    Good(
        "map of 100x100",
        f"{GENERATE} --label-map m.png",
        ("out/seed-000000.png",),
        new_map("m.png", np.ones((100, 100))),
    ),
    Good(
        "map of 33x33", f"{GENERATE} --label-map m.png", ("out/seed-000000.png",), new_map("m.png", np.ones((33, 33)))
    ),
    Good(
        "batch larger than the number",
        f"{GENERATE} --label-map map.png --num-images 3 --batch-size 100",
        ("out/seed-000002.png",),
    ),
    Good("batch of one", f"{TRAIN} --train.images 2 --train.batch_size 1", ("out/best.json",)),
    Good("batch larger than the data", f"{TRAIN} --train.images 32 --train.batch_size 32", ("out/best.json",)),
    Good(
        "data of two classes without attributes",
        TRAIN.replace("faces", "other") + " --train.images 8",
        ("out/best.json",),
        lambda root: two_classes(root / "other"),
    ),
    Good(
        "data of one class",
        TRAIN.replace("faces", "other") + " --train.images 8",
        ("out/best.json",),
        lambda root: [
            two_classes(root / "other"),
            (root / "other/schema.json").write_text('{"name": "blank", "classes": ["background"]}'),
            [Image.new("L", (32, 32)).save(file) for file in (root / "other/labels").iterdir()],
        ],
    ),
    Good(
        "parser for one class",
        TRAIN.replace("faces", "other").replace("scgan", "parser") + " --train.images 8",
        ("out/best.json",),
        lambda root: [
            two_classes(root / "other"),
            (root / "other/schema.json").write_text('{"name": "blank", "classes": ["background"]}'),
            [Image.new("L", (32, 32)).save(file) for file in (root / "other/labels").iterdir()],
        ],
    ),
    Good("two images to evaluate", f"{EVALUATE} --num-images 2", ("out/report.json",)),
    Good("config of one line", f"{TRAIN} --config c.yaml", ("out/best.json",), write("c.yaml", "train: {images: 8}")),
    Good("export into a new folder", f"{EXPORT} --format torchscript --out new/g.pt", ("new/g.pt",)),
    Good(
        "name in letters of the world",
        f"{GENERATE} --label-map 面.png --out ответ",
        ("ответ/seed-000000.png",),
        new_map("面.png", np.ones((64, 64))),
    ),
    Good("resume a complete run", RESUME.replace("16", "8"), ("run/best.json",), lambda root: own(root / "run")),
]
