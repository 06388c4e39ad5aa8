"""What a user gives in the place of an array."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.arguments import as_array
from limner.errors import ShapeError


def test_tensors_with_gradients_and_bfloat16_are_arrays() -> None:
    for given in ([1.0, 2.0], torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1, 2], dtype=torch.bfloat16)):
        array = as_array(given, "It")
        assert isinstance(array, np.ndarray) and array.tolist() == [1.0, 2.0]
    assert as_array(torch.tensor([1, 2], dtype=torch.bfloat16), "It").dtype == np.float32


@pytest.mark.parametrize(
    "given, kind",
    [
        (torch.zeros(2).to_sparse(), "float32 sparse_coo cpu"),
        (torch.zeros(2, device="meta"), "float32 strided meta"),
    ],
)
def test_tensors_without_an_array_are_refused(given: torch.Tensor, kind: str) -> None:
    with pytest.raises(ShapeError, match=rf"^The map is a tensor that has no array \({kind}\); it must be dense"):
        as_array(given, "The map")
