"""What CAAE is about: photos of faces become older or younger, and judges of age and identity score that."""

from __future__ import annotations

from limner.ageing.task import ageing_task

TASK = ageing_task()
