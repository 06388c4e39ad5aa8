"""Label map + attributes + latent to image: SCGAN (Jiang et al., FG 2021, arXiv:1905.02320)."""
