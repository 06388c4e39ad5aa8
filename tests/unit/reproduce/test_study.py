"""Studies that come with the package, and the configuration of their runs."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil

import pytest
import torch
import yaml

from limner import hub, registry
from limner.data.config import AugmentConfig, DataConfig
from limner.data.size import Size
from limner.errors import ConfigError
from limner.reproduce.run import Plan, _row_identity, check_evaluation, claim_folder, open_study_judges, study_identity
from limner.reproduce.study import StudyRow, _check, load_study, row_config, study_names
from limner.systems.scgan.config import LossConfig, ModelConfig, OptimizerConfig
from limner.text_to_image.data import open_captions
from tests.captioned_shapes import write_captioned_shapes

STUDIES = [load_study(name) for name in study_names()]


def config(study, row, *, preset="cpu", budget=None, seed=0, **reading):
    return row_config(
        study,
        row,
        preset=preset,
        budget=budget or study.budget[preset],
        seed=seed,
        dataset=study.data_config(**reading),
    )


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_row_builds_at_every_preset_with_equal_size_and_budget(study):
    assert set(study.budget) == set(study.image_size) == {"paper", "gpu", "cpu", "smoke"}
    assert set(study.judge_images) == (set(study.budget) if "parser" in study.task.judges else set())
    assert set(study.options) <= set(study.budget)
    known = [row for row in study.rows if row.system in registry.system_names()]
    assert known
    for preset in study.presets:
        configs = [config(study, row, preset=preset) for row in known]
        assert {Size.of(one.model.image_size) for one in configs} == {Size.of(study.image_size[preset])}
        assert {one.train.images for one in configs} == {study.budget[preset]}
        assert all(study.budget[preset] % one.train.batch_size == 0 for one in configs)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_the_evaluation_of_a_study_has_its_arguments(study):
    check_evaluation(study)


@pytest.mark.parametrize(
    ("evaluation", "says"),
    [
        ({"nope": 1}, 'the evaluation of cyclegan has no "nope"'),
        ({"judge": 5}, 'the evaluation of cyclegan has no "judge"'),
        *(({"seed": value}, "seed of evaluation is") for value in (math.nan, "x", 10**400, True, -1, None, 1.5)),
        ({"batch_size": "x"}, "batch_size of evaluation is 'x'"),
    ],
)
def test_arguments_that_an_evaluation_cannot_have(evaluation, says):
    with pytest.raises(ConfigError) as error:
        check_evaluation(dataclasses.replace(load_study("scgan-table"), evaluation=evaluation))
    assert says in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *(({"first_seed": value}, "first_seed is") for value in (None, math.nan, 1.5, "x", [], True)),
        *(({"options": {"smoke": value}}, "smoke of options must be entries") for value in (None, 5, "x", [])),
        ({"options": {"smoke": {"train": None}}}, "train of smoke of options must be entries"),
        ({"options": {"smoke": {None: {"a": 1}}}}, "smoke of options must be entries"),
        ({"options": {"nope": {}}}, "has the preset 'nope', which budget does not have"),
        ({"dataset": {"a": 1}}, "dataset may have a schema"),
        *(({"dataset": {"attributes": value}}, "dataset may have a schema") for value in (5, "Male", [5])),
        ({"budget": {"smoke": 10**400}}, "budget of smoke is"),
        ({"columns": {"fd": {"title": "FD", "names_network": "x"}}}, "names_network of column"),
    ],
)
def test_parts_of_a_file_that_no_study_can_have(tmp_path, change, says):
    refused(tmp_path, change, says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *(({"options": {"train": value}}, "train of options of") for value in (None, 1)),
        *(({"at": {"smoke": value}}, "must be entries of the form") for value in (None, [], {"train": "x"})),
        ({"at": {"nope": {}}}, "has the preset 'nope'"),
        ({"rates": {"nope": 2.0}}, "has the preset 'nope'"),
        ({"rates": True}, "rates must be numbers above 0"),
        ({"rates": 10**400}, "int too large"),
        ({"rates": {"smoke": 10**400}}, "int too large"),
    ],
)
def test_rows_of_a_file_that_no_study_can_have(tmp_path, change, says):
    refused(tmp_path, {"rows": [{"name": "one", "system": "pix2pix", **change}]}, says)


def refused(tmp_path, change, says):
    plain = {"title": "t", "about": "a", "published": {}, "image_size": {"smoke": 32}, "budget": {"smoke": 32}}
    plain |= {"judge_images": {"smoke": 64}, "pictures": 4, "points": 1, "columns": {"fd": {"title": "FD"}}}
    plain |= {"rows": [{"name": "one", "system": "pix2pix"}]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(plain))
    load_study(str(tmp_path / "mine.yaml"))
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**plain, **change}))
    with pytest.raises(ConfigError) as error:
        load_study(str(tmp_path / "mine.yaml"))
    assert says in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize("value", [[], "x", 1.5, True, None])
def test_options_of_rows_have_the_types_of_their_fields(value):
    study = load_study("scgan-table")
    row = dataclasses.replace(study.rows[0], options={"train": {"batch_size": value}})
    with pytest.raises(ConfigError, match=r'The row "CycleGAN" sets train.batch_size to .* is of the type int'):
        config(study, row)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_published_columns_exist(study):
    for schema in ("celebamask-19", "deepfashion-7"):
        table = study.published_table(schema)
        if table is None:
            continue
        assert {column.published for column in study.columns.values()} - {""} <= set(table.columns)
        methods = {row.method for row in table.rows}
        assert methods <= {row.published or row.name for row in study.rows}


def test_the_table_of_the_data():
    study = load_study("scgan-table")
    assert study.published_table("celebamask-19").name == "scgan-celeba"
    assert study.published_table("deepfashion-7").name == "scgan-deepfashion"
    assert load_study("scgan-ablation").published_table("celebamask-19") is None
    portrait = load_study("portrait-table").published_table("celebamask-19")
    assert [row.values["fid"] for row in portrait.rows] == [26.54, 26.04, 28.48]


def test_ablation_on_a_cpu_is_the_paper_in_small():
    """Losses and update rules of the paper; nothing that the preset adds for small sets."""
    study = load_study("scgan-ablation")
    full = config(study, study.rows[0], seed=2)
    assert full.loss == dataclasses.replace(LossConfig(), diversity_limit=full.loss.diversity_limit)
    assert full.model == ModelConfig(
        image_size=32, latent_size=32, generator_width=24, discriminator_width=24, segmentor_width=24
    )
    assert full.optimizer == OptimizerConfig(lr_generator=4e-4, lr_discriminator=4e-4, lr_segmentor=8e-4, num_repeat=2)
    assert full.augment == AugmentConfig(flip=True)
    assert (full.train.precision, full.train.ema_half_life, full.train.seed) == ("32-true", 1_000, 2)
    switches = [
        {("loss", "use_segmentor")},
        {("loss", "use_segmentor"), ("loss", "use_classifier")},
        {("model", "generator")},
    ]
    for row, expected in zip(study.rows[1:], switches, strict=True):
        other = config(study, row, seed=2)
        different = {
            (section, field.name)
            for section in ("model", "loss", "optimizer", "augment", "train", "dataset")
            for field in dataclasses.fields(getattr(full, section))
            if getattr(getattr(full, section), field.name) != getattr(getattr(other, section), field.name)
        }
        assert different == expected


def test_the_portrait_table_keeps_the_settings_that_it_was_made_with():
    """Whatever the preset has learned since: codes without places, the paper's weights, a quarter for the parser."""
    study = load_study("portrait-table")
    for row in study.rows[:3]:
        found = config(study, row)
        model, loss = found.model, found.loss
        assert (model.local_channels, model.local_alignment, model.smooth_enlargement) == (0, "none", False)
        assert (loss.weight_adversarial, loss.weight_parser_features) == (1.0, 0.0)
        assert (found.optimizer.parser_images, found.optimizer.decay_images) == (1_600, 2_400)
        assert (found.train.images, found.train.ema_half_life) == (6_400, 150)


