"""Hostile files, each made under a name that a case chooses."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from limner.data.schema import SCHEMAS

Make = Callable[[Path], object]

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n{} loop\n"
SCHEMA = SCHEMAS["celebamask-19"]


def content(data: bytes) -> Make:
    return lambda path: path.write_bytes(data)


def image(mode: str, color: object, size: tuple[int, int] = (64, 64), kind: str = "PNG", **options: object) -> Make:
    def make(path: Path) -> None:
        picture = Image.new(mode, size, color)  # type: ignore[arg-type]
        picture.save(path, format=kind, **options)  # type: ignore[arg-type]

    return make


def array(values: np.ndarray, kind: str = "PNG") -> Make:
    return lambda path: Image.fromarray(values).save(path, format=kind)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of_size(width: int, height: int) -> bytes:
    """A head that promises a picture, with no pixels behind it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def sparse(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(1 << 40)


def animated(path: Path) -> None:
    frames = [Image.new("P", (64, 64), number) for number in range(2)]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


def renumbered(path: Path) -> None:
    picture = Image.fromarray(np.array([[0, 1], [2, 2]], np.uint8).repeat(32, 0).repeat(32, 1))
    picture.putpalette([value for index in (1, 0, 0) for value in SCHEMA.palette[index]])
    picture.save(path, format="PNG")


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32), "red").save(path, format="JPEG", exif=exif)


def truncated(path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(values).save(path, format="PNG")
    path.write_bytes(path.read_bytes()[:900])


class Program:
    """Whoever unpickles it runs a program."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


FILES: dict[str, Make] = {
    "empty": content(b""),
    "folder": lambda path: path.mkdir(),
    "pipe": lambda path: os.mkfifo(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "random device": lambda path: path.symlink_to("/dev/urandom"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to nowhere": lambda path: path.symlink_to("nowhere"),
    "missing": lambda path: None,
    "noise": content(np.random.default_rng(0).bytes(3000)),
    "zeros": content(bytes(3000)),
    "sparse": sparse,
    "PostScript": content(EPS),
    "PDF": content(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"),
    "SVG": content(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
    "text": content(b"hello\nworld\n"),
    "Latin text": content("name,split\ncaf\xe9,test\n".encode("latin-1")),
    "marked CRLF": content(b"\xef\xbb\xbfname,split\r\n0,test\r\n"),
    "deep JSON": content(b"[" * 50_000),
    "JSON of a list": content(b"[1, 2, 3]"),
    "JSON of an object": content(json.dumps({"format_version": 1, "a": [1, None, True]}).encode()),
    "JSON of NaN": content(b'{"format_version": NaN, "seeds": [1e999]}'),
    "JSON cut off": content(b'{"format_version": 1, "seeds": [1'),
    "long number": content(b'{"format_version": ' + b"9" * 5000 + b"}"),
    "YAML of aliases": content(
        b"a: &a [1,1,1,1,1,1,1,1,1]\n"
        + b"".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n".encode() for n in range(8))
    ),
    "YAML of an object": content(b"train: !!python/object/apply:os.system ['touch pwned']\n"),
    "pickle": content(pickle.dumps(Program())),
    "one pixel": image("RGB", "red", (1, 1)),
    "thin": image("RGB", "red", (1, 4000)),
    "oblong": image("RGB", "red", (64, 32)),
    "huge head": content(png_of_size(2**31 - 1, 2**31 - 1)),
    "bomb": image("1", 0, (9000, 9000)),
    "no pixels": content(png_of_size(0, 0)),
    "head alone": content(png_of_size(64, 64)),
    "truncated": truncated,
    "transparent": image("RGBA", (1, 2, 3, 0)),
    "half transparent": image("LA", (1, 100)),
    "CMYK": image("CMYK", (1, 2, 3, 4), kind="JPEG"),
    "JPEG": image("L", 1, kind="JPEG"),
    "WebP": image("RGB", "red", kind="WEBP"),
    "16 bits": array(np.full((64, 64), 40_000, np.uint16)),
    "12 bits": array(np.full((64, 64), 900, np.uint16)),
    "32 bits": array(np.full((64, 64), 900, np.int32), "TIFF"),
    "floats": array(np.full((64, 64), np.nan, np.float32), "TIFF"),
    "ids of 255": array(np.full((64, 64), 255, np.uint8)),
    "ids": array(np.tri(64, dtype=np.uint8)),
    "animated": animated,
    "renumbered": renumbered,
    "turned": turned,
}
