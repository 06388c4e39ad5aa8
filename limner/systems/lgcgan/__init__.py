"""The same face at another age, guided by landmarks: LGcGAN (Huang, Gong, ICIAP 2022)."""
