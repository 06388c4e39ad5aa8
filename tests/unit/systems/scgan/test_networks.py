import dataclasses

import pytest
import torch
from torch import nn

from limner import registry
from limner.data.schema import SCHEMAS
from limner.data.spec import DataSpec
from limner.errors import ShapeError
from limner.nn.label_maps import one_hot
from limner.systems.scgan.networks import Discriminator, Generator, ResidualUp, Segmentor
from limner.systems.scgan.system import SCGAN


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


PAPER = dict(image_size=128, num_classes=7, num_attributes=5)


@pytest.mark.parametrize(
    ("network", "options", "parameters"),
    [
        (Generator, PAPER, 12_681_667),
        (Generator, {**PAPER, "num_attributes": 17}, 12_697_027),
        (Generator, {**PAPER, "latent_size": 128}, 11_108_803),
        (Generator, {**PAPER, "architecture": "all_at_once"}, 12_893_379),
        (Discriminator, dict(image_size=128, num_attributes=5), 44_762_048),
        (Discriminator, dict(image_size=128, num_attributes=17), 44_860_352),
        (Segmentor, dict(num_classes=7), 1_482_272),
        (Segmentor, dict(num_classes=7, architecture="large"), 6_066_048),
    ],
)
def test_parameter_counts_of_the_specification(network, options, parameters):
    with torch.device("meta"):
        assert count(network(**options)) == parameters


def test_layer_shapes_of_the_papers_table():
    with torch.device("meta"):
        network = Generator(**PAPER)
        shapes = {}
        for name, module in network.named_modules():
            module.register_forward_hook(lambda m, i, o, name=name: shapes.update({name: tuple(o.shape[1:])}))
        network(torch.zeros(2, 512), torch.zeros(2, 5), torch.zeros(2, 7, 128, 128))
    assert [shapes[f"encoder.{i}"] for i in (0, 3, 6, 9)] == [(64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8)]
    assert shapes["latent_linear"] == (4096,)
    assert network.decoder[0].conv1.in_channels == 576
    assert network.decoder[2].conv1.in_channels == 256 + 5
    ups = [(512, 16, 16), (256, 32, 32), (128, 64, 64), (64, 128, 128)]
    assert [shapes[f"decoder.{i}"] for i in range(4)] == ups
    assert shapes["to_rgb"] == (3, 128, 128)


def test_discriminator_ends_in_two_by_two_at_every_size():
    for size in (32, 64, 128):
        for heads in ({"num_attributes": 3}, {"num_attributes": 0, "latent_size": 5}):
            scores, logits, latent = Discriminator(image_size=size, width=4, **heads)(torch.zeros(1, 3, size, size))
            assert scores.shape == (1, 1, 2, 2) and logits.shape == (1, heads["num_attributes"])
            assert latent.shape == (1, heads.get("latent_size", 0)), "what has no head has no columns"


@pytest.mark.parametrize("architecture", ["stepwise", "all_at_once"])
@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize(("classes", "attributes"), [(1, 0), (4, 1), (19, 17)])
def test_generator_takes_other_sizes(architecture, size, classes, attributes):
    network = Generator(
        image_size=size,
        num_classes=classes,
        num_attributes=attributes,
        latent_size=6,
        architecture=architecture,
        width=4,
    )
    image = network(torch.randn(1, 6), torch.rand(1, attributes), torch.rand(1, classes, size, size))
    assert image.shape == (1, 3, size, size) and image.abs().max() <= 1
    assert Generator(**network.config).config == network.config


@pytest.mark.parametrize("architecture", ["paper", "large"])
def test_segmentor_keeps_the_size(architecture):
    logits = Segmentor(num_classes=5, architecture=architecture, width=4)(torch.randn(1, 3, 64, 64))
    assert logits.shape == (1, 5, 64, 64)


@pytest.mark.parametrize("architecture", ["stepwise", "all_at_once"])
def test_every_condition_reaches_the_image(architecture):
    torch.manual_seed(0)
    network = Generator(
        image_size=32, num_classes=3, num_attributes=2, latent_size=5, architecture=architecture, width=8
    )
    inputs = [torch.randn(2, 5), torch.rand(2, 2), torch.rand(2, 3, 32, 32)]
    for tensor in inputs:
        tensor.requires_grad_(True)
    network(*inputs).square().sum().backward()
    assert all(tensor.grad.abs().max() > 0 for tensor in inputs)


def test_samples_do_not_depend_on_their_batch():
    torch.manual_seed(0)
    network = Generator(image_size=32, num_classes=3, num_attributes=2, latent_size=5, width=8)
    inputs = [torch.randn(3, 5), torch.rand(3, 2), torch.rand(3, 3, 32, 32)]
    alone = network(*[tensor[1:2] for tensor in inputs])
    torch.testing.assert_close(network(*inputs)[1:2], alone, atol=1e-5, rtol=0)  # float32 sums in another order


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("image_size", 100, "power of two"),
        ("image_size", 16, "at least 32"),
        ("image_size", -64, "power of two"),
        ("num_classes", 0, "at least one class"),
        ("num_attributes", -1, "0 or more"),
    ],
)
def test_impossible_sizes_are_refused(option, value, words):
    with pytest.raises(ShapeError, match=words):
        Generator(**{**PAPER, option: value})


