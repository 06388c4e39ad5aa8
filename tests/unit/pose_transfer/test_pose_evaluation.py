"""Scores of pose transfer, against results that are known: the true pictures, grey garments, a moved person."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from limner.data.keypoints import NAMES
from limner.data.point_schema import POINT_SCHEMAS
from limner.data.spec import DataSpec
from limner.errors import ConfigError
from limner.metrics.color import hue_names, to_lab
from limner.metrics.judges import OpenJudge
from limner.metrics.keypoints import correct_keypoints
from limner.metrics.lpips import feature_dissimilarity
from limner.metrics.protocol import Protocol
from limner.pose_transfer.evaluation import (
    Reposed,
    as_seen,
    evaluate,
    judged_pattern_measurements,
    keypoint_measurements,
    pattern_measurements,
    ssim,
)
from limner.pose_transfer.training import body_mask
from limner.systems.patn.networks import Generator
from limner.systems.patn.pipeline import PATNPipeline
from tests.stick_people import write_stick_people

CONDITIONS = Protocol(metric="", split="test", count=12, resolution=(64, 44))


class Knows(PATNPipeline):
    """Paints the true pictures, changed by `change`, found by the wanted points; between poses all is black."""

    def paint(self, arrays, seeds):
        nothing = torch.full((3, 64, 44), -1.0)
        return torch.stack([self.change(self.truth.get(points.tobytes(), nothing)) for points in arrays["points"]])


class SeesPoints:
    """A judge that knows where everybody is."""

    names = NAMES

    def __init__(self, known):
        self.known = known

    def keypoints(self, images):
        rows = []
        for image in images:
            nearest = min(self.known, key=lambda one: float((one[0] - image).abs().mean()))
            rows.append(torch.from_numpy(nearest[1]))
        return torch.stack(rows)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A pipeline that knows the true pictures, its data, and every picture with its points."""
    from limner.data.batch import to_images
    from limner.pose_transfer.data import PosePairs, image_of, list_pairs, points_of

    folder = write_stick_people(tmp_path_factory.mktemp("people"), has_parsing=True)
    spec = DataSpec(keypoints=POINT_SCHEMAS["openpose-18"])
    pipe = Knows(spec=spec, size=(64, 44), generator=Generator(width=4, num_blocks=1))
    manifest = pipe.open_data(folder)
    pairs = PosePairs(manifest, list_pairs(manifest), size=pipe.size)
    pipe.truth, people = {}, []
    for pair in (pairs[number] for number in range(len(pairs))):
        picture, points = to_images([image_of(pair.target)])[0], points_of(pair.target).astype(np.float32)
        pipe.truth[points.tobytes()] = picture
        people.append((picture, points))
        assert image_of(pair.target).shape == (64, 44, 3)
    return pipe, manifest, people


def scores(known, change, **options):
    pipe, manifest, _ = known
    pipe.change = change
    report = evaluate(pipe, manifest, split="all", num_images=8, **options)
    return {key: value.value for key, value in report.measurements.items()}, report


def test_true_pictures_are_perfect(known):
    found, report = scores(known, lambda picture: picture)
    assert found["ssim"] == pytest.approx(1) and found["l1"] == 0 and found["lpips_people"] == pytest.approx(0)
    assert found["chroma_error"] == pytest.approx(0, abs=1e-4) and found["hue_right"] == 1
    assert found["saturation"] == pytest.approx(1, abs=1e-4) and found["saturation_of_source"] > 0.5
    assert found["ssim_of_copy"] < 0.99 and found["l1_of_copy"] > 0 and found["lpips_people_of_copy"] > 0
    assert report.sheet.size == (4 * 44, 8 * 64)
    assert "SCA-GAN" in report.table() and report.measurements["ssim"].interval is not None


def test_grey_garments_have_no_hue_but_small_errors_of_lightness(known):
    def grey(picture):
        return picture.mean(dim=0, keepdim=True).expand(3, -1, -1)

    found, _ = scores(known, grey)
    assert found["hue_right"] == 0 and found["chroma_ratio"] > 3
    assert found["saturation"] == pytest.approx(0, abs=0.01)
    assert found["chroma_error"] > 20 > found["lightness_error"]