def test_the_captions_table_keeps_the_settings_that_it_was_made_with():
    """Those of the compared systems: what the discriminators see, no R1, equal rates, copies of pixels."""
    study = load_study("hfgan-tables")
    rows = {row.name: config(study, row) for row in study.rows if row.system in ("hfgan", "attngan")}
    assert set(rows) == {"AttnGAN", "HfGAN", "identity addition", "no fusion"}
    for found in rows.values():
        assert (found.loss, found.optimizer) == (rows["AttnGAN"].loss, rows["AttnGAN"].optimizer)
        assert found.loss.discriminator_augment == ("translation", "cutout")
        assert not getattr(found.model, "smooth_enlargement", False)


def test_schedules_follow_the_budget():
    study, row = load_study("scgan-table"), StudyRow("SCGAN", "scgan")
    preset = registry.preset("scgan", "cpu")
    half = config(study, row, budget=preset.train.images // 2)
    assert half.optimizer.decay_images == preset.optimizer.decay_images // 2
    assert half.train.ema_half_life == preset.train.ema_half_life / 2
    double = config(study, row, budget=preset.train.images * 2)
    assert double.train.ema_half_life == preset.train.ema_half_life  # more images do not blur the weights
    assert half.train.checkpoint_every * study.points == half.train.images
    assert half.train.keep_checkpoints >= study.points


def test_how_the_data_is_read_reaches_every_run():
    study = load_study("scgan-table")
    for row in study.rows:
        found = config(study, row, fix_sides=True, kind="celeba").dataset
        assert found == DataConfig(kind="celeba", fix_sides=True)
    portrait = load_study("portrait-table").data_config(fit="crop")
    assert portrait == DataConfig(schema="portrait-11", attributes=(), fit="crop")


def test_settings_are_chosen_where_the_table_does_not_look():
    tuning, table = load_study("scgan-tuning"), load_study("scgan-table")
    assert tuning.split == "val" != table.split
    assert tuning.first_seed >= table.first_seed + 10  # the most runs of a row
    settings = {system: [] for system in {row.system for row in table.rows}}
    for row in tuning.rows:
        settings[row.system].append((row.rates, row.options))
    first, *others = settings.values()
    assert len(first) == 4 and all(one == first for one in others)  # equal effort


def test_rates_scale_every_learning_rate_and_nothing_else():
    study, preset = load_study("scgan-table"), registry.preset("scgan", "cpu")
    halved = config(study, StudyRow("SCGAN", "scgan", rates=0.5), budget=preset.train.images)
    rates = {name: getattr(preset.optimizer, name) / 2 for name in ("lr_generator", "lr_discriminator", "lr_segmentor")}
    assert halved.optimizer == dataclasses.replace(preset.optimizer, **rates)
    at_cpu = StudyRow("SCGAN", "scgan", rates={"cpu": 0.5})
    assert config(study, at_cpu, budget=preset.train.images) == halved
    assert config(study, at_cpu, preset="paper") == config(study, StudyRow("SCGAN", "scgan"), preset="paper")


def test_options_of_one_preset():
    study = load_study("scgan-table")
    row = next(row for row in study.rows if row.system == "cyclegan")
    assert config(study, row, preset="paper").model.num_blocks == 6  # the paper's below 256 px
    assert config(study, row, preset="cpu").model == registry.preset("cyclegan", "cpu").model


def test_an_option_that_a_system_does_not_have():
    study = load_study("scgan-table")
    with pytest.raises(ConfigError, match=r'The row "odd" sets loss\.weight_l1, which spade does not have'):
        config(study, StudyRow("odd", "spade", {"loss": {"weight_l1": 1.0}}))
    with pytest.raises(ConfigError, match=r"sets looses\.weight_kl"):
        config(study, StudyRow("odd", "spade", {"looses": {"weight_kl": 1.0}}))


def test_stages_of_a_row_share_its_budget(tmp_path):
    study = load_study("scagan-table")
    row = study.rows[0]
    options = dict(judges=(), num_images=4, features=None, dataset=study.data_config())
    plan = Plan(study, tmp_path, tmp_path, "cpu", budget=study.budget["cpu"], num_seeds=1, **options)
    first, second = plan.config(row, 7, "content"), plan.config(row, 7)
    assert first.train.images == row.stages["content"] * plan.budget
    assert first.train.images + second.train.images == plan.budget
    assert (first.stage.name, second.stage.name, first.train.seed) == ("content", "image", 7)
    assert first.model == second.model and plan.images(study.rows[1]) == plan.budget
    assert plan.config(study.rows[1], 0).optimizer.coarse_images == plan.budget // 2, (
        "half of the budget, as in the preset"
    )
    for wrong in ({"content": 1.0}, {"wings": 0.5}):
        with pytest.raises(ValueError, match="stages of"):
            _check(dataclasses.replace(study, rows=(dataclasses.replace(row, stages=wrong),)))


