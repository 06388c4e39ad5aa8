"""Where weights are: local folders, the weights that come with the package, and files that others published.

Our own weights are shipped as files. Published feature networks (`PUBLISHED`) are not: they are read from a file that
the user names or that lies in the cache, and downloaded only where a user asks for it. Imports no torch.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner import files
from limner.data.size import Size
from limner.errors import ConfigError, DataError, WeightsError, nearest, quoted
from limner.files import at_home, cache_folder, reason, sha256_of, write_atomically
from limner.registry import is_system, system_names

log = logging.getLogger("limner")

FORMAT_VERSION = 1
INDEX = "pipeline.json"
CARD = "README.md"
SUMS = "SHA256SUMS"
NETWORK_FILES = ("config.json", "model.safetensors")
"""Of the folder of each network."""
RUN_FILES = ("best.json", "command.txt", "config.yaml", "environment.json", "metrics.jsonl")
"""Of a run folder, beside `checkpoints`."""

PEOPLE_FEATURES = "features-people-64"
"""The shipped weights whose features define FID-people: a parser of the preset `features`."""

_PICKLE_SUFFIXES = {".pth", ".pt", ".bin", ".ckpt", ".pkl", ".pickle"}
_INDEX_FIELDS: dict[str, type] = {
    "system": str,
    "limner": str,
    "networks": list,
    "spec": dict,
    "expected": dict,
}


@dataclass(frozen=True)
class Location:
    """A weights folder and the name under which results mention it."""

    path: Path
    name: str


@dataclass(frozen=True)
class WeightsInfo:
    """What `limner list` shows about shipped weights."""

    name: str
    system: str
    path: Path
    default: bool
    """Whether `load(system)` takes them."""
    size_bytes: int
    image_size: Size
    license: str
    expected: dict[str, Any]


@dataclass(frozen=True)
class PublishedFile:
    """A file of weights that others publish."""

    title: str
    url: str
    sha256: str
    """Of the whole file, all 64 digits."""
    size_bytes: int
    license: str
    """Of the weights; the images that they were trained on (ImageNet) have terms of their own."""

    @property
    def file_name(self) -> str:
        """Last part of the address."""
        return self.url.rpartition("/")[2]


PUBLISHED = {
    "inception-v3-fid": PublishedFile(
        title="Inception-v3 of FID",
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        size_bytes=95_628_359,
        license="Apache-2.0",
    ),
    "vgg16": PublishedFile(
        title="VGG-16",
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        size_bytes=553_433_881,
        license="BSD-3-Clause",
    ),
    "vgg19": PublishedFile(
        title="VGG-19",
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        size_bytes=574_673_361,
        license="BSD-3-Clause",
    ),
    "alexnet": PublishedFile(
        title="AlexNet",
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        size_bytes=244_408_911,
        license="BSD-3-Clause",
    ),
}
"""Feature networks of the literature by name; `limner.backbones` reads them."""


@dataclass(frozen=True)
class WeightsFile:
    """A file of a published network on this machine."""

    path: Path
    sha256: str
    is_published: bool
    """Whether it is the very file that its authors published, by its hash."""


def resolve(name_or_path: str | Path, *, system: str | None = None) -> Location:
    """Find a weights folder.

    Args:
        name_or_path: a weights folder, a checkpoint folder, a run folder (its best checkpoint, else the newest), a
            name of shipped weights, or the name of a system (its default weights).
        system: only used to word the error and to list fitting names.

    Raises:
        WeightsError: if there is nothing of that name.
    """
    path = at_home(name_or_path)
    text = os.fspath(name_or_path)
    location = _find_local(path)
    if location is not None:
        return location
    shipped = _shipped()
    name = default_weights(text) or text
    if name in shipped:
        return Location(shipped[name], name)
    if path.is_file():
        raise WeightsError(_file_message(path))
    if path.is_dir():
        pickles = sorted(file.name for file in path.iterdir() if file.suffix in _PICKLE_SUFFIXES)
        if pickles:
            raise WeightsError(_file_message(path / pickles[0]))
        raise WeightsError(
            f"{path} has no {INDEX}, and it is no run folder with a checkpoint; give a folder that limner train or "
            "save_pretrained wrote."
        )
    if path.suffix in _PICKLE_SUFFIXES or len(path.parts) != 1 or text.startswith(("~", ".")):
        raise WeightsError(f"There is no weights folder {path}.")
    if is_system(text):
        raise WeightsError(
            f'No weights of "{text}" came with this installation; give a folder with --weights. '
            f"Shipped: {', '.join(sorted(shipped)) or 'none'}."
        )
    found = [(name, index["system"]) for name, _, index in _shipped_indexes() if system in (None, index["system"])]
    fitting = [name for name, _ in found]
    if not fitting:
        raise WeightsError(f'There are no weights "{text}", and none are shipped; give a folder with --weights.')
    raise WeightsError(f'There are no weights "{text}".{nearest(text, fitting, also={owner for _, owner in found})}')


def inputs(name_or_path: str | Path, *, system: str | None = None) -> list[Path]:
    """Files and folders that no output of a command may replace which takes these weights; see `files.keeping`.

    Of a run folder they are what training wrote: reports that lie in it may be written again.

    Args:
        name_or_path: as `resolve` takes it.
        system: as `resolve` takes it.

    Raises:
        WeightsError: if there is nothing of that name.
    """
    path, named = resolve(name_or_path, system=system).path, at_home(name_or_path)
    found = [path, named / "checkpoints", *(named / name for name in RUN_FILES)]
    if path.parent == named:  # a checkpoint, which has the state of the training
        found.append(named)
    return [one for one in found if one.exists()]


def is_file_of_weights(name: str) -> bool:
    """Whether a file of a weights folder, as a path below it, is one that `save_pretrained` writes."""
    folder, _, file = name.rpartition("/")
    return file in NETWORK_FILES and "/" not in folder if folder else file in (INDEX, CARD, SUMS)


def is_shipped(location: Location) -> bool:
    """Whether weights came with this installation, so that their name is enough to find them."""
    return _shipped().get(location.name) == location.path


def published_file(
    name: str,
    path: str | Path | None = None,
    *,
    download: bool = False,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> WeightsFile:
    """The weights of a published network: the file at `path`, else the cached one, else a download.

    Args:
        name: of `PUBLISHED`.
        path: the user's own file, with a hash of whatever kind; none: the cache folder is looked into.
        download: whether the network may be used; never without being asked.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if the name is unknown, or there is no file and no download is allowed.
        WeightsError: if the file cannot be read, the download fails, or what came is another file.
    """
    if name not in PUBLISHED:
        raise ConfigError(f'There is no published network "{name}".{nearest(name, PUBLISHED)}')
    published = PUBLISHED[name]
    if path is not None:
        path = at_home(path)
        if not path.is_file():
            raise WeightsError(f"There is no file {path} with the weights of {published.title}.")
        digest = _sha256(path)
        return WeightsFile(path, digest, digest == published.sha256)
    path = cache_folder() / "weights" / published.file_name
    if path.is_file():
        digest = _sha256(path)
        if digest == published.sha256:
            return WeightsFile(path, digest, True)
        if not download:
            raise WeightsError(
                f"{path} is damaged: its SHA-256 is not the published one; delete it, or allow a download."
            )
    elif not download:
        raise ConfigError(
            f"The weights of {published.title} are not on this machine: name the file {published.file_name} "
            f"({published.size_bytes / 1e6:.0f} MB, {published.url}), or allow the download."
        )
    write_atomically({path: lambda temporary: _download(published, temporary, progress)})
    return WeightsFile(path, _sha256(path), True)


def list_weights(system: str | None = None) -> list[WeightsInfo]:
    """All shipped weights (of one system), by name."""
    found, indexes = [], list(_shipped_indexes())
    for name, path, index in sorted(indexes, key=lambda entry: entry[0]):
        if system in (None, index["system"]):
            found.append(
                WeightsInfo(
                    name=name,
                    system=index["system"],
                    path=path,
                    default=_default_of(index["system"], indexes) == name,
                    size_bytes=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
                    image_size=Size.of(index["image_size"]),
                    license=_license(path / CARD),
                    expected=index["expected"],
                )
            )
    return found


def default_weights(system: str) -> str | None:
    """The shipped weights that `load(system)` takes; None if there are none.

    A weights folder says in its `pipeline.json` whether it is the default of its system. One that an older Limner wrote
    does not say; it is the default where it is the only one of its system.
    """
    return _default_of(system, _shipped_indexes())


def _default_of(system: str, indexes: Iterable[tuple[str, Path, dict[str, Any]]]) -> str | None:
    silent = []
    for name, _, index in indexes:
        if index["system"] == system:
            if index.get("default"):
                return name
            if "default" not in index:
                silent.append(name)
    return silent[0] if len(silent) == 1 else None


def short_name(system: str, weights: str) -> str:
    """The shortest name that `load` takes for shipped weights: the system's where they are its default."""
    return system if default_weights(system) == weights else weights


