"""Label maps in the colours of other tools."""

import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

from limner.data.colors import Colors, get_colors
from limner.data.image_io import label_map_from_pil, read_label_map
from limner.data.manifest import open_manifest
from limner.data.schema import SCHEMAS
from limner.errors import ConfigError, DataError
from limner.mask_to_image.inputs import read_label_maps

SCHEMA = SCHEMAS["celebamask-19"]
IDS = np.zeros((32, 32), np.uint8)
IDS[8:, 4:28], IDS[:8, 4:28] = SCHEMA.id("skin"), SCHEMA.id("hair")
OWN = {"background": ["#101010", [20, 20, 20]], "skin": [90, 90, 90], "hair": "#c8c8c8"}
GREY = np.array([16, 90, *[200] * 17], np.uint8)[IDS]  # ids 0, 1 and 13


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.json"
    path.write_text(json.dumps(OWN))
    return path


def test_nearest_colours_read_smoothed_borders(tmp_path):
    smoothed = Image.fromarray(SCHEMA.colorize(IDS)).filter(ImageFilter.GaussianBlur(0.6))
    smoothed.save(tmp_path / "map.png")
    with pytest.raises(DataError, match=r"not in the palette.*--colors nearest"):
        read_label_map(tmp_path / "map.png", SCHEMA)
    found = read_label_map(tmp_path / "map.png", SCHEMA, colors=get_colors("nearest"))
    inside = np.zeros_like(IDS, bool)
    inside[11:, 7:25] = inside[:5, 7:25] = inside[:, :2] = inside[:, 30:] = True
    assert np.array_equal(found[inside], IDS[inside])


def test_an_exact_map_is_the_same_by_nearest_colours_in_every_form(tmp_path):
    picture = Image.fromarray(SCHEMA.colorize(IDS))
    for form in (picture, picture.quantize(8, dither=Image.Dither.NONE), Image.fromarray(IDS)):
        assert np.array_equal(label_map_from_pil(form, SCHEMA, colors=Colors(nearest=True)), IDS)


def test_own_colours_read_grey_and_coloured_maps(tmp_path, own):
    GREY[0, 0] = 20
    for number, form in enumerate((Image.fromarray(GREY), Image.fromarray(GREY).convert("RGB"))):
        form.save(tmp_path / f"{number}.png")
        assert np.array_equal(read_label_map(tmp_path / f"{number}.png", SCHEMA, colors=get_colors(own)), IDS)
    near = GREY.copy()
    near[9, 9] += 7
    Image.fromarray(near).save(tmp_path / "near.png")
    with pytest.raises(DataError, match=r"has the colour \(97, 97, 97\), which .*own.json does not have"):
        read_label_map(tmp_path / "near.png", SCHEMA, colors=get_colors(str(own)))
    assert np.array_equal(read_label_map(tmp_path / "near.png", SCHEMA, colors=get_colors(f"nearest:{own}")), IDS)


def test_maps_given_in_python(own):
    rgb = np.repeat(GREY[..., None], 3, axis=2)
    for value in (rgb, [rgb], Image.fromarray(rgb)):
        (found,) = read_label_maps(value, schema=SCHEMA, image_size=32, colors=own)
        assert np.array_equal(found, IDS)


def test_a_photo_is_no_map_of_nearest_colours(tmp_path):
    photo = np.random.default_rng(0).integers(60, 190, (64, 64, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    with pytest.raises(DataError, match=r"photo.png is no label map in the colours of schema .* far from all of them"):
        read_label_map(tmp_path / "photo.png", SCHEMA, colors=Colors(nearest=True))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "must hold the colours of classes"),
        ("{}", "must hold the colours of classes"),
        ('{"skin": "red"}', 'class "skin" has no colour that is read'),
        ('{"skin": [1, 2]}', "has no colour that is read"),
        ('{"skin": [1, 2, 256]}', "has no colour that is read"),
        ('{"skin": [1, 2, true]}', "has no colour that is read"),
        ('{"skin": "#gggggg"}', "has no colour that is read"),
        ('{"skin": null}', "has no colour that is read"),
        ('{"skin": "#000000", "hair": [0, 0, 0]}', 'to "skin" and to "hair"'),
    ],
)
def test_files_that_are_none(tmp_path, content, words):
    (tmp_path / "own.json").write_text(content)
    with pytest.raises(DataError, match=words):
        get_colors(tmp_path / "own.json")


def test_a_class_that_the_schema_does_not_have(tmp_path, folder):
    (tmp_path / "own.json").write_text('{"skn": "#000000"}')
    with pytest.raises(ConfigError, match=r'no class "skn".*"skin"'):
        open_manifest(folder(1), colors=str(tmp_path / "own.json"))


def test_a_data_folder_in_own_colours(tmp_path, folder, own):
    root = folder(2)
    plain = open_manifest(root)
    for row in plain.rows:
        Image.fromarray(GREY).save(root / row.label)
    found = open_manifest(root, colors=own)
    assert all(np.array_equal(found.read_label_map(row), IDS) for row in found.rows)
    assert found.fingerprint() != plain.fingerprint()


def test_a_layout_without_coloured_maps(celeba, own):
    with pytest.raises(ConfigError, match="--colors has no effect"):
        open_manifest(celeba(2, landmarks=True), colors="nearest")
