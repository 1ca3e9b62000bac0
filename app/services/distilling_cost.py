"""What a draft would cost on this machine, foreseen from what was measured here."""

from dataclasses import dataclass

import streamlit as st

from app.services import places
from kdcore.config import DistillConfig, from_dict, to_dict
from kdcore.errors import LabError
from kdcore.runs.store import RunStore
from kdcore.whatif.estimate import Estimate, estimate
from kdcore.whatif.launching import taught, twin_in
from kdcore.whatif.twins import are_twins


@dataclass(frozen=True)
class Cost:
    """Student's and twin's estimates; reused: a twin that was trained before. why: none is told."""

    student: Estimate | None = None
    twin: Estimate | None = None
    reused: str = ""
    why: str = ""

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
    return _cost(str(places.home().root), to_dict(config), alone)


@st.cache_data(ttl=10, max_entries=200, show_spinner="Counting pairs…")
def _cost(root: str, plain: dict[str, object], alone: bool) -> Cost:
    home, config = places.home(), from_dict(plain)
    assert isinstance(config, DistillConfig)
    try:
        config = taught(config, home)
        student = estimate(config, home)
        if not alone:
            return Cost(student)
        if before := _twin_before(config):
            return Cost(student, None, before)
        return Cost(student, estimate(twin_in(config, home), home))
    except LabError as error:
        return Cost(why=str(error))


def _twin_before(config: DistillConfig) -> str:
    """The finished run of an equal twin, which launch would take again; "" when there is none."""
    plain = to_dict(config)
    for run in RunStore(places.home().runs).list():
        if are_twins(plain, run.config) and run.status().state == "finished":
            return run.id
    return ""
