"""The judge of faces: how old somebody looks, and who it is; trained apart from all that is judged with it."""
