"""Portraits drawn by code, with exact labels: test data, demo inputs and a training set without real people."""

from limner.data.drawn.parameters import ATTRIBUTES, FaceParameters, interpolate
from limner.data.drawn.render import DrawnFace, draw_face, render
from limner.data.drawn.write import write_drawn_faces

__all__ = ["ATTRIBUTES", "DrawnFace", "FaceParameters", "draw_face", "interpolate", "render", "write_drawn_faces"]
