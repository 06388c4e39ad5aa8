"""The painter's stages of training, one module each; `parts` has their networks."""
