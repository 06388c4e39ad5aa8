"""The four stages: what each needs, what it updates, and that it goes on where it was stopped."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from limner.backbones.vgg import VGG
from limner.data.sampler import SampleKey
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.state import load_state, save_state
from limner.errors import ConfigError, DataError, WeightsError
from limner.registry import preset
from limner.systems.painter.config import AgentConfig, ModelConfig, PainterConfig, PictureConfig, RewardConfig
from limner.systems.painter.data import SceneDataset, StrokeDataset, open_stage_data
from limner.systems.painter.environment import ExactRenderer, Scene, Transitions, paint
from limner.systems.painter.pipeline import PainterPipeline
from limner.systems.painter.rasterizer import stroke_alphas
from limner.systems.painter.schedule import lr_factor
from limner.systems.painter.stages.agent import AgentStage
from limner.systems.painter.stages.losses import UpdateBatch, follow
from limner.systems.painter.stages.online import Online
from limner.systems.painter.stages.remembered import Remembered
from limner.systems.painter.system import Painter
from limner.systems.painter.weight_map import find_face, find_subject, gradient_features
from tests.engines import engine_of


def configured(name: str = "smoke", **sections: dict[str, Any]) -> PainterConfig:
    config = preset("painter", name)
    return dataclasses.replace(
        config, **{key: dataclasses.replace(getattr(config, key), **values) for key, values in sections.items()}
    )


def started(config: PainterConfig, pictures: Path, *, seed: int = 0) -> tuple[Painter, Engine, Any]:
    torch.manual_seed(seed)
    data = open_stage_data(config, pictures, asked_by="painter")
    system = Painter(config, DataSpec())
    batch = data.collate([data.train_set[index % len(data.train_set)] for index in range(config.train.batch_size)])
    return system, engine_of(system), batch


@pytest.fixture(scope="module")
def parts(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Weights of the stages renderer and attention, each trained for one step, and of an agent on top of them."""
    folder = tmp_path_factory.mktemp("stages")
    found = {}
    for name in ("renderer", "attention", "agent"):
        config = configured("smoke" if name == "agent" else f"smoke-{name}", **({"stage": found} if found else {}))
        config = dataclasses.replace(config, stage=dataclasses.replace(config.stage, name=name))
        system, engine, batch = started(config, pictures)
        engine.run_step(batch)
        system.pipeline(engine.inference_networks()).save_pretrained(folder / name)
        found[name] = str(folder / name)
    return found


def test_three_episodes_update_everything_with_finite_losses(pictures: Path) -> None:
    config = configured(reward={"weight_foreground": 2.0}, agent={"warmup_episodes": 0, "noise": 0.1})
    system, engine, batch = started(config, pictures)
    before = {name: [p.detach().clone() for p in n.parameters()] for name, n in system.networks.items()}
    for _ in range(3):
        engine.run_step(batch)
    changed = {
        name
        for name, network in system.networks.items()
        if any(not torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True))
    }
    trained = {"actor", "critic", "discriminator", "foreground"}
    assert changed == trained | {f"{name}_slow" for name in trained}
    averages = engine.averages()
    assert all(np.isfinite(value) for value in averages.values())
    assert {"reward/gan", "reward/fm", "reward/fg", "value", "discriminator/gap", "episode/mse"} <= set(averages)


def test_an_agent_notes_how_its_reward_weighed_pixels() -> None:
    actor = Painter(configured(reward={"weighting": "attention", "epsilon": 0.3}), DataSpec()).networks["actor"]
    assert {"weighting": "attention", "epsilon": 0.3, "kappa": 0.5}.items() <= actor.config.items()


