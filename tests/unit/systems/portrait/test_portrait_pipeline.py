"""What a person can do with portrait, and what is refused."""

from __future__ import annotations

import gc
import logging
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import limner
from limner.data.schema import converter, get_schema
from limner.errors import ConfigError, DataError, LimnerError, ShapeError, WeightsError
from limner.export.networks import export_network
from limner.faces.alignment import TEMPLATE
from limner.faces.checks import (
    changed_maps,
    changed_photos,
    check_changes,
    check_doubles,
    check_face,
    check_turns,
)
from limner.faces.parts import PARTS
from limner.people.gallery import ready
from limner.plan import GenerationPlan
from limner.results import GenerationResult
from limner.systems.portrait.pipeline import PortraitPipeline
from limner.systems.portrait.session import Look, spread_background

SCHEMA = get_schema("portrait-11")


def pixels(result: GenerationResult) -> np.ndarray:
    return np.stack([np.asarray(image) for image in result.images]).astype(int)


@pytest.fixture
def edit(pipeline, photos) -> PortraitPipeline:
    """A pipeline with the first face set."""
    pipeline.set_image(photos[0])
    return pipeline


def test_set_image_parses_the_photo_and_gives_the_map_to_repaint(pipeline, photos, faces, tmp_path: Path):
    for (_, ids), photo in zip(faces, photos, strict=True):
        assert np.array_equal(pipeline.set_image(photo), ids) and np.array_equal(pipeline.parse(photo), ids)
    Image.fromarray(photos[0]).save(tmp_path / "photo.png")
    for form in (tmp_path / "photo.png", str(tmp_path / "photo.png"), Image.fromarray(photos[0])):
        assert np.array_equal(pipeline.set_image(form), faces[0][1])
    large = np.asarray(Image.fromarray(photos[0]).resize((256, 256), Image.Resampling.NEAREST))
    assert (pipeline.set_image(large) == faces[0][1]).mean() > 0.9
    pipeline.set_image(photos[0])[:] = 0
    assert np.array_equal(pipeline.sitter.label_map, faces[0][1]), "what is given away is a copy"


def test_a_map_may_come_with_the_photo_in_another_schema(pipeline, photos, faces):
    celeba = get_schema("celebamask-19")
    back = np.zeros(256, np.uint8)
    table = converter(celeba, SCHEMA)
    for index in reversed(range(celeba.num_classes)):
        back[table[index]] = index
    given = pipeline.set_image(photos[0], back[faces[0][1]], schema=celeba)
    assert np.array_equal(given, faces[0][1]), "sides exchanged on the way there and back"


def test_an_edit_is_the_networks_own(edit, photos, faces):
    photo, ids = torch.from_numpy(photos[0].copy()), torch.from_numpy(faces[0][1].copy())[None].long()
    tensor = photo.permute(2, 0, 1)[None].float() / 127.5 - 1
    appearance, generator = (edit.components[name].eval() for name in ("appearance", "generator"))
    target = appearance.target(ids)
    with torch.no_grad():
        features, _, _ = appearance(appearance.cut(tensor, target))
        image = generator(target.one_hot, tensor, features, target.centres)[0]
    expected = ((image.permute(1, 2, 0).numpy() + 1) * 127.5).round().clip(0, 255)
    assert np.abs(pixels(edit.swap())[0] - expected).max() <= 1


def test_looks_of_parts_come_from_their_own_photos(edit, photos):
    own, other, third = (edit.look(photo).codes for photo in photos[:3])
    codes = edit.swap.plan(eyes=photos[1], hair=photos[2]).conditions["codes"][0]
    sources = {"left_eye": other, "right_eye": other, "hair": third, "skin": own, "mouth": own}
    for index, part in enumerate(PARTS):
        assert np.array_equal(codes[index], sources[part][index]), part
    later = edit.swap.plan(face=photos[1], mouth=photos[2]).conditions["codes"][0]
    assert np.array_equal(later[PARTS.index("mouth")], third[PARTS.index("mouth")])
    assert np.array_equal(later[PARTS.index("skin")], other[PARTS.index("skin")])
    assert not np.array_equal(pixels(edit.swap(hair=photos[2])), pixels(edit.swap()))


