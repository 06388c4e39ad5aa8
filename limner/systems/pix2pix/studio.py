"""What a page may ask this system for."""

from __future__ import annotations

from limner.operations import label_map_operation

OPERATIONS = (label_map_operation(),)
