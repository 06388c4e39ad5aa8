"""Records of other studies: what is taken, and odd ones that are refused in one sentence."""

from __future__ import annotations

import json
import math

import pytest

from limner.errors import ConfigError
from limner.metrics.protocol import Protocol
from limner.reproduce.record import read_record

ROW = {"name": "A", "system": "pix2pix", "options": {}}
IDENTITY = {"table": "mine", "rows": [ROW], "budget": 32, "judge": "0123456789ab", "vgg_weights": None, "data": "f"}
RUN = {"16": {"fd": 3.0}, "32": {"fd": 2.5, "other": None}}
PROTOCOL = Protocol("FD-parser", "test", 6, 32).to_json()


def record(**changes):
    found = {
        "identity": {**IDENTITY, "table": "theirs", "rows": [ROW, {"name": "B"}]},
        "results": {"A": [RUN, RUN], "B": []},
        "seeds": {"A": [0, 1], "B": []},
        "protocols": {"A": {"fd": PROTOCOL}},
    }
    return {**found, **changes}


def read(tmp_path, content, identity=IDENTITY, **options):
    file = tmp_path / "theirs.json"
    file.write_text(json.dumps(content))
    return read_record(file, identity, own=tmp_path / "out/report/mine.json", **options)


def test_whole_runs_are_taken_and_left_as_a_study_leaves_its_own(tmp_path):
    half, empty = {"16": {"fd": 3.0}}, {"32": {"fd": None}}
    found = read(tmp_path, record(results={"A": [RUN, half, empty]}, seeds={"A": [4, 5, 6]}))
    assert found.scores == {"A": {4: RUN}} and found.name == "theirs.json"
    found.write_run("A", 4, tmp_path / "run")
    assert json.loads((tmp_path / "run/scores.json").read_text()) == RUN
    report = json.loads((tmp_path / "run/report/report.json").read_text())
    assert report == {"record": "theirs.json", "measurements": {"fd": {"protocol": PROTOCOL}}}


def test_folders_of_machines_do_not_count(tmp_path):
    theirs = {**record()["identity"], "vgg_weights": "vgg19.pth"}
    assert read(tmp_path, record(identity=theirs), {**IDENTITY, "vgg_weights": "/my/folder/vgg19.pth"}).scores


def test_data_may_be_those_that_another_processor_drew_with_the_same_settings(tmp_path):
    ours = {**IDENTITY, "data": "e"}
    for changes, made in (({}, "s"), ({"settings_fingerprint": "t"}, "s"), ({"settings_fingerprint": None}, None)):
        with pytest.raises(ConfigError, match="has another data"):
            read(tmp_path, record(**changes), ours, settings_fingerprint=made)
    found = read(tmp_path, record(settings_fingerprint="s"), ours, settings_fingerprint="s")
    found.write_run("A", 0, tmp_path / "run")
    assert json.loads((tmp_path / "run/report/report.json").read_text())["data"] == found.other_data == "f"
    same = read(tmp_path, record(settings_fingerprint="s"), IDENTITY, settings_fingerprint="s")
    assert same.other_data is None and same.scores == found.scores


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"identity": None}, "is no report that says what it was made with"),
        ({"identity": {**IDENTITY, "data": "x" * 10_000}}, 'has another data ("x'),
        ({"identity": {**IDENTITY, "more": 1}}, 'has another more ("1", not "None")'),
        ({"identity": {**IDENTITY, "rows": 5}}, "is damaged"),
        ({"identity": {**IDENTITY, "rows": [{**ROW, "options": {"lr": 1}}]}}, "has no finished run of a row"),
        ({"results": {"A": []}, "seeds": {"A": []}}, "has no finished run of a row"),
        ({"results": {"A": [{"16": {"fd": 1.0}}]}, "seeds": {"A": [0]}}, "has no finished run of a row"),
        ({"results": {"A": [{}, RUN]}}, "is damaged (a run of A has no scores)"),
        ({"results": {"A": [RUN]}}, "is damaged (the seeds of A must be whole numbers, one a run)"),
        *(
            ({"seeds": {"A": seeds}}, "is damaged")
            for seeds in ([0, 0], [0.2, 1], ["0", "1"], [False, True], [1e999, 0])
        ),
        ({"seeds": {"A": {"0": 0, "1": 1}}}, "is damaged"),
        *(
            ({"results": {"A": [{"32": {"fd": value}}, RUN]}}, "is damaged")
            for value in (math.nan, math.inf, True, "2", [1], 10**400)
        ),
        *(
            ({"results": {"A": [{images: {"fd": 1.0}}, RUN]}}, "is damaged (a run of A has scores of")
            for images in ("-5", " 32", "3_2", "٣٢", "99999999", "032", "")
        ),
        *(({"protocols": {"A": {"fd": one}}}, "is damaged") for one in (5, None, {}, {**PROTOCOL, "metric": {"a": 5}})),
        ({"protocols": {}}, "is damaged"),
    ],
)
def test_odd_records(tmp_path, changes, says):
    with pytest.raises(ConfigError) as error:
        read(tmp_path, record(**changes))
    assert says in str(error.value) and len(str(error.value)) < 500


def test_a_judge_of_its_own_is_no_judge_of_others(tmp_path):
    with pytest.raises(ConfigError, match="needs --judge, too"):
        read(tmp_path, record(), {**IDENTITY, "judge": "trained on 16"})


def test_the_report_of_the_study_itself_is_refused(tmp_path):
    file = tmp_path / "out/report/mine.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(record()))
    with pytest.raises(ConfigError, match="is the report of this study itself"):
        read_record(tmp_path / "out/../out/report/mine.json", IDENTITY, own=file)