def test_an_agent_that_does_not_look_ahead_has_no_critic(pictures: Path) -> None:
    config = configured(
        reward={"weight_gan": 0.0, "measure": "left"},
        agent={"warmup_episodes": 0, "discount": 0.0, "brush": "exact"},
    )
    system, engine, batch = started(config, pictures)
    assert set(system.networks) == {"renderer", "attention", "actor"}
    before = [p.detach().clone() for p in system.networks["actor"].parameters()]
    engine.run_step(batch)
    assert any(not torch.equal(a, b) for a, b in zip(before, system.networks["actor"].parameters(), strict=True))
    assert "value" not in engine.averages()
    assert isinstance(system.stage, AgentStage) and isinstance(system.stage.rule, Remembered)
    memory = system.stage.rule.memory()
    canvas, action = memory._parts["canvases"][0, -2:], memory._parts["actions"][0, -1:]
    exact, _ = paint(canvas[:1].float() / 255, action, ExactRenderer(32))
    assert (exact * 255 - canvas[1:].float()).abs().max() < 1.1, "episodes show what the strokes really look like"


MEMORYLESS: dict[str, dict[str, Any]] = {
    "reward": {"weight_gan": 0.0, "measure": "left"},
    "agent": {"replay_episodes": 0, "discount": 0.0, "brush": "exact", "begun": 0.5},
    "dataset": {"zoom": 2},
}


def test_an_agent_without_memory_learns_from_each_action_as_it_is_played(pictures: Path) -> None:
    system, engine, batch = started(configured(**MEMORYLESS), pictures)
    stage = system.stage
    assert isinstance(stage, AgentStage) and isinstance(stage.rule, Online)
    rule = stage.rule
    assert batch.target.shape[-1] == 64, "pictures are kept at twice the size, to be cut"
    updates = []
    # A spy that notes what is on the easels; the real update runs.
    engine.update = lambda *given, real=engine.update: (updates.append(rule.easels), real(*given))  # type: ignore
    engine.run_step(batch)
    assert len(updates) == 3, "one update an action"
    steps = [sorted(set(easels.step.tolist())) for easels in updates]
    assert steps == [[0, 1, 2]] * 3, "every update sees all steps of an episode"
    first, second = updates[:2]
    goes_on = first.step < 2
    assert torch.equal(second.target[goes_on], first.target[goes_on])
    assert torch.equal(second.step[goes_on], first.step[goes_on] + 1)
    assert not torch.equal(second.canvas[goes_on], first.canvas[goes_on])
    assert (second.step[~goes_on] == 0).all()
    assert rule.easels is not None and (rule.easels.canvas.shape[-1], len(rule.easels)) == (32, 8)


def test_views_are_squares_of_the_picture_with_features_of_their_own(pictures: Path) -> None:
    system, engine, _batch = started(configured(**MEMORYLESS), pictures)
    stage = system.stage
    assert isinstance(stage, AgentStage)
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 64), indexing="ij")
    ramps = torch.stack([rows, columns, torch.zeros(64, 64)]).expand(400, -1, -1, -1)
    view = stage.views.cut(Scene(ramps, ramps[:, :1].clone(), torch.zeros(400, 1, 64, 64)), engine)
    assert view.target.shape == (400, 3, 32, 32)
    torch.testing.assert_close(view.target[:, :1], view.attention)
    torch.testing.assert_close(view.features, gradient_features(view.target))
    height = view.target[:, 0, -1, 0] - view.target[:, 0, 0, 0]
    width = view.target[:, 1, 0, -1] - view.target[:, 1, 0, 0]
    torch.testing.assert_close(height, width, atol=0.02, rtol=0)
    assert height.min() > 0.45 and height.max() < 1
    whole = (height > 0.96).float().mean()
    assert 0.24 < whole < 0.42, "three in ten are whole"
    assert view.target[:, 0, 0, 0].std() > 0.05, "from anywhere"


def test_some_pictures_exchange_their_colours(pictures: Path) -> None:
    system, engine, batch = started(configured(dataset={"exchange": 0.5}), pictures)
    stage = system.stage
    assert isinstance(stage, AgentStage)
    scene = Scene(*(part[:1].expand(600, -1, -1, -1) for part in vars(batch).values()))
    found = stage.views.recolored(scene, engine)
    assert torch.equal(found.target.sort(dim=1).values, scene.target.sort(dim=1).values), "no colour is lost"
    is_same = (found.target == scene.target).flatten(1).all(dim=1)
    assert 0.5 < is_same.float().mean() < 0.67, "one in six orders is the old one"
    assert len(torch.unique(found.target.flatten(1), dim=0)) == 6, "all orders"
    assert found.attention is scene.attention


