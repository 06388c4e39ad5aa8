"""What SCGAN is about."""

from __future__ import annotations

from limner.mask_to_image.task import label_map_task

TASK = label_map_task(uses=("attributes",), tables=("scgan-celeba", "scgan-deepfashion"))
