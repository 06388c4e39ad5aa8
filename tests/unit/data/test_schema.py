"""Schemas: sides, flips, conversions, colours, JSON."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from limner.data.schema import (
    SCHEMAS,
    UNMAPPED,
    LabelSchema,
    converter,
    distinct_colors,
    get_schema,
    read_schema,
    side_pairs,
)
from limner.errors import ConfigError, DataError


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_every_schema_has_one_color_per_class_and_flips_back(schema):
    flip = schema.flip_permutation()
    assert len(set(schema.palette)) == schema.num_classes
    assert schema.palette[0] == (0, 0, 0)
    assert (flip[flip] == np.arange(schema.num_classes)).all()


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_every_schema_survives_json(schema):
    assert LabelSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_the_orders_are_the_published_ones():
    celebamask, bisenet = get_schema("celebamask-19"), get_schema("bisenet-19")
    assert [celebamask.id(name) for name in ("skin", "nose", "l_eye", "r_eye", "mouth", "hair", "cloth")] == [
        1, 2, 4, 5, 10, 13, 18,
    ]  # fmt: skip
    assert [bisenet.id(name) for name in ("l_brow", "l_eye", "eye_g", "nose", "mouth", "neck", "hair", "hat")] == [
        2, 4, 6, 10, 11, 14, 17, 18,
    ]  # fmt: skip
    assert get_schema("deepfashion-7").classes[3:] == ("upper_clothes", "lower_clothes", "legs", "arms")
    assert get_schema("ccp-59").num_classes == 59
    assert get_schema("ccp-59").classes[41] == "skin"
    assert celebamask.palette[13] == (0, 0, 204)


def test_flip_exchanges_sides_but_not_lips():
    flip = get_schema("celebamask-19").flip_permutation()
    assert flip.tolist() == [0, 1, 2, 3, 5, 4, 7, 6, 9, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18]
    assert get_schema("portrait-11").flip_permutation().tolist() == [0, 1, 3, 2, 5, 4, 6, 7, 8, 9, 10]


def test_celebamask_to_scgan_is_the_table_of_the_paper_specification():
    table = converter("celebamask-19", "scgan-celeba-7")
    expected = {1: 1, 5: 2, 4: 3, 2: 4, 11: 5, 12: 5, 10: 6}
    assert table[:19].tolist() == [expected.get(index, 0) for index in range(19)]
    assert (table[19:] == UNMAPPED).all()


def test_celebamask_to_portrait_is_the_table_of_the_paper_specification():
    table = converter("celebamask-19", "portrait-11")
    assert table[:19].tolist() == [0, 1, 6, 1, 5, 4, 3, 2, 1, 1, 8, 7, 9, 10, 0, 0, 0, 0, 0]


def test_the_two_orders_of_19_classes_convert_there_and_back():
    there, back = converter("celebamask-19", "bisenet-19"), converter("bisenet-19", "celebamask-19")
    assert back[there[:19]].tolist() == list(range(19))
    assert there[:19].tolist() != list(range(19))
    direct = converter("bisenet-19", "portrait-11")[:19]
    assert direct.tolist() == converter("celebamask-19", "portrait-11")[back[:19]].tolist()


def test_portrait_survives_the_way_through_celebamask():
    there, back = converter("portrait-11", "celebamask-19"), converter("celebamask-19", "portrait-11")
    assert back[there[:11]].tolist() == list(range(11))


def test_left_of_the_image_stays_left_of_the_image(draw_face):
    face = draw_face()
    for target in ("portrait-11", "scgan-celeba-7"):
        schema = get_schema(target)
        converted = converter("celebamask-19", target)[face]
        left, right = (np.argwhere(converted == schema.id(name))[:, 1].mean() for name in ("l_eye", "r_eye"))
        assert left < right, "in a schema with the image's sides, l_eye is on the left of the image"


def test_garments_merge_to_seven_classes():
    schema, table = get_schema("ccp-59"), converter("ccp-59", "ccp-7")
    names = {name: get_schema("ccp-7").classes[table[schema.id(name)]] for name in schema.classes}
    assert names["null"] == "background" and names["jeans"] == "lower_clothes" and names["dress"] == "upper_clothes"
    assert names["boots"] == "shoes" and names["bag"] == "accessories" and names["skin"] == "skin"
    assert get_schema("ccp-7").classes[converter("deepfashion-7", "ccp-7")[6]] == "skin"


@pytest.mark.parametrize(
    ("source", "target", "name"),
    [
        ("scgan-celeba-7", "celebamask-19", "lips"),
        ("ccp-7", "deepfashion-7", "skin"),
        ("ccp-59", "celebamask-19", "null"),
        ("celebamask-19", "deepfashion-7", "skin"),
    ],
)
def test_a_class_without_counterpart_is_named(source, target, name):
    with pytest.raises(ConfigError, match=f'"{source}" cannot become "{target}": its class "{name}"'):
        converter(source, target)


def test_converter_gives_a_table_of_its_own():
    converter("celebamask-19", "bisenet-19")[:] = 0
    assert converter("celebamask-19", "bisenet-19")[13] == 17


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(ConfigError, match='Did you mean "celebamask-19"'):
        get_schema("celebamask19")
    with pytest.raises(ConfigError, match='Did you mean "l_eye"'):
        get_schema("celebamask-19").id("left_eye")


def test_ids_outside_the_schema_are_refused_with_the_fix(draw_face):
    with pytest.raises(DataError, match=r'class id 18, but schema "portrait-11" has ids 0\.\.10.*celebamask-19'):
        get_schema("portrait-11").check_ids(draw_face(), "labels/12.png")
    with pytest.raises(DataError, match="0/255 mask of one part"):
        get_schema("portrait-11").check_ids(np.array([[0, 255]]), "labels/12.png")
    with pytest.raises(DataError, match="class id -1"):
        get_schema("portrait-11").check_ids(np.array([[-1, 3]]), "labels/12.png")
    with pytest.raises(DataError, match="empty"):
        get_schema("portrait-11").check_ids(np.zeros((0, 4)), "labels/12.png")


def test_colorize_paints_the_palette():
    schema = get_schema("celebamask-19")
    colors = schema.colorize(np.array([[0, 13]], dtype=np.uint8))
    assert colors.shape == (1, 2, 3) and tuple(colors[0, 1]) == schema.palette[13]


def test_distinct_colors_are_the_voc_colors():
    colors = distinct_colors(256)
    assert colors[:4] == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)) and colors[8] == (64, 0, 0)
    assert len(set(colors)) == 256


def test_schema_from_a_file(tmp_path):
    path = tmp_path / "cat.json"
    path.write_text('{"name": "cat", "classes": ["background", "cat"]}')
    schema = get_schema(path)
    assert schema.classes == ("background", "cat") and schema.palette[1] == (128, 0, 0) and schema.sides == "none"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "not valid JSON"),
        ("[1]", 'with "name" and "classes"'),
        ('{"name": "x", "classes": []}', "1 to 255"),
        ('{"name": "x", "classes": ["a", "a"]}', "names a class twice"),
        ('{"name": "x", "classes": ["a", "b"], "palette": [[1, 1, 1]]}', "one colour of its own"),
        ('{"name": "x", "classes": ["a"], "palette": [[1, 1, 300]]}', "outside 0..255"),
        ('{"name": "x", "classes": ["a"], "palette": [[1, 1]]}', "wrong kind"),
        ('{"name": "x", "classes": ["a"], "colors": []}', 'unknown field "colors"'),
        ('{"name": "x", "classes": ["a", "b"], "flip_pairs": [["a", "b"]]}', "sides must be"),
        ('{"name": "x", "classes": ["a", "b"], "flip_pairs": [["a", "c"]], "sides": "image"}', 'no class "c"'),
        ('{"name": "x", "classes": ["a"], "sides": "left"}', 'sides "left"'),
    ],
)
def test_a_wrong_schema_file_is_refused(tmp_path, text, message):
    path = tmp_path / "schema.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        get_schema(path)
    assert str(path) in str(caught.value)


def test_a_missing_schema_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        get_schema(tmp_path / "none.json")


def test_a_schema_is_immutable_and_can_be_a_key():
    schema = get_schema("celebamask-19")
    with pytest.raises(dataclasses.FrozenInstanceError):
        schema.name = "other"  # type: ignore[misc]
    assert {schema: 1}[SCHEMAS["celebamask-19"]] == 1


@pytest.mark.parametrize(
    "pair",
    [
        ("l_eye", "r_eye"),
        ("left_arm", "right_arm"),
        ("Left Arm", "Right Arm"),
        ("eye-l", "eye-r"),
        ("leftEye", "rightEye"),
    ],
)
def test_own_sides_without_flip_pairs_are_refused(tmp_path, pair):
    path = tmp_path / "schema.json"
    content = {"name": "own", "classes": ["background", "lip", "bright", *pair]}
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=f'classes "{pair[0]}" and "{pair[1]}", but "flip_pairs" does not have them'):
        read_schema(path)
    path.write_text(json.dumps(content | {"flip_pairs": []}))  # nothing changes places, said by the user
    assert read_schema(path).flip_pairs == ()
    path.write_text(json.dumps(content | {"flip_pairs": [pair[::-1]], "sides": "image"}))
    assert read_schema(path).flip_permutation().tolist() == [0, 1, 2, 4, 3]


def test_one_forgotten_pair_is_refused(tmp_path):
    classes = ["background", "l_eye", "r_eye", "l_ear", "r_ear"]
    content = {"name": "own", "classes": classes, "flip_pairs": [["l_eye", "r_eye"]], "sides": "subject"}
    (tmp_path / "schema.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match='"l_ear" and "r_ear"'):
        read_schema(tmp_path / "schema.json")


def test_the_schemas_that_come_along_name_all_their_pairs():
    for schema in SCHEMAS.values():
        assert {frozenset(pair) for pair in side_pairs(schema.classes)} <= {frozenset(p) for p in schema.flip_pairs}
