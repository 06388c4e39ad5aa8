"""Image to label map, attributes and features: the independent judge of generated images."""
