"""Painting as a person does it: exact numbers of strokes, any picture, and files that agree with each other."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from limner.errors import ConfigError, DataError, MissingExtraError, ShapeError
from limner.pipelines import load
from limner.provenance import IPTC_COMPOSITE
from limner.systems.painter.drawing import Files
from limner.systems.painter.environment import paint
from limner.systems.painter.painting import (
    Grid,
    choose_palette,
    distribute,
    lay_mask,
    prepare,
    resolution,
    share_out,
    tile_weights,
    usual_passes,
)
from limner.systems.painter.pipeline import PainterPipeline
from limner.systems.painter.results import PaintingResult
from limner.systems.painter.strokes import PHASES, StrokeDocument, StrokeList, to_bytes
from limner.systems.painter.timelapse import frame_strokes, num_frames

from .conftest import scene


def picture(height: int = 48, width: int = 48) -> np.ndarray:
    return scene(1, height=height, width=width)[0]


@pytest.mark.parametrize(("budget", "tiles"), [(1, None), (7, None), (50, [2]), (203, None)])
def test_exact_numbers_of_strokes(painter: PainterPipeline, budget: int, tiles: list[int] | None) -> None:
    document = painter(picture(), budget, tiles=tiles).documents[0]
    assert len(document.strokes) == budget
    assert document.redraw().size == (48, 48)


def test_the_same_request_gives_the_same_strokes(painter: PainterPipeline) -> None:
    first, second = (painter(picture(), 12, palette=3, seed=4) for _ in range(2))
    assert first.documents[0].to_json() == second.documents[0].to_json()
    assert first.images[0].tobytes() == second.images[0].tobytes()


@pytest.mark.parametrize("shape", [(1, 1), (50, 3000), (40, 24), (17, 31)])
def test_any_shape_keeps_its_aspect(painter: PainterPipeline, shape: tuple[int, int]) -> None:
    height, width = shape
    for fit in ("letterbox", "stretch"):
        result = painter(picture(height, width), 10, fit=fit)
        scale = min(1.0, 1024 / max(shape))
        assert result.images[0].size == (max(1, round(width * scale)), max(1, round(height * scale)))


def test_pictures_of_every_kind(painter: PainterPipeline, tmp_path: Path) -> None:
    rgb = Image.fromarray(picture())
    rgb.convert("L").save(tmp_path / "grey.png")
    rgb.convert("RGBA").save(tmp_path / "alpha.png")
    rgb.convert("CMYK").save(tmp_path / "cmyk.jpg")
    rgb.save(tmp_path / "moving.gif", save_all=True, append_images=[Image.fromarray(scene(2)[0][:48, :48])])
    Image.fromarray(np.linspace(0, 65535, 48 * 48).reshape(48, 48).astype(np.uint16)).save(tmp_path / "deep.png")
    seen = {path.name: painter.plan(path, 5).conditions["image"] for path in tmp_path.iterdir()}
    plain = painter.plan(rgb, 5).conditions["image"]
    for name, tolerance in (("alpha.png", 0), ("moving.gif", 8), ("cmyk.jpg", 8)):
        assert np.abs(seen[name].astype(int) - plain).mean() <= tolerance, name
    luminance = plain @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(seen["grey.png"], np.repeat(luminance[..., None], 3, axis=-1), atol=2)
    assert seen["deep.png"].min() < 5 and seen["deep.png"].max() > 250, "16 bits are scaled, not cut off"
    assert np.abs(np.diff(np.sort(seen["deep.png"].ravel()).astype(int))).max() < 6
    for path in sorted(tmp_path.iterdir()):
        assert painter(path, 5).images[0].size == (48, 48)
    (tmp_path / "broken.png").write_bytes((tmp_path / "grey.png").read_bytes()[:60])
    for name, message in (("broken.png", "damaged"), ("none.png", "missing")):
        with pytest.raises(DataError, match=message):
            painter(tmp_path / name, 5)
    with pytest.raises(ShapeError, match="uint8"):
        painter(np.zeros((8, 8), np.float32), 5)


def test_numbers_and_pictures_of_other_libraries(painter: PainterPipeline) -> None:
    first = painter(picture(), 5, palette=2, size=(20, 10)).images[0].tobytes()
    tensor = painter(torch.from_numpy(picture()), np.int64(5), palette=np.int8(2), size=np.array([20, 10]))
    assert tensor.images[0].tobytes() == first
    assert len(painter(picture(), np.array([4, 5])).images) == 2


def test_truncated_pictures_that_are_open_are_refused(painter: PainterPipeline, tmp_path: Path) -> None:
    Image.fromarray(picture()).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for wish in ("image", "mask"):
        cut = Image.open(io.BytesIO(data[: len(data) // 2]))
        with pytest.raises(DataError, match=f"The {'picture' if wish == 'image' else 'mask'} is truncated"):
            painter(**{"image": picture(), "strokes": 5, wish: cut})


@pytest.mark.parametrize("budget", [0, -3, 10**7, 5.0, "5", None, True, [5.0]])
def test_impossible_numbers_of_strokes_are_refused(painter: PainterPipeline, budget: Any) -> None:
    with pytest.raises(ConfigError, match=r"strokes is .*at most 100000"):
        painter(picture(), budget)


def test_other_impossible_wishes_are_refused(painter: PainterPipeline) -> None:
    with pytest.raises(ConfigError, match="different ones"):
        painter(picture(), [5, 5])
    for wish, message in (
        ({"focus": 1.5}, "focus"),
        ({"focus": None}, "focus is None"),
        ({"tiles": [1]}, "at least 2 and at most 16"),
        ({"tiles": 2}, "tiles is 2, of the type int; it must be a list"),
        ({"tiles": [7, 11]}, "do not fit together"),
        ({"canvas": "mauve"}, "mauve"),
        ({"palette": 0}, "at most 256"),
        ({"palette": 2.5}, "palette is 2.5"),
        ({"palette": 4, "seed": -1}, "seed is -1"),
        ({"size": (0, 5)}, "at least 1"),
        ({"size": (10.5, 20)}, "size is 10.5"),
        ({"size": 10}, "a width and a height"),
        ({"fit": "fill"}, "fit is 'fill'"),
        ({"render": "fast"}, "render is 'fast'"),
    ):
        with pytest.raises(ConfigError, match=message):
            painter(picture(), 10, **wish)


def test_a_cut_action_is_believed_only_as_far_as_it_is_painted(painter: PainterPipeline) -> None:
    """With 1 of 5 strokes kept, the renderer's canvas must not show the other four."""
    result = painter(picture(32, 32), 1, render="neural")
    stroke = torch.from_numpy(result.documents[0].strokes.to_params()).float()
    with torch.no_grad():
        canvas, _ = paint(torch.zeros(1, 3, 32, 32), stroke, painter.components["renderer"])
    expected = ((canvas[0].numpy() - result.weight_map["target"]) ** 2).mean()
    assert result.statistics[0]["mse_as_seen"] == pytest.approx(float(expected), rel=1e-4)


