"""A folder in parcels: tar files of a limited size, which are sent one after another and unpacked into one folder."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from limner.errors import ConfigError, DataError
from limner.files import keeping, reason, write_atomically

MEGABYTE = 1_000_000
_OVERHEAD = 2 * tarfile.BLOCKSIZE  # of a member: its header, and what fills its last block
_END = tarfile.RECORDSIZE  # of a file


def pack(folder: Path, out: Path, *, max_bytes: int = 45 * MEGABYTE) -> list[Path]:
    """Write `out/<name of the folder>-000.tar`, `-001.tar`, ... none larger than `max_bytes`.

    The same files give the same bytes. Hidden files are left out.

    Args:
        folder: what to pack, with all that lies below it.
        out: folder of the parcels.
        max_bytes: of one parcel.

    Raises:
        ConfigError: if a single file is larger than a parcel.
        DataError: if the folder is missing or empty, or a parcel cannot be written.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise DataError(f"{folder} holds no files; name a folder to pack.")
    parcels: list[list[Path]] = [[]]
    size = _END
    for path in files:
        added = path.stat().st_size + _OVERHEAD
        if added + _END > max_bytes:
            raise ConfigError(f"{path} has {added} bytes, more than a parcel of {max_bytes}; allow larger parcels.")
        if size + added > max_bytes:
            parcels.append([])
            size = _END
        parcels[-1].append(path)
        size += added
    written = [out / f"{folder.name}-{number:03d}.tar" for number in range(len(parcels))]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with keeping([folder]):
            for path, members in zip(written, parcels, strict=True):
                write_atomically({path: partial(_write, folder, members)})
    except OSError as error:
        raise DataError(f"{error.filename or out} cannot be written: {reason(error)}.") from error
    return written


def unpack(parcels: Sequence[Path], folder: Path) -> int:
    """Unpack parcels into a folder; what is there already is kept, so parcels may come one after another.

    Returns:
        The number of files that were not there before.

    Raises:
        DataError: if a parcel cannot be read, or holds something else than files below the folder.
    """
    count = 0
    for parcel in parcels:
        try:
            with tarfile.open(parcel) as tar:
                for member in tar:
                    if (folder / member.name).exists():
                        continue
                    if not member.isfile():
                        raise DataError(f"{parcel} holds {member.name}, which is no file; it is no parcel.")
                    name = tarfile.data_filter(member, str(folder)).name  # refuses what would leave the folder
                    # A file that a kill cuts off must not count as one that is there.
                    write_atomically({folder / name: partial(_extract, tar, member)})
                    count += 1
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"{parcel} cannot be unpacked: {reason(error)}.") from error
    return count


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None  # it is a file
    with content, open(path, "wb") as file:
        shutil.copyfileobj(content, file)


def _write(folder: Path, members: Sequence[Path], path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            info = tarfile.TarInfo(str(member.relative_to(folder)))  # its time is 0, its owner 0
            info.size = member.stat().st_size
            with open(member, "rb") as file:
                tar.addfile(info, file)


def split_files(folder: Path, *, max_bytes: int) -> list[Path]:
    """Cut every file of a folder that is larger than `max_bytes` into numbered parts, which `join_parts` joins.

    Returns:
        The parts, `<file>.part-000` and so on; the file itself is gone.
    """
    parts = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = path.stat().st_size
        if size <= max_bytes:
            continue
        with open(path, "rb") as file:
            for number in range(-(-size // max_bytes)):
                part = path.with_name(f"{path.name}.part-{number:03d}")
                part.write_bytes(file.read(max_bytes))
                parts.append(part)
        path.unlink()
    return parts


def join_parts(folder: Path) -> list[Path]:
    """The reverse of `split_files`: the files that were joined; their parts are gone."""
    joined = []
    for first in sorted(folder.rglob("*.part-000")):
        path = first.with_name(first.name.removesuffix(".part-000"))
        parts = sorted(path.parent.glob(f"{path.name}.part-*"))
        with open(path, "wb") as file:
            for part in parts:
                file.write(part.read_bytes())
        for part in parts:
            part.unlink()
        joined.append(path)
    return joined