def test_some_episodes_begin_with_a_blur(pictures: Path) -> None:
    system, engine, batch = started(configured(agent={"begun": 0.5}), pictures)
    stage = system.stage
    assert isinstance(stage, AgentStage)
    scene = Scene(*(part[:1].expand(300, -1, -1, -1) for part in vars(batch).values()))
    canvas = stage.views.beginning(scene, engine)
    is_blank = (canvas == 0).flatten(1).all(dim=1)
    assert 0.4 < is_blank.float().mean() < 0.6
    blurs = canvas[~is_blank]
    error = (blurs - scene.target[~is_blank]).square().mean(dim=(1, 2, 3))
    assert (error < 0.3 * scene.target[0].square().mean()).all() and (error > 0).all()
    assert len(torch.unique(error)) > 3, "coarse ones and finer ones"


@pytest.mark.parametrize("sections", [{}, MEMORYLESS], ids=["memory", "no memory"])
def test_a_resumed_agent_makes_the_same_next_update(
    sections: dict[str, dict[str, Any]], pictures: Path, tmp_path: Path
) -> None:
    config = configured(**sections)
    system, engine, batch = started(config, pictures)
    for _ in range(2):
        engine.run_step(batch)
    save_state(tmp_path / "state", engine.system.training_state(engine))
    engine.run_step(batch)
    again, other, _ = started(config, pictures, seed=1)
    other.system.restore(other, load_state(tmp_path / "state"))
    assert isinstance(again.stage, AgentStage)
    if isinstance(again.stage.rule, Remembered):
        assert len(again.stage.rule.memory()) == 16
    other.run_step(batch)
    for name, network in system.networks.items():
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, again.networks[name].state_dict()[key]), (name, key)


def test_restored_easels_stand_where_the_networks_are(pictures: Path, tmp_path: Path) -> None:
    """Checkpoints are read to the CPU; "meta" is a device that every machine has beside it."""
    _system, engine, batch = started(configured(**MEMORYLESS), pictures)
    engine.run_step(batch)
    save_state(tmp_path / "state", engine.system.training_state(engine))
    stage = AgentStage(configured(**MEMORYLESS))
    stage.networks["actor"].to("meta")
    stage.load_state_dict(load_state(tmp_path / "state")["system"])
    assert isinstance(stage.rule, Online) and stage.rule.easels is not None
    assert {part.device.type for part in vars(stage.rule.easels).values()} == {"meta"}


def test_the_target_of_a_last_action_is_its_reward(pictures: Path) -> None:
    """With done = 1, y = r, so the loss is the square of V alone."""
    system, engine, batch = started(configured(), pictures)
    stage = system.stage
    assert isinstance(stage, AgentStage) and isinstance(stage.rule, Remembered)
    engine.run_step(batch)
    found = stage.rule.memory().sample(torch.rand(8, 2), torch.device("cpu"))
    assert isinstance(found, Transitions)
    last, inner = (
        UpdateBatch(**{**vars(found), "done": torch.full((8, 1), done), "mix": torch.rand(8, 1, 1, 1)})
        for done in (1.0, 0.0)
    )
    value = stage.losses.value(engine.networks["critic"], last, last.canvas, last.next_canvas, 1)
    torch.testing.assert_close(stage.losses.critic(last, engine), value.square().mean())
    assert (stage.losses.critic(inner, engine) - value.square().mean()).abs() > 1e-3, "others look ahead"


