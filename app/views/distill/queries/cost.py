"""What a draft would cost on this machine, estimated from what was measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import streamlit as st

from app.services import access
from app.services.boards import data_choices
from kdcore.config import DistillConfig, FinetuneConfig, from_dict, to_dict
from kdcore.errors import LabError
from kdcore.experiments.estimate.estimate import Estimate, estimate
from kdcore.experiments.launch import known_twin, no_twin_because, taught, twin_in
from kdcore.experiments.sweep import Sweep
from kdcore.runs.twins import same_training

_AS_THEY_STAND = (
    "A public showing estimates training only on the data sets that it offers, unchanged."
)


@dataclass(frozen=True)
class Cost:
    """Student's and twin's estimates; reused: a twin that was trained before, or is on its way.

    why: none is told. lone: why the student can have no twin on these data.
    """

    student: Estimate | None = None
    twin: Estimate | None = None
    reused: str = ""
    why: str = ""
    lone: str = ""

    @property
    def seconds(self) -> tuple[float, float, float]:
        """Expected, least and most seconds of all that would be run, one after the other."""
        parts = [part for part in (self.student, self.twin) if part is not None]
        return (
            sum(part.seconds for part in parts),
            sum(part.low for part in parts),
            sum(part.high for part in parts),
        )


def cost(config: DistillConfig, alone: bool) -> Cost:
    """The estimate of a draft and of its twin, kept for some seconds."""
    if access.public() and config.data not in {choice.key for choice in data_choices()}:
        return Cost(why=_AS_THEY_STAND)
    return _cost(str(access.home().root), to_dict(config), alone)


@st.cache_data(ttl=10, max_entries=200, show_spinner="Counting pairs…")
def _cost(root: str, plain: dict[str, object], alone: bool) -> Cost:
    home, config = access.home(), from_dict(plain)
    assert isinstance(config, DistillConfig)
    try:
        config = taught(config, home)
        student = estimate(config, home)
        if not alone:
            return Cost(student)
        if lone := no_twin_because(config, home):
            return Cost(student, lone=lone)
        if before := known_twin(config, home):
            return Cost(student, None, before.id)
        return Cost(student, estimate(twin_in(config, home), home))
    except LabError as error:
        return Cost(why=str(error))


def sweep_seconds(
    config: DistillConfig, grid: Mapping[str, Sequence[str]], alone: bool
) -> tuple[float, float, float]:
    """Expected, least and most seconds of a sweep around a draft; nan where nobody knows.

    alone: with the twin of each student; one that two share, or that exists, counts once or not.
    """
    if access.public():
        return nan, nan, nan
    plain = {path: tuple(values) for path, values in grid.items()}
    return _sweep_seconds(str(access.home().root), to_dict(config), plain, alone)


@st.cache_data(ttl=10, max_entries=100, show_spinner=False)
def _sweep_seconds(
    root: str, plain: dict[str, object], grid: dict[str, tuple[str, ...]], alone: bool
) -> tuple[float, float, float]:
    home, config = access.home(), from_dict(plain)
    assert isinstance(config, DistillConfig)
    twins: list[FinetuneConfig] = []
    total = [0.0, 0.0, 0.0]
    try:
        for cell in Sweep(config, grid).configs():
            whole = taught(cell, home)
            parts: list[DistillConfig | FinetuneConfig] = [whole]
            if alone and not no_twin_because(whole, home) and not known_twin(whole, home):
                twin = twin_in(whole, home)
                if not any(same_training(twin, other) for other in twins):
                    twins.append(twin)
                    parts.append(twin)
            for part in parts:
                found = estimate(part, home)
                for place, seconds in enumerate((found.seconds, found.low, found.high)):
                    total[place] += seconds
    except LabError:
        return nan, nan, nan
    return total[0], total[1], total[2]
