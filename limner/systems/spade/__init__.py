"""Label map, and a photo's look, to image: SPADE or GauGAN (Park et al., CVPR 2019, arXiv:1903.07291)."""
