"""Writing label maps in another schema, merged from parts, painted from landmarks, or with their sides corrected."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from limner.data.colors import Colors, get_colors
from limner.data.datasets.files import PairReader, list_pictures
from limner.data.image_io import LABEL_SUFFIXES, save_label_map
from limner.data.manifest import Manifest, Reader, Row, find_kind, read_layout, with_colors
from limner.data.schema import LabelSchema, converter
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError
from limner.files import at_home, reason, refuse_replaced_inputs


def open_maps(
    path: Path,
    *,
    source: LabelSchema | None,
    target: LabelSchema | None,
    kind: str = "auto",
    fix_sides: bool = False,
    colors: str | Path | Colors | None = None,
) -> Manifest:
    """The label maps of a data set, of a folder of map files, or of one map file.

    Args:
        path: the data set, folder or file.
        source: schema of the maps; a data set whose layout fixes it needs none.
        target: schema to convert to; none: they stay as they are.
        kind: layout of the data set.
        fix_sides: see `open_manifest`.
        colors: see `open_manifest`.

    Raises:
        ConfigError: if `source` is needed and missing, or contradicts the data set, or cannot become `target`.
        DataError: if there is no map.
    """
    path, layout = at_home(path), None
    reader: Reader
    if path.is_dir() and (kind != "auto" or find_kind(path) is not None):
        layout = read_layout(path, kind, schema=source)
    if layout is not None and layout.schema is None and kind != "auto":
        raise DataError(f"{path} ({kind}) has no label maps to convert.")
    if layout is not None and layout.schema is not None:
        native, rows = layout.schema, layout.rows
        reader = with_colors(layout, get_colors(colors), f"{path}")
        if source not in (None, native):
            raise ConfigError(f"{path} has maps of the schema {native.name}, not {source.name}: leave --from out.")
    else:
        if kind != "auto":
            raise ConfigError(f"--kind has no effect on {path}, which is no folder of a data set; leave it out.")
        if source is None:
            raise ConfigError(f"{path} is no data set of a known layout, so name the schema of its maps with --from.")
        root = path if path.is_dir() else path.parent
        files = list_pictures(path, LABEL_SUFFIXES) if path.is_dir() else {path.stem: path.name}
        if not files:
            raise DataError(f"{path} holds no label maps ({', '.join(LABEL_SUFFIXES)}).")
        native, rows = source, tuple(Row(name, "", file) for name, file in files.items())
        found = get_colors(colors)
        if found is not None:
            found.check(source)
        reader = PairReader(root, source, found)
    converter(native, target or native)
    return Manifest(path, kind, DataSpec(target or native), rows, reader, native, fix_sides=fix_sides)


def write_label_maps(
    manifest: Manifest,
    out: Path,
    *,
    force: bool = False,
    progress: Callable[[Sequence[Row]], Iterable[Row]] = iter,
) -> int:
    """Write every label map of a manifest as a palette PNG into the folder `out`.

    One map may also go to a file `out` (.png).
    Nothing appears under its final name before all maps are written.

    Returns:
        The number of files written.

    Raises:
        ConfigError: if a map would replace a file that is read.
        DataError: if a map cannot be read, `out` exists and `force` is off, or it cannot be written.
    """
    out = at_home(out)
    as_file = out.suffix.lower() == ".png" and manifest.root.is_file()
    if not force and (out.is_file() or (out.is_dir() and any(out.iterdir()))):
        raise DataError(f"{out} exists already: choose another name, or overwrite its files with --force.")
    places = [out] if as_file else [out / f"{row.name}.png" for row in manifest.rows]
    refuse_replaced_inputs(places, [path for row in manifest.rows for path in manifest.reader.files(row)])
    if out.is_dir() == as_file and out.exists():
        raise DataError(f"{out} is {'a folder' if as_file else 'a file'}: choose another name.")
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        for row in progress(manifest.rows):
            file = part / f"{row.name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)  # some layouts name samples by path
            save_label_map(file, manifest.read_whole_label_map(row), manifest.spec.schema)
        if as_file:
            (part / f"{manifest.rows[0].name}.png").replace(out)
        elif out.exists():
            for file in sorted(path for path in part.rglob("*") if path.is_file()):
                place = out / file.relative_to(part)
                place.parent.mkdir(parents=True, exist_ok=True)
                file.replace(place)
        else:
            part.rename(out)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {reason(error)}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return len(manifest)
