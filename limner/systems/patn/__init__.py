"""Photo + pose to the same person in that pose, attending to the pose: PATN (Zhu et al., CVPR 2019, arXiv:1904.03349)."""
