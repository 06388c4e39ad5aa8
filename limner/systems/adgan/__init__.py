"""Photo + its parts + pose to the same person in that pose: ADGAN (Men et al., CVPR 2020, arXiv:2003.12267)."""
