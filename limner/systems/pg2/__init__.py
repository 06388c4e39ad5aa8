"""Photo + pose to the same person in that pose, roughly, then refined: PG2 (Ma et al., NIPS 2017, arXiv:1705.09368)."""
