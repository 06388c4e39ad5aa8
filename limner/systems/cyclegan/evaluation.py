"""CycleGAN is judged as all systems that paint label maps."""

from limner.mask_to_image.evaluation import evaluate_pictures as evaluate

__all__ = ["evaluate"]