def test_patterned_garments_are_told_from_plain_ones():
    """Faint stripes are told under a shadow; where results are all of one colour, nothing is."""
    generator, mask = torch.Generator().manual_seed(0), torch.zeros(24, 64, 44, dtype=torch.bool)
    mask[:, 20:44, 12:32] = True
    patterned = (torch.arange(24) % 2).float()
    stripes = (torch.arange(44) // 2 % 2 * 2 - 1).expand(24, 3, 64, 44) * 0.1 * patterned[:, None, None, None]
    plain = 0.02 * torch.randn(24, 3, 64, 44, generator=generator)
    shadow = torch.linspace(-0.3, 0.3, 64)[None, None, :, None]
    told = {}
    for name, made in (("kept", stripes + plain + shadow), ("one colour", plain + shadow)):
        found = Reposed(stripes, stripes + plain, made, torch.zeros(24, 18, 2), mask, mask, patterned)
        scores = pattern_measurements(found, CONDITIONS, "body parsing")
        assert scores["pattern_told_real"].value == 1 and scores["pattern_told"].protocol.count == 24
        told[name] = scores["pattern_told"].value
    assert told["kept"] == 1 and 0.2 < told["one colour"] < 0.8
    unknown = dataclasses.replace(found, patterned=torch.full((24,), float("nan")))
    assert pattern_measurements(unknown, CONDITIONS, "body parsing") == {}


class LooksForRed:
    """A judge of facts that is the surer of a pattern the redder the first pixel is."""

    device = torch.device("cpu")

    def __init__(self):
        self.questions = {"hat": ("none", "cap"), "garment pattern": ("dots", "plain", "stripes")}

    def logits(self, images):
        red = images[:, 0, 0, 0]
        return torch.stack([red * 0, red * 0 + 9, red, -red, red], dim=1)


def test_a_judge_of_facts_looks_for_patterns(known):
    patterned = (torch.arange(24) % 2).float()
    red = torch.zeros(24, 3, 64, 44)
    red[:, 0] = patterned[:, None, None] - 0.5
    mask = torch.zeros(24, 64, 44, dtype=torch.bool)
    found = Reposed(red, red, -red, torch.zeros(24, 18, 2), mask, mask, patterned)
    judge = OpenJudge("looks-for-red", "facts", LooksForRed(), "0" * 64)
    told = judged_pattern_measurements(found, judge, CONDITIONS, batch_size=5)
    assert told["pattern_told_by_judge_real"].value == 1 and told["pattern_told_by_judge"].value == 0
    assert told["pattern_told_by_judge"].protocol.network == "looks-for-red"
    few = dataclasses.replace(found, patterned=torch.full((24,), float("nan")))
    assert judged_pattern_measurements(few, judge, CONDITIONS, batch_size=5) == {}
    judge.network.questions = {"hat": ("none", "cap")}
    with pytest.raises(ConfigError, match=r'looks-for-red does not know the question "garment pattern" .* are hat'):
        scores(known, lambda picture: picture, judges=[judge])


def test_joints_stand_beside_what_the_judge_finds_in_true_pictures(known):
    judge = OpenJudge("all-knowing", "keypoints", SeesPoints(known[2]), "0" * 64)
    found, report = scores(known, lambda picture: picture, judges=[judge])
    assert found["judge_keypoints"] == found["judge_keypoints_real"] == found["keypoint_ratio"] == 1
    assert report.measurements["judge_keypoints"].ceiling == 1
    wrong, _ = scores(known, lambda picture: known[2][0][0], judges=[judge])
    assert wrong["keypoint_ratio"] < 0.99 and wrong["judge_keypoints_real"] == 1


class OverlooksMarked:
    """A judge that finds every joint at (5, 5), and nobody in a picture whose first pixel is white."""

    names = NAMES

    def keypoints(self, images):
        marked = (images[:, 0, 0, 0] > 0.9)[:, None, None]
        return torch.where(marked, torch.nan, torch.full((len(images), len(NAMES), 2), 5.0))


def test_who_is_overlooked_by_chance_counts_alike_on_both_sides_of_all_pairs():
    """Four of ten overlooked in true pictures, four others in made ones: as many joints are found on both sides."""
    pictures = torch.zeros(2, 10, 3, 64, 44)
    pictures[0, :4, :, 0, 0] = pictures[1, 4:8, :, 0, 0] = 1
    nobody = torch.zeros(10, 64, 44, dtype=torch.bool)
    target, made = pictures
    found = Reposed(made, target, made, torch.full((10, 18, 2), 5.0), nobody, nobody, torch.zeros(10))
    judge = OpenJudge("overlooks", "keypoints", OverlooksMarked(), "0" * 64)
    scores = keypoint_measurements(found, judge, CONDITIONS, batch_size=4, seed=0)
    assert scores["keypoint_ratio_all_pairs"].value == 1 and scores["keypoint_ratio_all_pairs"].protocol.count == 10
    assert scores["keypoint_ratio"].value == pytest.approx(1 / 3) and scores["keypoint_ratio"].protocol.count == 6


class Flickers(Knows):
    """The ground of every second picture of a sequence is a few levels lighter; whoever moves blinks."""

    levels: float

    def paint(self, arrays, seeds):
        rows = torch.arange(len(arrays["points"])) % 2
        ground = ((100 + rows * self.levels) / 127.5 - 1)[:, None, None, None].expand(-1, 3, 64, 44)
        body = body_mask(torch.from_numpy(arrays["points"]), (64, 44))
        return torch.where(body > 0, (2.0 * rows - 1)[:, None, None, None], ground)


@pytest.mark.parametrize("levels", [0.0, 3.0])
def test_only_what_changes_beside_the_person_disturbs_a_sequence(known, levels):
    pipe, manifest, _ = known
    flickering = Flickers(spec=pipe.spec, size=(64, 44), generator=pipe.components["generator"])
    flickering.levels = levels
    report = evaluate(flickering, manifest, split="all", num_images=4)
    found = report.measurements["still_change"]
    assert found.value == pytest.approx(levels, abs=1e-3) and "levels of 255" in found.protocol.metric
    assert found.protocol.settings.startswith("8 steps, one seed; a sixteenth of the height")
    assert report.measurements["still_change_kept"].value == pytest.approx(0, abs=0.05), "the photo's own stays still"


def test_the_authors_protocol_sees_jpeg_and_white_margins():
    images = torch.rand(2, 3, 64, 44, generator=torch.Generator().manual_seed(0)) * 2 - 1
    seen = as_seen(images, "scagan-legacy")
    assert seen.shape == (2, 3, 64, 64) and (seen[..., :10] == 1).all() and (seen[..., -10:] == 1).all()
    assert 0 < (seen[..., 10:54] - images).abs().mean() < 0.5
    assert ssim(seen, seen, "scagan-legacy").tolist() == pytest.approx([1, 1])
    from skimage.metrics import structural_similarity

    dull = (seen * 0.4).double()
    first, second = ((one[0] + 1) / 2 for one in (dull, (dull + 0.05 * torch.sin(torch.arange(64.0))).double()))
    wanted = structural_similarity(
        first.permute(1, 2, 0).numpy() * 255,
        second.permute(1, 2, 0).numpy() * 255,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255 * max(0.7, float(first.max() - first.min())),
    )
    got = ssim(first[None] * 2 - 1, second[None] * 2 - 1, "scagan-legacy")
    assert float(got) == pytest.approx(wanted, abs=2e-3), "scikit-image mirrors no border, but averages a little less"


def test_near_joints_are_correct():
    truth = torch.tensor([[[10.0, 10], [20, 20], [float("nan")] * 2], [[1.0, 1], [2, 2], [3, 3]]])
    found = truth.nan_to_num(5.0).clone()
    found[0, 0, 0] += 6
    found[1] = float("nan")
    share = correct_keypoints(found, truth, height=100)
    assert share[0] == 0.5 and share[1].isnan()


def test_hues_have_names():
    colours = {"red": (200, 30, 30), "orange": (240, 140, 30), "yellow": (240, 220, 60), "green": (40, 160, 60),
               "turquoise": (40, 180, 170), "blue": (40, 80, 200), "purple": (120, 50, 160), "pink": (240, 150, 180),
               "grey": (90, 90, 92)}  # fmt: skip
    pixels = torch.tensor(list(colours.values())).float()[:, :, None, None] / 127.5 - 1
    assert hue_names(to_lab(pixels)[:, 1:, 0, 0]) == list(colours)


def test_feature_dissimilarity_ignores_the_length_of_features():
    first = [torch.rand(2, 4, 3, 3)]
    assert feature_dissimilarity(first, [2 * first[0]]).tolist() == pytest.approx([0, 0], abs=1e-6)
    opposite = [-first[0]]
    assert feature_dissimilarity(first, opposite).tolist() == pytest.approx([4, 4], abs=1e-4)
