"""The side of StackGAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from limner.text_to_image.options import caption_options

OPTIONS = caption_options(
    "stackgan",
    "Paint captions in two stages, as StackGAN does that HfGAN is compared with.",
    '--caption "a woman with red hair" --num-images 4 --out woman',
    '--caption "a man with brown hair" --swap "brown=red" --out swap',
    attention=False,
)
