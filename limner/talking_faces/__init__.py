"""What systems of talking faces share: clips as training data, photos and sound as plans, streamed videos, scores."""
