"""A number about two whole sets of feature vectors, accumulated batch by batch and over processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from limner.metrics.arguments import check_count, check_is_real
from limner.metrics.features import feature_vectors


class FeatureSetMetric(Metric):
    """`statistic(real, fake)` of real and generated images in the space of a feature network.

    It keeps all feature vectors. The order of them means nothing to `kernel_distance` and `precision_and_recall`, so
    the result depends neither on the batch size nor on the number of processes.

    Args:
        statistic: two tensors of feature vectors (n, num_features) and (m, num_features), float64 -> the result.
        features: (batch, 3, height, width) -> (batch, num_features), such as a `FeatureNetwork`; called without
            gradients. None: `update` is given feature vectors.
        num_features: length of a feature vector.
        reset_real: whether `reset` also forgets the real images; False to compare several sets with the same real one.

    Example:
        >>> metric = FeatureSetMetric(precision_and_recall, None, num_features=1)
        >>> metric.update(torch.arange(5.0)[:, None], real=True)
        >>> metric.update(torch.tensor([[0.5], [1.5], [2.5], [9.0]]), real=False)
        >>> float(metric.compute().precision)
        0.75
    """

    is_differentiable = False
    # The other way would count kept real images twice; see FrechetDistance.
    full_state_update = True
    real: list[Tensor]
    fake: list[Tensor]

    def __init__(
        self,
        statistic: Callable[[Tensor, Tensor], Any],
        features: Callable[[Tensor], Tensor] | None,
        *,
        num_features: int,
        reset_real: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("Feature sets", "num_features", num_features)
        self.statistic = statistic
        # In a tuple, so that a network is not registered as a submodule: it belongs to its owner and is not saved here.
        self._features = (features,)
        self.num_features = num_features
        self.reset_real = reset_real
        for kind in ("real", "fake"):
            self.add_state(kind, default=[], dist_reduce_fx="cat")
        self.real, self.fake = self._nothing(), self._nothing()

    def update(self, images: Shaped[Tensor, "batch ..."], *, real: bool) -> None:
        """Add images (or their feature vectors) to the real or to the generated set.

        Raises:
            ConfigError: if `real` is neither True nor False.
            ShapeError: if there are not `num_features` features.
            DataError: if a feature is not finite.
        """
        check_is_real(real)
        vectors = feature_vectors(*self._features, images, self.num_features, device=self.device)
        (self.real if real else self.fake).append(vectors)

    def compute(self) -> Any:
        """What `statistic` gives, and raises."""
        return self.statistic(dim_zero_cat(self.real), dim_zero_cat(self.fake))

    def reset(self) -> None:
        """Forget the generated images, and the real ones too unless `reset_real` is False."""
        kept = list(self.real)  # a copy, as the lists are emptied in place
        super().reset()
        self.real, self.fake = self._nothing() if self.reset_real else kept, self._nothing()

    def _nothing(self) -> list[Tensor]:
        # Not an empty list: a process that saw no image must still take part in gathering vectors of this length.
        return [torch.zeros(0, self.num_features, dtype=torch.float64, device=self.device)]
