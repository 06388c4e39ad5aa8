"""Label map to image by a U-Net: pix2pix (Isola et al., CVPR 2017, arXiv:1611.07004)."""
