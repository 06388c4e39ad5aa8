"""The evaluation of Learning to Paint: the painter's."""

from limner.systems.painter.evaluation import evaluate

__all__ = ["evaluate"]
