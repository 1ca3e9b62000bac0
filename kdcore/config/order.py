"""OrderConfig: how labelled and unlabelled pairs meet in the course of a training on both."""

from dataclasses import dataclass

from kdcore.config.groups import check
from kdcore.config.teacher import TeacherConfig
from kdcore.knobs import choice, knob, problems_of

MIXED = "mixed"
KNOB_OF = {  # the knob of each kind that has one
    "interleaved": ("ratio",),
    "alternating": ("block",),
    "curriculum": ("first_share",),
}


@dataclass(frozen=True, kw_only=True)
class OrderConfig:
    """In which order pairs are learned from; a knob that a kind does not name does nothing for it.

    Every kind takes as many steps per epoch as `mixed`, so that orders are compared at equal steps.
    """

    kind: str = choice(
        MIXED,
        "mixed: at random, each pair once per epoch; interleaved: a fixed ratio in every batch; "
        "alternating: blocks of steps, by turns; curriculum: the unlabelled pairs of which the "
        "teacher is surest come first",
        options=(MIXED, *KNOB_OF),
    )
    ratio: float = knob(
        1.0, "interleaved: unlabelled pairs for each labelled one", low=0.01, high=100
    )
    block: int = knob(
        50,
        "alternating: steps with unlabelled pairs, then as many with labelled ones",
        low=1,
        high=10**7,
    )
    first_share: float = knob(
        0.25,
        "curriculum: share of the unlabelled pairs that is there at the first step; it grows to "
        "all of them until half of the steps are done",
        low=0.01,
        high=1,
    )

    def __post_init__(self) -> None:
        check(problems_of(self))

    def problems(self, transfer: str, teacher: TeacherConfig) -> list[str]:
        """What of it does not go with a transfer set and a teacher; each names its setting."""
        if self.kind == MIXED:
            return []
        problems = []
        if transfer != "train+log":
            problems.append(
                f"order.kind: {self.kind} is an order of labelled and unlabelled pairs, and "
                f"transfer is {transfer}; choose train+log, or mixed"
            )
        if self.kind == "curriculum" and teacher.kind in ("peer", "ema"):
            problems.append(
                "order.kind: curriculum asks how sure the teacher is before the training begins, "
                "when this one knows nothing yet; choose a run, or another order"
            )
        return problems
