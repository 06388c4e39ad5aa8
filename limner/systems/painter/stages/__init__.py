"""The painter's stages of training, one module each; `base` says what a stage is."""
