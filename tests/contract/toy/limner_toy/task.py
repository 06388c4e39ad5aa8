"""What the toy is about, and a judge of its own."""

from limner.metrics.judges import JudgeEntry
from limner.task import Task

TASK = Task(
    gives="clip",
    needs=("image", "captions"),
    conditions={"--caption": "captions"},
    judges=("facts",),
    stages=("still", "clip"),
    extras={"video": "write clips"},
)
JUDGE = JudgeEntry("toy-colours", "facts", "the colour of what is shown", "limner_toy.evaluation:Colours", "limner_toy")
