"""The page of all results on record, made from their JSON files: `python -m limner.reproduce.page docs/results`."""

from __future__ import annotations

import sys
from pathlib import Path

from limner.errors import ConfigError, DataError
from limner.files import MAX_TABLE_BYTES, read_json, reason, write_text_atomically
from limner.reproduce.report import markdown
from limner.reproduce.study import load_study

HEAD = """\
# Results on record

This page is made from the JSON files beside it by `make results`; do not edit it. Each was written by
`limner reproduce` (see [evaluation](../evaluation.md)): every row of a table trained on the same number of images,
scored by one protocol and one independent judge. Rows that were not reproduced stay, with the reason.
"""


def results_page(folder: Path) -> str:
    """The text of the page.

    Args:
        folder: with the JSON records and their pictures; a record that is named `<table>-<data>.json` has the name of
            its data in its heading.

    Raises:
        DataError: if a record cannot be used.
    """
    parts = [HEAD]
    for file in sorted(folder.glob("*.json")):
        try:
            record = read_json(file, most=MAX_TABLE_BYTES)
            names = [f"{file.stem}{ending}" for ending in (".png", "-bars.png", "-sheet.jpg")]
            pictures = [name for name in names if (folder / name).exists()]
            study = load_study(record.get("table", file.stem))
            data = file.stem.removeprefix(study.name).strip("-").replace("-", " ")
            parts.append(markdown(study, record, pictures=pictures, level=2, data=data))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
            raise DataError(f"{file} is no record of a study: {reason(error)}.") from error
    if len(parts) == 1:
        parts.append("No study is on record yet.\n")
    return "\n".join(parts)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("error: Name the folder with the JSON records: python -m limner.reproduce.page docs/results")
    results = Path(sys.argv[1])
    write_text_atomically(results / "README.md", results_page(results))
