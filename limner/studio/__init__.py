"""The studio: a local page over the pipelines, and the HTTP API that it uses. No torch outside the workers."""
