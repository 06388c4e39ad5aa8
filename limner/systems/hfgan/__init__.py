"""Caption to image by one generator whose levels are fused: HfGAN (Huang, Wang, Gong, CRV 2019)."""
