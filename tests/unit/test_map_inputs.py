"""Label maps as users give them."""

import numpy as np

from limner.data.schema import SCHEMAS
from limner.data.transforms import zoom_in
from limner.mask_to_image.inputs import read_label_maps


def test_maps_are_cut_like_the_data_of_the_network():
    random = np.random.default_rng(0)
    label_map = random.integers(0, 19, (48, 48), dtype=np.uint8)
    (near,) = read_label_maps(label_map, schema=SCHEMAS["celebamask-19"], image_size=32, zoom=1.5)
    assert np.array_equal(near, zoom_in(label_map, 1.5))
