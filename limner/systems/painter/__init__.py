"""Attention-aware neural painting: a picture becomes an ordered list of brush strokes, the subject first."""
