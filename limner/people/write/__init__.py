"""Data sets of people on disk, in the layouts of the real ones, so that the same readers and presets take both."""

from limner.people.write.common import KINDS, write_people

__all__ = ["KINDS", "write_people"]
