"""What a system's `demo.py` returns, sheets of pictures, and the page that shows them all."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from limner import hub
from limner.pipelines import Pipeline
from limner.provenance import SYNTHETIC_MEDIA

MAX_BYTES = 300_000
"""Of one picture file."""

_EXIF_DESCRIPTION, _EXIF_SOFTWARE = 0x010E, 0x0131


def program(pipeline: Pipeline, *lines: str, imports: Sequence[str] = ()) -> str:
    """A program that loads these weights as `pipe` and goes on with `lines`, which need `imports` beside Limner."""
    name = hub.short_name(pipeline.name, pipeline.weights_name)
    return "\n".join(["import limner", *imports, "", f'pipe = limner.load("{name}")', *lines])


def command(pipeline: Pipeline) -> str:
    """The start of a command that uses these weights."""
    name = hub.short_name(pipeline.name, pipeline.weights_name)
    return f"limner generate {pipeline.name}" + ("" if name == pipeline.name else f" --weights {name}")


@dataclass(frozen=True)
class DemoPicture:
    """One sheet of the demo.

    Attributes:
        name: stem of its file.
        title: a few words.
        caption: what can be seen, a sentence or two.
        image: RGB.
        python: lines of Python that make these pictures again, run in the system's folder of the demo.
        command: the same, or one row of it, on the command line.
    """

    name: str
    title: str
    caption: str
    image: Image.Image
    python: str
    command: str


@dataclass(frozen=True)
class DemoSection:
    """A system on the page.

    Attributes:
        words: what it does, a sentence or two of its own.
        about: its weights, or why nothing of it is shown.
        pictures: with their files.
    """

    words: str
    about: str
    pictures: Sequence[tuple[DemoPicture, Path]]


def contact_sheet(
    rows: Sequence[Sequence[Image.Image]],
    *,
    tile: int | tuple[int, int] = 96,
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
) -> Image.Image:
    """Pictures in rows of equal size, with names on the left and above.

    Args:
        rows: pictures of any size; each becomes as large as `tile`.
        tile: height and width in pixels, or the side of a square.
        row_names: one a row, or none at all; a name may have several lines.
        column_names: one a column, or none at all.
    """
    font = ImageFont.load_default(12)
    gap = 2
    height, width = (tile, tile) if isinstance(tile, int) else tile
    left = 8 + max((_width(name, font) for name in row_names), default=-8)
    top = 22 if column_names else 0
    columns = max(map(len, rows))
    sheet = Image.new("RGB", (left + columns * (width + gap) - gap, top + len(rows) * (height + gap) - gap), "white")
    draw = ImageDraw.Draw(sheet)
    for column, name in enumerate(column_names):
        draw.text((left + column * (width + gap) + width / 2, top / 2), name, fill="black", font=font, anchor="mm")
    for row, pictures in enumerate(rows):
        y = top + row * (height + gap)
        if row_names:
            draw.multiline_text((0, y + height / 2), row_names[row], fill="black", font=font, anchor="lm")
        for column, picture in enumerate(pictures):
            resized = picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
            sheet.paste(resized, (left + column * (width + gap), y))
    return sheet


def stacked(sheets: Sequence[Image.Image], *, gap: int = 8) -> Image.Image:
    """Sheets below each other, on white.

    Args:
        sheets: at least one.
        gap: pixels between two.
    """
    height = sum(sheet.height + gap for sheet in sheets) - gap
    whole = Image.new("RGB", (max(sheet.width for sheet in sheets), height), "white")
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height + gap
    return whole


def save_picture(path: Path, picture: DemoPicture, pipeline: Pipeline) -> None:
    """Write a sheet as JPEG of at most `MAX_BYTES`, which says in its metadata that and how it was made."""
    exif = Image.Exif()
    exif[_EXIF_SOFTWARE] = "Limner"
    facts = {"statement": SYNTHETIC_MEDIA, "system": pipeline.name, "weights": pipeline.weights_name}
    exif[_EXIF_DESCRIPTION] = json.dumps({**facts, "weights_hash": pipeline.weights_hash, "python": picture.python})
    for quality in (92, 85, 75, 60, 40):
        picture.image.save(path, format="JPEG", quality=quality, subsampling=0, exif=exif)
        if path.stat().st_size <= MAX_BYTES:
            return


def write_page(path: Path, sections: Mapping[str, DemoSection]) -> None:
    """Write one HTML file that needs no other file.

    A picture opens large by a click or the space bar, without any script; on a narrow screen it is moved sideways.

    Args:
        path: of the page.
        sections: system -> what is shown of it.
    """
    body = []
    for system, section in sections.items():
        words, about = html.escape(section.words), html.escape(section.about)
        body.append(f'<h2 id="{html.escape(system)}">{html.escape(system)}</h2>')
        body.append(f"<p class=words>{words}</p>\n<p class=about>{about}</p>")
        for picture, file in section.pictures:
            data = base64.b64encode(file.read_bytes()).decode()
            body.append(
                _FIGURE.format(
                    title=html.escape(picture.title),
                    caption=html.escape(picture.caption),
                    data=data,
                    width=picture.image.width,
                    height=picture.image.height,
                    python=html.escape(picture.python),
                    command=html.escape(picture.command),
                    folder=html.escape(system),
                )
            )
    path.write_text(_PAGE.format(statement=html.escape(SYNTHETIC_MEDIA), body="\n".join(body)), encoding="utf-8")


def _width(name: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> int:
    return max(round(font.getlength(line)) for line in name.split("\n"))


_FIGURE = """\
<figure>
<h3>{title}</h3>
<label class=view><input type=checkbox aria-label="{title}: show large"><span class=frame><img
 src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" style="--width: {width}px"
 alt="{caption}"></span></label>