def read_index(path: Path) -> dict[str, Any]:
    """The checked `pipeline.json` of a weights folder.

    Raises:
        WeightsError: if it is foreign, newer than this program, or not complete.
    """
    file = path / INDEX
    index = read_json(file)
    version = index.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise WeightsError(f'{file} is not Limner\'s: it has no whole number "format_version".')
    if version > FORMAT_VERSION:
        raise WeightsError(
            f"{file} has format version {version}, this Limner reads versions up to {FORMAT_VERSION}; update Limner."
        )
    for name, kind in _INDEX_FIELDS.items():
        if not isinstance(index.get(name), kind):
            raise WeightsError(f'{file} has no "{name}" of the right kind ({kind.__name__}).')
    if not isinstance(index.get("default", False), bool):
        raise WeightsError(f'{file} has a "default" that is neither true nor false.')
    try:
        Size.of(index.get("image_size", ()))
    except ConfigError as error:
        raise WeightsError(f'{file} has no "image_size" of the right kind: {error}') from error
    for network in index["networks"]:
        if not isinstance(network, str) or not re.fullmatch("[a-z][a-z0-9_]*", network):
            raise WeightsError(
                f"{file} names the network {quoted(network)}; names have small letters, digits and underscores."
            )
    if not is_system(index["system"]):
        near = nearest(index["system"], system_names())
        raise WeightsError(f'{file} is of the unknown system "{index["system"]}".{near}')
    return index


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object from a file of a weights folder.

    Raises:
        WeightsError: if it cannot be read or is not a JSON object.
    """
    if not file.exists():
        raise WeightsError(f"{file} is missing; copy the weights folder again.")
    value = files.read_json(file, error=WeightsError)
    if not isinstance(value, dict):
        raise WeightsError(f"{file} holds no JSON object; copy the weights folder again.")
    return value


def _find_local(path: Path) -> Location | None:
    """The weights folder at `path`, if it is one, a checkpoint folder or a run folder."""
    absolute = Path(os.path.abspath(path))  # "." and ".." have no name of their own
    if (path / INDEX).is_file():
        checkpoint = absolute.parent
        return Location(path, _checkpoint_name(checkpoint) if absolute.name == "pipeline" else absolute.name)
    if (path / "pipeline" / INDEX).is_file():
        return Location(path / "pipeline", _checkpoint_name(absolute))
    if not (path / "checkpoints").is_dir():
        return None
    if (path / "best.json").is_file():
        best = read_json(path / "best.json").get("checkpoint")
        if isinstance(best, str):
            # Only the last part: whatever the file says, the checkpoint lies in this run.
            location = _find_local(path / "checkpoints" / Path(best).name)
            if location is not None:
                return location
    for checkpoint in sorted((path / "checkpoints").iterdir(), key=lambda folder: folder.name, reverse=True):
        if checkpoint.name.isdigit() and (checkpoint / "pipeline" / INDEX).is_file():
            return _find_local(checkpoint)
    return None


def _checkpoint_name(checkpoint: Path) -> str:
    """`first@000064000` for a checkpoint of the run `first`, else the folder's name."""
    in_run = checkpoint.parent.name == "checkpoints"
    return f"{checkpoint.parent.parent.name}@{checkpoint.name}" if in_run else checkpoint.name


