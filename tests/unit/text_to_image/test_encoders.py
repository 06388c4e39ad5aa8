"""DAMSM's encoders: sizes to the unit, and codes that do not depend on padding or company."""

from __future__ import annotations

import torch

from limner.text_to_image.encoders import ImageEncoder, TextEncoder, is_word


def trained(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def test_published_numbers_of_parameters():
    with torch.device("meta"):
        text = TextEncoder(num_words=5_450)
        assert trained(text) == 2_075_320 and trained(text.lstm) == 440_320
        image = ImageEncoder()
        assert trained(image) == 721_152
        frozen = sum(p.numel() for name, p in image.inception.named_parameters() if not name.startswith("fc."))
        assert frozen == 21_785_568
        assert sum(p.numel() for p in image.inception.fc.parameters()) == 2048 * 1000 + 1000


def test_codes_of_a_caption_depend_on_it_alone():
    encoder = TextEncoder(num_words=20, code_size=8, embedding_size=6).eval()
    ids = torch.tensor([[3, 4, 5, 0, 0], [7, 8, 9, 10, 11]])
    words, sentence = encoder(ids, torch.tensor([3, 5]))
    assert words.shape == (2, 8, 5) and sentence.shape == (2, 8)
    assert (words[0, :, 3:] == 0).all() and is_word(ids).tolist()[0] == [True, True, True, False, False]
    alone, code = encoder(ids[:1, :3], torch.tensor([3]))
    torch.testing.assert_close(words[:1, :, :3], alone)
    torch.testing.assert_close(sentence[:1], code)


def test_codes_of_a_picture():
    encoder = ImageEncoder(code_size=8, backbone="small", widths=(4, 6, 8, 10), region_layer=2)
    regions, code = encoder(torch.rand(2, 3, 64, 64))
    assert regions.shape == (2, 8, 64) and code.shape == (2, 8)
    (regions.sum() + code.sum()).backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_inception_gives_regions_and_keeps_its_statistics():
    encoder = ImageEncoder(code_size=8).train()
    assert not any(module.training for module in encoder.inception.modules())
    with torch.no_grad():
        regions, code = encoder(torch.rand(1, 3, 64, 64))
    assert regions.shape == (1, 8, 17 * 17) and code.shape == (1, 8)
