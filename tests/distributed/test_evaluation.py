"""Work that several processes share is that of one, and what goes wrong in one of them is said by all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.training.runs import ROOT, environment

SCRIPT = """
import json, sys
from pathlib import Path
import torch
from limner.engine.ranks import in_shares, joined, of_the_first
from limner.errors import DataError

out, done = Path(sys.argv[1]), []

def square(number):
    done.append(number)
    return torch.tensor(number**2)

def fail(number):
    if number == 3:
        raise DataError("the third is broken")
    return number

with joined() as is_first:
    found = [int(one) for one in in_shares(square, range(37))]
    none = list(in_shares(square, []))
    said = of_the_first(lambda: "first" if is_first else "second")
    try:
        list(in_shares(fail, range(8)))
        fault = ""
    except DataError as error:
        fault = str(error)
facts = {"found": found, "none": none, "said": said, "fault": fault, "done": done}
(out / f"{'first' if is_first else 'second'}.json").write_text(json.dumps(facts))
"""


def test_work_is_shared_by_index_and_all_hear_all(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(SCRIPT)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = [sys.executable, *launcher, str(tmp_path / "run.py"), str(tmp_path)]
    run = subprocess.run(words, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert run.returncode == 0, run.stderr
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("first", "second"))
    assert first["found"] == second["found"] == [number**2 for number in range(37)]
    assert sorted(first["done"] + second["done"]) == list(range(37)), "nothing is done twice"
    assert abs(len(first["done"]) - len(second["done"])) <= 1
    assert first["none"] == second["none"] == []
    assert first["said"] == second["said"] == "first"
    assert first["fault"] == second["fault"] == "the third is broken"
