"""Photo + speech to a talking video, read back as words: AVWnet (Huang, Wang, Gong, The Visual Computer 2020)."""