def test_all_forms_of_a_look_are_one(edit, photos, faces, tmp_path: Path):
    Image.fromarray(photos[1]).save(tmp_path / "other.png")
    expected = pixels(edit.swap(hair=photos[1]))
    for form in (edit.look(photos[1]), tmp_path / "other.png", (photos[1], faces[1][1])):
        assert np.array_equal(pixels(edit.swap(hair=form)), expected)


def test_a_look_cannot_be_changed(edit, photos):
    """It is the one that is remembered for the photo."""
    look = edit.look(photos[1])
    for array in (look.codes, look.label_map, edit.sitter.label_map):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    codes = look.codes.copy()
    own = Look(codes)
    codes[:] = 0
    assert np.array_equal(own.codes, look.codes)


def test_an_edited_map_changes_the_picture_and_keeps_the_looks(edit, faces):
    label_map = faces[0][1].copy()
    label_map[:10] = SCHEMA.id("hair")
    result = edit.repaint(label_map)
    assert not np.array_equal(pixels(result), pixels(edit.swap()))
    assert np.array_equal(result.plan.conditions["codes"][0], edit.sitter.look.codes)
    several = edit.repaint([faces[0][1], label_map])
    assert np.array_equal(pixels(several)[1], pixels(result)[0])
    assert np.array_equal(pixels(several)[0], pixels(edit.swap())[0])


def test_maps_that_lack_parts_are_painted(edit):
    for ids in (np.zeros((64, 64), np.uint8), np.ones((64, 64), np.uint8)):
        assert len(edit.repaint(ids).images) == 1


def test_interpolation_is_linear_in_the_codes(edit, photos):
    result = edit.interpolate(hair=photos[1], steps=3)
    codes = result.plan.conditions["codes"]
    hair = PARTS.index("hair")
    np.testing.assert_allclose(codes[1, hair], (codes[0, hair] + codes[2, hair]) / 2, rtol=1e-5, atol=1e-6)
    assert np.array_equal(np.delete(codes, hair, 1)[0], np.delete(codes, hair, 1)[2])
    assert np.array_equal(pixels(result)[0], pixels(edit.swap())[0])
    assert np.array_equal(pixels(result)[2], pixels(edit.swap(hair=photos[1]))[0])
    assert len(edit.interpolate(face=photos[1]).images) == 10


def test_gallery_has_a_row_a_map_and_a_column_a_source(edit, photos, faces):
    maps = [faces[0][1], faces[2][1]]
    result = edit.gallery(photos[1:], maps)
    assert result.settings["columns"] == 3 and len(result.images) == 6
    assert np.array_equal(pixels(result)[1], pixels(edit.face_swap(photos[2]))[0])
    assert np.array_equal(pixels(edit.gallery([photos[1]]))[0], pixels(edit.face_swap(photos[1]))[0])


def test_face_swap_takes_looks_and_on_demand_the_layout(edit, photos, faces):
    swapped = edit.face_swap(photos[1])
    assert np.array_equal(swapped.plan.conditions["label_map"][0], faces[0][1])
    assert np.array_equal(swapped.plan.conditions["codes"][0], edit.look(photos[1]).codes)
    whole = edit.face_swap(photos[1], with_map=True)
    assert np.array_equal(whole.plan.conditions["label_map"][0], faces[1][1])
    bald = edit.face_swap(photos[1], with_hair=False).plan.conditions["codes"][0]
    assert np.array_equal(bald[PARTS.index("hair")], edit.sitter.look.codes[PARTS.index("hair")])


