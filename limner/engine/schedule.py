"""Learning-rate schedules as functions of the images seen."""

from __future__ import annotations


def linear_decay(images_seen: int, *, images: int, decay_images: int) -> float:
    """1, then a linear fall to 0 over the last `decay_images` of a run of `images`; 0 = no fall."""
    return min(1.0, max(0.0, (images - images_seen) / decay_images)) if decay_images else 1.0
