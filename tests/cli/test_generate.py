"""`limner generate`: every mode writes what it says, stops and goes on, and refuses in one sentence."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import limner
from limner import registry, tasks
from limner.cli.main import main
from limner.data.image_io import noted_schema
from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline

Generate = Callable[..., list[Path]]


@pytest.fixture(autouse=True)
def shipped(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny weights count as the shipped ones."""
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    return tiny_weights


def label_map(shift: int = 0) -> np.ndarray:
    ids = np.zeros((32, 32), dtype=np.uint8)
    ids[6:28, 8:24] = 1
    ids[12:14, 10 + shift : 14 + shift] = 5
    return ids


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """A folder with three label maps and a file that is none."""
    folder = tmp_path / "maps"
    folder.mkdir()
    for index in range(3):
        Image.fromarray(label_map(index)).save(folder / f"face{index}.png")
    (folder / "notes.txt").write_text("not a map")
    return folder


@pytest.fixture
def generate(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict]:
    """Run the command with `--json`, expect success, give its document."""

    def run(*words: object) -> dict:
        code = main(["generate", *map(str, words), "--json"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return json.loads(captured.out)

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command, expect the exit code and one line on standard error, give it."""

    def run(code: int, *words: object) -> str:
        assert main(["generate", *map(str, words)]) == code
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1, captured.err
        return captured.err

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_pictures_are_those_of_the_python_call(generate, maps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("--attribute", "Male=1", "Young=0.5", "--seed", 7, "--num-images", 2, "--out", out)
    done = generate("scgan", "--label-map", maps / "face1.png", *words[:2], "--attribute", *words[2:])
    assert names(out) == ["result.json", "seed-000007.png", "seed-000008.png"]
    assert done["written"] == [str(out / "seed-000007.png"), str(out / "seed-000008.png")] and done["skipped"] == []
    expected = limner.load("scgan")(maps / "face1.png", {"Male": 1, "Young": 0.5}, seed=7, num_images=2)
    for path, image in zip(done["written"], expected.images, strict=True):
        assert np.array_equal(np.asarray(Image.open(path)), np.asarray(image))


def test_text_output_is_one_line(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["generate", "scgan", "--label-map", str(maps / "face0.png"), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(
        f"wrote 1 picture of 32x32 pixels to {tmp_path / 'out'} with the weights scgan-people-64"
    )
    assert main(words) == 0
    assert "wrote 0 pictures" in (text := capsys.readouterr().out) and "1 was there already" in text


def test_weights_from_a_run(generate, shipped: Path, maps: Path, tmp_path: Path) -> None:
    shutil.copytree(shipped, tmp_path / "run" / "checkpoints" / "000000064" / "pipeline")
    done = generate(
        "scgan", "--weights", tmp_path / "run", "--label-map", maps / "face0.png", "--out", tmp_path / "out"
    )
    assert done["weights"] == "run@000000064"


def test_folder_of_maps_gets_a_folder_each(generate, maps: Path, tmp_path: Path) -> None:
    generate("scgan", "--label-map", maps, "--num-images", 2, "--out", tmp_path / "out")
    files = ["result.json", "seed-000000.png", "seed-000001.png"]
    assert names(tmp_path / "out") == [f"face{index}/{file}" for index in range(3) for file in files]


def test_modes(generate, maps: Path, tmp_path: Path) -> None:
    one, several = maps / "face0.png", [maps / f"face{index}.png" for index in range(3)]
    modes = {
        "grid": (12 * 2, ["--label-map", one, "--grid", "--num-images", 2]),
        "change": (4, ["--label-map", one, "--attribute", "Male=0.2", "--change", "Male=1", "--steps", 4]),
        "z": (10, ["--label-map", one, "--interpolate", "z", "--to-seed", 5]),
        "c": (3, ["--label-map", one, "--interpolate", "c", "--change", "Young=1", "--steps", 3]),
        "s": (3, ["--label-map", *several, "--interpolate", "s"]),
        "all": (5, ["--label-map", maps, "--interpolate", "all", "--change", "Young=1", "--steps", 5]),
    }
    for mode, (count, words) in modes.items():
        done = generate("scgan", *words, "--out", tmp_path / mode)
        assert len(done["written"]) == count, mode
        with Image.open(tmp_path / mode / "result-sheet.png") as sheet:
            assert sheet.size == ((12 if mode == "grid" else count) * 32, (2 if mode == "grid" else 1) * 32)


def test_edited_map_with_the_same_latents(generate, maps: Path, tmp_path: Path) -> None:
    generate("scgan", "--label-map", maps / "face0.png", "--num-images", 2, "--seed", 4, "--out", tmp_path / "a")
    like = ("--like", tmp_path / "a" / "result.json")
    generate("scgan", "--label-map", maps / "face2.png", *like, "--out", tmp_path / "b")
    expected = limner.load("scgan")(maps / "face2.png", seed=4, num_images=2)
    for path, image in zip(sorted((tmp_path / "b").glob("*.png")), expected.images, strict=True):
        assert np.array_equal(np.asarray(Image.open(path)), np.asarray(image))


def test_reproduce_from_the_result_alone(generate, maps: Path, tmp_path: Path) -> None:
    generate("scgan", "--label-map", maps / "face0.png", "--grid", "--num-images", 2, "--out", tmp_path / "a")
    shutil.rmtree(maps)
    for number, words in enumerate((["--from"], ["scgan", "--from"])):
        generate(*words, tmp_path / "a" / "result.json", "--out", tmp_path / f"b{number}")
        assert names(tmp_path / f"b{number}") == names(tmp_path / "a")
        for name in names(tmp_path / "a"):
            assert (tmp_path / f"b{number}" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


def test_reproduce_needs_the_weights(generate, refused, shipped: Path, maps: Path, tmp_path: Path, monkeypatch) -> None:
    mine = shutil.copytree(shipped, tmp_path / "mine")
    generate("scgan", "--weights", mine, "--label-map", maps / "face0.png", "--out", tmp_path / "a")
    result = tmp_path / "a" / "result.json"
    mine = mine.rename(tmp_path / "moved")
    assert 'weights "mine", which are not among the shipped ones; name their folder with --weights' in refused(
        1, "--from", result, "--out", tmp_path / "b"
    )
    generate("--from", result, "--weights", mine, "--out", tmp_path / "b")
    assert 'was drawn by "scgan", not by "parser"' in refused(2, "parser", "--from", result, "--out", tmp_path / "c")


def test_killed_run_goes_on_where_it_was(generate, maps: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tasks, "IMAGES_PER_TASK", 4)
    words = ("scgan", "--label-map", maps, "--num-images", 10, "--out", tmp_path / "out")
    first = generate(*words)
    parts = [f"result-{start:06d}.json" for start in (0, 4, 8)]
    assert [name for name in names(tmp_path / "out" / "face1") if name.endswith("json")] == parts
    assert len(first["written"]) == 30
    before = {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out")}
    (tmp_path / "out" / "face1" / "result-000004.json").unlink()  # killed before the record of this part
    (tmp_path / "out" / "face2" / "seed-000009.png").unlink()
    second = generate(*words)
    redone = [*(f"face1/seed-{seed:06d}.png" for seed in range(4, 8)), "face2/seed-000008.png", "face2/seed-000009.png"]
    assert [Path(path).relative_to(tmp_path / "out").as_posix() for path in second["written"]] == redone
    assert len(second["skipped"]) == 24
    assert {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out")} == before


def test_shards_together_are_the_whole(generate, maps: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tasks, "IMAGES_PER_TASK", 2)
    words = ("scgan", "--label-map", maps, "--num-images", 3)
    generate(*words, "--out", tmp_path / "whole")
    written = [generate(*words, "--shard", f"{part}/2", "--out", tmp_path / "flag")["written"] for part in range(2)]
    assert not set(written[0]) & set(written[1]) and all(written)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        generate(*words, "--out", tmp_path / "torchrun")
    for folder in ("flag", "torchrun"):
        assert names(tmp_path / folder) == names(tmp_path / "whole")
        for name in names(tmp_path / "whole"):
            assert (tmp_path / folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_another_request_does_not_overwrite_unless_forced(generate, refused, maps: Path, tmp_path: Path) -> None:
    words = ("scgan", "--label-map", maps / "face0.png", "--out", tmp_path / "out")
    generate(*words)
    before = (tmp_path / "out" / "seed-000000.png").read_bytes()
    assert "is the result of another request" in refused(1, *words, "--attribute", "Male=1")
    assert (tmp_path / "out" / "seed-000000.png").read_bytes() == before
    assert len(generate(*words, "--attribute", "Male=1", "--force")["written"]) == 1
    assert (tmp_path / "out" / "seed-000000.png").read_bytes() != before


@pytest.fixture
def parser_weights(tmp_path: Path) -> Path:
    spec = DataSpec(get_schema("celebamask-19"), ("Dark_Hair",))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ParsingNetwork(num_classes=19, num_attributes=1, width=8)
    return ParserPipeline(spec=spec, size=32, parser=network).save_pretrained(tmp_path / "parser-weights")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(2):
        Image.fromarray(random.integers(0, 256, (48, 48, 3), dtype=np.uint8)).save(folder / f"photo{index}.jpg")
    return folder


def test_label_maps_of_pictures(generate, parser_weights: Path, photos: Path, tmp_path: Path) -> None:
    for system, flag, extra in (("scgan", "--segment", []), ("parser", "--image", ["--weights", parser_weights])):
        out = tmp_path / system
        words = (system, *extra, flag, photos, "--out", out)
        assert len(generate(*words)["written"]) == 2 and names(out) == ["photo0.png", "photo1.png"]
        assert len(generate(*words)["skipped"]) == 2
        pipeline = limner.load(parser_weights if system == "parser" else "scgan")
        with Image.open(out / "photo1.png") as picture:
            assert picture.mode == "P"
            ids = np.asarray(picture)
        photo = photos / "photo1.jpg"
        expected = pipeline(photo).label_maps[0] if system == "parser" else pipeline.segment(photo)
        assert np.array_equal(ids, expected)
    # and a label map so written is one that can be drawn
    generate("scgan", "--label-map", tmp_path / "scgan" / "photo0.png", "--out", tmp_path / "drawn")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("", 2, "Name a system (scgan, "),
        ("scgn --label-map M --out O", 2, 'There is no system "scgn". Did you mean "scgan"?'),
        ("scgan --out O", 2, "--label-map is missing"),
        ("scgan --label-map M --out F", 2, "is a file; name a folder"),
        ("scgan --label-map nowhere.png --out O", 1, "nowhere.png is missing"),
        ("scgan --label-map F --out O", 1, "is not a picture"),
        ("scgan --label-map E --out O", 1, "has no label map"),
        ("scgan --label-map W --out O", 1, "class id 200"),
        ("scgan --label-map J --out O", 1, "is a JPEG file, which changes class ids"),
        ("scgan --label-map M M --out O", 2, "would write to the same name"),
        ("scgan --label-map M --schema celeb --out O", 2, 'no label schema "celeb"'),
        ("scgan --label-map M --attribute Male --out O", 2, '--attribute is "Male"; it must be NAME=VALUE'),
        ("scgan --label-map M --attribute Male=x --out O", 2, '--attribute is "Male=x"'),
        ("scgan --label-map M --attribute =1 --out O", 2, '--attribute is "=1"'),
        ("scgan --label-map M --attribute Male=1 --attribute Male=0 --out O", 2, '--attribute names "Male" twice'),
        ("scgan --label-map M --attribute Mal=1 --out O", 2, 'Did you mean "Male"?'),
        ("scgan --label-map M --attribute Male=7 --out O", 2, "must be a number from 0 to 1"),
        ("scgan --label-map M --attribute Male=nan --out O", 2, "must be a number from 0 to 1"),
        ("scgan --label-map M --seed -4 --out O", 2, "seed is -4"),
        ("scgan --label-map M --seed one --out O", 2, "--seed"),
        ("scgan --label-map M --num-images 0 --out O", 2, "--num-images is 0"),
        ("scgan --label-map M --num-images -2 --out O", 2, "--num-images is -2"),
        ("scgan --label-map M --batch-size 0 --out O", 2, "--batch-size is 0"),
        ("scgan --label-map M --shard 4/4 --out O", 2, '--shard is "4/4"'),
        ("scgan --label-map M --shard x --out O", 2, '--shard is "x"'),
        ("scgan --label-map M --device tpu --out O", 2, 'no device "tpu"'),
        ("scgan --label-map M --weights nope --out O", 1, 'There are no weights "nope"'),
        ("scgan --label-map M --weights F --out O", 1, "give the weights folder"),
        ("scgan --label-map M --weights E --out O", 1, "has no pipeline.json"),
        ("scgan --label-map M --grid --change Male=1 --out O", 2, "--grid and --change cannot go together"),
        ("scgan --label-map M --grid --attribute Male=1 --out O", 2, "--attribute has no effect with --grid"),
        ("scgan --label-map M --steps 3 --out O", 2, "--steps has no effect with plain pictures"),
        ("scgan --label-map M --interpolate z --num-images 3 --out O", 2, "--num-images has no effect"),
        ("scgan --label-map M --interpolate z --change Male=1 --out O", 2, "--change has no effect with --interpolate"),
        ("scgan --label-map M --interpolate c --out O", 2, "needs a target"),
        ("scgan --label-map M --interpolate s --out O", 2, "give at least two"),
        ("scgan --label-map M --interpolate x --out O", 2, '--interpolate is "x"; it must be one of z, c, s, all.'),
        ("scgan --label-map M --seed seven --out O", 2, '--seed is "seven"; it must be a whole number.'),
        ("lgcgan --image M --out O", 2, 'There is no option "--image". Did you mean "--photo"?'),
        ("scgan --label-map M --change Male=1 --steps 1 --out O", 2, "steps is 1"),
        ("scgan --label-map M --change Male=1 --to-seed 1 --out O", 2, "--to-seed has no effect"),
        ("scgan --label-map M --segment M --out O", 2, "--label-map has no effect with --segment"),
        ("scgan --label-map M --like F --out O", 1, "is not valid JSON"),
        ("scgan --segment nowhere.jpg --out O", 1, "nowhere.jpg is missing"),
        ("scgan --segment F --out O", 1, "is not a picture"),
        ("scgan --label-mop M --out O", 2, 'Did you mean "--label-map"?'),
        ("--from nowhere.json --out O", 1, "nowhere.json cannot be read"),
        ("--from F --out O", 1, "is not valid JSON"),
    ],
)
def test_wrong_use_is_one_sentence_and_writes_nothing(
    refused, maps: Path, tmp_path: Path, words: str, code: int, text: str
) -> None:
    paths = {"M": maps / "face0.png", "O": tmp_path / "out", "F": tmp_path / "file", "E": tmp_path / "empty"}
    paths |= {"W": tmp_path / "wrong.png", "J": tmp_path / "lossy.jpg"}
    paths["F"].write_text("text")
    paths["E"].mkdir()
    Image.fromarray(np.full((32, 32), 200, np.uint8)).save(paths["W"])
    Image.fromarray(label_map()).save(paths["J"])
    before = names(tmp_path)
    assert text in refused(code, *(paths.get(word, word) for word in shlex.split(words)))
    assert names(tmp_path) == before and not paths["O"].exists()


def test_parser_without_a_picture_is_refused(refused, parser_weights: Path, tmp_path: Path) -> None:
    words = ("parser", "--weights", parser_weights, "--out", tmp_path / "out")
    assert "--image is missing" in refused(2, *words)
    assert "There is no option" in refused(2, *words, "--grid")


@pytest.mark.parametrize("system", registry.system_names())
def test_help_shows_only_this_systems_options_without_torch(system: str, python) -> None:
    code = (
        f"import sys; from limner.cli.main import main; code = main(['generate', {system!r}, '--help'])\n"
        "sys.exit('imported torch' if 'torch' in sys.modules else code)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    for option, owners in (("--attribute", {"scgan"}), ("--strokes", {"painter", "learning-to-paint"})):
        assert (option in done.stdout) == (system in owners), option
    assert f"limner generate {system}" in done.stdout.split("examples:")[1]


def test_examples_of_the_help_are_right(
    capsys: pytest.CaptureFixture[str], maps: Path, photos: Path, monkeypatch
) -> None:
    monkeypatch.chdir(maps.parent)
    for source, name in (("face0", "map"), ("face0", "a"), ("face1", "b"), ("face2", "c"), ("face1", "edited")):
        shutil.copy(maps / f"{source}.png", maps.parent / f"{name}.png")
    Image.open(photos / "photo0.jpg").save("photo.png")
    for example in registry.generate_options("scgan").EXAMPLES:
        assert main(shlex.split(example)[1:]) == 0, capsys.readouterr().err


def test_cold_start_imports_no_training_code(python, shipped: Path, maps: Path, tmp_path: Path) -> None:
    unwanted = ("lightning_fabric", "torchmetrics", "scipy", "tensorboard", "onnx", "limner.engine", "limner.metrics")
    code = (
        "import sys; from limner.cli.main import main\n"
        f"code = main(['generate', 'scgan', '--label-map', {str(maps / 'face0.png')!r}, '--out', sys.argv[1]])\n"
        f"found = sorted(set({unwanted!r}) & set(sys.modules))\n"
        "sys.exit(f'imported {found}' if found else code)"
    )

    done = python("-c", code, str(tmp_path / "out"), env={"LIMNER_WEIGHTS": str(shipped.parent)})
    assert done.returncode == 0, done.stderr


def test_words_about_what_was_written(maps: Path, tmp_path: Path, shipped: Path, capsys, monkeypatch) -> None:
    """One picture, several, their size; a folder of its own where none is named; "~" where the shell leaves it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    words = ["generate", "scgan", "--label-map", str(maps / "face0.png")]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("wrote 1 picture of 32x32 pixels to limner-scgan with the weights")
    assert main([*words, "--num-images", "2", "--out=~/two"]) == 0
    assert f"wrote 2 pictures of 32x32 pixels to {tmp_path.joinpath('home', 'two')} with" in capsys.readouterr().out
    assert (tmp_path / "home" / "two" / "result.json").exists() and not (tmp_path / "~").exists()
    assert main(["generate", "--from", "~/two/result.json"]) == 1, "another request is in limner-scgan"
    assert "limner-scgan/result.json is the result of another request" in capsys.readouterr().err


def test_unfit_and_hidden_files_of_a_folder(generate, maps: Path, tmp_path: Path, capsys) -> None:
    (maps / "._face0.png").write_bytes(b"macOS")
    (maps / "broken.png").write_bytes(b"no picture")
    assert main(["generate", "scgan", "--label-map", str(maps), "--out", str(tmp_path / "out")]) == 1
    seen = capsys.readouterr()
    assert seen.out.startswith("wrote 3 pictures") and "._face0" not in seen.err
    assert "left out:" in seen.err and "broken.png" in seen.err and "error: 1 file of 4 left out." in seen.err
    assert names(tmp_path / "out") == [
        f"face{k}/{file}" for k in range(3) for file in ("result.json", "seed-000000.png")
    ]


def test_leftovers_of_killed_runs_are_removed(generate, killed_while_writing, maps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    killed_while_writing(out / "a.png")
    (out / ".mine.tmp").write_text("a user's")
    generate("scgan", "--label-map", maps / "face0.png", "--out", out)
    assert sorted(path.name for path in out.iterdir()) == [".mine.tmp", "result.json", "seed-000000.png"]


def test_oblong_maps_with_fit(generate, refused, maps: Path, tmp_path: Path) -> None:
    wide = np.pad(label_map(), ((0, 0), (0, 16)))
    Image.fromarray(wide).save(tmp_path / "wide.png")
    words = ("scgan", "--label-map", tmp_path / "wide.png", "--out")
    assert "must be square: cut it, or say --fit crop or pad" in refused(1, *words, tmp_path / "no")
    side = len(wide)
    for fit, square in (("crop", wide[:, 8 : 8 + side]), ("pad", np.pad(wide, ((8, 8), (0, 0))))):
        generate(*words, tmp_path / fit, "--fit", fit)
        expected = limner.load("scgan")(square).images[0]
        assert np.array_equal(np.asarray(Image.open(tmp_path / fit / "seed-000000.png")), np.asarray(expected)), fit


def test_own_weights_are_found_again(generate, shipped: Path, maps: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(shipped, tmp_path / "mine")
    generate("scgan", "--weights", mine, "--label-map", maps / "face0.png", "--out", tmp_path / "a")
    generate("--from", tmp_path / "a" / "result.json", "--out", tmp_path / "b")
    assert names(tmp_path / "b") == names(tmp_path / "a")
    with Image.open(tmp_path / "a" / "seed-000000.png") as picture:
        assert str(tmp_path) not in str(picture.info), "the path stands in the JSON file alone"


def test_a_photo_given_as_a_map_is_recognised(refused, tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "photo.png")
    message = refused(1, "scgan", "--label-map", tmp_path / "photo.png", "--out", tmp_path / "out")
    assert "photo.png is a photo, not a label map: name it with --map-of" in message


def test_maps_are_made_of_photos_and_know_their_schema(
    generate, photos: Path, parser_weights: Path, shipped: Path, tmp_path: Path
) -> None:
    """The label map is a file that can be edited; it says which schema it is of, and is converted by that."""
    shutil.copytree(parser_weights, shipped.parent / "parser-people-64")
    index = shipped.parent / "parser-people-64"
    ParserPipeline.from_pretrained(index).save_pretrained(index, default=True)
    done = generate("scgan", "--map-of", photos, "--out", tmp_path / "out")
    assert len(done["written"]) == 2
    made = tmp_path / "out" / "maps" / "photo0.png"
    assert noted_schema(made) == get_schema("celebamask-19")
    generate("scgan", "--label-map", made, "--out", tmp_path / "again")
    one, again = (Image.open(path) for path in (done["written"][0], tmp_path / "again" / "seed-000000.png"))
    assert np.array_equal(np.asarray(one), np.asarray(again))


def test_a_map_of_another_schema_is_converted_by_what_its_file_says(generate, maps: Path, tmp_path: Path) -> None:
    from limner.data.image_io import read_label_map, save_label_map
    from limner.data.schema import LabelSchema, converter

    own = get_schema("celebamask-19")
    turned = LabelSchema(
        **{**own.__dict__, "name": "turned", "classes": own.classes[::-1], "palette": own.palette[::-1]}
    )
    ids = read_label_map(maps / "face0.png", own)
    save_label_map(tmp_path / "turned.png", converter(own, turned)[ids], turned)
    generate("scgan", "--label-map", tmp_path / "turned.png", "--out", tmp_path / "a")
    expected = limner.load("scgan")(maps / "face0.png").images[0]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a" / "seed-000000.png")), np.asarray(expected))