def test_random_looks_need_codes_that_are_distributions(edit, make_pipeline, photos):
    with pytest.raises(ConfigError, match=r"--model\.latent vae"):
        edit.swap(hair=3)
    pipe = make_pipeline(latent="vae")
    pipe.set_image(photos[0])
    first, again, other = (pixels(pipe.swap(hair=seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    with pytest.raises(ConfigError, match="no layout to take"):
        pipe.face_swap(3, with_map=True)


def test_a_result_holds_codes_and_the_background_alone(edit, photos, faces, tmp_path: Path):
    result = edit.swap(hair=photos[1])
    background = result.plan.conditions["background"][0]
    assert (
        not background[faces[0][1] != 0].any() and (background[faces[0][1] == 0] == photos[0][faces[0][1] == 0]).all()
    )
    result.save(tmp_path / "out")
    assert np.array_equal(pixels(edit.reproduce(tmp_path / "out" / "result.json")), pixels(result))


def test_what_a_face_hid_is_painted_in_the_colours_around_it(edit, photos, faces):
    """An edit that uncovers background must not show the old face there."""
    face = faces[0][1] != 0
    spread = spread_background(photos[0], faces[0][1])
    assert np.array_equal(spread[~face], photos[0][~face])
    hidden = np.abs(spread.astype(int) - photos[0])[face].mean()
    marked = photos[0].copy()
    marked[face] = (255, 0, 255)
    assert np.array_equal(spread_background(marked, faces[0][1]), spread) and hidden > 5
    plain = np.full_like(photos[0], (10, 200, 30))
    assert np.array_equal(spread_background(np.where(face[..., None], 0, plain), faces[0][1]), plain)
    assert np.array_equal(spread_background(marked, np.ones_like(faces[0][1])), marked), "nothing is known"
    uncovered = edit.repaint(np.zeros_like(faces[0][1])).plan.conditions["background"][0]
    assert np.array_equal(uncovered, spread)


def test_a_photo_that_was_seen_is_not_parsed_again(pipeline, photos, faces, monkeypatch):
    pipeline.set_image(photos[0])
    expected = pixels(pipeline.swap(hair=photos[1]))
    monkeypatch.delitem(pipeline.components, "parser")  # parsing would fail now
    for _ in range(2):
        assert np.array_equal(pixels(pipeline.swap(hair=photos[1].copy())), expected)
    pipeline.set_image(photos[0])
    assert np.array_equal(pixels(pipeline.swap(hair=photos[1])), expected)
    monkeypatch.setattr("limner.systems.portrait.pipeline.REMEMBERED", 3)
    for value in range(5):
        pipeline.look(np.full_like(photos[0], value), faces[0][1])
    assert len(pipeline._looks) == 3, "memory stays flat"
    with pytest.raises(KeyError):
        pipeline.look(photos[1])


def test_pasting_back_changes_the_face_and_nothing_else(pipeline, photos):
    scene = np.full((200, 300, 3), (90, 90, 0), np.uint8)
    scene[60:188, 100:228] = photos[0].repeat(2, axis=0).repeat(2, axis=1)
    landmarks = TEMPLATE * 128 + (100, 60) - 0.5
    label_map = pipeline.set_image(scene, landmarks=landmarks)
    assert (label_map == pipeline.parse(photos[0])).mean() > 0.8, "the crop is the face again, but for its edges"
    (pasted,) = pipeline.paste_back(pipeline.swap())
    changed = np.abs(np.asarray(pasted).astype(int) - scene).max(2) > 0
    rows, columns = np.nonzero(changed)
    assert pasted.size == (300, 200) and changed[100:150, 140:190].mean() > 0.9
    assert rows.min() >= 60 and rows.max() < 188 and columns.min() >= 100 and columns.max() < 228, "inside the crop"


def test_square_photos_come_back_at_their_own_size(edit, photos):
    large = np.asarray(Image.fromarray(photos[0]).resize((256, 256), Image.Resampling.NEAREST))
    edit.set_image(large)
    (pasted,) = edit.paste_back(edit.swap())
    difference = np.abs(np.asarray(pasted).astype(int) - large).max(2)
    assert pasted.size == (256, 256) and not difference[:, :4].any() and not difference[:, -4:].any()
    assert difference[100:180, 100:160].mean() > 5


def test_results_of_other_photos_or_weights_are_not_pasted(edit, make_pipeline, photos, faces):
    result, plan = edit.swap(), edit.swap.plan()
    other_map = faces[0][1].copy()
    other_map[:10] = SCHEMA.id("hair")
    for sit in (
        {"photo": photos[1]},
        {"photo": photos[0], "label_map": other_map},
        {"photo": photos[0].repeat(2, 0).repeat(2, 1)},
    ):
        edit.set_image(**sit)
        with pytest.raises(ConfigError, match="of another photo; call set_image with that one first"):
            edit.paste_back(result)
    edit.set_image(photos[0])
    assert len(edit.paste_back(result)) == 1
    stranger = make_pipeline(seed=1)
    stranger.set_image(photos[0])
    with pytest.raises(WeightsError, match="load the weights that drew it"):
        stranger.paste_back(result)
    for value, name in ((None, "NoneType"), (plan, "GenerationPlan")):
        with pytest.raises(ConfigError, match=f"not a {name}"):
            edit.paste_back(value)


def test_saved_and_loaded_again(edit, photos, tmp_path: Path, make_pipeline):
    pipeline = make_pipeline()
    pipeline.save_pretrained(tmp_path / "weights")
    loaded = PortraitPipeline.from_pretrained(tmp_path / "weights")
    assert loaded.weights_hash == pipeline.weights_hash and loaded.sitter is None
    ids = edit.sitter.label_map
    for pipe in (pipeline, loaded):
        pipe.set_image(photos[0], ids)
    assert np.array_equal(pixels(loaded.swap()), pixels(pipeline.swap()))


@pytest.mark.parametrize("network", ["generator", "appearance", "parser"])
def test_networks_can_be_exported(make_pipeline, tmp_path: Path, network: str):
    report = export_network(make_pipeline(), tmp_path / "net.pt", format="torchscript", network=network)
    assert report.max_difference is not None and report.max_difference < 1e-3


@pytest.mark.parametrize("format", ["onnx", pytest.param("torch-export", marks=pytest.mark.slow), "torchscript"])
@pytest.mark.parametrize("network", ["generator", "appearance"])
def test_networks_with_aligned_places_can_be_exported(make_pipeline, tmp_path: Path, network: str, format: str):
    aligned = {"local_channels": 2, "local_stride": 4, "local_alignment": "similarity", "smooth_enlargement": True}
    pipeline = make_pipeline(**aligned)
    report = export_network(pipeline, tmp_path / "net", format=format, network=network)
    assert report.max_difference is not None and report.max_difference < 1e-3


def test_edits_leave_nothing_behind(edit, photos):
    """Memory stays flat: no tensor of one edit outlives it."""

    def tensors() -> int:
        gc.collect()
        return sum(type(item) is torch.Tensor for item in gc.get_objects())

    look = edit.look(photos[1])
    edit.swap(hair=look)
    before = tensors()
    for _ in range(5):
        edit.swap(hair=look)
    assert tensors() <= before


NO_FACE = np.zeros((64, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("photo", "error", "text"),
    [
        (NO_FACE, DataError, "shows no face that can be found"),
        (np.zeros((64, 50, 3), np.uint8), DataError, "50x64, but must be square"),
        (
            np.zeros((64, 50, 3), np.uint8),
            DataError,
            "say --fit crop or pad (in Python: pipe.fit); an uncut photo may be edited with --align, or with landmarks",
        ),
        (np.zeros((9, 9, 3), np.uint8), DataError, "9x9, too small to see a face"),
        (np.zeros((64, 64, 4), np.uint8), ShapeError, "it must be uint8 (height, width, 3)"),
        (np.zeros((64, 64, 3)), ShapeError, "it must be uint8"),
        ("nowhere.jpg", DataError, "nowhere.jpg is missing"),
        ("", DataError, "The name of a picture is empty"),
        (np.zeros((3000, 2000, 3), np.uint8), DataError, "2000x3000, but must be square"),
        (np.zeros((3000, 3000, 3), np.uint8), DataError, "shows no face that can be found"),
    ],
)
def test_photos_that_cannot_be_edited(pipeline, photo, error: type[LimnerError], text: str):
    with pytest.raises(error, match=re.escape(text)):
        pipeline.set_image(photo)
    assert pipeline.sitter is None


def test_aligned_looks_of_the_photo_itself_change_nothing(make_pipeline, photos, faces):
    """Where eyes and mouth stay, so do skin and hair; on a map that lies elsewhere they come along."""
    options = {"local_channels": 2, "local_stride": 4}
    pipes = [make_pipeline(**options), make_pipeline(**options, local_alignment="similarity")]
    (_, ids), results = faces[0], []
    for pipe in pipes:
        sitter = pipe.sit(photos[0], ids)
        shifted = np.roll(ids, (4, 6), axis=(0, 1))
        results.append([pixels(sitter.swap())[0].astype(int), pixels(sitter.repaint(shifted))[0].astype(int)])
    (again, elsewhere), (again_aligned, elsewhere_aligned) = results
    assert np.abs(again - again_aligned).max() <= 1
    assert np.abs(elsewhere - elsewhere_aligned).max() > 1


def test_upside_down_and_double_faces_are_refused(pipeline, photos, faces):
    with pytest.raises(DataError, match="does not stand upright"):
        pipeline.set_image(np.ascontiguousarray(photos[0][::-1]))
    small = Image.fromarray(photos[0]).resize((32, 32), Image.Resampling.NEAREST)
    both = np.zeros((64, 64, 3), np.uint8)
    both[16:48, :32] = both[16:48, 32:] = np.asarray(small)
    with pytest.raises(DataError, match="more than one face"):
        pipeline.set_image(both)


def test_faces_on_their_side_are_refused():
    """The order of the rows alone does not always tell."""
    table, texts = converter("celebamask-19", SCHEMA), []
    for person in ready("face"):
        check_face(table[person.label_map], person.name)
        for turns in (1, 3):
            with pytest.raises(DataError, match="does not stand upright") as caught:
                check_face(np.rot90(table[person.label_map], turns), person.name)
            texts.append(str(caught.value))
    assert any(re.search(r"turned by [89]\d degrees", text) for text in texts)


@pytest.fixture(scope="module")
def shipped() -> PortraitPipeline:
    """The shipped weights."""
    return limner.load("portrait")


def test_the_shipped_parser_takes_upright_people_alone(shipped):
    """It draws an upright face into whatever it sees."""
    for person in ready("face")[:8]:
        shipped.set_image(person.image)
        for turns in (1, 2, 3):
            with pytest.raises(DataError, match="upright"):
                shipped.set_image(np.rot90(person.image, turns))


def test_the_shipped_parser_takes_no_pairs_and_no_noise(shipped, caplog):
    people = [np.asarray(Image.fromarray(person.image).resize((128, 128))) for person in ready("face")[:6]]
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (128, 128, 3), dtype=np.uint8) for _ in range(4)]
    for pair in pairwise(people):
        both = np.full((256, 256, 3), 120, np.uint8)
        both[64:192] = np.concatenate(pair, axis=1)
        middles = np.concatenate([photo[:, 32:96] for photo in pair], axis=1)
        pictures += [both, np.rot90(both), middles, np.rot90(middles, 3)]
    for picture in pictures:
        with pytest.raises(DataError, match=r"upright|more than one face|no face|one face or align it"):
            shipped.set_image(picture)
    assert not caplog.records, "what is refused is not warned of"


def test_half_of_the_features_are_enough(faces):
    """Of a profile, if no turned picture looks clearly better."""

    def turned(ids, *certainties):
        return [(np.rot90(ids, quarters), certainty) for quarters, certainty in enumerate(certainties)]

    ids = faces[0][1]
    check_turns(turned(ids, 0.9, 0.9, 0.9, 0.9), "it")
    profile = ids.copy()
    profile[np.isin(ids, [SCHEMA.id(name) for name in ("r_eye", "r_brow", "l_brow")])] = SCHEMA.id("skin")
    for label_map in (profile, profile.repeat(4, axis=0).repeat(4, axis=1)):
        check_turns(turned(label_map, 0.9, 0.9, 0.9, 0.9), "it")
    for certainties in ((0.9, 0.9, 0.9, 1.2), (0.7, 0.7, 0.7, 0.7)):
        with pytest.raises(DataError, match=r"it shows no single face .* \(4 of 7 features"):
            check_turns(turned(profile, *certainties), "it")
    profile[np.isin(ids, [SCHEMA.id(name) for name in ("nose", "u_lip")])] = SCHEMA.id("skin")
    with pytest.raises(DataError, match=r"\(2 of 7 features"):
        check_turns(turned(profile, 0.9, 0.9, 0.9, 0.9), "it")


def test_two_faces_in_one_skin_are_refused(faces):
    """Their cheeks touch; a mouth or a nose in two pieces alone is no other face."""
    ids = faces[0][1]
    both = np.concatenate([ids[:, 16:48], faces[1][1][:, 16:48]], axis=1)
    both[both == 0] = SCHEMA.id("skin")
    check_face(both, "it")  # to it they are one
    for label_map in (both, both.repeat(4, axis=0).repeat(4, axis=1)):
        with pytest.raises(DataError, match=r"it shows more than one face.*nose and mouth are seen twice"):
            check_doubles(label_map, "it")
    for names in (("nose",), ("u_lip", "mouth", "l_lip")):
        broken, feature = ids.copy(), np.isin(ids, [SCHEMA.id(name) for name in names])
        broken[feature & (np.arange(64) == round(np.nonzero(feature)[1].mean()))] = SCHEMA.id("skin")
        check_doubles(broken, "it")


def test_a_map_must_follow_the_photo(faces):
    """What is imagined stays where faces usually are."""
    for photo, ids in faces:
        assert all(changed.shape == photo.shape for changed in changed_photos(photo))
        found = changed_maps(ids)
        check_changes(ids, found, "it")
        check_changes(ids, [ids, *found[1:]], "it")
        with pytest.raises(DataError, match=r"it shows no face that is plain to see \(\d+% of its brows, eyes"):
            check_changes(ids, [ids] * 3, "it")
    with pytest.raises(DataError, match="0% of its brows"):
        check_changes(np.zeros_like(ids), [np.zeros_like(ids)] * 3, "it")


def test_a_photo_whose_map_hardly_follows_is_warned_of(faces, caplog):
    ids = faces[0][1]
    found = changed_maps(ids)
    check_changes(ids, found, "it")
    assert not caplog.records
    half = np.where(np.arange(64) < 32, found[1], 0).astype(np.uint8)
    check_changes(ids, [found[0], half, np.zeros_like(ids)], "it")
    assert [record.getMessage()[:36] for record in caplog.records] == ["it may show no face from the front: "]


def test_changed_photos_and_maps_agree(faces):
    """Mirrored, moved and enlarged alike: the map as a picture is the picture of the map."""
    ids = faces[0][1]
    mirrored, moved, enlarged = (picture[..., 0] for picture in changed_photos(ids[..., None].repeat(3, axis=2)))
    of_map = changed_maps(ids)
    assert np.array_equal(SCHEMA.flip_permutation()[mirrored], of_map[0]) and not np.array_equal(mirrored, of_map[0])
    assert np.array_equal(moved, of_map[1]) and np.array_equal(moved[:-8], ids[8:])
    assert (enlarged == of_map[2]).mean() > 0.8 and np.array_equal(of_map[2][::4, ::4], ids[8:56:3, 8:56:3])


def test_huge_photos_are_edited_at_the_networks_size(pipeline, photos, faces):
    huge = photos[0].repeat(32, axis=0).repeat(32, axis=1)
    assert (pipeline.set_image(huge) == faces[0][1]).mean() > 0.9
    (pasted,) = pipeline.paste_back(pipeline.swap())
    assert pasted.size == (2048, 2048)


@pytest.mark.parametrize(
    ("label_map", "error", "text"),
    [
        (np.zeros((64, 32), np.uint8), DataError, "32x64, but must be square"),
        (np.full((64, 64), 11, np.uint8), DataError, "id 11"),
        (np.zeros((64, 64), np.float32), ShapeError, "must be whole-number class ids"),
        (np.zeros((64, 64), np.uint8), DataError, "by its label map, shows no face"),
    ],
)
def test_maps_that_contradict_the_photo(pipeline, photos, label_map, error: type[LimnerError], text: str):
    with pytest.raises(error, match=text):
        pipeline.set_image(photos[0], label_map)
    assert pipeline.sitter is None


def test_a_map_may_have_another_size_than_its_photo(pipeline, photos, faces):
    """CelebAMask-HQ's maps have half the side of its photos."""
    large = photos[0].repeat(4, axis=0).repeat(4, axis=1)
    double = faces[0][1].repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(pipeline.set_image(large, double), faces[0][1])


@pytest.mark.parametrize("missing", [("l_eye",), ("r_eye",), ("u_lip", "mouth", "l_lip"), ("hair",), ("nose",)])
def test_maps_that_miss_a_part_are_edited(pipeline, photos, faces, missing, caplog):
    ids = faces[0][1].copy()
    ids[np.isin(ids, [SCHEMA.id(name) for name in missing])] = SCHEMA.id("skin")
    with caplog.at_level(logging.WARNING):
        pipeline.set_image(photos[0], ids)
    assert len(pipeline.swap(face=(photos[1], faces[1][1])).images) == 1
    assert ("shows no" in caplog.text) == (missing != ("nose",))


def test_a_profile_is_edited_with_a_warning(pipeline, photos, faces, caplog):
    """One eye and one brow at the border of the picture."""
    ids = faces[0][1].copy()
    ids[np.isin(ids, [SCHEMA.id(name) for name in ("r_eye", "r_brow")])] = SCHEMA.id("skin")
    ids = np.roll(ids, -int(np.nonzero(ids == SCHEMA.id("l_eye"))[1].min()), axis=1)
    with caplog.at_level(logging.WARNING):
        pipeline.set_image(photos[0], ids)
    assert "shows no right eye" in caplog.text and len(pipeline.swap().images) == 1


def test_closed_eyes_and_profiles_are_edited_with_a_warning(pipeline, photos, faces, caplog):
    ids = faces[0][1].copy()
    ids[np.isin(ids, (4, 5))] = 1
    with caplog.at_level(logging.WARNING):
        pipeline.set_image(photos[0], ids)
    texts = [record.getMessage() for record in caplog.records]
    assert any("shows no left eye" in text for text in texts) and any("no right eye" in text for text in texts)
    assert len(pipeline.swap().images) == 1


def test_calls_that_make_no_sense(edit, pipeline, make_pipeline, photos, faces):
    with pytest.raises(ConfigError, match="call set_image first"):
        make_pipeline().swap()
    with pytest.raises(ConfigError, match=r'no part "hairs"\. Did you mean "hair"'):
        edit.swap(hairs=photos[1])
    with pytest.raises(ConfigError, match="at least one source"):
        edit.gallery([])
    with pytest.raises(ConfigError, match="needs a part whose look changes"):
        edit.interpolate()
    for call in (edit.swap, lambda **words: edit.set_image(photos[0], **words), edit.look):
        with pytest.raises(ConfigError, match="schema is that of a given label map"):
            call(**({"photo": photos[1]} if call == edit.look else {}), schema="celebamask-19")
    with pytest.raises(ConfigError, match="schema is that of a given label map"):
        edit.gallery([photos[1]], schema="celebamask-19")
    with pytest.raises(ConfigError, match="repaint needs an edited label map"):
        edit.repaint(None)
    with pytest.raises(ConfigError, match="steps is 1"):
        edit.interpolate(hair=photos[1], steps=1)
    with pytest.raises(ConfigError, match="give one"):
        edit.set_image(photos[0], faces[0][1], landmarks=[(1, 2), (3, 2), (2, 4)])
    with pytest.raises(ShapeError, match="have shape"):
        edit.set_image(photos[0], landmarks=[(1, 2)])
    with pytest.raises(ShapeError, match="A look has codes of shape"):
        edit.swap(hair=make_pipeline_look(make_pipeline, photos[1]))
    with pytest.raises(ConfigError, match="takes one label map, but 2"):
        edit.set_image(photos[0], np.stack([faces[0][1]] * 2))


@pytest.mark.parametrize(
    ("codes", "error", "text"),
    [
        (np.full((5, 96), np.nan), ConfigError, "NaN or infinite"),
        (np.full((5, 96), 1e300), ConfigError, "NaN or infinite"),
        ([[0.0] * 96] * 4, ShapeError, r"shape \(4, 96\)"),
        ([0.0] * 96, ShapeError, r"shape \(96,\)"),
        ([[0.0], [0.0, 1.0]], ShapeError, "must be numbers of shape"),
        ("codes", ShapeError, "must be numbers of shape"),
    ],
)
def test_codes_that_are_no_look(codes, error: type[LimnerError], text: str):
    with np.errstate(over="ignore"), pytest.raises(error, match=text):
        Look(codes)


def test_looks_may_be_lists_but_not_of_other_weights(edit, make_pipeline, photos):
    look = edit.look(photos[1])
    listed = Look(look.codes.tolist())
    assert np.array_equal(pixels(edit.swap(hair=listed)), pixels(edit.swap(hair=look)))
    with pytest.raises(ConfigError, match="The look is of other weights"):
        edit.swap(hair=make_pipeline(seed=1).look(photos[1]))


@pytest.mark.parametrize("photo", [None, 1.5, {}, b"me.jpg", ["me.jpg"]])
def test_things_that_are_no_photo(edit, photo):
    for call in (edit.set_image, edit.face_swap, lambda photo: edit.swap(hair=photo)):
        with pytest.raises(ShapeError, match=f"A picture cannot be a {type(photo).__name__}; give a file"):
            call(photo)


def test_photos_may_be_tensors(edit, photos):
    assert np.array_equal(edit.set_image(torch.from_numpy(photos[1].copy())), edit.set_image(photos[1]))
    with pytest.raises(ShapeError, match=r"float32 \(64, 64, 3\); it must be uint8"):
        edit.set_image(torch.zeros(64, 64, 3))


def test_a_gallery_of_one_photo_needs_no_list(edit, photos, tmp_path: Path):
    Image.fromarray(photos[1]).save(tmp_path / "photo.png")
    expected = pixels(edit.gallery([photos[1]]))
    file = tmp_path / "photo.png"
    for source in (photos[1], Image.fromarray(photos[1]), file, str(file), edit.look(photos[1])):
        assert np.array_equal(pixels(edit.gallery(source)), expected)


def test_numbers_pairs_and_plans_of_the_wrong_kind(edit, photos):
    for steps in (3.0, "3", True, 1001):
        with pytest.raises(
            ConfigError, match=f"steps is {steps!r}; it must be a whole number, at least 2 and at most 1000"
        ):
            edit.interpolate(hair=photos[1], steps=steps)
    for pair in ((), (photos[1], None, None, None)):
        with pytest.raises(ShapeError, match=f"is a pair, but {len(pair)} things are given"):
            edit.swap(hair=pair)
    foreign = GenerationPlan([0], {}, {"label_map": np.zeros((1, 64, 64), np.uint8)})
    with pytest.raises(ShapeError, match='The plan lacks the condition "background"'):
        edit.render(foreign)


def make_pipeline_look(make_pipeline, photo):
    """A look of networks with other widths."""
    return make_pipeline(width=8).look(photo)


def test_a_sitter_is_not_disturbed_by_others(pipeline, photos):
    """Threads that share a pipeline edited each other's photo when it lay in the pipeline."""
    one, other = pipeline.sit(photos[0]), pipeline.sit(photos[1])
    expected = np.asarray(one.swap(hair=photos[2]).images[0])
    pipeline.set_image(photos[1])
    other.swap(hair=photos[2])
    assert np.array_equal(np.asarray(one.swap(hair=photos[2]).images[0]), expected)
    assert not np.array_equal(np.asarray(other.swap(hair=photos[2]).images[0]), expected)
    pipeline.set_image(photos[0])
    assert np.array_equal(np.asarray(pipeline.swap(hair=photos[2]).images[0]), expected), "sugar for the same edit"


def test_edits_are_called_what_they_are_and_carry_no_seed(pipeline, photos, tmp_path):
    sitter = pipeline.sit(photos[0])
    names = {
        "swap-eyes-hair.png": sitter.swap(hair=photos[1], eyes=photos[1]),
        "repaint.png": sitter.repaint(sitter.label_map),
        "face-swap.png": sitter.face_swap(photos[1]),
        "look-000.png": sitter.gallery([photos[1], photos[2]]),
        "step-000.png": sitter.interpolate(hair=photos[1], steps=2),
    }
    for name, result in names.items():
        assert result.file_names()[0] == name and set(result.seeds) == {None} and result.plan.from_photo
        assert result.save(tmp_path / name)[0].name == name
        again = pipeline.reproduce(tmp_path / name / "result.json")
        assert np.array_equal(np.asarray(again.images[0]), np.asarray(result.images[0]))


def test_photos_that_are_not_square_may_be_cut_or_padded(pipeline, photos):
    """The crop lies in the middle of the photo as it was given, so an edit is put back in its place."""
    wide = np.pad(photos[0], ((0, 0), (20, 12), (0, 0)), mode="edge")
    pipeline.fit = "crop"
    try:
        sitter = pipeline.sit(np.pad(photos[0], ((0, 0), (16, 16), (0, 0)), mode="edge"))
        assert np.abs(sitter.photo.astype(int) - photos[0]).max() <= 1
        (pasted,) = sitter.paste_back(sitter.swap())
        assert pasted.size == (photos[0].shape[1] + 32, photos[0].shape[0])
        pipeline.fit = "pad"
        assert len(set(pipeline.parse(wide).shape)) == 1
    finally:
        pipeline.fit = "refuse"
