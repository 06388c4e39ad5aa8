"""Losses that at least two systems share."""
