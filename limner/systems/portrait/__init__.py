"""Photos + label map to an edited portrait, each part of the face with a look of its own (Gu et al., CVPR 2019)."""
