"""What ATVGnet is about: a photo that says what is heard."""

from __future__ import annotations

from limner.talking_faces.task import TALKING_FACES

TASK = TALKING_FACES
