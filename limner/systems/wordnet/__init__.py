"""Talking mouth to word: the lip reader that AVWnet's videos are read back with (Stafylakis, Tzimiropoulos 2017)."""