def test_a_table_has_one_judge_of_each_kind(tmp_path):
    study = load_study("hfgan-tables")
    options = dict(num_images=4, features=None, dataset=study.data_config())
    shapes = write_captioned_shapes(tmp_path / "shapes")
    data = open_captions(shapes, asked_by="a test")

    def opened(*judges, study=study):
        plan = Plan(study, shapes, tmp_path / "out", "cpu", budget=24_000, num_seeds=1, judges=judges, **options)
        return plan, open_study_judges(plan, data, torch.device("cpu"))

    plan, judges = opened("damsm-people-64", "factjudge-people-64")
    assert [judge.kind for judge in judges] == ["image-text", "facts"]
    command = " ".join(plan.command())
    assert "--judge damsm-people-64 --judge factjudge-people-64" in command
    claim_folder(plan.out, study_identity(plan, data, judges=judges))
    found = json.loads((tmp_path / "out/study.json").read_text())["judge"]
    assert found == " ".join(judge.sha256[:12] for judge in judges)
    other = shutil.copytree(hub.resolve("damsm-people-64").path, tmp_path / "other")
    for names, text in (
        (["factjudge-people-64"], "needs a judge of the kind image-text"),
        (["damsm-people-64", "damsm-people-64"], 'Two judges are called "damsm-people-64"'),
        (["damsm-people-64", str(other)], "both of the kind image-text, of which one judges"),
        (["damsm-people-64", "parser-people-64"], "is of the kind parser"),
    ):
        with pytest.raises(ConfigError, match=text):
            opened(*names)
    with pytest.raises(ConfigError, match="are both parsers; a table has one judge of a kind"):
        opened("parser-people-64", "parser-people-64-close", study=load_study("scgan-table"))


