"""What a page may ask this system for."""

from __future__ import annotations

from limner.talking_faces.operations import TALK

OPERATIONS = (TALK,)
