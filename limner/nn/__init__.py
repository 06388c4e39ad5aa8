"""Layers and tensor helpers that at least two systems share."""
