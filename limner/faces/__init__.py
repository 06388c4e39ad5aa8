"""Faces in photos, as several systems need them: found, aligned, checked, and put back."""
