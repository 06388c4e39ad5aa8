"""Sizes, parameter counts and dependencies of the four networks (maskface.md 3 and 9.1 to 9.3)."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.systems.maskface.networks import (
    AdaIN,
    Discriminator,
    Generator,
    ModulatedConv,
    ResidualBlock,
    StyledBlock,
    StyleDecoder,
    StyleEncoder,
)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: Generator(image_size=256, num_classes=19), 33_902_211),
        (lambda: Generator(image_size=256, num_classes=11), 33_897_603),
        (lambda: Generator(image_size=128, num_classes=19, width=128), 33_650_435),
        (lambda: Generator(image_size=256, num_classes=19, style_injection="demodulation"), 33_607_107),
        (lambda: StyleEncoder(), 1_617_472),
        (lambda: StyleDecoder(image_size=256), 20_884_096),
        (lambda: StyleDecoder(image_size=128, width=128), 20_766_912),
        (lambda: Discriminator(image_size=256, num_classes=0), 20_851_777),
        (lambda: Discriminator(image_size=128, num_classes=0, width=128), 20_734_593),
        (lambda: Discriminator(image_size=256, num_classes=19), 20_862_721),
        (lambda: Discriminator(image_size=256, num_classes=11), 20_858_113),
        (lambda: Discriminator(image_size=128, num_classes=19, width=128), 20_756_481),
    ],
)
def test_parameter_counts_of_the_specification(build, expected):
    with torch.device("meta"):
        assert count(build()) == expected


@pytest.mark.parametrize("size", [64, 128, 256])
def test_shapes_at_all_sizes(size):
    with torch.device("meta"):
        maps, image, style = torch.empty(2, 19, size, size), torch.empty(2, 3, size, size), torch.empty(2, 64)
        assert Generator(image_size=size, num_classes=19)(maps, style).shape == (2, 3, size, size)
        assert StyleDecoder(image_size=size)(image).shape == (2, 64)
        assert Discriminator(image_size=size, num_classes=19)(image, maps).shape == (2,)
        assert StyleEncoder()(torch.empty(2, 16)).shape == (2, 64)


def maps_of(seed: int) -> torch.Tensor:
    ids = torch.randint(3, (2, 8, 8), generator=torch.Generator().manual_seed(seed))
    return functional.one_hot(ids.repeat_interleave(4, 1).repeat_interleave(4, 2), 3).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("style_injection", ["adain", "demodulation"])
@pytest.mark.parametrize("injection", ["encoder", "spade", "skips"])
def test_generator_depends_on_map_and_style(injection, style_injection):
    torch.manual_seed(0)
    generator = Generator(
        image_size=32,
        num_classes=3,
        style_size=8,
        width=8,
        max_width=16,
        mask_injection=injection,
        style_injection=style_injection,
    )
    maps, style = maps_of(0).requires_grad_(True), torch.randn(2, 8, requires_grad=True)
    image = generator(maps, style)
    image.square().sum().backward()
    assert (maps.grad.abs().sum((1, 2, 3)) > 0).all() and (style.grad.abs().sum(1) > 0).all()
    with torch.no_grad():
        assert (generator(maps, style.roll(1, 0)) - image).abs().mean() > 0.01
        assert (generator(maps_of(1), style) - image).abs().mean() > 0.01
        assert image.abs().max() > 1, "nothing bounds the output"


def test_spade_injection_shows_the_map_to_the_decoder_itself():
    generator = Generator(image_size=32, num_classes=3, style_size=8, width=8, max_width=16, mask_injection="spade")
    hidden, style = torch.randn(2, 16, 16, 16), torch.randn(2, 8)
    block = generator.decoder[0]
    assert not torch.equal(block(hidden, style, maps_of(0)), block(hidden, style, maps_of(1)))


@pytest.mark.parametrize(("injection", "passes"), [("encoder", False), ("skips", True), ("spade", True)])
def test_ways_of_the_map_past_the_bottleneck(injection, passes):
    torch.manual_seed(0)
    generator = Generator(image_size=32, num_classes=3, style_size=8, width=8, max_width=16, mask_injection=injection)
    generator.encoder[-1].register_forward_hook(lambda module, inputs, output: torch.ones_like(output))
    style = torch.randn(2, 8)
    with torch.no_grad():
        assert (not torch.equal(generator(maps_of(0), style), generator(maps_of(1), style))) is passes


def test_skips_bring_no_steps_of_the_map_into_the_picture():
    """At full size only a 1x1 convolution follows: labels that change from pixel to pixel must not show as dots."""
    torch.manual_seed(0)
    generator = Generator(image_size=64, num_classes=2, style_size=8, width=8, mask_injection="skips")
    for block in generator.decoder:  # nothing but the skips is left
        block.register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    generator.to_rgb[0] = nn.Identity()
    dots = (torch.arange(64)[:, None] + torch.arange(64)) % 2
    with torch.no_grad():
        image = generator(functional.one_hot(dots, 2).permute(2, 0, 1)[None].float(), torch.randn(1, 8))
    assert image[..., 2:-2, 2:-2].std((2, 3)).amax() < 1e-5 and image.std() > 0.01


def test_smooth_shortcuts_leave_no_blocks():
    """With all convolutions of the main path off, what is left of the decoder is its shortcuts."""
    for enlargement, blocks in (("nearest", True), ("bilinear", False)):
        torch.manual_seed(0)
        block = StyledBlock(4, 4, style_size=8, upsample=True, enlargement=enlargement)
        nn.init.zeros_(block.conv2.weight)
        hidden = torch.randn(1, 4, 8, 8)
        with torch.no_grad():
            made = block(hidden, torch.randn(1, 8), torch.zeros(1, 0, 16, 16))
        assert made.shape == (1, 4, 16, 16)
        assert torch.equal(made[..., ::2], made[..., 1::2]) is blocks


def test_uniform_maps_of_two_classes_give_different_pictures():
    """Instance norms alone would wash a flat map out; the shortcuts, which have none, carry it."""
    torch.manual_seed(0)
    generator = Generator(image_size=64, num_classes=3, style_size=8, width=16)
    first, second = torch.zeros(2, 1, 3, 64, 64)
    first[:, 0], second[:, 1] = 1, 1
    style = torch.randn(1, 8)
    with torch.no_grad():
        a, b = generator(first, style), generator(second, style)
    assert (a - b).abs().mean() > 0.1 * a.abs().mean()


def test_adain_without_style_is_an_instance_norm():
    norm, x = AdaIN(8, 5), torch.randn(3, 5, 6, 7) * 4 + 2
    nn.init.zeros_(norm.linear.weight)
    nn.init.zeros_(norm.linear.bias)
    torch.testing.assert_close(norm(x, torch.randn(3, 8)), functional.instance_norm(x))


def test_adain_sets_mean_and_spread_of_each_channel():
    norm, x, style = AdaIN(8, 5), torch.randn(3, 5, 16, 16) * 4 + 2, torch.randn(3, 8)
    gamma, beta = norm.linear(style).chunk(2, 1)
    y = norm(x, style)
    torch.testing.assert_close(y.mean((2, 3)), beta, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(y.std((2, 3), correction=0), (1 + gamma).abs(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("upsample", [False, True])
def test_modulated_convolution_by_hand(upsample):
    """Scaled and normalised are the weights in the paper: Eq. 1 and 3 with one convolution for each sample."""
    torch.manual_seed(0)
    conv, x, style = ModulatedConv(3, 4, style_size=8), torch.randn(2, 3, 6, 5), torch.randn(2, 8)
    nn.init.normal_(conv.shift)
    enlarged = functional.interpolate(x, scale_factor=2.0) if upsample else x
    expected = []
    for sample, scale in zip(enlarged, 1 + conv.linear(style), strict=True):
        weight = conv.weight * scale[None, :, None, None]
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + conv.EPS).sqrt()
        expected.append(functional.conv2d(sample[None], 2**0.5 * weight, conv.shift, padding=1))
    made = torch.cat(expected)
    if upsample:  # (1, 2, 1) / 4 in both directions
        padded = functional.pad(made, (1, 1, 1, 1), mode="replicate")
        made = functional.avg_pool2d(functional.avg_pool2d(padded, 2, stride=1), 2, stride=1)
    torch.testing.assert_close(conv.modulated(x, style, upsample=upsample), made, rtol=1e-4, atol=1e-5)


def test_modulated_enlargement_of_a_slope_is_a_slope():
    """Copies of pixels are steps, and what a convolution makes of steps is a grid."""
    torch.manual_seed(0)
    conv, slope = ModulatedConv(4, 4, style_size=8), torch.arange(16.0).expand(1, 4, 16, 16)
    made = conv.modulated(slope, torch.randn(1, 8), upsample=True)[..., 4:-4, 4:-4]
    torch.testing.assert_close(made.diff(dim=3), made.diff(dim=3).mean((2, 3), keepdim=True).expand(1, 4, 24, 23))


def test_modulated_convolution_keeps_the_power_of_its_input():
    torch.manual_seed(0)
    conv = ModulatedConv(64, 64, style_size=8)
    x = functional.leaky_relu(torch.randn(4, 64, 32, 32), 0.2)
    made = conv.modulated(x, torch.randn(4, 8), upsample=False)
    assert made.square().mean().sqrt().item() == pytest.approx(1.0, rel=0.1)


def test_without_norms_a_spike_leaves_the_rest_of_the_picture_as_it_is():
    """What norms turn into a blister: an outlier scales everything else down. Far from it nothing may change."""
    for injection, changes in (("adain", True), ("demodulation", False)):
        torch.manual_seed(0)
        generator = Generator(image_size=64, num_classes=3, style_size=8, width=8, style_injection=injection)
        maps, style = functional.interpolate(maps_of(0)[:1], scale_factor=2.0), torch.randn(1, 8)
        with torch.no_grad():
            before = generator(maps, style)
            block = generator.decoder[-1]
            block.register_forward_pre_hook(lambda module, given: (_with_a_spike(given[0]), *given[1:]))
            after = generator(maps, style)
        assert not torch.equal(before, after)
        assert (not torch.equal(before[..., 16:, 16:], after[..., 16:, 16:])) is changes


def _with_a_spike(x: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x[:, :, 0, 0] += 100
    return x


def test_residual_block_by_hand():
    block, x = ResidualBlock(2, 3, normalize=False, downsample=True), torch.randn(1, 2, 4, 4)
    main = functional.avg_pool2d(block.conv1(functional.leaky_relu(x, 0.2)), 2)
    main = block.conv2(functional.leaky_relu(main, 0.2))
    expected = (main + functional.avg_pool2d(block.shortcut(x), 2)) / 2**0.5
    torch.testing.assert_close(block(x), expected)


def test_style_decoder_sees_global_colour():
    """An instance norm anywhere would make these two equal."""
    torch.manual_seed(0)
    decoder = StyleDecoder(image_size=32, style_size=8, width=8)
    with torch.no_grad():
        dark, light = decoder(torch.full((1, 3, 32, 32), -0.5)), decoder(torch.full((1, 3, 32, 32), 0.5))
    assert (dark - light).abs().mean() > 1e-3


def test_discriminator_without_a_condition_ignores_the_map():
    image = torch.randn(2, 3, 32, 32)
    blind = Discriminator(image_size=32, num_classes=0, width=8)
    assert torch.equal(blind(image, maps_of(0)), blind(image, maps_of(1)))
    seeing = Discriminator(image_size=32, num_classes=3, width=8)
    assert not torch.equal(seeing(image, maps_of(0)), seeing(image, maps_of(1)))


def test_samples_of_a_batch_do_not_mix():
    """R1 is a penalty for each sample, and batches of one must work: no batch statistics anywhere."""
    torch.manual_seed(0)
    networks = {
        "generator": (Generator(image_size=32, num_classes=3, style_size=8, width=8), maps_of(0), torch.randn(2, 8)),
        "decoder": (StyleDecoder(image_size=32, style_size=8, width=8), torch.randn(2, 3, 32, 32)),
        "discriminator": (Discriminator(image_size=32, num_classes=3, width=8), torch.randn(2, 3, 32, 32), maps_of(0)),
    }
    for network, *inputs in networks.values():
        with torch.no_grad():
            together = network(*inputs)
            alone = network(*[value[:1] for value in inputs])
        torch.testing.assert_close(together[:1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Generator(image_size=96, num_classes=3), "image_size of maskface is 96"),
        (lambda: StyleDecoder(image_size=16), "image_size of maskface is 16"),
        (lambda: Generator(image_size=32, num_classes=0), "at least one class"),
    ],
)
def test_sizes_that_do_not_exist(build, words):
    with pytest.raises(ShapeError, match=words):
        build()
