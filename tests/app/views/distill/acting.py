"""The Distill page as a visitor acts on it, and a run as its files would tell of it."""

import time

from streamlit.testing.v1 import AppTest

from app.services.draft import draft_of
from kdcore.config import to_dict
from kdcore.errors import Change
from kdcore.experiments.estimate.estimate import Estimate
from kdcore.runs.purpose import Purpose
from kdcore.runs.record import Record, message_fields
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace
from tests.app.visitor import visit

HEAT = "method.params.temperature"
ONE_MINUTE = Estimate(
    seconds=60.0,
    low=30.0,
    high=120.0,
    teacher_seconds=0.0,
    teacher_cached=True,
    scoring_seconds=5.0,
    memory_mb=300.0,
    pairs=4000,
    steps=250,
    pairs_per_second=400.0,
    device="cpu",
    basis="from 2 runs like this on this machine",
)


def page(**link: str) -> AppTest:
    return visit("distill", **link)


def knob(at: AppTest, path: str):
    kinds = ("number_input", "selectbox", "checkbox", "text_input", "toggle")
    return next(e for kind in kinds for e in at.get(kind) if e.key == f"knob_{path}")


def made(
    home: Workspace,
    state: str = "running",
    message: str = "",
    change: Change | None = None,
    **about,
) -> Run:
    """A distillation in the workspace as its files would tell of it."""
    config = draft_of("sixty_seconds", {}).config
    assert config is not None
    run = RunStore(home.runs).create(
        to_dict(config), title="A try", purpose=Purpose(preset="sixty_seconds", **about)
    )
    end = message_fields(message, change=change)
    Record(state=state, title="A try", created=time.time(), **end, step=3).write(run.folder)
    return run
