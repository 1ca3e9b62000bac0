"""What the chaos benchmark saw, as one table."""

from collections import Counter
from dataclasses import dataclass, field

FULL_DISK = "nobody; the disk is filled"


@dataclass
class Outcome:
    """What one disturbed run came to."""

    victim: str
    kind: str
    found: str = ""  # the run's state when it was hit
    saved: int = 0  # steps that its checkpoint held then
    resumed: int = 0
    said: str = ""  # what became of it, where that is worth telling
    mid_write: bool = False  # a half-written file was left
    wrong: list[str] = field(default_factory=list)


def page(
    outcomes: list[Outcome], victims: list[str], rest: list[str], seconds: float, seed: int
) -> str:
    rows = [
        "| killed | runs | while it waited / worked / was over | from a checkpoint "
        "| half a file left | same end | wrong |",
        "|---|---|---|---|---|---|---|",
    ]
    for victim in [*victims, FULL_DISK]:
        mine = [one for one in outcomes if one.victim == victim]
        if mine:
            rows.append(_row(victim, mine))
    wrong = [f"- {o.victim}, {o.kind}: {said}" for o in outcomes for said in o.wrong]
    disk = [f"Full disk: {o.said}" for o in outcomes if o.said]
    end = rest or ["No orphan, no ticket left, nothing stuck."]
    head = f"{len(outcomes)} runs, seed {seed}, {seconds / 60:.0f} minutes."
    return "\n".join([head, "", *rows, "", *disk, *wrong, *end]) + "\n"


def _row(victim: str, mine: list[Outcome]) -> str:
    found = Counter(one.found for one in mine)
    over = len(mine) - found["queued"] - found["running"]
    return (
        f"| {victim} | {len(mine)} | {found['queued']} / {found['running']} / {over} "
        f"| {sum(one.resumed > 0 and one.saved > 0 for one in mine)} "
        f"| {sum(one.mid_write for one in mine)} "
        f"| {sum(not one.wrong for one in mine)} | {sum(bool(one.wrong) for one in mine)} |"
    )
