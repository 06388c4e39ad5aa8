"""Colours as people see them: CIELAB, in which lightness and hue can be told apart.

CIE 15: L* from 0 (black) to 100 (white), a* from green to red, b* from blue to yellow; white is D65, as in sRGB
(IEC 61966-2-1).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.95047, 1.0, 1.08883)


def to_lab(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """sRGB in [-1, 1] -> L*, a* and b*; values beyond the range are cut."""
    rgb = ((image.float() + 1) / 2).clamp(0, 1)
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = torch.einsum("ij,bjhw->bihw", rgb.new_tensor(_TO_XYZ), linear) / rgb.new_tensor(_WHITE)[:, None, None]
    f = torch.where(xyz > 0.008856, xyz.clamp(min=1e-12) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


HUES = ("red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink")
"""Names of hues, for colours that are no shade of grey."""
_HUE_START = 10.0
_HUE_BORDERS = (50.0, 78.0, 110.0, 165.0, 245.0, 305.0, 332.0)
"""Where red begins and where each but the last ends, degrees of the angle of (a*, b*). Ours."""
GREY_BELOW = 12.0
"""Chroma below which people call a colour black, grey or white. Ours."""


def hue_names(chroma: Float[Tensor, "n 2"]) -> list[str]:
    """The name of each colour's hue by its a* and b*; "grey" where there is next to none."""
    angles = (torch.rad2deg(torch.atan2(chroma[:, 1], chroma[:, 0])) - _HUE_START) % 360
    numbers = torch.bucketize(angles, angles.new_tensor(_HUE_BORDERS) - _HUE_START).tolist()
    greys = (chroma.norm(dim=1) < GREY_BELOW).tolist()
    return ["grey" if grey else HUES[number] for number, grey in zip(numbers, greys, strict=True)]
