"""Caption to image at three sizes of one generator: HDGAN (Zhang et al., CVPR 2018, arXiv:1802.09178)."""
