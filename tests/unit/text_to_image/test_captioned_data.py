"""Captions that are true of other pictures too: found by facts, never used as counterexamples."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from limner.data.captions import Vocabulary
from limner.data.config import AugmentConfig, DataConfig
from limner.data.facts import Facts
from limner.data.sampler import SampleKey
from limner.errors import DataError
from limner.text_to_image.data import (
    CaptionedBatch,
    CaptionedPictures,
    FactTable,
    also_true,
    check_vocabulary,
    collate,
    first_false,
    open_captions,
    open_training_data,
)
from limner.text_to_image.matching import Known
from tests.captioned_shapes import write_captioned_shapes

FACTS = [
    Facts({"hair": "red", "who": "man"}, ({"hair": ("red",)}, {"who": ("man",), "hair": ("red", "auburn")})),
    Facts({"hair": "auburn", "who": "man"}, ({"hair": ("auburn",)}, {"who": ("man",)})),
    Facts({"hair": "red", "who": "woman", "hat": "cap"}, ({"who": ("woman",)}, {"hat": ("cap",)})),
]


def batch_of(captions: list[int], rows: list[int] = [0, 1, 2]) -> CaptionedBatch:  # noqa: B006
    table = FactTable(FACTS)
    stated = [table.stated(row, caption) for row, caption in zip(rows, captions, strict=True)]
    return CaptionedBatch(
        image=torch.zeros(len(rows), 3, 2, 2),
        words=torch.ones(len(rows), 2, dtype=torch.int64),
        num_words=torch.full((len(rows),), 2),
        category=torch.tensor(rows),
        known=torch.from_numpy(np.stack([table.known(row) for row in rows])),
        allowed=torch.from_numpy(np.stack([found for found, _ in stated])),
        num_stated=torch.tensor([float(count) for _, count in stated]),
        index=torch.tensor(rows),
    )


@pytest.mark.parametrize("captions", [[0, 0, 0], [1, 1, 1], [1, 0, 1], [0, 1, 0]])
def test_truth_is_that_of_the_facts(captions: list[int]) -> None:
    found = also_true(batch_of(captions))
    for picture in range(3):
        for row, caption in enumerate(captions):
            assert found[picture, row] == FACTS[row].states_truth_of(caption, FACTS[picture])


def test_known_of_a_set_agrees_with_that_of_a_batch() -> None:
    batch = batch_of([1, 1, 0])
    known = Known(batch.category, batch.known, batch.allowed, batch.num_stated)
    assert all((known.true_of(row) == also_true(batch)[row].numpy()).all() for row in range(3))


def test_one_row_twice_is_no_counterexample() -> None:
    assert also_true(batch_of([0, 1], rows=[1, 1])).all()


def test_the_wrong_caption_is_the_next_false_one() -> None:
    numbers, there = first_false(torch.eye(4, dtype=torch.bool))
    assert numbers.tolist() == [1, 2, 3, 0] and there.all()
    truth = torch.tensor([[1, 1, 0], [1, 1, 1], [0, 0, 1]], dtype=torch.bool)
    numbers, there = first_false(truth)
    assert there.tolist() == [True, False, True] and numbers[0] == 2 and numbers[2] == 0


def test_rare_facts_are_drawn_more_often(tmp_path) -> None:
    rare = [Facts({"hair": "red"}, ({"hair": ("red",)},) * 9 + ({"hat": ("cap",)},)) for _ in range(4)]
    weights = FactTable(rare).weights(0, 10)
    assert weights[9] == pytest.approx(9 * weights[0])
    assert (FactTable([None]).weights(0, 3) == 1).all()


def open_shapes(path, **options) -> object:
    return open_training_data(
        DataConfig(),
        path,
        image_size=32,
        length=8,
        seed=0,
        augment=AugmentConfig(flip=True),
        drawn="by_fact",
        asked_by="test",
        **options,
    )


def test_a_folder_with_facts(tmp_path) -> None:
    data = open_shapes(write_captioned_shapes(tmp_path / "shapes"))
    batch = collate([data.train_set[SampleKey(row, 7 + row)] for row in range(6)])
    assert batch.image.shape == (6, 3, 32, 32) and (batch.num_stated == 3).all()
    assert (batch.known.sum(1) == 3).all() and also_true(batch).diagonal().all()
    again = collate([data.train_set[SampleKey(row, 7 + row)] for row in range(6)])
    assert torch.equal(batch.words, again.words) and torch.equal(batch.image, again.image)


def test_the_vocabulary_of_encoders(tmp_path, caplog: pytest.LogCaptureFixture) -> None:
    shapes = write_captioned_shapes(tmp_path / "shapes")
    own = open_shapes(shapes).spec.vocabulary
    lacking = Vocabulary(tuple(word for word in own.words if word != "red"))
    with caplog.at_level(logging.WARNING):
        assert open_shapes(shapes, vocabulary=lacking).spec.vocabulary == lacking
    assert "unknown to the encoders" in caplog.text and "red" in caplog.text
    with pytest.raises(DataError, match="train a DAMSM on these captions"):
        open_shapes(shapes, vocabulary=Vocabulary.of(["bird wing beak"]))
    assert check_vocabulary(own, own, where=shapes) == []


def test_people_with_attributes_give_captions_too(tmp_path) -> None:
    """A layout with label maps and attributes, of which a system of captions asks nothing."""
    from limner.people.write.common import write_people

    write_people("people-faces", tmp_path / "people", num=3, size=64, seed=3)
    manifest = open_captions(tmp_path / "people", asked_by="test")
    assert manifest.spec.attribute_names == () and all(row.attributes == () for row in manifest.rows)
    vocabulary = manifest.spec.vocabulary
    pictures = CaptionedPictures(manifest, image_size=32, length=22, vocabulary=vocabulary, drawn="by_fact")
    batch = collate([pictures[SampleKey(row, row)] for row in range(3)])
    assert (batch.num_stated > 0).all() and also_true(batch).diagonal().all()