@pytest.mark.parametrize("architecture", ["stepwise", "all_at_once"])
def test_skips_carry_the_map_past_the_bottleneck(architecture):
    """With an 8x8 code that says nothing, the picture still depends on the map, on every pixel's own class too."""
    for injection in ("encoder", "skips"):
        torch.manual_seed(0)
        options = {"image_size": 64, "num_classes": 3, "num_attributes": 2, "latent_size": 8, "width": 8}
        generator = Generator(**options, architecture=architecture, map_injection=injection)
        nn.init.zeros_(generator.encoder[-3].weight)
        seen = one_hot(torch.randint(3, (1, 64, 64)), 3).requires_grad_(True)
        generator(torch.randn(1, 8), torch.ones(1, 2), seen)[0, :, 20, 40].sum().backward()
        assert bool(seen.grad[0, :, 20, 40].any()) == (injection == "skips")
        assert bool(seen.grad.any()) == (injection == "skips")


def test_a_latent_everywhere_reaches_every_block():
    torch.manual_seed(0)
    options = {"image_size": 32, "num_classes": 3, "num_attributes": 0, "latent_size": 8, "width": 8}
    generator = Generator(**options, latent_injection="all")
    label_map = torch.randint(3, (1, 32, 32))
    generator(torch.randn(1, 8), torch.ones(1, 0), one_hot(label_map, 3)).square().sum().backward()
    assert all(block.modulation.weight.grad.abs().max() > 0 for block in generator.decoder)


@pytest.mark.parametrize("smoothed", [False, True])
def test_smoothed_enlargements_leave_no_stripes_and_no_dots(smoothed):
    """Of a slope each pixel differs from the next, and labels that change from pixel to pixel show nothing."""
    torch.manual_seed(0)
    block = ResidualUp(2, 4, num_classes=2, smooth_enlargement=smoothed)
    nothing, dots = torch.zeros(1, 2, 16, 16), (torch.arange(16)[:, None] + torch.arange(16)) % 2
    slope = torch.arange(1.0, 9).expand(1, 2, 8, 8)
    nn.init.ones_(block.shortcut.weight)
    with torch.no_grad():
        shown = block(slope, None, one_hot(dots[None], 2)) - block(slope, None, nothing)
        assert bool(shown[..., 2:-2, 2:-2].std((2, 3)).amax() < 1e-5) is smoothed
        nn.init.zeros_(block.norm2.weight)  # what is left is the shortcut
        row = block(slope, None, nothing)[0, 0, 4, 1:-1]
    assert bool((row.diff() > 0).all()) is smoothed


def test_merged_sides_are_painted_alike():
    """Which of the two classes a part has changes nothing, and another one's map as much as ever."""
    torch.manual_seed(0)
    options = {"image_size": 32, "num_classes": 4, "num_attributes": 2, "latent_size": 8, "width": 8}
    apart = Generator(**options, map_injection="skips")
    merged = Generator(**options, map_injection="skips", merged_pairs=[(1, 3)])
    merged.load_state_dict(apart.state_dict())
    first, second = torch.zeros(1, 32, 32, dtype=torch.long), torch.zeros(1, 32, 32, dtype=torch.long)
    first[:, 4:12, 4:12], second[:, 4:12, 4:12] = 1, 3
    with torch.no_grad():
        pictures = {
            (name, number): network(torch.ones(1, 8), torch.zeros(1, 2), one_hot(label_map, 4))
            for name, network in (("apart", apart), ("merged", merged))
            for number, label_map in ((1, first), (3, second))
        }
    assert torch.equal(pictures["merged", 1], pictures["merged", 3])
    assert torch.equal(pictures["merged", 1], pictures["apart", 1])
    assert not torch.equal(pictures["apart", 1], pictures["apart", 3])


@pytest.mark.parametrize("pairs", [[(1, 4)], [(-1, 2)], [(1,)], [(0, 1, 2)]])
def test_pairs_that_are_no_classes_are_refused(pairs):
    with torch.device("meta"), pytest.raises(ShapeError, match="each must be two ids of classes from 0 to 3"):
        Generator(image_size=32, num_classes=4, num_attributes=2, width=8, merged_pairs=pairs)


def test_sides_are_merged_where_the_schema_has_some():
    for schema, pairs in (("celebamask-19", ((4, 5), (6, 7), (8, 9))), ("deepfashion-7", ())):
        config = registry.preset("scgan", "smoke")
        config = dataclasses.replace(config, model=dataclasses.replace(config.model, sides="merged"))
        system = SCGAN(config, DataSpec(SCHEMAS[schema], ("Male",)))
        assert system.networks["generator"].merged_pairs == pairs


def test_weights_fit_with_and_without_smoothed_enlargements():
    options = {"image_size": 32, "num_classes": 3, "num_attributes": 2, "latent_size": 8, "width": 8}
    for skips in ("encoder", "skips"):
        plain = Generator(**options, map_injection=skips)
        Generator(**options, map_injection=skips, smooth_enlargement=True).load_state_dict(plain.state_dict())
