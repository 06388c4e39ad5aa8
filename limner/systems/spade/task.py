"""What SPADE is about."""

from __future__ import annotations

from limner.mask_to_image.task import label_map_task

TASK = label_map_task(tables=("scgan-celeba", "scgan-deepfashion"))
