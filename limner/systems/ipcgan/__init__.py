"""Face ageing with identity-preserved conditional GANs: IPCGAN (Wang et al., CVPR 2018)."""
