"""OrderConfig: how labelled and unlabelled pairs follow each other in a training."""

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
    """The order in which a student meets its pairs; each knob belongs to one kind of order only.

    Every kind takes as many steps per epoch as `mixed`, so that orders are compared at equal steps.
    """

    kind: str = choice(
        MIXED,
        "mixed: at random, each pair once per epoch; interleaved: a fixed ratio in every batch; "
        "alternating: blocks of steps, in turn; curriculum: unlabelled pairs join in the order of "
        "the teacher's confidence, the surest first",
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
        "curriculum: share of the unlabelled pairs used at the first step; it grows to all of them "
        "by half of the steps",
        low=0.01,
        high=1,
    )

    def __post_init__(self) -> None:
        check(problems_of(self))

    def problems(self, transfer: str, teacher: TeacherConfig) -> list[str]:
        """Why this order does not fit a transfer set and a teacher; each names its setting."""
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
                "order.kind: curriculum needs the teacher's confidence before the training, but a "
                f"teacher of kind {teacher.kind} learns during it; choose a run, or another order"
            )
        return problems
