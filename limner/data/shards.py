"""Tar files of samples, as the package webdataset reads them: one stream instead of many small files."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from limner.errors import ConfigError
from limner.files import at_home, write_atomically

FOLDER = "shards"


@dataclass(frozen=True)
class Sample:
    """One sample of a shard."""

    split: str
    key: str
    """Its name; a dot would end it for readers."""
    members: Mapping[str, Path | bytes]
    """Suffix, such as "jpg" -> file to copy, or content."""


def write_shards(out: Path, samples: Iterable[Sample], *, per_shard: int) -> list[Path]:
    """Write `out/shards/{split}-{number:06d}.tar`, the samples in their order; the same samples give the same bytes.

    Shards of an earlier call with more samples are removed.

    Args:
        out: folder of the data set.
        samples: all of them.
        per_shard: how many go into one file, at least 1; the last one of a split holds what is left.

    Returns:
        The shards.

    Raises:
        ConfigError: if `per_shard` is less than 1.
        DataError: if a shard cannot be written.
    """
    if per_shard < 1:
        raise ConfigError(f"per_shard is {per_shard}, but must be at least 1.")
    by_split: dict[str, list[Sample]] = {}
    for sample in samples:
        by_split.setdefault(sample.split, []).append(sample)
    out, written = at_home(out), []
    for split, of_split in sorted(by_split.items()):
        for number, chunk in enumerate(_chunks(of_split, per_shard)):
            path = out / FOLDER / f"{split}-{number:06d}.tar"
            write_atomically({path: partial(_write, chunk)})
            written.append(path)
    for path in (out / FOLDER).glob("*.tar"):
        if path not in written:
            path.unlink()
    return written


def _write(samples: Iterable[Sample], path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            for suffix, content in sample.members.items():
                data = content.read_bytes() if isinstance(content, Path) else content
                info = tarfile.TarInfo(f"{sample.key}.{suffix}")  # its time is 0, its owner 0
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def _chunks(samples: Iterable[Sample], size: int) -> Iterator[list[Sample]]:
    rest = iter(samples)
    while chunk := list(islice(rest, size)):
        yield chunk
