"""Label map + style (noise or a photo) to diverse faces (Sun et al., FCS 2022, doi:10.1007/s11704-020-0400-7)."""
