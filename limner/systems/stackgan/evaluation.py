"""StackGAN is judged as all systems that paint captions."""

from limner.text_to_image.evaluation import evaluate_captions as evaluate

__all__ = ["evaluate"]
