"""What the Retrieval page reads: the measured study of the chosen models, and the ads in it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from app import services, state
from app.kit.by_hash import by_hash
from app.services import Board, access
from kdcore.catalog import student_entry
from kdcore.data.library import WORLD
from kdcore.errors import DataError, UnknownNameError
from kdcore.predictions import WEIGHTS
from kdcore.retrieval.ads import CORPUS, Ads, ads_named
from kdcore.retrieval.measuring import jobs
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import Study
from kdcore.runs.store import Run

BUNDLED = access.ASSETS / "measured" / "retrieval.safetensors"


def is_separable(run: Run | None) -> bool:
    """Whether a run reads query and ad apart, so that it has vectors of ads."""
    try:
        return run is not None and student_entry(run.model_name).separable
    except UnknownNameError:
        return False


def request_of(board: Board) -> Request | None:
    """What the page measures; None where the student has no vectors or no teacher is here."""
    models = (board.student, board.teacher, board.twin)
    student, teacher, twin = (_whole(model.run) if model else None for model in models)
    if student is None or teacher is None or not is_separable(student):
        return None
    if board.data.key != WORLD:
        data_hash = services.whole_data(board.data).content_hash
        return Request(student, teacher, twin, board.data.key, data_hash)
    size = int(state.now().retrieval.size)
    name = WORLD if size == CORPUS else f"{WORLD}:ads={size}"
    return Request(student, teacher, twin, name)


def origin(board: Board) -> str:
    """Which queries are measured; an imported set need not have a test split."""
    has_test = "test" in services.whole_data(board.data).splits
    return "of the test split" if has_test else "of these pairs"


def _whole(run: Run | None) -> Run | None:
    """A run whose model is there; one without its weights has no vectors."""
    return run if has_weights(run) else None


def has_weights(run: Run | None) -> bool:
    """Whether the run's model is there, and not only its predictions."""
    return run is not None and (run.model_folder / WEIGHTS).is_file()


def study_of(request: Request) -> Study | None:
    """The study that was measured on this machine, else the bundled one where it answers."""
    if jobs.job_of(request, access.home()).progress().state == "finished":
        path = jobs.job_of(request, access.home()).folder
        return _own(request.key, path.stat().st_mtime_ns, partial(_load, request))
    try:
        bundled = _bundled(BUNDLED.stat().st_mtime_ns)
    except (OSError, DataError):
        return None
    return bundled if request.is_answered_by(bundled) else None


def bundled_card() -> Mapping[str, Any] | None:
    """The card of the bundled study; None where it cannot be read."""
    try:
        return _bundled(BUNDLED.stat().st_mtime_ns).card
    except (OSError, DataError):
        return None


def is_measured_here(request: Request) -> bool:
    """Whether the study comes from this machine."""
    return jobs.job_of(request, access.home()).progress().state == "finished"


def _load(request: Request) -> Study:
    return jobs.study_of(request, access.home())


@by_hash(most=4, on=lambda key, changed, load: (key, changed))
def _own(key: str, changed: int, load: partial[Study]) -> Study:
    return load()


@by_hash(most=1)
def _bundled(changed: int) -> Study:
    return Study.load(BUNDLED)


@by_hash(most=3, spinner="Writing the ads…")
def ads_of(name: str, data_hash: str) -> Ads:
    """The ads of a data set; those of the world are generated."""
    return ads_named(name, access.home())
