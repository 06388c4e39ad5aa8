"""What a page may ask this system for."""

from __future__ import annotations

from limner.ageing.operations import AGES

OPERATIONS = (AGES,)
