"""Label map to image and back, learned without pairs: CycleGAN (Zhu et al., ICCV 2017, arXiv:1703.10593)."""
