"""A campaign: plan, budget, what goes on after a stop, and the whole of it at the preset `smoke`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from limner import registry
from limner.cli.main import main
from limner.errors import ConfigError
from limner.reproduce.campaign import Campaign, Step, load_plan, run_campaign, run_command

STEPS = (
    Step("judge", 1, train="parser"),
    Step("portrait", 2, train="portrait", options=["--model.parser", "{judge}"]),
    Step("table", 1, study="scgan-ablation", budget=64),
)


class Machine:
    """A clock, and commands that end when they should or are asked to."""

    def __init__(self, *, speed=10.0, fails=""):
        self.now, self.speed, self.fails, self.words = 0.0, speed, fails, []

    def clock(self):
        return self.now

    def call(self, words, limit, file):
        self.words.append(list(words))
        if file.stem == self.fails:
            return 3
        if words[0] != "train":
            self.now += 1
            return 0
        images = int(words[words.index("--train.images") + 1])
        run = Path(words[words.index("--out") + 1])
        before = max((int(path.name) for path in run.glob("checkpoints/*")), default=0)
        seen = images if limit is None else min(images, before + int(limit * self.speed))
        self.now += (seen - before) / self.speed
        (run / f"checkpoints/{seen:09d}").mkdir(parents=True, exist_ok=True)
        (run / "metrics.jsonl").write_text(json.dumps({"images_per_second": self.speed}) + "\n")
        return 0 if seen == images else 130

    def lengths(self, system):
        """Images of the runs of a system, without the probe."""
        runs = [words for words in self.words if words[:2] == ["train", system] and "probes" not in " ".join(words)]
        return [int(words[words.index("--train.images") + 1]) for words in runs]


def make(tmp_path, machine, **options):
    options = {"steps": STEPS, "minutes": 40.0, **options}
    return Campaign(out=tmp_path / "out", preset="cpu", clock=machine.clock, call=machine.call, **options)


@pytest.fixture
def machine():
    return Machine()


def test_every_step_gets_its_share_of_the_time(tmp_path, machine):
    states = run_campaign(make(tmp_path, machine))
    assert {name: state["state"] for name, state in states.items()} == dict.fromkeys(states, "done")
    assert machine.now <= 40 * 60
    (judge,), (portrait,) = machine.lengths("parser"), machine.lengths("portrait")
    assert 0.5 * 600 * 10 < judge < 600 * 10 and 0.5 * 1200 * 10 < portrait < 1200 * 10
    command = next(words for words in machine.words if words[:2] == ["train", "portrait"])
    assert command[command.index("--model.parser") + 1] == str(tmp_path / "out/runs/judge")


def test_spans_of_a_preset_shrink_with_the_run(tmp_path, machine):
    run_campaign(make(tmp_path, machine))
    words = [words for words in machine.words if words[:2] == ["train", "portrait"]][-1]
    config = registry.preset("portrait", "cpu")
    images, decay = (int(words[words.index(f"--{name}") + 1]) for name in ("train.images", "optimizer.decay_images"))
    assert decay / images == pytest.approx(config.optimizer.decay_images / config.train.images, rel=1e-3)


def test_what_the_call_ends_too_early_goes_on_with_the_same_length(tmp_path, machine):
    first = run_campaign(make(tmp_path, machine, call_minutes=15.0))
    assert [first[name]["state"] for name in ("judge", "portrait", "table")] == ["done", "stopped", "waiting"]
    assert not any(words[:2] == ["export", "portrait"] for words in machine.words), "it is not finished"
    second = run_campaign(make(tmp_path, machine))
    assert [state["state"] for state in second.values()] == ["done"] * 3
    lengths = machine.lengths("portrait")
    assert len(lengths) == 2 and lengths[0] == lengths[1]
    assert len(machine.lengths("parser")) == 1, "what is done is not done again"


def test_a_step_that_fails_does_not_stop_the_others(tmp_path):
    states = run_campaign(make(tmp_path, Machine(fails="portrait")))
    assert [state["state"] for state in states.values()] == ["done", "failed", "done"]
    assert "portrait.log" in states["portrait"]["reason"]
    assert "| portrait | failed: " in (tmp_path / "out/report.md").read_text()


def test_a_folder_of_another_plan_is_refused(tmp_path, machine):
    run_campaign(make(tmp_path, machine))
    with pytest.raises(ConfigError, match="another plan"):
        run_campaign(make(tmp_path, machine, steps=STEPS[:1]))


def test_the_plan_of_the_package_and_wrong_plans(tmp_path):
    plan = load_plan("default")
    assert [step.train for step in plan[2:5]] == ["scgan", "portrait", "maskface"]
    for step in plan:
        if step.train:
            assert registry.preset(step.train, step.preset or "gpu")
    file = tmp_path / "plan.yaml"
    wrong = {
        "steps: []": "it must have steps",
        "steps: [{name: a, share: 1}]": "must either train a system or recompute a study",
        "steps: [{name: a, share: 0, train: scgan}]": "must be above 0",
        "steps: [{name: a, share: 1, train: none}]": "none",
        "other: 1": "does not describe a campaign",
    }
    for text, words in wrong.items():
        file.write_text(text)
        with pytest.raises(ConfigError, match=words):
            load_plan(str(file))


def test_wrong_use(tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["reproduce", "campaign", *out, "--minutes", "0"]) == 2
    assert "--minutes is 0" in capsys.readouterr().err
    assert main(["reproduce", "campaign", *out, "--minutes", "5"]) == 2
    assert "There are no data" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["reproduce", "campaign", *out, "--minutes", "5", "--parcels", str(tmp_path / "empty")]) == 2
    assert "holds no .tar files" in capsys.readouterr().err


def test_a_command_is_asked_to_stop_and_logged(tmp_path):
    assert run_command(["--version"], None, tmp_path / "logs/a.log") == 0
    assert "$ limner --version" in (tmp_path / "logs/a.log").read_text()
    words = ["data", "make", "drawn-faces", "--num", "1000000", "--out", str(tmp_path / "faces")]
    assert run_command(words, 1.0, tmp_path / "logs/b.log") != 0


@pytest.mark.slow
def test_a_whole_campaign_of_smoke_presets(tmp_path, capsys):
    """Rendered data in parcels, three systems and a table, on the CPU within five minutes."""
    faces = tmp_path / "faces"
    assert main(["data", "make", "people-faces", "--num", "60", "--size", "64", "--out", str(faces)]) == 0
    assert main(["reproduce", "pack", "--data", str(faces), "--out", str(tmp_path / "parcels"), "--max-mb", "1"]) == 0
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "steps:\n"
        "  - {name: judge, train: parser, share: 1}\n"
        "  - {name: scgan, train: scgan, share: 1}\n"
        "  - {name: portrait, train: portrait, share: 1}\n"
        "  - {name: ablation, study: scgan-ablation, share: 1, budget: 64, options: [--only, full]}\n"
    )
    out = tmp_path / "out"
    words = ["--parcels", str(tmp_path / "parcels"), "--out", str(out), "--plan", str(plan), "--num-images", "4"]
    code = main(["reproduce", "campaign", *words, "--preset", "smoke", "--minutes", "20", "--json"])
    states = json.loads((out / "campaign.json").read_text())["states"]
    assert code == 0, states
    assert {state["state"] for state in states.values()} == {"done"}
    for name in ("judge", "scgan", "portrait"):
        assert (out / f"weights/{name}/pipeline.json").is_file() and (out / f"metrics/{name}/report.json").is_file()
    assert "## ablation" in (out / "report.md").read_text()
