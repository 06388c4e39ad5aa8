"""Tables recomputed on one machine: every row trained on an equal budget and scored by one protocol."""
