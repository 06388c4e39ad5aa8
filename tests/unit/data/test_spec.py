"""What a model must know of its data: every part, its JSON form, and the form that shipped weights have."""

from __future__ import annotations

import json

import numpy as np
import pytest

from limner.data.ages import CAAE_GROUPS, LGCGAN_GROUPS, AgeGroup, group_of
from limner.data.captions import END, Vocabulary, fit_words, tokens
from limner.data.keypoints import LIMBS, NAMES
from limner.data.point_schema import IBUG_68, MARKET_14, OPENPOSE_18, POINT_SCHEMAS, PointGroup, PointSchema
from limner.data.schema import SCHEMAS
from limner.data.size import Size
from limner.data.spec import AudioSpec, DataSpec
from limner.errors import ConfigError, DataError, WeightsError


def test_size():
    assert Size.of(64) == Size.of((64, 64)) == Size.of([64, 64]) == Size(64, 64)
    assert Size(64, 64).square and not Size(256, 176).square
    assert str(Size(64, 64)) == "64" and str(Size(256, 176)) == "256x176"
    for value in (64, [256, 176]):
        assert Size.of(value).to_json() == value
    for value in (0, -3, 10**6, True, (3,), (3, 4, 5), (3, 0), (3.0, 4.0), "64", b"ab", None, 2.5):
        with pytest.raises(ConfigError, match="whole number of pixels, or a height and a width"):
            Size.of(value)


FULL = DataSpec(
    labels=SCHEMAS["body-20"],
    attribute_names=("Male", "Young"),
    attribute_kind="exclusive",
    landmarks=IBUG_68,
    keypoints=OPENPOSE_18,
    age_groups=LGCGAN_GROUPS,
    vocabulary=Vocabulary((END, "red", "hair")),
    audio=AudioSpec(16_000, 25.0),
)


@pytest.mark.parametrize("spec", [DataSpec(), FULL, DataSpec(keypoints=MARKET_14)])
def test_spec_survives_json(spec):
    assert DataSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_spec_of_label_maps_has_the_json_form_of_shipped_weights():
    spec = DataSpec(SCHEMAS["celebamask-19"], ("Male", "Young"), "exclusive")
    assert list(spec.to_json()) == ["schema", "attribute_names", "attribute_kind"]
    assert DataSpec().to_json() == {"attribute_names": [], "attribute_kind": "multi_label"}


def test_the_schema_that_stood_for_no_labels_is_read_as_none():
    old = {
        "schema": {"name": "subject", "classes": ["background", "subject"], "palette": [[0, 0, 0], [255, 255, 255]]},
        "attribute_names": [],
        "attribute_kind": "multi_label",
    }
    assert DataSpec.from_json(old) == DataSpec()


def test_a_spec_without_labels_says_so():
    with pytest.raises(WeightsError, match="These weights know no labels"):
        DataSpec().schema  # noqa: B018
    assert FULL.schema is FULL.labels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attribute_kind": "some"}, 'attribute_kind is "some"'),
        ({"attribute_names": 3}, "attribute_names is 3, but must be a list of texts"),
        ({"attribute_names": "Male"}, "must be a list of texts"),
        ({"attribute_names": ["a", None]}, "must be a list of texts"),
        ({"attribute_names": ["a", "a"]}, "An attribute is named twice"),
        ({"audio": {"sample_rate_hz": 16000, "frames_per_second": 10**400}}, "sound cannot be used"),
        ({"zoom": "large"}, "wrong kind"),
        ({"shema": {}}, 'unknown field "shema".*Did you mean "schema"'),
        ({"vocabulary": ["red"]}, "vocabulary cannot be used"),
        ({"vocabulary": "red"}, "not a list of words"),
        ({"age_groups": [{"name": "x"}]}, "needs a name, a first and a last age"),
        ({"age_groups": [{"name": "x", "first": 9, "last": 3}]}, "from 9 to 3"),
        ({"audio": {"sample_rate_hz": 0, "frames_per_second": 25}}, "must be more than 0"),
        ({"audio": []}, "sound cannot be used"),
        ({"landmarks": {"name": "x"}}, "point schema cannot be used"),
    ],
)
def test_a_wrong_description_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        DataSpec.from_json(FULL.to_json() | change)


def test_a_description_needs_its_attributes():
    with pytest.raises(DataError, match="lacks the field 'attribute_names'"):
        DataSpec.from_json({"attribute_kind": "exclusive"})
    with pytest.raises(DataError, match="JSON object"):
        DataSpec.from_json([])


