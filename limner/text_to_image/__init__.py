"""What the systems that know captions share: the encoders of DAMSM, captioned data, training, inference, scores."""
