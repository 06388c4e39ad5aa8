"""What commands say of their progress where there is no terminal."""

from __future__ import annotations

from limner.cli.common import progress
from limner.tasks import ProgressLines, progress_bar


def test_without_a_terminal_a_line_comes_every_ten_seconds(capsys) -> None:
    times = iter([0.0, 4.0, 9.0, 11.0, 12.0, 25.0])
    lines = ProgressLines(100, unit="picture", desc="scgan", clock=lambda: next(times))
    for number in (1, 1, 2, 1, 5):
        lines.update(number)
    assert capsys.readouterr().err == "scgan: 4 of 100 pictures\nscgan: 10 of 100 pictures\n"


def test_several_batches_are_no_batchs(capsys) -> None:
    times = iter([0.0, 11.0])
    ProgressLines(None, unit="batch", desc="captions", clock=lambda: next(times)).update(3)
    assert capsys.readouterr().err == "captions: 3 batches\n"


def test_progress_gives_everything_and_is_quiet_while_little_time_passes(capsys) -> None:
    assert list(progress(range(5), 5, unit="clip", desc="clips")) == [0, 1, 2, 3, 4]
    with progress_bar(3, unit="frame", desc="talk") as update:
        update(3)
    with progress_bar(1, unit="frame", desc="talk") as update:
        update(1)
    assert capsys.readouterr().err == ""


def test_a_bar_on_the_way_says_how_far_it_is(capsys, monkeypatch) -> None:
    monkeypatch.setattr(ProgressLines, "EVERY_SECONDS", 0.0)
    assert list(progress(iter("ab"), unit="clip", desc="clips")) == ["a", "b"]
    with progress_bar(3, unit="frame", desc="talk") as update:
        update(2)
    assert capsys.readouterr().err == "clips: 1 clips\nclips: 2 clips\ntalk: 2 of 3 frames\n"