@pytest.mark.parametrize("schema", POINT_SCHEMAS.values(), ids=lambda schema: schema.name)
def test_mirroring_points_twice_changes_nothing(schema):
    table = schema.flip_permutation()
    assert (table[table] == np.arange(len(schema))).all()
    assert sorted(table.tolist()) == list(range(len(schema)))


def test_the_mirrored_face_of_300w():
    table = IBUG_68.flip_permutation()
    expected = {0: 16, 7: 9, 17: 26, 21: 22, 31: 35, 36: 45, 40: 47, 48: 54, 59: 55, 60: 64, 67: 65}
    assert {index: int(table[index]) for index in expected} == expected
    fixed = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
    assert np.flatnonzero(table == np.arange(68)).tolist() == fixed
    assert [group.name for group in IBUG_68.groups] == ["jaw", "r_brow", "l_brow", "nose", "r_eye", "l_eye", "mouth"]
    assert IBUG_68.groups[3].lines == ((27, 28, 29, 30), (31, 32, 33, 34, 35))
    assert IBUG_68.groups[6].lines[1] == (60, 61, 62, 63, 64, 65, 66, 67, 60)
    assert IBUG_68.groups[5].points == tuple(range(42, 48))


def test_bodies():
    assert OPENPOSE_18.points == NAMES and OPENPOSE_18.lines == LIMBS
    assert OPENPOSE_18.flip_permutation().tolist() == [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16]
    assert MARKET_14.points[0] == "head_top" and MARKET_14.points[1:] == OPENPOSE_18.points[1:14]
    assert max(max(line) for line in MARKET_14.lines) == 13


def test_point_schemas_that_cannot_be():
    with pytest.raises(ConfigError, match="none twice"):
        PointSchema("x", ("a", "a"))
    with pytest.raises(ConfigError, match='no point "c"'):
        PointSchema("x", ("a", "b"), (("a", "c"),))
    with pytest.raises(ConfigError, match="two flip pairs"):
        PointSchema("x", ("a", "b", "c"), (("a", "b"), ("b", "c")))
    with pytest.raises(ConfigError, match="lines between points"):
        PointSchema("x", ("a", "b"), groups=(PointGroup("g", ((0, 2),)),))


def test_age_groups():
    names = ["0-5", "6-10", "11-20", "21-30", "31-40", "41-50", "51-60", "61-70", "71-80", "80+"]
    assert [group.name for group in LGCGAN_GROUPS] == names
    edges = {0: 0, 5: 0, 5.9: 0, 6: 1, 10: 1, 11: 2, 20: 2, 80: 8, 81: 9, 116: 9}
    assert {age: group_of(age, LGCGAN_GROUPS) for age in edges} == edges
    assert [group_of(age, CAAE_GROUPS) for age in (15, 16, 70, 71)] == [2, 3, 8, 9]
    assert group_of(130, LGCGAN_GROUPS) is None
    with pytest.raises(DataError, match="from 7 to 6"):
        AgeGroup("x", 7, 6)


def test_tokens():
    assert tokens("A bird's RED-crown, 100% naïve!") == ["a", "bird", "s", "red", "crown", "100", "nave"]
    assert tokens("this\ufffd\ufffdis") == ["this", "is"]
    assert tokens("é  --") == []


def test_vocabulary():
    vocabulary = Vocabulary.of(["A red bird.", "The bird is grey"])
    assert vocabulary.words == (END, "a", "red", "bird", "the", "is", "grey") and len(vocabulary) == 7
    words = vocabulary.encode("A green BIRD is a bird")
    assert words.ids == (1, 3, 5, 1, 3) and words.unknown == ("green",)
    assert vocabulary.decode((*words.ids, 0, 0)) == ["a", "bird", "is", "a", "bird"]
    with pytest.raises(ConfigError, match="begin with"):
        Vocabulary(("red",))
    with pytest.raises(ConfigError, match="no word twice"):
        Vocabulary((END, "red", "red"))


def test_captions_of_one_length():
    row, length = fit_words((5, 6, 7), 5)
    assert row.tolist() == [5, 6, 7, 0, 0] and length == 3 and row.dtype == np.int64
    row, length = fit_words(range(1, 10), 4)
    assert row.tolist() == [1, 2, 3, 4] and length == 4
    kept = {tuple(fit_words(range(1, 10), 4, np.random.default_rng(seed))[0].tolist()) for seed in range(20)}
    assert len(kept) > 5 and all(tuple(sorted(row)) == row for row in kept)
