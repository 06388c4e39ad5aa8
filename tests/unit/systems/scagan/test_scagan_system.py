"""Training of SCA-GAN on stick people: which network learns what, and from which stage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from limner.errors import ConfigError, DataError, WeightsError
from limner.nn.pose_transfer import SeededDropout
from limner.pose_transfer.training import body_mask
from limner.systems.scagan.presets import PRESETS
from limner.systems.scagan.stages import CONTENT, EDGE, STYLE, ImageStage
from limner.systems.scagan.system import SCAGAN
from tests.engines import engine_of
from tests.stick_people import draw, draw_parts, pose, write_stick_people


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_stick_people(tmp_path_factory.mktemp("people"))


def build(folder, preset="smoke", **model):
    config = PRESETS[preset]()
    config = replace(config, model=replace(config.model, **model))
    data = SCAGAN.open_data(config, folder)
    torch.manual_seed(0)
    system = SCAGAN(config, data.spec)
    system.prepare(torch.device("cpu"))
    batch = data.collate([data.train_set[index] for index in range(4)])
    return system, engine_of(system), batch


def weights(network):
    return {key: value.clone() for key, value in network.state_dict().items()}


def same(before, network):
    return all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_stage_content_moves_edges(folder):
    system, engine, batch = build(folder, "smoke-content")
    before = {name: weights(network) for name, network in system.networks.items()}
    engine.run_step(batch)
    assert set(system.networks) == {EDGE, STYLE, CONTENT}
    assert not any(same(before[name], network) for name, network in system.networks.items())
    logged = engine.averages()
    assert {"loss/adversarial", "loss/l1", "loss/perceptual"} <= set(logged) and "loss/contextual" not in logged


def test_stage_image_leaves_the_content_network_alone(folder):
    system, engine, batch = build(folder)
    before = {name: weights(network) for name, network in system.networks.items()}
    engine.run_step(batch)
    assert same(before[EDGE], system.networks[EDGE])  # statistics of its batch norms too
    assert all(parameter.grad is None for parameter in system.networks[EDGE].parameters())
    assert not any(same(before[name], system.networks[name]) for name in ("generator", STYLE, CONTENT))
    assert "loss/contextual" in engine.averages()


def test_statistics_of_the_content_network_may_drift_as_in_the_authors_code(folder):
    system, engine, batch = build(folder, freeze_statistics=False)
    before = weights(system.networks[EDGE])
    engine.run_step(batch)
    changed = {key for key, value in system.networks[EDGE].state_dict().items() if not torch.equal(value, before[key])}
    assert changed and all("running" in key or "num_batches" in key for key in changed)


@pytest.mark.parametrize(
    "model",
    [
        {"content": "none"},
        {"prior_transfer": False},
        {"block": "spade_resblk"},
        {"moved_photo": True},
        {"patch_discriminators": True},
    ],
)
def test_variants_train(folder, model):
    system, engine, batch = build(folder, **model)
    before = weights(system.networks["generator"])
    engine.run_step(batch)
    assert not same(before, system.networks["generator"])


def test_the_difference_counts_more_on_the_person(folder):
    """Pictures that are wrong by 0.5 on the person alone, or beside it alone."""
    losses = {}
    for weight in (0.0, 4.0):
        config = PRESETS["smoke"]()
        config = replace(config, loss=replace(config.loss, weight_person=weight, weight_adversarial=0.0,
                                              weight_perceptual=0.0, weight_contextual=0.0))  # fmt: skip
        data = SCAGAN.open_data(config, folder)
        system = SCAGAN(config, data.spec)
        batch = data.collate([data.train_set[index] for index in range(4)])
        system.prepare(torch.device("cpu"))
        stage, engine = system.stage, engine_of(system)
        draws = stage.draws(batch, torch.zeros(4, config.model.latent_size))
        on = body_mask(batch.target_points, config.model.image_size)
        for name, where in (("on", on), ("beside", 1 - on)):
            stage.paint = lambda draws, network, edges, where=where: draws.target + 0.5 * where
            losses[name, weight] = stage.generator_loss(draws, engine, []).item()
    share = float(on.mean())
    assert 0.02 < share < 0.5
    assert losses["on", 0.0] == pytest.approx(0.5 * share) and losses["on", 4.0] == pytest.approx(2.5 * share)
    assert losses["beside", 0.0] == losses["beside", 4.0] == pytest.approx(0.5 * (1 - share))


def with_loss(config, **loss):
    return replace(config, loss=replace(config.loss, **loss))


def test_a_parser_compares_results_with_targets(folder):
    """Its term alone falls to 0 where the result is the target, and changes the painter."""
    alone = {"weight_adversarial": 0.0, "weight_l1": 0.0, "weight_perceptual": 0.0, "weight_contextual": 0.0}
    found = {}
    for weight in (1.0, 3.0):
        config = with_loss(PRESETS["smoke"](), **alone, parser="parser-people-64", weight_parser_features=weight)
        data = SCAGAN.open_data(config, folder)
        torch.manual_seed(0)
        system = SCAGAN(config, data.spec)
        system.prepare(torch.device("cpu"))
        stage, engine = system.stage, engine_of(system)
        batch = data.collate([data.train_set[index] for index in range(4)])
        draws = stage.draws(batch, torch.zeros(4, config.model.latent_size))
        found[weight] = stage.generator_loss(draws, engine, []).item()
        before = weights(system.networks["generator"])
        engine.run_step(batch)
        assert not same(before, system.networks["generator"]) and engine.averages()["loss/parser_features"] > 0
        assert len(stage.parser.channels) == len(stage.parser(draws.target)) == 4
        stage.paint = lambda draws, network, edges: draws.target
        assert stage.generator_loss(draws, engine, []).item() == 0
    assert found[3.0] == pytest.approx(3 * found[1.0], rel=1e-4)


def test_a_parser_that_cannot_be_used_is_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match=r"--loss\.parser looks at pictures"):
        with_loss(PRESETS["smoke-content"](), parser="parser-people-64")
    with pytest.raises(ConfigError, match=r"--loss\.parser has no effect with --loss\.weight_parser_features 0"):
        with_loss(PRESETS["smoke"](), parser="parser-people-64", weight_parser_features=0.0)
    for parser, sentence in ((str(tmp_path / "none"), "none"), ("scgan-people-64", "scgan")):
        config = with_loss(PRESETS["smoke"](), parser=parser)
        system = SCAGAN(config, SCAGAN.open_data(config, folder).spec)
        with pytest.raises(WeightsError, match=sentence):
            system.prepare(torch.device("cpu"))


def test_discriminators_have_a_rate_of_their_own(folder):
    for preset, painter in (("smoke", "generator"), ("smoke-content", EDGE)):
        config = PRESETS[preset]()
        lr = config.optimizer.lr
        for factor in (1.0, 0.25):
            one = replace(config, optimizer=replace(config.optimizer, discriminator_lr_factor=factor))
            optimizers = SCAGAN(one, SCAGAN.open_data(one, folder).spec).stage.optimizers()
            rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in optimizers.items()}
            assert rates == {painter: lr, STYLE: lr * factor, CONTENT: lr * factor}


def test_a_moved_photo_needs_the_content_branch():
    with pytest.raises(ConfigError, match=r"--model\.moved_photo .* --model\.content none"):
        replace(PRESETS["smoke"]().model, moved_photo=True, content="none")


def test_discriminators_of_patches_have_no_other_head():
    with pytest.raises(ConfigError, match=r"--model\.head .* --model\.patch_discriminators"):
        replace(PRESETS["smoke"]().model, patch_discriminators=True, head=True)


def test_stage_image_refuses_to_build_on_nothing(folder):
    config = PRESETS["smoke"]()
    config = replace(config, stage=replace(config.stage, content=None))
    system = SCAGAN(config, SCAGAN.open_data(config, folder).spec)
    with pytest.raises(ConfigError, match=r"--stage\.content is missing"):
        system.prepare(torch.device("cpu"))


def test_stage_image_takes_the_trained_content_network(folder, tmp_path):
    first, engine, batch = build(folder, "smoke-content")
    engine.run_step(batch)
    run = first.pipeline(engine.inference_networks()).save_pretrained(tmp_path / "content")
    config = PRESETS["smoke"]()
    config = replace(config, stage=replace(config.stage, content=str(run)))
    second = SCAGAN(config, first.spec)
    assert same(weights(engine.inference_networks()[EDGE]), second.networks[EDGE])
    other = replace(config, model=replace(config.model, content_width=6))
    with pytest.raises(ConfigError, match="of another configuration"):
        SCAGAN(other, first.spec)


def test_dropped_values_follow_from_the_step(folder):
    results = []
    for _ in range(2):
        system, engine, batch = build(folder)
        engine.run_step(batch)
        torch.rand(5)  # whatever else draws random numbers
        engine.run_step(batch)
        results.append(weights(system.networks["generator"]))
    assert all(torch.equal(results[0][key], results[1][key]) for key in results[0])
    layer = SeededDropout(0.5).train()
    x = torch.ones(1000)
    layer.seed = 5
    first, second = layer(x), layer(x)
    assert not torch.equal(first, second) and 400 < (first > 0).sum() < 600 and float(first.max()) == 2
    layer.seed = 5
    assert torch.equal(layer(x), first) and torch.equal(layer.eval()(x), x)


def test_classes_in_place_of_edges(tmp_path):
    folder = write_stick_people(tmp_path / "data", has_parsing=True)
    first, engine, batch = build(folder, "smoke-content", content="semantic")
    assert batch.source_content.shape == (4, 8, 64, 44)
    torch.testing.assert_close(batch.source_content.sum(dim=1), torch.ones(4, 64, 44))
    engine.run_step(batch)
    assert "loss/perceptual" not in engine.averages(), "classes are no picture"
    assert first.sample(first.fixed_inputs(semantic_pairs(folder)), engine.inference_networks()).shape[2] == 3
    run = first.pipeline(engine.inference_networks()).save_pretrained(tmp_path / "content")
    config = PRESETS["smoke"]()
    config = replace(
        config,
        stage=replace(config.stage, content=str(run)),
        model=replace(config.model, content="semantic"),
    )
    second = SCAGAN(config, first.spec)
    second.prepare(torch.device("cpu"))
    engine = engine_of(second)
    before = weights(second.networks["generator"])
    engine.run_step(batch)
    assert not same(before, second.networks["generator"])
    pipe = second.pipeline(engine.inference_networks())
    points = pose(np.random.default_rng(0))
    photo, parsing = draw(points, (200, 0, 0), (0, 0, 90)), draw_parts(points)
    views = ["edges", "content", "picture"]
    assert len(pipe(photo, points, source_pose=points, parsing=parsing, show=views).images) == 3
    with pytest.raises(DataError, match="needs"):
        pipe.plan(photo, points, source_pose=points)
    with pytest.raises(WeightsError, match="paint without edges"):
        pipe.dress.plan(photo, photo, source_pose=points, clothes_pose=points)


def semantic_pairs(folder):
    config = PRESETS["smoke-content"]()
    config = replace(config, model=replace(config.model, content="semantic"))
    return SCAGAN.open_data(config, folder).validation_set


PAPER_WIDTHS = {"width": 64, "style_channels": 512, "hidden": 128, "style_at_map_size": False, "spade_norm": "instance"}


@pytest.mark.parametrize(
    ("model", "low", "high"),
    [({}, 0, 0.01), (PAPER_WIDTHS, 0.05, 0.1), ({"init": "he"}, 0.3, 1)],
)
def test_the_style_reaches_the_first_pictures(model, low, high):
    """How much of a picture depends on the photo's colour before anything is learned."""
    torch.manual_seed(0)
    config = replace(PRESETS["smoke"](), model=replace(PRESETS["cpu"]().model, moved_photo=False, **model))
    generator = ImageStage(config).networks["generator"]
    red, green, blue = torch.eye(3) * 2 - 1
    photos = torch.stack([red, green, blue])[..., None, None].expand(-1, -1, 64, 44)
    content, pose, latent = torch.rand(1, 1, 64, 44) * 2 - 1, torch.rand(1, 18, 64, 44), torch.randn(1, 256)
    with torch.no_grad():
        pictures = generator(photos, *(part.expand(3, *part.shape[1:]) for part in (content, pose, latent)))
    share = float(pictures.std(0).mean() / pictures.std((2, 3)).mean())
    assert low < share < high, share


def test_first_weights_are_the_wider_the_fewer_inputs_there_are():
    torch.manual_seed(0)
    config = replace(PRESETS["smoke"](), model=replace(PRESETS["cpu"]().model, init="he"))
    generator = ImageStage(config).networks["generator"]
    encoder, decoder = generator.encoder.blocks, generator.blocks["head_0"].pose
    for layer in (generator.first_map, encoder[-1].second[0], decoder.convs[0], decoder.norms[0].shared):
        wanted = (2 / layer.weight[0].numel()) ** 0.5
        assert layer.weight.std().item() == pytest.approx(wanted, rel=0.05) and not layer.bias.any()
    for kept in (generator.to_rgb, decoder.norms[0].gamma, decoder.norms[0].beta):
        assert kept.weight.std().item() == pytest.approx(0.02, rel=0.15)
