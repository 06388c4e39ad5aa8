"""Photo + pose to the same person in that pose, by deformed features: Def-GAN (Siarohin et al., CVPR 2018)."""
