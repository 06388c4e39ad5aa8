"""What a page may ask SPADE for."""

from __future__ import annotations

from limner.operations import Photo, label_map_operation

OPERATIONS = (label_map_operation({"style": Photo(title="photo whose look is taken")}),)