def middles(strokes: StrokeList) -> np.ndarray:
    """The column of the middle of each stroke's box."""
    return strokes.clips[:, 0] + strokes.clips[:, 2] / 2


def test_strokes_may_run_over_the_edges_of_tiles_but_not_of_the_plane(painter: PainterPipeline) -> None:
    boxes = {
        render: {
            tuple(clip) for clip in painter(picture(), 80, tiles=[2], render=render).documents[0].strokes.clips.tolist()
        }
        for render in ("exact", "neural")
    }
    assert {(0.0, 0.0, 0.5625, 0.5625), (0.4375, 0.4375, 0.5625, 0.5625)} <= boxes["exact"]
    assert {(0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5)} <= boxes["neural"]


def test_focus_puts_strokes_where_the_mask_is(painter: PainterPipeline) -> None:
    mask = np.zeros((48, 48), np.uint8)
    mask[:, :24] = 255
    for follow, least in (("attention", 40), ("error", 53 // 2)):
        result = painter(picture(), 80, tiles=[2], mask=mask, focus=1.0, follow=follow)
        strokes = result.documents[0].strokes
        focus = strokes[strokes.phases == PHASES.index("focus")]
        left = int((middles(focus) < 0.5).sum())
        assert len(focus) == 53 and left > least, "two thirds are for twice as many tiles a side"
    assert (middles(focus)[:5] < 0.5).all(), "the subject comes first"
    assert result.weight_map["source"] == "mask"
    even = painter(picture(), 80, tiles=[2], mask=mask, focus=0.0, follow="attention").documents[0].strokes
    tiles = even[even.phases == PHASES.index("tile")]
    assert int((middles(tiles) < 0.5).sum()) in (26, 27)


@pytest.mark.parametrize("render", ["exact", "neural"])
def test_overlapping_tiles_paint_over_their_edges(painter: PainterPipeline, render: str) -> None:
    result = painter(picture(48, 48), 200, tiles=[2, 4], overlap=True, focus=0.0, follow="attention", render=render)
    strokes = result.documents[0].strokes
    tiles = strokes[strokes.phases == PHASES.index("tile")]
    assert len(strokes) == 200 and len(tiles) == 171
    per_side = np.where(tiles.clips[:, 2] > 0.45, 2, 4)
    shifted = tiles[middles(tiles) * per_side % 1 == 0]  # a tile's middle is at half of a tile where it is not shifted
    assert len(shifted) == 57 // 2 + 114 // 2
    boxes = {tuple(clip) for clip in shifted.clips}
    central = (0.1875, 0.1875, 0.625, 0.625) if render == "exact" else (0.25, 0.25, 0.5, 0.5)
    assert central in boxes and len(boxes) == 1 + 9
    again = StrokeDocument.from_json(result.documents[0].to_json())
    np.testing.assert_array_equal(np.asarray(again.redraw()), np.asarray(result.images[0]))


def test_a_mask_of_another_size_and_an_empty_one(painter: PainterPipeline, caplog: pytest.LogCaptureFixture) -> None:
    mask = np.zeros((7, 11), np.uint8)
    mask[2:5, 3:8] = 255
    found = painter(picture(), 5, mask=mask).weight_map["attention"]
    assert found.shape == (32, 32) and found[0, 0] < 0.1 and found[16, 16] > 0.9
    nothing = painter(picture(), 5, mask=np.zeros((8, 8), np.uint8)).weight_map
    assert nothing["source"] == "none" and (nothing["attention"] == 1).all()
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(":")[0] for text in said if "resized" in text] == [
        "The mask has 11 x 7 pixels, the picture 48 x 48",
        "The mask has 8 x 8 pixels, the picture 48 x 48",
    ]
    assert [text.partition(",")[0] for text in said if "alike" in text] == [
        "The mask marks 0 % of the picture's square"
    ]
    caplog.clear()
    painter(picture(), 5, mask=scene(1, height=48, width=48)[1])
    assert not caplog.records


def test_warnings_of_a_mask_name_its_file(
    painter: PainterPipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photo, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    Image.fromarray(picture()).save(photo)
    Image.fromarray(np.zeros((8, 10), np.uint8)).save(mask)
    plan = painter.plan(str(photo), 5, mask=mask)
    assert [record.getMessage() for record in caplog.records] == [
        f"{mask} has 10 x 8 pixels, {photo} 48 x 48: the mask is resized.",
        f"{mask} marks 0 % of the picture's square, so all parts of it count alike.",
    ]
    caplog.clear()
    assert painter.render(plan).weight_map["source"] == "none" and not caplog.records  # once, while it is planned


def test_a_missing_vgg16_is_said_once(
    painter: PainterPipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigError, match="vgg16 has no effect"):
        painter.plan(picture(), 5, vgg16=tmp_path / "none.pth")
    painter.config("actor")["features"] = "vgg16"
    plans = [painter.plan(picture(), 5, vgg16=tmp_path / "none.pth") for _ in range(2)]
    assert [plan.settings["features"] for plan in plans] == ["gradient"] * 2
    (said,) = caplog.records
    assert f"but {tmp_path / 'none.pth'} is missing: the gradient stands in" in said.getMessage()


def test_sources_of_attention(make_painter: Callable[..., PainterPipeline]) -> None:
    for wish, source in (({}, "network"), ({"attention": False}, "saliency"), ({"attends": False}, "none")):
        painter = make_painter(**wish)
        attention, found = painter.attention(picture(32, 32))
        assert found == source and attention.shape == (32, 32)


def test_shown_weights_are_those_of_the_agents_reward(painter: PainterPipeline) -> None:
    actor = painter.components["actor"]
    mask = scene(1, height=48, width=48)[1]
    for note, expected in (({}, 0.1), ({"epsilon": 0.3}, 0.3), ({"weighting": "uniform"}, 1.0)):
        actor.config |= note  # type: ignore[operator]
        found = painter(picture(), 5, mask=mask).weight_map["weights"]
        assert found.min() == pytest.approx(expected, abs=1e-4)
    shipped = load("painter").components["actor"].config
    assert (shipped["weighting"], shipped["epsilon"], shipped["kappa"]) == ("both", 0.3, 0.5)  # type: ignore[index]


def test_exact_and_neural_sight(painter: PainterPipeline) -> None:
    exact, neural = (painter(picture(), 20, render=render) for render in ("exact", "neural"))
    assert exact.statistics[0]["mse"] == pytest.approx(exact.statistics[0]["mse_as_seen"], rel=1e-5)
    assert neural.statistics[0]["mse"] != pytest.approx(neural.statistics[0]["mse_as_seen"], rel=1e-3)


def test_stroke_file_gives_the_canvas_that_the_painter_saw(painter: PainterPipeline) -> None:
    result = painter(picture(32, 32), 20, tiles=[])
    document = StrokeDocument.from_json(result.documents[0].to_json())
    plane = document.strokes.paint(document.blank(32))
    target = result.weight_map["target"]
    # the picture is equal to the bit (below); the mean is taken in another order
    assert float(((plane - target) ** 2).mean()) == pytest.approx(result.statistics[0]["mse_as_seen"], rel=1e-6)
    assert Image.fromarray(to_bytes(plane)).tobytes() == result.images[0].tobytes()


def test_going_on_from_a_stroke_file(painter: PainterPipeline) -> None:
    first = painter(picture(), 10, canvas="#f0e8d8").documents[0]
    more = painter(picture(), 7, start=first).documents[0]
    assert len(more.strokes) == 17 and more.canvas == first.canvas
    np.testing.assert_array_equal(more.strokes[:10].to_array(), first.strokes.to_array())


def test_going_on_needs_a_picture_of_the_same_shape(painter: PainterPipeline) -> None:
    """The frame is the old one, whatever the number of passes; so is that of files with frames in whole pixels."""
    first = painter(picture(45, 64), 10).documents[0]
    more = painter(picture(90, 128), 100, start=first).documents[0]
    assert more.frame == first.frame == (0.0, 19 / 128, 1.0, 45 / 64) and more.size == first.size
    older = first.replace(frame=(0.0, 4 / 32, 1.0, 23 / 32))
    assert painter(picture(45, 64), 5, start=older).documents[0].frame == older.frame
    for shape in ((64, 64), (64, 45), (30, 64)):
        with pytest.raises(ShapeError, match=rf"{shape[1]}x{shape[0]} pixels, but .* 1\.42 times as wide"):
            painter(picture(*shape), 5, start=first)
    stretched = painter(picture(45, 64), 10, fit="stretch").documents[0]
    assert len(painter(picture(64, 64), 5, start=stretched).documents[0].strokes) == 15


def test_palette_limits_the_colours(painter: PainterPipeline) -> None:
    colors = painter(picture(), 30, palette=3).documents[0].strokes.colors
    assert len(np.unique(colors.round(6), axis=0)) <= 3
    centres = choose_palette(np.repeat(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8), 8, axis=0), 2)
    np.testing.assert_allclose(np.sort(centres, axis=0), [[0, 0, 0], [1, 0, 1]], atol=1e-6)


def test_several_budgets_make_a_sheet_and_all_files(painter: PainterPipeline, tmp_path: Path) -> None:
    result = painter(picture(40, 60), [5, 12], name="cat")
    files = Files(svg="path", csv=True, gif=True, attention=True, fps=20)
    assert [path.name for path in result.save(tmp_path, files=files)] == ["cat-0005.png", "cat-0012.png"]
    names = {path.name for path in tmp_path.iterdir()}
    suffixes = (".png", ".strokes.json", ".svg", ".csv", ".gif")
    expected = {f"cat-{number}{suffix}" for number in ("0005", "0012") for suffix in suffixes}
    expected |= {"cat-attention.png", "cat-features.png", "cat-weights.png", "result.json", "result-sheet.png"}
    assert names == expected
    written = StrokeDocument.read(tmp_path / "cat-0012.strokes.json")
    assert written.redraw().tobytes() == Image.open(tmp_path / "cat-0012.png").tobytes()
    assert written.extra["system"] == "painter" and written.extra["statistics"]["mse"] > 0
    facts = Image.open(tmp_path / "cat-0012.png").text  # type: ignore[attr-defined]
    assert (
        facts["limner:system"] == "painter"
        and "Edited from a photo" in facts["Disclaimer"]
        and "limner:seed" not in facts
    )
    with Image.open(tmp_path / "cat-0012.gif") as gif:
        assert gif.n_frames == 13 and gif.size == (60, 40)


def test_a_stored_result_is_painted_again_to_the_same_bits(painter: PainterPipeline, tmp_path: Path) -> None:
    mask = (scene(1, height=48, width=48)[1]).astype(np.uint8)
    result = painter(picture(), 30, tiles=[2], mask=mask, palette=4, focus=0.5)
    result.save(tmp_path)
    again = painter.reproduce(tmp_path / "result.json")
    assert isinstance(again, PaintingResult)
    assert again.documents[0].to_json() == result.documents[0].to_json()
    assert again.images[0].tobytes() == result.images[0].tobytes()


def test_video_is_an_extra(painter: PainterPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"limner\[video\]"):
        painter(picture(), 5).save(tmp_path / "out", files=Files(video=True))
    assert not list((tmp_path / "out").glob("*")), "all files or none"


def test_video_has_a_frame_a_stroke_and_its_holds(painter: PainterPipeline, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    painter(picture(40, 61), 8, name="a").save(tmp_path, files=Files(video=True, fps=10))
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        decoded = sum(1 for _ in container.decode(stream))
        assert decoded == 8 + 1 + 2 * 10, "a frame a stroke, the empty canvas, a second at both ends"
        assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        assert stream.width % 2 == 0 and stream.height % 2 == 0
        facts = json.loads(container.metadata["comment"])
        assert facts["system"] == "painter" and facts["digital_source_type"] == IPTC_COMPOSITE


def test_frames_of_a_time_lapse() -> None:
    assert frame_strokes(6, 3) == [0, 2, 4, 6]
    assert num_frames(1000, fps=25, seconds=4) == 100 and num_frames(10, fps=25, seconds=4) == 10
    assert num_frames(1000, fps=25, seconds=None, most=300) == 300
    for wish in ({"fps": 0, "seconds": None}, {"fps": 25, "seconds": 0.0}, {"fps": float("nan"), "seconds": None}):
        with pytest.raises(ConfigError):
            num_frames(10, **wish)


def test_distribution_and_tiles() -> None:
    assert distribute(10, [1, 1, 1]) == [4, 3, 3] and distribute(7, [0, 3, 1]) == [0, 5, 2]
    assert sum(distribute(101, [0.3, 0.2, 0.5, 0.01])) == 101
    attention = np.zeros((32, 32), np.float32)
    attention[:16, :16] = 1
    weights = tile_weights(attention, (0.0, 0.0, 1.0, 1.0), Grid(2), 1.0)
    assert weights[0] == pytest.approx(1, abs=1e-6) and max(weights[1:]) < 1e-6
    outside = tile_weights(attention, (0.0, 0.0, 1.0, 0.5), Grid(2), 0.0)
    assert outside[2] == outside[3] == 0 and outside[0] > 0.9
    assert resolution([2, 4]) == 4 and resolution([]) == 1


def test_strokes_go_where_the_error_is_left() -> None:
    attention, error = np.zeros((32, 32), np.float32), np.zeros((32, 32))
    attention[:16, :16] = 1
    error[:16, :16], error[16:, 16:], error[16:, :8] = 0.04, 0.04, 0.04
    everywhere = (0.0, 0.0, 1.0, 1.0)
    blind = tile_weights(attention, everywhere, Grid(2), 0.0, error=error)
    assert blind == pytest.approx([0.2, 0, 0.2**0.5 * 0.1**0.5, 0.2], abs=1e-6)
    focused = tile_weights(attention, everywhere, Grid(2), 1.0, error=error)
    assert focused == pytest.approx([0.2, 0, (0.3 * 0.02) ** 0.5, (0.3 * 0.04) ** 0.5], abs=1e-6)


def test_tiles_get_whole_actions() -> None:
    assert share_out(203, [3, 1, 0], 5) == [153, 50, 0]
    assert share_out(4, [1, 2], 5) == [0, 4] and share_out(5, [1, 1], 5) == [5, 0]


def test_correction_and_what_strokes_follow(painter) -> None:
    image = picture(48, 48)
    plain = painter(image, 60, tiles=[2], correction=0.0, follow="attention").statistics[0]["mse"]
    assert painter(image, 60, tiles=[2], correction=0.7).statistics[0]["mse"] < plain
    neural = [painter(image, 20, render="neural", correction=share).documents[0].to_json() for share in (0.0, 1.0)]
    assert neural[0] == neural[1]  # nothing to correct without the exact canvas
    for wrong, words in (({"correction": 1.5}, "must lie in"), ({"follow": "me"}, "one of error, attention")):
        with pytest.raises(ConfigError, match=words):
            painter(image, 20, **wrong)
    with pytest.raises(ConfigError, match="a number from 0 to 1"):
        painter(image, 20, correction="much")


def test_passes_become_finer_while_their_tiles_get_enough_strokes() -> None:
    assert [usual_passes(budget) for budget in (1, 17, 18, 83, 84, 359, 360, 100_000)] == [
        [],
        [],
        [2],
        [2],
        [2, 4],
        [2, 4],
        [2, 4, 8],
        [2, 4, 8],
    ]


def test_letterbox_mirrors_and_keeps_its_frame() -> None:
    prepared = prepare(picture(20, 40), "letterbox", 64)
    assert prepared.frame == (0.0, 0.25, 1.0, 0.5)
    np.testing.assert_array_equal(prepared.target[15], prepared.target[16])
    np.testing.assert_array_equal(prepared.target[0], prepared.target[31])


@pytest.mark.parametrize(("height", "width"), [(45, 64), (128, 101), (3, 200), (5000, 1)])
def test_the_frame_is_the_same_on_every_plane(height: int, width: int) -> None:
    image = picture(height, width)
    for fit in ("letterbox", "stretch"):
        prepared = [prepare(image, fit, side) for side in (32, 64, 256)]
        assert len({one.frame for one in prepared}) == 1
        assert [one.target.shape for one in prepared] == [(side, side, 3) for side in (32, 64, 256)]


def test_a_picture_of_one_row_has_a_stroke_file_that_can_be_read(painter: PainterPipeline) -> None:
    result = painter(picture(1, 9000), 5)
    again = StrokeDocument.from_json(result.documents[0].to_json())
    assert result.images[0].size == (1024, 1) and again.redraw().tobytes() == result.images[0].tobytes()


@pytest.mark.parametrize("side", [64, 256])
def test_a_picture_is_laid_on_the_plane_to_a_part_of_a_pixel(side: int) -> None:
    ramps = np.stack(np.broadcast_arrays(np.arange(150)[:, None], np.arange(200), 0), axis=2).astype(np.uint8)
    x, y, width, height = frame = (0.1, 0.31, 0.8, 0.6)
    target = prepare(ramps, "letterbox", side, frame=frame).target.astype(float)
    middles = (np.arange(side) + 0.5) / side
    for channel, (start, length, pixels) in enumerate([(y, height, 150), (x, width, 200)]):
        inside = (middles > start + 0.03) & (middles < start + length - 0.03)
        expected = (middles[inside] - start) / length * pixels - 0.5
        line = target[:, side // 2, 0] if channel == 0 else target[side // 2, :, 1]
        np.testing.assert_allclose(line[inside], expected, atol=0.6)
    mask = lay_mask(np.full((7, 11), 255, np.uint8), prepare(ramps, "letterbox", side, frame=frame))
    assert mask.mean() / 255 == pytest.approx(width * height, abs=2 / side) and set(np.unique(mask)) == {0, 255}


def test_export_targets_run(painter: PainterPipeline) -> None:
    targets = painter.export_targets()
    assert set(targets) == {"actor", "renderer", "attention"}
    shapes = {"actor": (2, 65), "renderer": (2, 1, 32, 32), "attention": (2, 1, 32, 32)}
    for name, target in targets.items():
        with torch.no_grad():
            both = target.module.eval()(*target.example(2))
            alone = target.module(*(part[1:] for part in target.example(2)))
        assert both.shape == shapes[name]
        torch.testing.assert_close(both[1:], alone, rtol=1e-4, atol=1e-5)  # a batch sums in another order
