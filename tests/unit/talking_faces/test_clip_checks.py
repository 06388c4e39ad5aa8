"""`limner data check` on clips whose sound is spoiled, one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from limner.data.checks import check_dataset
from limner.data.clip_checks import lag_curve
from limner.data.manifest import open_manifest
from tests.sine_speech import write_clip, write_sine_speech, write_sine_words

pytest.importorskip("av")
STEP = 640  # samples of a frame


def warnings(root) -> str:
    report = check_dataset(open_manifest(root))
    assert not report.errors
    return "\n".join(report.warnings)


def test_sound_that_is_spoiled_is_found(tmp_path):
    root = write_sine_words(tmp_path / "words", num=(4, 1, 1))
    assert "lips" not in warnings(root)
    manifest = open_manifest(root)
    rows = {row.name: row for row in manifest.rows}

    def spoil(name, change) -> None:
        clip = manifest.reader.read_clip(rows[name])
        write_clip(root / rows[name].video, clip.frames, np.asarray(change(clip.waveform), np.float32))

    other = manifest.reader.read_clip(rows["BECAUSE_00004"]).waveform
    spoil("ABOUT_00001", lambda wave: 0 * wave)
    spoil("ABOUT_00002", lambda wave: np.clip(30 * wave, -1, 1))
    spoil("ABOUT_00003", lambda wave: np.concatenate([np.zeros(4 * STEP, np.float32), wave[: -4 * STEP]]))
    spoil("ABOUT_00004", lambda wave: other[: len(wave)])
    spoil("BECAUSE_00001", lambda wave: wave[: 20 * STEP])
    text = warnings(root)
    assert "Silent clips: 1 (ABOUT_00001)" in text
    assert "cut off: 1 (ABOUT_00002)" in text
    assert "early or late: 1 (ABOUT_00003 by +4 frames)" in text
    assert "length than their frames: 1 (BECAUSE_00001: 29 frames" in text
    assert "as if it was of another clip: 1 (ABOUT_00004)" in text


def test_the_sound_of_another_clip_is_recognised_where_no_opening_is_known(tmp_path):
    root = write_sine_speech(tmp_path, speakers=1, num_frames=30)
    first, second = sorted(root.glob("s1/*.mp4"))[:2]
    second.write_bytes(first.read_bytes())
    assert "the sound of another clip: 1 (s1-bbaf2n = s1-lwbsza)" in warnings(root)


def test_the_sound_of_a_whole_set_may_be_late():
    from limner.data.clip_checks import ClipFindings

    random = np.random.default_rng(0)
    found = ClipFindings()
    for number in range(5):
        mouth = np.convolve(random.random(50), np.ones(4), mode="same")
        curve = lag_curve(mouth[4:], mouth[:-4])
        assert curve is not None
        found.curves[f"clip-{number}"] = curve
    assert found.warnings() == ["The sound of the clips together is +4 frames late: move it, or their frames."]


def test_a_late_sound_has_its_peak_behind():
    mouth = np.sin(np.arange(60) * 0.5) + np.sin(np.arange(60) * 0.23)
    curve = lag_curve(mouth, np.roll(mouth, 3))
    assert curve is not None and int(np.argmax(curve)) == 8 + 3
    assert lag_curve(mouth[:10], mouth[:10]) is None and lag_curve(np.ones(60), mouth) is None