def test_slow_copies_follow_slowly_and_take_buffers_over(pictures: Path) -> None:
    system, engine, batch = started(configured(agent={"warmup_episodes": 0, "tau": 0.01}), pictures)
    start = [p.detach().clone() for p in system.networks["discriminator"].parameters()]
    for _ in range(2):
        engine.run_step(batch)

    def moved(name: str) -> float:
        pairs = zip(start, system.networks[name].parameters(), strict=True)
        return sum(float((a - b.detach()).abs().sum()) for a, b in pairs)

    assert 0 < moved("discriminator_slow") < 0.1 * moved("discriminator")
    actor, slow = system.networks["actor"], system.networks["actor_slow"]
    assert all(torch.equal(a, b) and a is not b for a, b in zip(actor.buffers(), slow.buffers(), strict=True))
    follow(slow, actor, tau=1.0)
    assert all(torch.equal(a, b) for a, b in zip(actor.parameters(), slow.parameters(), strict=True))


def test_joint_training_moves_attention_but_not_its_anchor(parts: dict[str, str], pictures: Path) -> None:
    config = configured("smoke-joint", stage={"agent": parts["agent"]}, agent={"warmup_episodes": 0})
    system, engine, batch = started(config, pictures)
    anchor = {key: value.clone() for key, value in system.networks["attention_reference"].state_dict().items()}
    engine.run_step(batch)
    for key, value in system.networks["attention_reference"].state_dict().items():
        assert torch.equal(value, anchor[key])
    moved = [not torch.equal(p, anchor[key]) for key, p in system.networks["attention"].named_parameters()]
    assert any(moved)
    assert engine.averages()["attention/cross_entropy"] > 0


def test_joint_training_without_memory(parts: dict[str, str], pictures: Path) -> None:
    sections = {**MEMORYLESS, "agent": {**MEMORYLESS["agent"], "begun": 0.0}, "dataset": {}}
    config = configured("smoke-joint", stage={"agent": parts["agent"]}, **sections)
    system, engine, batch = started(config, pictures)
    before = {name: [p.detach().clone() for p in system.networks[name].parameters()] for name in ("actor", "attention")}
    engine.run_step(batch)
    for name, parameters in before.items():
        assert any(not torch.equal(a, b) for a, b in zip(parameters, system.networks[name].parameters(), strict=True))


@pytest.mark.parametrize("size", ["paper", "gpu", "cpu", "smoke"])
def test_joint_training_sees_whole_pictures(size: str) -> None:
    """As attention is used; the agent's own presets may cut, recolour and blur them."""
    config = configured(f"{size}-joint")
    assert (config.dataset.zoom, config.dataset.exchange, config.agent.begun) == (1, 0, 0)
    for section, name, value in (("dataset", "zoom", 4), ("dataset", "exchange", 0.5), ("agent", "begun", 0.5)):
        with pytest.raises(ConfigError, match=rf"--{section}.{name} is {value}, but in stage joint .* set it to"):
            configured(f"{size}-joint", **{section: {name: value}})


def test_an_agent_needs_trained_parts(parts: dict[str, str]) -> None:
    def refuse(config: PainterConfig) -> str:
        with pytest.raises(ConfigError) as error:
            Painter(config, DataSpec()).prepare(torch.device("cpu"))
        return str(error.value)

    assert "--stage.renderer" in refuse(configured(stage={"renderer": None}))
    assert "--stage.attention" in refuse(configured(stage={"attention": None}))
    assert "--stage.agent" in refuse(configured("smoke-joint"))
    Painter(configured(stage={"attention": None}, model={"attention": "labels"}), DataSpec()).prepare(
        torch.device("cpu")
    )
    Painter(configured(stage={"agent": parts["agent"], "renderer": None, "attention": None}), DataSpec()).prepare(
        torch.device("cpu")
    )


def test_parts_of_another_size_or_stage_are_refused(parts: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="another size"):
        Painter(configured(stage={"renderer": parts["renderer"]}, model={"renderer_widths": (8, 8, 8, 16)}), DataSpec())
    with pytest.raises(WeightsError, match="has no attention"):
        Painter(configured(stage={"attention": parts["renderer"]}), DataSpec())


