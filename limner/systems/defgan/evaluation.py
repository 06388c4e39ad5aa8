"""Scores of Def-GAN on held-out pairs: see `limner.pose_transfer.evaluation`."""

from limner.pose_transfer.evaluation import evaluate

__all__ = ["evaluate"]
