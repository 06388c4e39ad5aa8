"""Age progression by a conditional adversarial auto-encoder: CAAE (Zhang et al., CVPR 2017, arXiv:1702.08423)."""
