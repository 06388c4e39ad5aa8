"""Samples with whatever fields they have: points go where the pixels go, at any size; caches; refusals."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from limner.data.ages import LGCGAN_GROUPS
from limner.data.cache import MemoryCache
from limner.data.config import AugmentConfig
from limner.data.dataset import MaskToImageDataset, SampleDataset
from limner.data.geometry import Geometry
from limner.data.manifest import Manifest, Row, open_manifest
from limner.data.marks import Marks
from limner.data.point_schema import PointSchema
from limner.data.sampler import SampleKey
from limner.data.schema import LabelSchema
from limner.data.size import Size
from limner.data.spec import DataSpec
from limner.data.transforms import fit_shape
from limner.errors import ConfigError, DataError, ShapeError
from tests.stick_people import write_stick_people

POINTS = PointSchema("three", ("r_hand", "head", "l_hand", "unseen"), (("r_hand", "l_hand"),))
LABELS = LabelSchema(
    "three", ("none", "r_hand", "l_hand"), ((0, 0, 0), (1, 1, 1), (2, 2, 2)), (("r_hand", "l_hand"),), "subject"
)
ALL = AugmentConfig(flip=True, rotate_degrees=20, scale=0.1, translate=0.05, crop=0.5)
PLACES = np.array([[9.0, 22.0], [14.0, 12.0], [18.0, 25.0], [np.nan, np.nan]])


@dataclass(frozen=True)
class Blobs:
    """Red where the right hand is, green the head, blue the left hand; its label map is of the hands."""

    height: int = 40
    width: int = 40

    def read_image(self, row: Row) -> np.ndarray:
        y, x = np.mgrid[: self.height, : self.width]
        spots = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / 8) for px, py in PLACES[:3]]
        return (np.stack(spots, axis=2) * 255).astype(np.uint8)

    def read_label_map(self, row: Row) -> np.ndarray:
        image = self.read_image(row)
        return np.where(image[..., 0] > 60, 1, np.where(image[..., 2] > 60, 2, 0)).astype(np.uint8)

    def files(self, row: Row) -> tuple[Path, ...]:
        return ()


def blobs(height: int = 40, width: int = 40, **options) -> Manifest:
    rows = tuple(Row(str(index), age=7.5 * index, identity="ab"[index % 2]) for index in range(4))
    manifest = Manifest(
        root=Path("blobs"),
        kind="drawn",
        spec=DataSpec(LABELS, landmarks=POINTS, age_groups=LGCGAN_GROUPS),
        rows=rows,
        reader=Blobs(height, width),
        native_schema=LABELS,
        marks=lambda name: Marks(landmarks=PLACES, captions=(f"picture {name}",)),
        fields=frozenset(("image", "label_map", "landmarks", "captions", "age_group", "identity")),
    )
    return dataclasses.replace(manifest, **options)


def spots(image: np.ndarray) -> np.ndarray:
    """Where red, green and blue are: (3, 2) means x, y about the brightest pixel (a border mirrors a spot near it)."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    found = []
    for colour in np.moveaxis(image.astype(float), 2, 0):
        top, left = np.unravel_index(colour.argmax(), colour.shape)
        weights = np.where((np.hypot(x - left, y - top) < 4) & (colour > 60), colour, 0.0)
        found.append([(weights * x).sum() / weights.sum(), (weights * y).sum() / weights.sum()])
    return np.array(found)


@pytest.mark.parametrize("size", [40, 56, (48, 33)])
def test_points_go_where_the_pixels_go(size):
    height, width = Size.of(size)
    manifest = blobs(40, round(40 * width / height), fit="crop")
    dataset = SampleDataset(manifest, fields=("image", "landmarks", "label_map"), size=size, augment=ALL, seed=3)
    seen = flipped = 0
    for position in range(40):
        sample = dataset[SampleKey(0, position)]
        assert sample.image.shape == (height, width, 3) and sample.landmarks.shape == (4, 2)
        assert np.isnan(sample.landmarks[3]).all()
        whole = ((sample.landmarks[:3] > 4) & (sample.landmarks[:3] < [width - 5, height - 5])).all()
        if not whole:
            continue  # a spot that is partly outside has its middle elsewhere
        found, seen = spots(sample.image), seen + 1
        # The colours stay red and blue; the names of the hands are exchanged where the picture is mirrored.
        mirrored = np.abs(found[[2, 1, 0]] - sample.landmarks[:3]).max() < np.abs(found - sample.landmarks[:3]).max()
        assert np.abs((found[[2, 1, 0]] if mirrored else found) - sample.landmarks[:3]).max() < 0.6
        flipped += bool(mirrored)
        hands = np.argwhere(sample.label_map == 1)[:, ::-1]
        near = hands[np.hypot(*(hands - sample.landmarks[0]).T) < 6]
        assert len(near) > 5, "the ids follow the names, not the colours"
        assert np.abs(near.mean(axis=0) - sample.landmarks[0]).max() < 0.8
    assert seen > 10 and 0.2 < flipped / seen < 0.8


def test_without_a_key_nothing_changes():
    sample = SampleDataset(blobs(), fields=("image", "landmarks"), size=40, augment=ALL)[0]
    assert np.array_equal(sample.landmarks, PLACES, equal_nan=True)
    assert np.array_equal(sample.image, Blobs().read_image(Row("0"))) and sample.label_map is None


