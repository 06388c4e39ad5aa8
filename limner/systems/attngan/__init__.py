"""Caption to image in three stages with attention to words: AttnGAN (Xu et al., CVPR 2018, arXiv:1711.10485)."""
