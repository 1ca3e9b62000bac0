"""Stage: the settings that every stage has."""

import re
from dataclasses import dataclass
from typing import ClassVar

from kdcore.knobs import knob, problems_of, text

MOST_RANKS = 64  # of CPU processes that share one run
_DEVICE = re.compile(r"auto|mps|cpu(:\d+)?|cuda(:\d+|:all)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The settings that every stage has.

    gives_grades: whether a run of this stage can grade pairs; a pretraining cannot.
    """

    gives_grades: ClassVar[bool] = True

    data: str = text("world", "a data set of the lab, or a path to one")
    limit: int = knob(
        0,
        "most pairs of train and of validation, whole queries; 0 takes all; a log stays whole",
        low=0,
        high=10**9,
    )
    seed: int = knob(
        0, "the same seed and thread count give the same student", low=0, high=2**31 - 1
    )
    device: str = text(
        "auto",
        "auto, cpu, cuda, cuda:1, cuda:all, mps, or cpu:2: two processes train one run",
    )
    threads: int = knob(0, "CPU threads; 0 is torch's choice", low=0, high=1024)

    def problems(self) -> list[str]:
        """List the problems of single settings; each stage adds those of combinations."""
        problems, device = problems_of(self), self.device
        if isinstance(device, str) and not _DEVICE.fullmatch(device):
            problems.append(
                f"device: {device[:40]!r} is not a device; use auto, cpu, cuda, cuda:1 or mps"
            )
        elif isinstance(device, str) and device[:4] == "cpu:" and int(device[4:8]) > MOST_RANKS:
            problems.append(f"device: {device[:40]} is too many; {MOST_RANKS} processes at most")
        return problems

    @property
    def leaves_log_out(self) -> bool:
        """Whether the stage reads the log in pieces, so that it is not loaded with other pairs."""
        return False
