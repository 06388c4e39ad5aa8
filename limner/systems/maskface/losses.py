"""The losses of maskface as plain functions. The sources are the works that the paper cites; see README.md."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor

_TINY = 1e-5  # keeps the ratios finite (MSGAN, DSGAN)


def diversity_loss(
    form: Literal["ds", "ms", "dsgan"],
    first: Float[Tensor, "b 3 h w"],
    second: Float[Tensor, "b 3 h w"],
    first_code: Float[Tensor, "b n"],
    second_code: Float[Tensor, "b n"],
    *,
    limit: float = 0.0,
) -> Float[Tensor, ""]:
    """Small when two faces of one map differ much.

    "ds":    minus the mean difference to the second face, which is held (StarGAN v2, arXiv:1912.01865, Eq. 3).
    "ms":    1 / (difference of the faces / difference of the codes) (Mao et al., "MSGAN", CVPR 2019, arXiv:1903.05628).
    "dsgan": minus that ratio, image by image, up to a limit (Yang et al., ICLR 2019, arXiv:1901.09024, Eq. 3).

    Args:
        form: one of the three.
        first: faces.
        second: faces of the same maps under other codes.
        first_code: noise, or codes where the faces come from photos; only its distance to the other matters.
        second_code: likewise.
        limit: tau of "dsgan"; 0 = none. The ratio is limited before it is negated: the authors' program limits the
            negated one from above, which never acts.
    """
    if form == "ds":
        return -(first - second.detach()).abs().mean()
    faces = (first - second).abs().mean(dim=(1, 2, 3))
    codes = (first_code - second_code).abs().mean(dim=1)
    if form == "ms":
        return 1 / (faces.mean() / codes.mean().clamp_min(_TINY) + _TINY)
    ratio = faces / (codes + _TINY)
    return -(ratio.clamp(max=limit) if limit > 0 else ratio).mean()
