"""Talking mouth to word: the lip reader of AVWnet's videos (Stafylakis, Tzimiropoulos 2017, arXiv:1703.04105)."""
