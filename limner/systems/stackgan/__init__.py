"""Caption to image in two stages, one after the other: StackGAN (Zhang et al., ICCV 2017, arXiv:1612.03242)."""
