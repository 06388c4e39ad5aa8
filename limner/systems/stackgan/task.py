"""What StackGAN is about: captions become pictures."""

from __future__ import annotations

from limner.text_to_image.task import caption_task

TASK = caption_task()
