"""What the toy is about."""

from limner.task import Task

TASK = Task(
    gives="clip",
    needs=("image", "captions"),
    conditions={"--caption": "captions"},
    data_options=("kind", "fit"),
    judges=("facts",),
    stages=("still", "clip"),
    extras={"video": "write clips"},
)
