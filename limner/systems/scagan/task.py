"""What SCA-GAN is about: a person's photo, painted again in another pose."""

from __future__ import annotations

from limner.pose_transfer.task import pose_task

TASK = pose_task(seeded=True, stages=("content", "image"))
