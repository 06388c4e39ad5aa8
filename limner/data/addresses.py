"""Data sets in tar files at an address that fsspec knows, such as `s3://bucket/faces`: their index is fetched once."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from limner.data.shards import ADDRESS, DESCRIPTION, FOLDER, INDEX_SUFFIX
from limner.errors import DataError
from limner.files import cache_folder, reason, write_atomically
from limner.optional import optional

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.+)", re.DOTALL)


def address_of(path: str | Path) -> str | None:
    """The address that a user has named, also where it went through a `Path`, which drops a slash; none: a folder."""
    found = _ADDRESS.fullmatch(str(path))
    return f"{found[1]}://{found[2]}" if found is not None and not Path(path).exists() else None


def fetched(address: str) -> Path:
    """A folder with description and index of the tar files at an address; they themselves are read where they are.

    It lies in the cache folder; what has another size now is fetched again.

    Raises:
        DataError: if there are none, or the address cannot be read.
        MissingExtraError: if fsspec is not installed.
    """
    fsspec = optional("fsspec", extra="scale")
    try:
        system, root = fsspec.core.url_to_fs(address)
        place = root.rstrip("/")
        if system.exists(f"{place}/{FOLDER}/{DESCRIPTION}"):
            place = f"{place}/{FOLDER}"
        if not system.exists(f"{place}/{DESCRIPTION}"):
            raise DataError(f"{address} has no {DESCRIPTION}: write tar files with limner data convert --shards.")
        description = json.loads(system.cat_file(f"{place}/{DESCRIPTION}"))
        names = [DESCRIPTION, *(f"{PurePosixPath(str(tar)).name}{INDEX_SUFFIX}" for tar in description["shards"])]
        sizes = [[name, system.size(f"{place}/{name}")] for name in names]
        full = system.unstrip_protocol(place)
        key = hashlib.sha256(json.dumps([full, sizes]).encode()).hexdigest()[:32]
        folder = cache_folder() / "addresses" / key
        missing = [name for name in names if not (folder / name).is_file()]
        contents: dict[str, bytes] = {name: bytes(system.cat_file(f"{place}/{name}")) for name in missing}
    except DataError:
        raise
    except Exception as error:  # every file system of fsspec has errors of its own
        raise DataError(f"{address} cannot be read: {reason(error)[:300]}.") from error
    contents[ADDRESS] = json.dumps({"address": full}).encode()
    write_atomically({folder / name: _writer(content) for name, content in contents.items()})
    return folder


def _writer(content: bytes) -> Any:
    return lambda path: path.write_bytes(content)
