"""What a page may ask this system for."""

from __future__ import annotations

from limner.text_to_image.operations import ATTENTION, PICTURES, SWAP

OPERATIONS = (PICTURES, SWAP, ATTENTION)