<figcaption>{caption}</figcaption>
<details><summary>Make it again</summary>
<p>In the folder <code>{folder}</code> beside this page, with Python:</p>
<pre>{python}</pre>
<p>On the command line:</p>
<pre>{command}</pre>
</details>
</figure>"""

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Limner: demo</title>
<style>
:root {{ color-scheme: light dark; --paper: #fbfaf7; --ink: #22201c; --soft: #6d675d; --line: #ddd7ca;
  --box: #f1eee6; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --paper: #1b1a18; --ink: #ece7dd; --soft: #a59d8f; --line: #3a3732; --box: #25231f; }}
}}
body {{ max-width: 1040px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 Georgia, "Times New Roman", serif; }}
h1 {{ font-size: 2.2rem; font-weight: normal; margin: 0; }}
h2 {{ font-weight: normal; margin: 3rem 0 0; padding-top: 1.2rem; border-top: 1px solid var(--line); }}
h3 {{ font-size: 1.15rem; margin: 0 0 .6rem; }}
.about, .statement, details p {{ color: var(--soft); }}
.statement, details {{ font-size: .9rem; }}
figure {{ margin: 2rem 0 2.5rem; }}
figcaption {{ margin: .6rem 0; }}
img {{ max-width: 100%; height: auto; border-radius: 4px; background: white; padding: 6px; box-sizing: border-box; }}
.words {{ font-size: 1.1rem; margin: .5rem 0; }}
.view input {{ position: absolute; opacity: 0; }}
.view input:focus-visible + .frame {{ outline: 2px solid var(--soft); }}
.frame {{ display: block; overflow-x: auto; cursor: zoom-in; }}
.view input:checked + .frame {{ position: fixed; inset: 0; z-index: 1; overflow: auto; cursor: zoom-out;
  background: var(--paper); }}
.view input:checked + .frame img {{ display: block; margin: auto; max-width: none;
  width: max(100vw, 2 * var(--width)); }}
.move {{ display: none; }}
@media (max-width: 700px) {{
  body {{ padding: 1.25rem 1rem 3rem; }}
  h1 {{ font-size: 1.8rem; }}
  .frame img {{ max-width: none; }}
  .move {{ display: inline; }}
  .about {{ overflow-wrap: anywhere; }}
}}
summary {{ cursor: pointer; color: var(--soft); }}
pre {{ overflow-x: auto; padding: .8rem 1rem; background: var(--box); border-radius: 4px; font: 13px/1.5 monospace; }}
code {{ font-family: monospace; }}
</style>
<h1>Limner</h1>
<p>Pictures of what you ask for. Each system below says in its own words what it does and shows it on people made by
code; a click shows a picture large<span class=move>, and wide ones can be moved sideways</span>.</p>
<p class=statement>{statement}</p>
{body}
</html>
"""