def test_rows_with_a_loss_in_vgg_are_given_its_file(tmp_path):
    study = load_study("scagan-table")
    options = dict(num_images=4, features=None, dataset=study.data_config(), num_seeds=1, judges=())
    plan = Plan(study, tmp_path, tmp_path / "out", "cpu", budget=24_000, vgg_weights="vgg.pth", **options)
    known = [row for row in study.rows if row.system in registry.system_names()]
    given = {row.name for row in known if getattr(plan.config(row, 0).loss, "vgg_weights", None) == "vgg.pth"}
    assert given == {"SCA-GAN", "Def-GAN", "PATN", "ADGAN"}


def test_a_table_at_another_size(tmp_path):
    study = load_study("scgan-table")
    options = dict(num_images=4, features=None, dataset=study.data_config(), num_seeds=1, judges=())

    def planned(*size, preset="cpu", study=study):
        size = size or None
        return Plan(study, tmp_path / "data", tmp_path / "out", preset, budget=16_000, image_size=size, **options)

    small, usual = planned(32), planned()
    assert {small.config(row, 0).model.image_size for row in study.rows} == {32}
    assert {usual.config(row, 0).model.image_size for row in study.rows} == {64}
    assert "--image-size 32" in " ".join(small.command()) and "--image-size" not in usual.command()
    poses = planned(128, 88, study=load_study("scagan-table"))
    sizes = {poses.config(row, 0).model.image_size for row in poses.study.rows if row.system in registry.system_names()}
    assert sizes == {(128, 88)} and "--image-size 128 88" in " ".join(poses.command())
    assert {planned(64, 64).config(row, 0).model.image_size for row in study.rows} == {64}
    square = planned(64, study=load_study("scagan-table"))
    assert square.config(square.study.rows[0], 0).model.image_size == (64, 64)
    with pytest.raises(ConfigError, match="has square pictures alone, not 48x64"):
        planned(64, 48)
    for wrong in ((0,), (-32,), (64, 64, 64), (5000,)):
        with pytest.raises(ConfigError, match=r"--image-size is .*; it must be"):
            planned(*wrong)
    with pytest.raises(ConfigError, match="has no preset"):
        planned(32, preset="huge")


def test_studies_from_before_stages_keep_their_folders():
    row = load_study("scgan-ablation").rows[0]
    assert "stages" not in _row_identity(row)
    assert _row_identity(load_study("scagan-ablation").rows[0])["stages"] == {"content": 0.4}
