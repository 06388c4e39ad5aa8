"""Shapes, parameter counts and independence of the networks (portrait.md 4, 7 and 10.1, 10.4, 10.5, 10.9 to 10.11)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from limner import registry
from limner.errors import ShapeError
from limner.faces.parts import PARTS
from limner.nn.label_maps import one_hot
from limner.nn.parsing import ParsingNetwork
from limner.systems import portrait
from limner.systems.portrait.networks import Appearance, Discriminator, Generator, Reconstruction, spread_over_gaps
from limner.systems.portrait.parts import Geometry, Target, align

SMALL = {"image_size": 64, "feature_stride": 2}


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_of_the_generator():
    with torch.device("meta"):
        generator = Generator(image_size=256)
        assert count(generator.map_encoders) == 404_480
        assert count(generator.foreground) == 11_680_064
        assert count(generator.background_encoder) == 9_600
        assert count(generator.fusion) == 17_667
        assert count(generator) == 12_111_811
        assert count(Generator(image_size=256, mask_encoder="multi")) == 13_850_755
        assert count(Discriminator()) == 5_555_586


def test_the_page_says_how_large_the_parser_is():
    with torch.device("meta"):
        width = registry.preset("portrait", "paper").model.parser_width
        parser = ParsingNetwork(num_classes=11, num_attributes=0, width=width)
    page = " ".join((Path(portrait.__file__).parent / "README.md").read_text().split())
    assert (
        f"{count(parser):,} parameters at the preset `paper`, where the authors' program has a U-Net of 29,260,427"
        in page
    )
    assert count(parser) == 5_529_099


@pytest.mark.parametrize(
    ("part", "encoder", "feature_head", "image_head", "variance"),
    [
        ("left_eye", 10_101_568, 4_720_128, 4_397_251, 3_671_552),
        ("right_eye", 10_101_568, 4_720_128, 4_397_251, 3_671_552),
        ("mouth", 50_996_032, 14_966_784, 14_643_907, 24_118_784),
        ("skin", 20_591_936, 7_345_920, 20_592_643, 2_622_976),
        ("hair", 20_591_936, 7_345_920, 20_592_643, 2_622_976),
    ],
)
def test_parameter_counts_of_the_auto_encoders(part, encoder, feature_head, image_head, variance):
    with torch.device("meta"):
        drawn, exact = Appearance(image_size=256, latent="vae"), Appearance(image_size=256)
        images = Reconstruction(image_size=256)
    assert count(drawn.encoders[part]) == encoder
    assert count(drawn.encoders[part]) - count(exact.encoders[part]) == variance
    assert count(drawn.feature_heads[part]) == feature_head
    assert count(images.image_heads[part]) == image_head
    assert count(drawn) + count(images) == 216_105_615


@pytest.mark.parametrize(("size", "stride", "width"), [(256, 4, 4), (128, 4, 4), (64, 2, 4)])
def test_shapes(size, stride, width):
    geometry = Geometry(size, stride)
    appearance = Appearance(image_size=size, width=width, feature_stride=stride)
    images = Reconstruction(image_size=size, width=width, feature_stride=stride)
    generator = Generator(image_size=size, width=width, appearance_width=width, feature_stride=stride, num_blocks=1)
    target = appearance.target(torch.randint(11, (2, size, size)))
    parts = appearance.cut(torch.randn(2, 3, size, size), target)
    features, codes, _ = appearance(parts)
    again = images(codes)
    for part in PARTS:
        assert parts[part].shape == (2, 3, *geometry.crop(part)) == again[part].shape
        assert features[part].shape == (2, 4 * width, *geometry.block(part)) and features[part].min() >= 0
        assert codes[part].shape == (2, 8 * width) and again[part].abs().max() < 1
    image = generator(target.one_hot, torch.randn(2, 3, size, size), features, target.centres)
    assert image.shape == (2, 3, size, size) and image.abs().max() < 1


def test_discriminator_sees_fourteen_channels_at_two_scales():
    discriminator = Discriminator(width=4)
    assert all(scale.layers[0][0].in_channels == 14 for scale in discriminator.scales)
    outputs = discriminator(torch.zeros(1, 11, 256, 256), torch.zeros(1, 3, 256, 256))
    assert [logits.shape[-2:] for _, logits in outputs] == [(35, 35), (19, 19)]
    assert [hidden.shape[1] for hidden, _ in outputs] == [32, 32]


class Small:
    """Networks in evaluation mode, and inputs."""

    def __init__(self, mask_encoder: str = "single", eye_input: str = "crop") -> None:
        torch.manual_seed(0)
        self.appearance = Appearance(**SMALL, width=4, eye_input=eye_input).eval()
        self.generator = Generator(**SMALL, width=4, appearance_width=4, num_blocks=1, mask_encoder=mask_encoder).eval()
        label_map = torch.ones(1, 64, 64, dtype=torch.long)
        label_map[:, :, :14] = 0
        label_map[:, 26:30, 22:28], label_map[:, 26:30, 36:42] = 4, 5
        label_map[:, 44:46, 26:38], label_map[:, 46:48, 26:38], label_map[:, 48:50, 26:38] = 7, 8, 9
        label_map[:, :10, 14:] = 10
        self.label_map = label_map
        self.target: Target = self.appearance.target(label_map)
        self.photo = torch.rand(1, 3, 64, 64) * 2 - 1
        with torch.no_grad():
            self.codes = self.appearance.encode(self.appearance.cut(self.photo, self.target), self.target.centres)[0]

    def paint(self, codes: dict, photo: torch.Tensor | None = None, maps: torch.Tensor | None = None) -> torch.Tensor:
        one_hot_map = self.target.one_hot if maps is None else maps
        features = self.appearance.decode(codes, self.target.centres)
        return self.generator(one_hot_map, self.photo if photo is None else photo, features, self.target.centres)


@pytest.mark.parametrize("mask_encoder", ["single", "multi"])
def test_the_image_depends_on_every_code_and_on_the_map(mask_encoder):
    small = Small(mask_encoder)
    codes = {part: code.clone().requires_grad_(True) for part, code in small.codes.items()}
    maps = small.target.one_hot.clone().requires_grad_(True)
    small.paint(codes, maps=maps).square().sum().backward()
    for part, code in codes.items():
        assert code.grad.abs().max() > 0, part
    assert maps.grad.abs().max() > 0


def test_changing_one_code_leaves_all_other_blocks_as_they_are():
    small = Small()
    codes = {**small.codes, "left_eye": small.codes["left_eye"] + 1}
    with torch.no_grad():
        before, after = (small.appearance.decode(c, small.target.centres) for c in (small.codes, codes))
        blocks = [small.generator.assemble(features, small.target.centres) for features in (before, after)]
        assert [torch.equal(a, b) for a, b in zip(*blocks, strict=True)] == [part != "left_eye" for part in PARTS]
        assert not torch.equal(small.paint(small.codes), small.paint(codes))


def test_the_old_face_cannot_leak_through_the_background():
    small = Small()
    background = (small.target.label_map == 0)[:, None]
    photo = small.photo.clone().requires_grad_(True)
    codes = {part: code.detach() for part, code in small.codes.items()}
    image = small.paint(codes, photo)
    (gradient,) = torch.autograd.grad(image.square().sum(), photo)
    assert gradient.abs().max() > 0 and not gradient[:, :, ~background[0, 0]].any()
    far = ~nn.functional.max_pool2d(background.float(), 13, stride=1, padding=6).bool().expand(-1, 3, -1, -1)
    with torch.no_grad():
        other = small.paint(codes, torch.rand_like(photo) * 2 - 1)
    assert far.any() and torch.equal(image[far], other[far])
    assert not torch.equal(image[~far], other[~far])


@pytest.mark.parametrize("eye_input", ["crop", "masked"])
def test_skin_around_an_eye_reaches_its_code_only_in_the_base_variant(eye_input):
    small = Small(eye_input=eye_input)
    beside = small.photo.clone()
    beside[:, :, 24, 20] += 0.7  # inside the crop of the left eye, outside the eye
    assert small.label_map[0, 24, 20] == 1
    with torch.no_grad():
        codes = small.appearance.encode(small.appearance.cut(beside, small.target), small.target.centres)[0]
    assert torch.equal(codes["left_eye"], small.codes["left_eye"]) == (eye_input == "masked")
    inside = small.photo.clone()
    inside[:, :, 27, 24] += 0.7
    with torch.no_grad():
        codes = small.appearance.encode(small.appearance.cut(inside, small.target), small.target.centres)[0]
    assert not torch.equal(codes["left_eye"], small.codes["left_eye"])


def test_drawn_codes_follow_mean_variance_and_noise():
    torch.manual_seed(0)
    appearance = Appearance(**SMALL, width=4, latent="vae").eval()
    target = appearance.target(torch.randint(11, (2, 64, 64)))
    parts = appearance.cut(torch.randn(2, 3, 64, 64), target)
    means, log_variances = appearance.encode(parts, target.centres)
    noise = torch.randn(2, 5, 32)
    _, codes, _ = appearance(parts, noise)
    for index, part in enumerate(PARTS):
        expected = means[part] + (log_variances[part] / 2).exp() * noise[:, index]
        torch.testing.assert_close(codes[part], expected)
    assert torch.equal(appearance(parts)[1]["hair"], means["hair"]), "without noise the means"


@pytest.mark.parametrize("norm", ["instance", "group"])
def test_other_norms_judge_each_picture_alone(norm):
    torch.manual_seed(0)
    appearance = Appearance(**SMALL, width=4, norm=norm)
    target = appearance.target(torch.randint(11, (2, 64, 64)))
    parts = appearance.cut(torch.randn(2, 3, 64, 64), target)
    together = appearance(parts)[1]["skin"][:1]
    alone = appearance({part: image[:1] for part, image in parts.items()})[1]["skin"]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_initial_values():
    torch.manual_seed(0)
    generator = Generator(**SMALL, width=16, appearance_width=16, num_blocks=2)
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.numel() > 10_000:
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1) and not module.bias.any()
        if isinstance(module, nn.BatchNorm2d):
            assert module.momentum == 0.1 and module.weight.mean().item() == pytest.approx(1, abs=0.05)


def test_ids_that_nobody_labelled_belong_to_no_channel():
    assert not one_hot(torch.full((1, 4, 4), 255), 11).any()


@pytest.mark.parametrize(("size", "stride"), [(96, 2), (64, 4), (32, 2), (256, 3)])
def test_sizes_that_do_not_exist(size, stride):
    with pytest.raises(ShapeError, match=f"image_size {size} with feature_stride {stride}"):
        Generator(image_size=size, feature_stride=stride)


def test_a_local_code_says_what_skin_looks_like_place_by_place():
    """A spot on a cheek changes the numbers of its own place, and features around it alone; eyes have no places."""
    torch.manual_seed(0)
    appearance = Appearance(**SMALL, width=4, local_channels=2, local_stride=8).eval()
    assert appearance.code_size == 8 * 4 + 2 * 8 * 8
    target = appearance.target(torch.ones(1, 64, 64, dtype=torch.int64))  # skin everywhere
    photo = torch.rand(1, 3, 64, 64)
    spotted = photo.clone()
    spotted[:, :, 10:14, 10:14] = -1.0

    def codes_of(image):
        return appearance.encode(appearance.cut(image, target), target.centres)[0]

    code, other = codes_of(photo)["skin"], codes_of(spotted)["skin"]
    changed = (code - other)[0, 8 * 4 :].view(2, 8, 8).abs().sum(0) > 0
    assert changed[1, 1] and not changed[4:].any() and not changed[:, 4:].any()
    codes = codes_of(photo)
    assert not codes["left_eye"][:, 8 * 4 :].any()
    moved = {**codes, "skin": torch.cat([code[:, : 8 * 4], other[:, 8 * 4 :]], dim=1)}
    before, after = (appearance.decode(these, target.centres)["skin"] for these in (codes, moved))
    difference = (after - before)[0].abs().sum(0) > 0
    assert difference.any() and not difference[20:].any() and not difference[:, 20:].any()


def test_aligned_looks_follow_eyes_and_mouth():
    """Features of skin are where the map's eyes and mouth are, whole pixels away; those of eyes stay as they are."""
    torch.manual_seed(0)
    appearance = Appearance(**SMALL, width=4, local_channels=2, local_stride=8, local_alignment="similarity").eval()
    assert appearance.code_size == 8 * 4 + 2 * 8 * 8 + 6
    target = appearance.target(torch.ones(1, 64, 64, dtype=torch.int64))
    parts = appearance.cut(torch.rand(1, 3, 64, 64), target)
    with torch.no_grad():
        own = appearance(parts)[0]
        codes = appearance.encode(parts, target.centres)[0]
        again = appearance.decode(codes, target.centres)
        moved = appearance.decode(codes, target.centres + torch.tensor([4, -6]))
        exchanged = appearance.align(own, target.centres, target.centres + torch.tensor([4, -6]))
    for part in PARTS:
        torch.testing.assert_close(again[part], own[part], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(moved[part], exchanged[part], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(moved["skin"][..., 2:, :-3], own["skin"][..., :-2, 3:], rtol=1e-3, atol=1e-4)
    assert torch.equal(moved["mouth"], own["mouth"])


def test_alignment_turns_scales_and_holds_out():
    """A quarter turn and twice the size; centres on one spot give no infinite numbers."""
    block = torch.arange(64.0).view(1, 1, 8, 8)
    points = torch.tensor([[[10, 20], [10, 44], [50, 32]]])  # rows, columns
    turned = torch.stack([points[..., 1], 63 - points[..., 0]], dim=2)  # a quarter to the right
    torch.testing.assert_close(align(block, points, turned, 64), block.rot90(-1, (2, 3)), rtol=1e-4, atol=1e-3)
    middle = torch.tensor([31.5, 31.5])
    halved = align(block, middle + (points - middle) * 0.5, points, 64)
    torch.testing.assert_close(halved[0, 0, 3:5, 3:5], torch.tensor([[29.25, 29.75], [33.25, 33.75]]))
    assert align(block, points, points[:, :1].expand(-1, 3, -1), 64).isfinite().all()


@pytest.mark.parametrize("local", [{"local_channels": 2, "local_stride": 4}, {"local_channels": 3, "local_stride": 16}])
def test_local_codes_fit_every_head(local):
    appearance, images = (cls(**SMALL, width=4, **local) for cls in (Appearance, Reconstruction))
    target = appearance.target(torch.randint(11, (2, 64, 64)))
    parts = appearance.cut(torch.rand(2, 3, 64, 64), target)
    features, codes, _ = appearance(parts)
    assert {name: image.shape for name, image in images(codes).items()} == {n: p.shape for n, p in parts.items()}
    assert features["hair"].shape == (2, 16, 32, 32)


def test_a_local_code_has_no_gap_where_its_part_is_not():
    """A head of hair whose places all say the same gives one code everywhere, whatever its outline."""
    torch.manual_seed(0)
    image = torch.full((1, 3, 64, 64), 0.4)
    image[..., :, 32:] = 0.0  # no hair on the right
    local = torch.randn(1, 2, 16, 16)
    local[..., :8] = torch.tensor([1.5, -2.0]).view(1, 2, 1, 1)
    spread = spread_over_gaps(local, image)
    torch.testing.assert_close(spread, torch.tensor([1.5, -2.0]).view(1, 2, 1, 1).expand(1, 2, 16, 16))
    image[..., :, 34:] = 0.0
    image[..., :, 32:34] = 0.4  # the places at the border show half of a place
    spread = spread_over_gaps(local, image)
    mean = (local[..., :8].sum((2, 3)) + 0.5 * local[..., 8].sum(2)) / (128 + 8)
    torch.testing.assert_close(spread[..., 8], 0.5 * local[..., 8] + 0.5 * mean[..., None])
    assert not spread_over_gaps(local, torch.zeros(1, 3, 64, 64)).any()


def test_smoothed_enlargements_leave_no_grid():
    """On a map without details even and odd pixels of what a transposed convolution enlarges are alike."""
    torch.manual_seed(0)
    plain = Generator(**SMALL, width=4, appearance_width=4, num_blocks=1)
    smoothed = Generator(**SMALL, width=4, appearance_width=4, num_blocks=1, smooth_enlargement=True)
    smoothed.load_state_dict(plain.state_dict())  # the same weights fit both
    flat = torch.rand(1, 16, 1, 1).expand(1, 16, 12, 12)

    def grid(generator: Generator) -> float:
        enlarged = generator.foreground[-1][0](flat)[..., 4:-4, 4:-4]
        return (enlarged[..., ::2] - enlarged[..., 1::2]).abs().max().item()

    assert grid(plain) > 1e-3
    assert grid(smoothed) < 1e-6
