"""Evaluation of ATVGnet: that of all talking faces."""

from limner.talking_faces.evaluation import evaluate

__all__ = ["evaluate"]
