"""Captions and images in one space of codes: DAMSM, AttnGAN's encoders (Xu et al., CVPR 2018, arXiv:1711.10485)."""
