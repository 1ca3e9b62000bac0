"""The tasks that a worker can do, as plain values: the same for every executor."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from kdcore.errors import LabError
from kdcore.scale.shards import Layout, Shard

SCORE, LOOK = "score", "look"


def attempt(task: dict[str, Any]) -> str:
    """Do a task; return "" or, in a sentence, why it failed. An error here is never retried."""
    try:
        _DO[task["do"]](task)
    except Exception as error:  # the other tasks go on
        if isinstance(error, LabError):
            return str(error)
        return f"{type(error).__name__}: {error}"
    return ""


def is_done(task: dict[str, Any]) -> bool:
    """Whether the file that a task writes is there."""
    if task["do"] != SCORE:
        return False
    work = task["work"]
    layout = Layout.from_dict(work["layout"])
    return (Path(work["out"]) / layout.file_name(Shard(**task["shard"]))).is_file()


def work() -> None:
    """Do tasks that come as lines of JSON on stdin; answer each with a line on stdout."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what other code prints is no answer
    with suppress(BrokenPipeError):  # the driver is gone
        for line in sys.stdin:
            answers.write(json.dumps({"error": attempt(json.loads(line))}) + "\n")
            answers.flush()


def _score(task: dict[str, Any]) -> None:
    from kdcore.scale.score import Work, score_shard

    score_shard(Work.from_dict(task["work"]), Shard(**task["shard"]))


def _look(task: dict[str, Any]) -> None:
    """Read the file that the driver wrote: it is missing where the folder is not a shared one."""
    path = Path(task["path"])
    content = path.read_text(encoding="utf-8") if path.is_file() else ""
    if content != task["content"]:
        raise LabError(f"{path.parent} is a different folder on that machine")


_DO = {SCORE: _score, LOOK: _look}
