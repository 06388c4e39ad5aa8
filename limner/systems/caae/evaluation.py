"""CAAE is judged as all systems that change ages."""

from limner.ageing.evaluation import evaluate

__all__ = ["evaluate"]
