"""Mouth + speech to how well they fit in time: the expert of Wav2Lip (Prajwal et al. 2020, arXiv:2008.10010)."""
