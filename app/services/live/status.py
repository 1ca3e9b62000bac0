"""The state of a run for its page: its stage in words, and how long it still takes."""

import json
from typing import Any

from app.services import access
from kdcore.runs.metric_lines import PlainLine
from kdcore.runs.record import derive
from kdcore.runs.store import Run, Status

_RATE_OVER = 12  # metric lines from which the time left is estimated
LEARNING = ("pretrain", "multitask", "distill", "finetune")  # stages in which steps are taken
STAGES = {
    "": "reading the data",
    "data": "reading the data",
    "teacher": "asking the teacher",
    "pretrain": "training on hidden words and next ads",
    "distill": "training the student",
    "finetune": "training on labels",
    "multitask": "training on several tasks",
    "infer": "scoring pairs",
    "evaluate": "scoring validation and test pairs",
}


def status_of(run: Run, lines: list[PlainLine]) -> dict[str, Any]:
    """State, step, stage, what happens now in words, and the time left by the newest lines."""
    status = derive(run.folder)
    left = time_left(lines, status.step, status.total_steps)
    learning = status.state == "running" and status.stage in LEARNING
    return {
        "state": status.state,
        "step": status.step,
        "total": status.total_steps,
        "stage": status.stage,
        "message": status.for_app,
        "words": _words(run, status),
        "started": status.started,
        "ended": status.ended,
        "before": _before(run, lines, status),
        "left": left if learning else None,
    }


def _before(run: Run, lines: list[PlainLine], status: Status) -> float:
    """Seconds at work in the legs before this one, of a run that was resumed."""
    if not status.started:
        return 0.0
    end = next((x for x in reversed(lines) if x.get("seconds") and x.get("time")), None)
    if end is not None:  # the last line of a leg has the whole
        seconds, at = float(end["seconds"] or 0), float(end["time"] or 0)
    else:
        checkpoint = run.checkpoint_folder / "checkpoint.json"
        try:
            seconds = float(json.loads(checkpoint.read_text(encoding="utf-8"))["seconds"])
            at = checkpoint.stat().st_mtime
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0
    return float(round(max(seconds - max(at - status.started, 0.0), 0.0)))


def _words(run: Run, status: Status) -> str:
    """What happens now, to be read before the first line comes."""
    if status.state == "queued":
        from kdcore.runs.queue.queue import position

        place = position(run, access.home())
        if place is None:
            return "waiting to begin"
        return "next in the queue" if place == 1 else f"number {place} in the queue"
    if status.state != "running":
        return status.state
    if status.trial:
        return f"the memory was full, so batch size {status.trial} is tried"
    words = STAGES.get(status.stage, status.stage)
    if status.stage == "teacher" and status.total_steps > 1:
        return f"{words}: {status.step:,} of {status.total_steps:,} pairs"
    learning = status.stage in LEARNING
    return "the first steps" if learning and not status.step else words


def time_left(lines: list[PlainLine], step: int, total: int) -> dict[str, Any] | None:
    """Seconds to the last step by the pace of the newest lines, their time and their steps."""
    timed = [(line["time"], line["step"]) for line in lines[-_RATE_OVER:] if line.get("time")]
    if len(timed) < 2 or not total:
        return None
    (since, first), (until, last) = timed[0], timed[-1]
    if not (since and until and last is not None and first is not None) or last <= first:
        return None
    seconds = max(total - max(step, last), 0) * (until - since) / (last - first)
    return {"seconds": round(seconds, 1), "at": until, "steps": last - first}