def test_an_agent_keeps_its_renderer_unless_forced(parts: dict[str, str], pictures: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    other = Painter(configured("smoke-renderer"), DataSpec())
    other.pipeline(other.networks).save_pretrained(tmp_path / "other")
    stage = {"agent": parts["agent"], "renderer": str(tmp_path / "other"), "attention": None}
    with pytest.raises(WeightsError, match=r"another renderer.*--stage.force"):
        Painter(configured(stage=stage), DataSpec())
    forced = Painter(configured(stage={**stage, "force": True}), DataSpec())
    pipeline = forced.pipeline(forced.networks)
    mixed = {**PainterPipeline.from_pretrained(parts["agent"]).components, "renderer": pipeline.components["renderer"]}
    with pytest.raises(WeightsError, match="another renderer"):
        PainterPipeline(spec=DataSpec(), size=32, **mixed)


def test_weights_of_an_early_stage_do_not_paint(parts: dict[str, str]) -> None:
    pipeline = PainterPipeline.from_pretrained(parts["renderer"])
    assert set(pipeline.components) == {"renderer"}
    with pytest.raises(WeightsError, match="cannot paint: they have only renderer"):
        pipeline(np.zeros((8, 8, 3), np.uint8), 5)


def test_learning_rates_fall_as_the_paper_says() -> None:
    def at(network: str, *shares: float) -> list[float]:
        return [round(lr_factor(network, share, stage="agent"), 4) for share in shares]

    assert at("actor", 0, 0.2, 0.4) == [1, 0.3, 0.1]
    assert at("critic", 0.1, 0.3, 0.9) == [1, 0.3333, 0.1]
    assert at("discriminator", 0, 0.9) == [1, 1]
    renderer = [lr_factor("renderer", share, stage="renderer") for share in (0.3, 0.5, 0.9)]
    assert renderer == [1, 0.1, 0.01]
    assert lr_factor("attention", 1.0, stage="attention") == pytest.approx(0.1)
    assert lr_factor("actor", 0.0, stage="joint") == 0.1
    cosine = [round(lr_factor("actor", share, stage="agent", fall="cosine"), 3) for share in (0, 0.5, 1)]
    assert cosine == [1, 0.505, 0.01] and lr_factor("discriminator", 1, stage="agent", fall="cosine") == 1


def test_renderer_stage_prints_its_baselines(pictures: Path) -> None:
    config = configured("smoke-renderer")
    data = open_stage_data(config, None, asked_by="painter")
    system = Painter(config, DataSpec())
    batch = data.collate([data.validation_set[index] for index in range(len(data.validation_set))])
    with torch.no_grad():
        scores = system.validate([batch], system.networks)
    alphas = batch.alpha[:128]
    assert scores["baseline_zero"] == pytest.approx(float(alphas.square().mean()))
    assert scores["baseline_mean"] < scores["baseline_zero"] and scores["error"] > 0
    assert scores["baseline_zero_of_thin_strokes"] < 0.2 * scores["baseline_zero"]


def test_strokes_depend_on_their_place_in_the_run_alone() -> None:
    dataset = StrokeDataset(100, size=16, seed=3)
    shape, alpha = dataset[SampleKey(7, 1234)]
    np.testing.assert_array_equal(shape, dataset[SampleKey(9, 1234)][0])
    np.testing.assert_array_equal(alpha, stroke_alphas(shape[None], 16)[0])
    assert not np.array_equal(shape, dataset[SampleKey(7, 1235)][0])


def test_pictures_and_maps_move_together(pictures: Path) -> None:
    config = configured("smoke-attention", dataset={"crop": 0.5, "jitter": 0.5})
    data = open_stage_data(config, pictures, asked_by="painter")
    dataset = data.train_set
    assert isinstance(dataset, SceneDataset)
    for position in range(6):
        image, attention, _ = dataset[SampleKey(0, position)]
        inside, outside = image[attention > 250].astype(float), image[attention < 5].astype(float)
        # The disc has two flat tones and the background hardly varies, wherever both were cut out.
        assert np.linalg.norm(inside.mean(0) - outside.mean(0)) > 10
        again = dataset[SampleKey(0, position)]
        np.testing.assert_array_equal(again[0], image)


@pytest.mark.parametrize("labels", ["masks", "saliency", "faces", "auto"])
def test_every_source_of_labels(pictures: Path, labels: str) -> None:
    data = open_stage_data(configured("smoke-attention", dataset={"labels": labels}), pictures, asked_by="painter")
    dataset = data.validation_set
    assert isinstance(dataset, SceneDataset)
    image, attention, _ = dataset[0]
    unit = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    functions = {"saliency": find_subject, "faces": find_face}
    if labels in functions:
        expected = (functions[labels](unit)[0, 0] * 255).round().numpy()
    else:
        mask = Image.open(pictures / f"masks/{dataset.rows[0]}.png").resize((32, 32), Image.Resampling.BILINEAR)
        expected = np.asarray(mask)
    np.testing.assert_allclose(attention, expected, atol=1)


def test_missing_masks_and_missing_vgg(pictures: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = configured("smoke-attention", dataset={"labels": "masks"})
    with pytest.raises(DataError, match="has no mask"):
        open_stage_data(config, pictures / "images", asked_by="painter")
    system = Painter(configured(dataset={"features": "vgg16", "vgg16": "none.pth"}), DataSpec())
    assert "VGG-16" in caplog.text
    assert system.networks["actor"].config["features"] == "gradient", "what was used stands in the weights"


def test_caches_show_progress_and_tell_files_of_vgg16_apart(
    pictures: Path, tmp_path: Path, make_painter: Callable[..., PainterPipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    file, cache = tmp_path / "vgg.pth", str(tmp_path / "cache")
    agent = configured(dataset={"features": "vgg16", "vgg16": str(file), "cache": cache}, model={"attention": "labels"})
    painter = make_painter()
    painter.config("actor")["features"] = "vgg16"
    found, digests = [], []
    for seed in (0, 1):
        torch.manual_seed(seed)
        torch.save(VGG(16).state_dict(), file)
        found.append(open_stage_data(agent, pictures, asked_by="painter").validation_set[0][2])
        digests.append(painter.plan(np.zeros((8, 8, 3), np.uint8), 5, vgg16=file).digest("painter", "weights"))
    assert not np.array_equal(*found) and len(set(digests)) == 2
    for labels in ("saliency", "faces"):
        config = configured("smoke-attention", dataset={"labels": labels, "cache": cache})
        open_stage_data(config, pictures, asked_by="painter")
    for name in ("decoding", "features-vgg16-", "attention-saliency", "attention-faces"):
        assert f"{name}" in terminal.getvalue(), name


def test_configuration_is_checked() -> None:
    for section, values, word in (
        (ModelConfig, {"image_size": 48}, "multiple of 32"),
        (ModelConfig, {"renderer_widths": (8, 8, 8, 100)}, "multiple of 256"),
        (RewardConfig, {"epsilon": 0.0}, "epsilon"),
        (RewardConfig, {"weight_gan": 0, "weight_distance": 0}, "All weights"),
        (AgentConfig, {"steps": 0}, "steps"),
        (AgentConfig, {"tau": float("nan")}, "tau"),
        (AgentConfig, {"replay_episodes": -1}, "replay_episodes"),
        (AgentConfig, {"begun": 1.5}, "begun"),
        (PictureConfig, {"zoom": 0}, "zoom"),
        (PictureConfig, {"exchange": 2.0}, "exchange"),
        (PictureConfig, {"vgg16": "vgg16.pth"}, r"vgg16 has no effect with --dataset\.features gradient"),
    ):
        with pytest.raises(ConfigError, match=word):
            section(**values)
    with pytest.raises(ConfigError, match=r"replay_episodes is 0.*--agent.discount"):
        configured(agent={"replay_episodes": 0})
    with pytest.raises(ConfigError, match=r"--agent.noise is 0.1"):
        configured(**{**MEMORYLESS, "agent": {**MEMORYLESS["agent"], "noise": 0.1}})
