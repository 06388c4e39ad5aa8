"""Photo + pose to the same person in that pose: SCA-GAN (Li et al., ICME 2021, arXiv:2103.16828)."""
