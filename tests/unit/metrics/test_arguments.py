"""What users give to metrics by mistake: one sentence, whichever metric it is."""

from __future__ import annotations

import subprocess
import sys

import torch

from limner import metrics

CASES = """
import math
import numpy, torch
from limner import metrics
from limner.errors import ConfigError, DataError, ShapeError

images, vectors = torch.zeros(2, 3, 32, 32), torch.arange(40.0).reshape(10, 4)
pairs, sets = [metrics.SSIM(), metrics.PSNR(), metrics.L1()], [metrics.kernel_distance, metrics.precision_and_recall]
count = 0

def refused(error_class, text, function, *args, **options):
    global count
    try:
        function(*args, **options)
    except error_class as error:
        assert text in str(error) and len(str(error)) < 300, error
        count += 1
    else:
        raise AssertionError(f"{function} took {args} {options}")

for wrong in (numpy.zeros((2, 3, 32, 32)), [[0.0]], None, "x", images.to_sparse(), images.cfloat(), images.to("meta")):
    for metric in [*pairs, *sets]:
        right = images if metric in pairs else vectors
        refused(ConfigError, "tensor", metric, wrong, right)
        refused(ConfigError, "tensor", metric, right, wrong)
    refused(ConfigError, "tensor", metrics.mean_pairwise_distance, wrong)
broken = images.clone()
broken[0, 0, 0, 0] = math.nan
for metric in pairs:
    refused(DataError, "NaN", metric, broken, images)
    refused(DataError, "NaN", metric, images, broken)
for metric in sets:
    refused(ShapeError, "must be (vectors, features)", metric, vectors[0], vectors[0])
    refused(ShapeError, "must be (vectors, features)", metric, vectors[None], vectors[None])
for wrong in (None, 1.5, "3", True, 0, -1):
    refused(ConfigError, "neighbours is", metrics.precision_and_recall, vectors, vectors, neighbours=wrong)
for wrong in (-1, 0, 1.5, None, "3", True, 10**9):
    whole = "must be a whole number"
    refused(ConfigError, whole, metrics.SegmentationMetric, num_classes=wrong)
    refused(ConfigError, whole, metrics.AttributeAccuracy, num_attributes=wrong)
    refused(ConfigError, whole, metrics.FrechetDistance, None, num_features=wrong)
    refused(ConfigError, whole, metrics.FeatureSetMetric, metrics.kernel_distance, None, num_features=wrong)
    refused(ConfigError, whole, metrics.InceptionScore, num_classes=wrong)
for wrong in ("no", 0, 1, None):
    of_sets = metrics.FeatureSetMetric(metrics.kernel_distance, None, num_features=4)
    refused(ConfigError, "it must be True", of_sets.update, vectors, real=wrong)
    refused(ConfigError, "it must be True", metrics.FrechetDistance(None, num_features=4).update, vectors, real=wrong)
for wrong in (torch.zeros(2, 3), torch.zeros(0, 2, 5), torch.zeros(2, 1, 5)):
    refused(ShapeError, "", metrics.mean_pairwise_distance, wrong)
for wrong in ("nope", None):
    refused(ConfigError, "must be one of", metrics.AttributeAccuracy, num_attributes=3, kind=wrong)
for kind, target in (
    ("multi_label", torch.full((2, 3), math.nan)),
    ("multi_label", torch.full((2, 3), 2.0)),
    ("exclusive", torch.zeros(2, 3)),
    ("exclusive", torch.ones(2, 3)),
):
    refused(DataError, "", metrics.AttributeAccuracy(num_attributes=3, kind=kind).update, torch.zeros(2, 3), target)
print(count)
"""


def test_wrong_arguments_are_refused_in_a_sentence():
    """In a Python of its own: in this one jaxtyping checks all types, which it does not for users."""
    done = subprocess.run([sys.executable, "-c", CASES], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and int(done.stdout) == 77 + 6 + 4 + 6 + 35 + 8 + 3 + 2 + 4, done.stderr[-2000:]


def test_diversity_is_measured_in_double_precision():
    samples = torch.rand(2, 3, 3, 8, 8, generator=torch.Generator().manual_seed(0)).half()
    found = metrics.mean_pairwise_distance(samples)
    assert found.dtype is torch.float64
    assert torch.equal(found, metrics.mean_pairwise_distance(samples.double()))
