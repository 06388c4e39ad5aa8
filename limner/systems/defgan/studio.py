"""What a page may ask this system for."""

from __future__ import annotations

from limner.pose_transfer.operations import REPOSE_WITHOUT_CHANCE

OPERATIONS = (REPOSE_WITHOUT_CHANCE,)
