"""Where a picture matters: attention a, feature mask f, and the weights w that they give the pixels of a distance.

w = e + (1 - e) a (k + (1 - k) f): attention gates, features modulate inside. Attention comes from a network, from masks
or from `find_subject`; the feature mask is that of Schaldenbrand and Oh, "Content Masked Loss", AAAI 2021,
arXiv:2012.10043 (VGG-16's third pooling, summed over channels), or a gradient of the brightness where no VGG is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from limner.backbones.vgg import VGG, imagenet_normalized
from limner.nn.resampling import gaussian_blur

Images = Float[Tensor, "b 3 h w"]
Maps = Float[Tensor, "b 1 h w"]
Weighting = Literal["uniform", "attention", "features", "both"]

FAINT, TOTAL = 0.02, 0.9
"""Attention whose mean is below the first or above the second says nothing: all pixels count alike then."""

_LUMINANCE = (0.299, 0.587, 0.114)
_FEATURE_SCALES, _FEATURE_BLUR = (1.0, 2.0, 4.0), 3.0  # pixels of a picture of 128
_VGG_SIZE = 224
_SALIENCY_SIZE, _SALIENCY_BLUR, _CENTRE = 64, 2.5, 0.35
_COLORS = 6  # levels a channel of the colour models
_REFINEMENTS, _NEIGHBOURHOOD = 5, 0.02
_ELLIPSE_CENTRE, _ELLIPSE_RADII = (0.5, 0.55), (0.30, 0.38)


@dataclass(frozen=True)
class WeightMap:
    """What matters in some pictures, each (b, 1, h, w) in [0, 1].

    Attributes:
        attention: a; 1 everywhere for pictures in which it says nothing.
        features: f.
        weights: w.
        source: where attention came from: "network", "mask", "saliency" or "none".
        is_uniform: (b,) pictures whose attention said nothing.
    """

    attention: Maps
    features: Maps
    weights: Maps
    source: str
    is_uniform: Tensor

    @classmethod
    def of(
        cls,
        attention: Maps,
        features: Maps,
        *,
        weighting: Weighting = "both",
        epsilon: float = 0.1,
        kappa: float = 0.5,
        source: str = "network",
    ) -> WeightMap:
        """Combine attention and features; attention that says nothing is replaced."""
        attention, is_uniform = usable_attention(attention)
        weights = pixel_weights(attention, features, weighting=weighting, epsilon=epsilon, kappa=kappa)
        return cls(attention, features, weights, source, is_uniform)


def pixel_weights(
    attention: Maps, features: Maps, *, weighting: Weighting, epsilon: float = 0.1, kappa: float = 0.5
) -> Maps:
    """w, detached from the networks that made a and f: whoever pays must not choose the easy pixels.

    "uniform" is 1 everywhere, "attention" is k = 1, "features" is a = 1 and k = 0 (the Content Masked Loss's own form).
    """
    attention, features = attention.detach(), features.detach()
    if weighting == "uniform":
        return torch.ones_like(attention)
    if weighting == "attention":
        kappa = 1.0
    elif weighting == "features":
        attention, kappa = torch.ones_like(attention), 0.0
    return epsilon + (1 - epsilon) * attention * (kappa + (1 - kappa) * features)


def usable_attention(attention: Maps) -> tuple[Maps, Tensor]:
    """Attention, 1 everywhere where its mean is too small or too large to say anything; and where that was so, (b,)."""
    mean = attention.mean(dim=(1, 2, 3))
    says_nothing = (mean < FAINT) | (mean > TOTAL)
    return torch.where(says_nothing[:, None, None, None], torch.ones_like(attention), attention), says_nothing


def weighted_distance(canvas: Images, target: Images, weights: Maps) -> Float[Tensor, "b 1"]:
    """d_w: squared difference, weighted over pixels, mean over channels; the scale of the weights plays no part."""
    square = (canvas - target).square().sum(dim=1, keepdim=True)
    return ((weights * square).sum(dim=(2, 3)) / (3 * weights.sum(dim=(2, 3)))).reshape(-1, 1)


def gradient_features(image: Images) -> Maps:
    """The feature mask without weights: how much the brightness changes at three scales, smoothed, in [0, 1].

    Args:
        image: RGB in [0, 1].
    """
    unit = image.shape[-1] / 128
    luminance = _luminance(image)
    total = torch.zeros_like(luminance)
    for sigma in _FEATURE_SCALES:
        smooth = functional.pad(gaussian_blur(luminance, sigma * unit), (1, 1, 1, 1), mode="replicate")
        dx = smooth[..., 1:-1, 2:] - smooth[..., 1:-1, :-2]
        dy = smooth[..., 2:, 1:-1] - smooth[..., :-2, 1:-1]
        total = total + (dx.square() + dy.square()).sqrt()
    return _stretched(gaussian_blur(total, _FEATURE_BLUR * unit))


def vgg_features(vgg: VGG) -> Callable[[Images], Maps]:
    """The feature mask of Content Masked Loss: RGB in [0, 1] -> [0, 1]."""

    @torch.no_grad()
    def features(image: Images) -> Maps:
        large = functional.interpolate(image, size=(_VGG_SIZE, _VGG_SIZE), mode="bilinear", align_corners=False)
        (maps,) = vgg(imagenet_normalized(2 * large - 1), ["pool3"])
        total = maps.sum(dim=1, keepdim=True)
        return _stretched(functional.interpolate(total, size=image.shape[-2:], mode="bilinear", align_corners=False))

    return features


def find_saliency(image: Images) -> Maps:
    """Where a picture differs from what pictures usually are, in [0, 1].

    Spectral residual of Hou and Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007, at 64 pixels,
    times a Gaussian about the centre.
    """
    size = (_SALIENCY_SIZE, _SALIENCY_SIZE)
    small = functional.interpolate(_luminance(image), size=size, mode="bilinear", align_corners=False, antialias=True)
    spectrum = torch.fft.fft2(small)
    log_amplitude = spectrum.abs().clamp_min(1e-8).log()
    # The spectrum is periodic, so its 3 x 3 mean is too.
    mean = functional.avg_pool2d(functional.pad(log_amplitude, (1, 1, 1, 1), mode="circular"), 3, stride=1)
    residual = torch.polar((log_amplitude - mean).exp(), spectrum.angle())
    saliency = gaussian_blur(torch.fft.ifft2(residual).abs().square(), _SALIENCY_BLUR)
    large = functional.interpolate(saliency, size=image.shape[-2:], mode="bilinear", align_corners=False)
    return _stretched(large * _centre(image))


def find_subject(image: Images) -> Maps:
    """A soft mask of the subject without any trained weights, in [0, 1].

    Saliency says where to look; colour models of subject and background, learned from the picture itself, say how far
    the subject reaches. GrabCut does the second part with Gaussian mixtures and a minimum cut along the picture's
    edges. Here the models are smoothed colour histograms and every pixel is decided by its colour and by its
    neighbourhood's mean (mean field, five rounds): there is no cut, so the outline is softer and does not follow weak
    edges, and no seed is kept fixed.
    """
    saliency = find_saliency(image)
    side = image.shape[-1]
    flat = saliency.flatten(1)
    # The most salient fifth is taken for the subject at first, and the least salient half for the background.
    high, low = flat.quantile(0.8, dim=1), flat.quantile(0.5, dim=1)
    belief = ((saliency - low[:, None, None, None]) / (high - low).clamp_min(1e-6)[:, None, None, None]).clamp(0, 1)
    levels = (image * _COLORS).long().clamp(0, _COLORS - 1)
    bins = (levels[:, 0] * _COLORS + levels[:, 1]) * _COLORS + levels[:, 2]
    # Smooth subjects, such as a face, are salient at their edges only: an unusual colour and the picture's middle speak
    # for them too.
    smooth = gaussian_blur(image, _NEIGHBOURHOOD * side)
    contrast = _stretched((smooth - image.mean(dim=(2, 3), keepdim=True)).square().sum(1, keepdim=True).sqrt())
    belief = (gaussian_blur(belief, 2 * _NEIGHBOURHOOD * side) + contrast + _centre(image)) / 3
    prior = _logit(0.05 + 0.9 * belief)
    for _ in range(_REFINEMENTS):
        ratio = (_histogram(bins, belief) / _histogram(bins, 1 - belief)).log()
        evidence = ratio.gather(1, bins.flatten(1)).view_as(belief)
        near = _logit(gaussian_blur(belief, _NEIGHBOURHOOD * side).clamp(0.02, 0.98))
        belief = (evidence + 0.5 * near + prior).sigmoid()
    return gaussian_blur(belief, 0.5 * _NEIGHBOURHOOD * side).clamp(0, 1)


def face_prior(image: Images) -> Maps:
    """An ellipse where the face is in aligned portraits, 1 inside."""
    y, x = _grid(image)
    distance = ((x - _ELLIPSE_CENTRE[0]) / _ELLIPSE_RADII[0]) ** 2 + ((y - _ELLIPSE_CENTRE[1]) / _ELLIPSE_RADII[1]) ** 2
    return (distance <= 1).to(image).expand(len(image), 1, -1, -1)


def find_face(image: Images) -> Maps:
    """The subject of an aligned portrait: half `find_subject`, half the ellipse."""
    return 0.5 * find_subject(image) + 0.5 * face_prior(image)


def _histogram(bins: Tensor, weight: Maps) -> Float[Tensor, "b bins"]:
    """Share of each colour under a weight, smoothed over neighbouring colours so that none is impossible."""
    counts = torch.zeros(len(bins), _COLORS**3, dtype=weight.dtype, device=weight.device)
    counts.scatter_add_(1, bins.flatten(1), weight.flatten(1))
    cube = counts.view(-1, 1, _COLORS, _COLORS, _COLORS)
    smooth = functional.avg_pool3d(functional.pad(cube, (1,) * 6, mode="replicate"), 3, stride=1)
    total = (0.7 * cube + 0.3 * smooth).flatten(1) + 1e-3 * weight[0].numel() / _COLORS**3
    return total / total.sum(dim=1, keepdim=True)


def _stretched(maps: Maps) -> Maps:
    """Each map from its least value (0) to its largest (1)."""
    maps = maps - maps.amin(dim=(2, 3), keepdim=True)
    return maps / (maps.amax(dim=(2, 3), keepdim=True) + 1e-8)


def _luminance(image: Images) -> Maps:
    weights = image.new_tensor(_LUMINANCE)[:, None, None]
    return (image * weights).sum(dim=1, keepdim=True)


def _grid(image: Images) -> tuple[Tensor, Tensor]:
    """Row and column of every pixel's middle, as fractions of the side."""
    height, width = image.shape[-2:]
    y = (torch.arange(height, dtype=image.dtype, device=image.device) + 0.5) / height
    x = (torch.arange(width, dtype=image.dtype, device=image.device) + 0.5) / width
    return y[:, None].expand(height, width), x[None].expand(height, width)


def _centre(image: Images) -> Float[Tensor, "h w"]:
    """A Gaussian about the centre, 1 at its middle."""
    y, x = _grid(image)
    return torch.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / (2 * _CENTRE**2))


def _logit(probability: Tensor) -> Tensor:
    return (probability / (1 - probability)).log()
