"""Photo + pose to the same person in that pose, by attention: PATN (Zhu et al., CVPR 2019, arXiv:1904.03349)."""
