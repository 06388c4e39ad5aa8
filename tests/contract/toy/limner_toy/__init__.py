"""A clip from a caption: a coloured shape that fades in. The smallest system that is none of label maps."""
