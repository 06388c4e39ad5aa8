"""Photo + speech to a talking video by an encoder and a decoder: Speech2Vid (Chung et al., BMVC 2017)."""
