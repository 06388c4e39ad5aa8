"""Photo + speech to landmarks to a talking video: ATVGnet (Chen et al., CVPR 2019, arXiv:1905.03820)."""