def _shipped() -> dict[str, Path]:
    """Name -> folder of the weights that came with this installation."""
    package = Path(__file__).resolve().parent
    folders = [package / "weights", package.parent / "weights"]  # in a wheel, in a checkout
    if os.environ.get("LIMNER_WEIGHTS"):
        folders.insert(0, Path(os.environ["LIMNER_WEIGHTS"]))
    found: dict[str, Path] = {}
    for folder in folders:
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if (path / INDEX).is_file():
                    found.setdefault(path.name, path)
    return found


def _shipped_indexes() -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Name, folder and `pipeline.json` of shipped weights; one that cannot be read is left out with a warning."""
    for name, path in _shipped().items():
        try:
            yield name, path, read_index(path)
        except WeightsError as error:
            log.warning("Weights are left out: %s", error)


def _license(card: Path) -> str:
    """The `license:` line in the head of a model card."""
    try:
        text = files.read_text(card)
    except DataError:
        return "unknown"
    match = re.search(r"^license:\s*(\S.*)$", text.split("\n---", 1)[0], re.MULTILINE)
    return match.group(1).strip() if match else "unknown"


def _file_message(path: Path) -> str:
    if path.suffix in _PICKLE_SUFFIXES:
        return (
            f"{path} is a pickle file, which can run foreign code; only safetensors are loaded. Give a weights folder "
            "with a pipeline.json."
        )
    return f"{path} is a file; give the weights folder with its {INDEX}."


def _download(published: PublishedFile, target: Path, progress: Callable[..., Any]) -> None:
    """Fetch a file and check its hash.

    Raises:
        WeightsError: if the machine is offline, the connection breaks, or what came is another file.
    """
    import http.client  # here, as they would slow every command down
    import urllib.request

    block = 1 << 20
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(published.url, timeout=30) as response, target.open("wb") as file:
            blocks = iter(lambda: response.read(block), b"")
            total = -(-published.size_bytes // block)
            for content in progress(blocks, total=total, unit="MB", desc=published.file_name):
                digest.update(content)
                file.write(content)
    except (OSError, http.client.HTTPException) as error:  # OSError: offline, or a full disk
        raise WeightsError(
            f"{published.url} cannot be downloaded: {reason(error)}; fetch it elsewhere and name the file."
        ) from error
    if digest.hexdigest() != published.sha256:
        raise WeightsError(f"What came from {published.url} is not the published file: its SHA-256 differs.")


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {reason(error)}.") from error
