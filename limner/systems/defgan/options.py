"""The side of Def-GAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from limner.pose_transfer.options import pose_options

OPTIONS = pose_options("defgan")