def test_what_a_sample_says():
    dataset = SampleDataset(blobs(), fields=("captions", "age_group", "identity"), size=8)
    sample = dataset[3]
    assert sample.image is None and sample.landmarks is None and sample.index == 3
    assert sample.captions == ("picture 3",) and sample.age == 22.5 and sample.age_group == 3
    assert [dataset[index].identity for index in range(4)] == [0, 1, 0, 1]
    with pytest.raises(DataError, match="has no key points"):
        SampleDataset(blobs(), fields=("keypoints",), size=8)
    with pytest.raises(ConfigError, match="opened without asking for them"):
        SampleDataset(blobs(spec=DataSpec(LABELS)), fields=("landmarks",), size=8)[0]


def test_pictures_with_label_maps_are_the_same_through_both_sets(celebamask_hq):
    manifest = open_manifest(celebamask_hq(2))
    old = MaskToImageDataset(manifest, image_size=24, augment=ALL, seed=5)
    new = SampleDataset(manifest, fields=("image", "label_map"), size=24, augment=ALL, seed=5)
    for position in range(8):
        first, second = old[SampleKey(position % 2, position)], new[SampleKey(position % 2, position)]
        assert np.array_equal(first.image, second.image) and np.array_equal(first.label_map, second.label_map)


def test_geometry():
    points = np.array([[0.0, 0.0], [3.0, 1.0], [7.0, 5.0], [np.nan, np.nan]])
    bigger = Geometry.resized(Size(6, 8), Size(12, 24))
    assert bigger.move(points, POINTS)[:3].tolist() == [[1.0, 0.5], [10.0, 2.5], [22.0, 10.5]]
    mirror = Geometry.mirrored(8)
    assert mirror.move(points, POINTS)[:3].tolist() == [[0.0, 5.0], [4.0, 1.0], [7.0, 0.0]]
    assert np.allclose(mirror.then(mirror).move(points, POINTS), points, equal_nan=True)
    assert not mirror.then(mirror).flipped
    moved = Geometry.moved(2, -1).then(Geometry.cut((1.0, 0.0, 5.0, 4.0), Size(8, 8)))
    assert moved.move(points, POINTS)[0].tolist() == [2.5, -1.5]
    with pytest.raises(ShapeError, match="three has 4"):
        mirror.move(points[:3], POINTS)


@pytest.mark.parametrize(("height", "width"), [(40, 20), (20, 40), (40, 40), (41, 28)])
@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_any_picture_gets_the_proportions_of_a_size(height, width, fit):
    image = np.zeros((height, width, 3), np.uint8)
    image[height // 2, width // 2] = 255
    for size in (Size(32, 22), Size(22, 32), Size(16, 16)):
        fitted, placed = fit_shape(image, size, fit, "it")
        assert abs(fitted.shape[0] * size.width - fitted.shape[1] * size.height) < max(size) * 1.01
        x, y = placed.matrix[:2, 2] + [width // 2, height // 2]
        assert fitted[round(y), round(x), 0] == 255
        larger = fitted.shape[0] >= height and fitted.shape[1] >= width
        smaller = fitted.shape[0] <= height and fitted.shape[1] <= width
        assert larger if fit == "pad" else smaller


def test_other_proportions_are_refused():
    with pytest.raises(DataError, match="it is 20x40, but must have the proportions of 22x32"):
        fit_shape(np.zeros((40, 20, 3), np.uint8), Size(32, 22), "refuse", "it")


def test_the_memory_cache_reads_what_it_keeps_once():
    calls = []

    def read():
        calls.append(1)
        return {"a": np.full((2, 2), len(calls), np.uint8), "b": np.zeros(0, np.float64)}

    cache = MemoryCache(8)  # two samples of four bytes fit
    assert [int(cache.get(index, read)["a"][0, 0]) for index in (0, 1, 2, 0, 1, 2)] == [1, 2, 3, 1, 2, 4]


def test_the_memory_cache_does_not_keep_what_a_sample_was_cut_out_of():
    whole = np.arange(100, dtype=np.uint8)
    kept = MemoryCache(10).get(0, lambda: {"a": whole[10:20]})["a"]
    assert kept.base is None and kept.tolist() == list(range(10, 20))


def test_a_row_is_decoded_once_for_all_its_fields():
    read = []

    @dataclass(frozen=True)
    class Counted(Blobs):
        def read_image(self, row: Row) -> np.ndarray:
            read.append(row.name)
            return super().read_image(row)

    dataset = SampleDataset(blobs(reader=Counted()), fields=("image", "landmarks"), size=20)
    for _ in range(2):
        assert dataset[1].image is not None and dataset[1].landmarks is not None
    assert read == ["1"]


def test_a_zoomed_set_has_its_points_in_the_cut():
    plain = SampleDataset(blobs(), fields=("image", "landmarks"), size=60)[0]
    zoomed = SampleDataset(blobs(zoom=1.25), fields=("image", "landmarks"), size=60)[0]
    assert np.abs(spots(zoomed.image) - zoomed.landmarks[:3]).max() < 0.6
    assert np.abs(spots(plain.image) - plain.landmarks[:3]).max() < 0.6
    assert np.abs(zoomed.landmarks[:3] - plain.landmarks[:3]).max() > 2


def test_samples_of_any_size(tmp_path):
    manifest = open_manifest(write_stick_people(tmp_path), needs=("image", "keypoints", "identity"))
    assert manifest.spec.keypoints.name == "openpose-18" and manifest.spec.labels is None
    augment = AugmentConfig(flip=True)
    data = SampleDataset(manifest, fields=("image", "keypoints"), size=(24, 16), augment=augment, seed=3)
    assert data[SampleKey(0, 5)].image.shape == (24, 16, 3) and data[1].keypoints.shape == (18, 2)
    assert data[1].landmarks is None and data[1].label_map is None and data[1].index == 1
    with pytest.raises(DataError, match="has no captions, which hfgan needs"):
        open_manifest(tmp_path, needs=("image", "captions"), asked_by="hfgan")
