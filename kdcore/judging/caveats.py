"""What stands between a student and its twin beside the teacher, a sentence each."""

from kdcore.runs.store import Run
from kdcore.runs.twins import steps_of

_EARLY = 1e-6  # epochs that a whole training may seem short of
_TOLD = 0.05  # share of the steps below which a difference is not worth a word


def caveats(student: Run, twin: Run | None) -> tuple[str, ...]:
    """Other pairs, another number of steps, an end before the time; nothing for equals."""
    found = []
    transfer = str(student.config.get("transfer") or "train")
    if transfer != "train":
        found.append(
            f"The student learned from other pairs ({transfer}) than its twin, which "
            "had labelled ones only: the difference is not the teacher's alone."
        )
    if twin is not None and (said := _steps(steps_of(student), steps_of(twin))):
        found.append(said)
    for who, run in (("student", student), ("twin", twin)):
        if run is not None and run.status().state == "finished" and (said := early(run)):
            found.append(f"The {who} was ended early, {said}.")
    return tuple(found)


def early(run: Run) -> str:
    """After how many epochs a run was ended, or nothing when it had all of them."""
    wanted = float(run.config.get("training", {}).get("epochs", 0))
    done = max((line["epoch"] for line in run.metrics() if "epoch" in line), default=wanted)
    return f"after {done:.2g} of {wanted:g} epochs" if done < wanted - _EARLY else ""


def _steps(ours: int, theirs: int) -> str:
    if not ours or not theirs or abs(ours - theirs) <= _TOLD * ours:
        return ""
    return (
        f"The student's training has {ours:,} steps and its twin's {theirs:,}: the difference is "
        "not the teacher's alone."
    )
