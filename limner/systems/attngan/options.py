"""The side of AttnGAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from limner.text_to_image.options import caption_options

OPTIONS = caption_options(
    "attngan",
    "Paint captions, as HfGAN does that it is compared with.",
    '--caption "a woman with long red hair" --num-images 4 --out woman',
    '--caption "a man with a beard" --attention --out attention',
)
