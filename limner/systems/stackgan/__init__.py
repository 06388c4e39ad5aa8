"""Caption to image in two stages, trained one after the other: StackGAN (Zhang et al., ICCV 2017, arXiv:1612.03242)."""
