"""The evaluation of talking faces on clips that are known: the true frames, the still photo, a mouth that flickers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from limner.metrics.judges import OpenJudge
from limner.metrics.tables import published_table
from limner.systems.avwnet.pipeline import AVWnetPipeline
from limner.talking_faces.evaluation import closures, evaluate, mouth_slices
from tests.sine_speech import write_sine_speech, write_sine_words

SIZE = 64


class Shows(AVWnetPipeline):
    """Shows known frames for a photo, changed by `change`."""

    def speak(self, photo, points, windows):
        frames = min(self.truth, key=lambda clip: float((clip[0] - photo[0]).abs().mean()))
        return self.change(frames[1 : windows.shape[1] + 1])


class ReadsReds:
    """A lip reader that knows no word: the mouth of these drawn faces is red, and as open as it is high."""

    words = ("ABOUT", "BECAUSE")

    def read(self, frames):
        red = (frames[:, :, 0] - frames[:, :, 1] > 0.25) & (frames[:, :, 0] < 0.3)
        points = torch.zeros(*frames.shape[:2], 20, 2)
        points[..., 18, 1] = red.any(dim=3).sum(dim=2) / SIZE
        return SimpleNamespace(points=points, logits=torch.zeros(*frames.shape[:2], 2))


JUDGE = OpenJudge("reds", "word-reader", ReadsReds(), "0" * 64)


@pytest.fixture(scope="module")
def known(speaker, tmp_path_factory):
    """A pipeline that knows the true frames, and its clips, whose lips are shut where "m" is said."""
    from limner.talking_faces.evaluation import clip_batches

    shows = Shows(spec=speaker.spec, size=SIZE, generator=speaker.components["generator"])
    words = write_sine_words(tmp_path_factory.mktemp("clips") / "words", num=(1, 1, 1), size=SIZE)
    data = shows.open_data(words)
    chosen, clip = clip_batches(SIZE, data, split="test", num_images=None, words=None)
    batches = [clip(number) for number in range(len(chosen))]
    shows.truth = [torch.cat([batch.photo, batch.frames[0]]) for batch in batches]
    return shows, data


def scores(known, change, **options):
    shows, data = known
    shows.change = change
    return evaluate(shows, data, judges=[JUDGE], **options).measurements


def test_true_frames_close_their_lips_and_a_still_photo_does_not(known) -> None:
    true = scores(known, lambda frames: frames)
    assert true["judge_closure"].value == true["judge_closure_real"].value == true["judge_closure"].ceiling
    assert true["judge_closure"].value < 0.6, "drawn mouths are less than half as open on m"
    still = scores(known, lambda frames: frames[:1].expand_as(frames))
    assert still["judge_closure"].value == pytest.approx(1)
    assert still["judge_closure"].ceiling == true["judge_closure"].value


def test_of_words_that_the_judge_never_learned_it_sees_the_mouth_alone(known, caplog) -> None:
    found = scores(known, lambda frames: frames)
    assert "judge_word" in found
    judge = ReadsReds()
    judge.words = ("WINDOW", "GARDEN")
    shows, data = known
    unheard = evaluate(shows, data, judges=[OpenJudge("reds", "word-reader", judge, "0" * 64)]).measurements
    assert "judge_word" not in unheard and unheard["judge_closure"].value == found["judge_closure"].value
    assert "learned none of these clips' words" in caplog.text and "\n" not in caplog.messages[-1]


@pytest.mark.parametrize("protocol", ["clean", "parent"])
def test_every_number_stands_beside_that_of_the_still_photo(known, protocol) -> None:
    shows, _ = known

    def photo(frames):
        clip = next(one for one in shows.truth if (one[1] == frames[0]).all())
        return clip[:1].expand_as(frames)

    found = scores(known, photo, protocol=protocol, num_images=1)
    for key in ("ssim", "psnr"):
        assert found[key].value == pytest.approx(found[f"{key}_still"].value) and found["ssim"].value < 0.999
        assert "still photo" in found[f"{key}_still"].protocol.metric
        assert ("(parent)" in found[f"{key}_still"].protocol.metric) == (protocol == "parent")
    assert found["judge_lmd"].value == found["judge_lmd_still"].value > found["judge_lmd_real"].value


def test_a_mouth_that_flickers_is_unsteady(known) -> None:
    box = mouth_slices(SIZE)

    def flickering(frames):
        made = frames.clone()
        made[::2, :, box[0], box[1]] += 0.2
        return made

    true, found = (scores(known, change)["unsteadiness"] for change in (lambda frames: frames, flickering))
    assert true.value == true.ceiling == found.ceiling > 0 and found.value > 2 * found.ceiling


@pytest.mark.parametrize("share", [0.0, 0.25, 3.0])
def test_what_other_speech_changes_outside_the_mouth_is_a_share_of_what_it_changes_inside(
    known, monkeypatch, share
) -> None:
    rows, columns = mouth_slices(SIZE)
    changes = torch.full((SIZE, SIZE), 0.1 * share)
    changes[rows, columns] = 0.1

    def speak(self, photo, points, windows):
        return photo + changes * windows[0].flatten(1).mean(dim=1)[:, None, None, None].tanh()

    monkeypatch.setattr(Shows, "speak", speak)
    assert scores(known, None)["swap_outside"].value == pytest.approx(share, abs=1e-4)


def test_speech_that_changes_nothing_has_no_such_share(known) -> None:
    assert "swap_outside" not in scores(known, lambda frames: frames[:1].expand_as(frames))


def test_data_name_their_table(known, tmp_path) -> None:
    """GRID's clips stand beside the slides' numbers on GRID; nobody says there which sound is heard when."""
    pytest.importorskip("av")
    shows, words = known
    data = shows.open_data(write_sine_speech(tmp_path / "grid", size=32))
    shows.change = lambda frames: frames
    shows.truth = [*shows.truth, torch.zeros(80, 3, SIZE, SIZE)]
    report = evaluate(shows, data, judges=[JUDGE], split="test")
    assert report.published == published_table("avwnet-grid")
    assert "judge_closure" not in report.measurements
    assert closures(data, 0, 5) is None and closures(words, 0, 5).dtype == bool
    assert evaluate(shows, words, judges=[JUDGE], split="test").published == published_table("avwnet-lrw")
