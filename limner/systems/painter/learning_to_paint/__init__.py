"""Learning to Paint, the painter's parent: the same code without attention and masks, to compare with."""
