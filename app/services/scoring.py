"""Scoring a data set with a model, in a process of its own."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.services import access
from app.services.access import refuse_public
from app.services.answers import sources
from app.services.boards import TEST, DataChoice, is_cut_by_runs, whole_data
from kdcore import lab
from kdcore.config import InferConfig, ModelConfig, TeachConfig
from kdcore.data.answers.regrade import model_scheme
from kdcore.data.pairs import ALL
from kdcore.errors import LabError, RunError
from kdcore.hub import refuse_incomplete
from kdcore.labels import LabelScheme
from kdcore.runs.queue import processes
from kdcore.runs.sizes import ModelSize, size_of
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import find_twin

LIVE = ("queued", "running")
MOST_RUNNING = 4  # on all data sets together
GRACE = 2.0  # seconds that a scoring process has to stop by itself
_MODEL = "model.safetensors"
_STARTING = threading.Lock()  # held from the count of those at work to their start


@dataclass(frozen=True)
class Model:
    """A model that can be asked. size: of its weights; a hint of how long it takes."""

    key: str
    title: str
    run: Run
    scheme: LabelScheme
    size: ModelSize


@dataclass(frozen=True)
class Job:
    """A scoring run as it stands. rate: pairs a second, nan before the first line."""

    id: str
    key: str
    title: str
    state: str
    done: int
    total: int
    rate: float
    message: str

    @property
    def live(self) -> bool:
        """Whether it is queued or running."""
        return self.state in LIVE


def models() -> list[Model]:
    """Every model of the demo and of the workspace that gives grades, by title within each."""
    offered: dict[str, Model] = {}
    for workspace in (access.demo(), access.home()):
        for run in sorted(RunStore(workspace.runs).list(), key=lambda run: run.shown_title):
            if not run.gives_grades:
                continue
            with suppress(LabError, OSError):
                scheme = model_scheme(run.model_folder)
                if (size := size_of(run.model_folder / _MODEL)) is not None:
                    offered.setdefault(run.id, Model(run.id, run.shown_title, run, scheme, size))
    return list(offered.values())


def twin_of(key: str) -> str:
    """The key of the same student trained without a teacher; "" where there is none."""
    offered = {model.key: model.run for model in models()}
    twin = find_twin(offered.get(key), offered.values())
    return twin.id if twin else ""


def start(keys: list[str], choice: DataChoice, split: str, every: bool = False) -> list[str]:
    """Score a part of a data set with some models, each in its own process; returns the run ids.

    split: what the pages look at, scored first; every: the other splits as well.
    """
    refuse_public()
    offered = {model.key: model for model in models()}
    with _STARTING:
        _refuse_too_many(len(keys))
        if again := [job.title for job in jobs(choice) if job.live and job.key in keys]:
            raise RunError(f"{again[0]} is scoring these pairs already")
        others = whole_data(choice, split).splits if every and split != ALL else ()
        splits = [split, *(s for s in others if s != split)]
        return _start([offered[key] for key in keys], choice, splits)


def start_ready(
    place: str, choice: DataChoice, params: Mapping[str, str], calibrate: bool = False
) -> str:
    """Let a ready classifier score validation and test in a process of its own; returns its run.

    place: its folder or hub id. params: knobs of catalog.ReadyParams. LabError for a folder that
    is not there or lacks files; what else is wrong is the message of the run that failed.
    """
    refuse_public()
    refuse_incomplete(place)
    model = ModelConfig(name="ready", checkpoint=place, params=params)
    with _STARTING:
        _refuse_too_many(1)
        config = TeachConfig(model=model, data=_data(choice), calibrate=calibrate)
        run = lab.create(config, access.home())
        processes.start(run)
    return run.id


def _refuse_too_many(more: int) -> None:
    """RunError when too many models score data already, on all data sets together."""
    runs = RunStore(access.home().runs).list()
    busy = sum(_scores(run) and run.status().state in LIVE for run in runs)
    if busy + more > MOST_RUNNING:
        raise RunError(
            f"{busy} models are scoring data already, and at most {MOST_RUNNING} may; wait "
            "for one, or cancel it"
        )


def _scores(run: Run) -> bool:
    """Whether a run only scores pairs, with a model of the lab or a ready one."""
    return run.is_scoring or run.stage == "teach"


def _data(choice: DataChoice) -> str:
    """A data set as a config names it."""
    return choice.key if choice.badge == "imported" else str(choice.folder)


def _start(models: list[Model], choice: DataChoice, splits: list[str]) -> list[str]:
    home, started = access.home(), []
    cut = splits[0] == TEST and is_cut_by_runs(choice)  # the same pairs that runs are tested on
    for model in models:
        run = lab.create(
            InferConfig(
                run=RunStore(home.runs).reference(model.run),
                data=_data(choice),
                splits=tuple(splits),
                as_is=not cut,
            ),
            home,
            title=f"{model.title} on {choice.title}",
        )
        processes.start(run)
        started.append(run.id)
    return started


def jobs(choice: DataChoice) -> list[Job]:
    """The scoring runs of a data set, newest first."""
    names = (choice.key, str(choice.folder))
    runs = RunStore(access.home().runs).list()
    return [_job(run) for run in runs if _scores(run) and run.data in names]


def _job(run: Run) -> Job:
    status, lines = run.status(), run.metrics()
    rates = [line["pairs_per_second"] for line in lines if "pairs_per_second" in line]
    key, title = run.id, run.shown_title  # of a ready classifier
    if run.is_scoring:
        key = title = Path(run.scored_run).name
        with suppress(LabError):  # the model is gone
            title = RunStore(access.home().runs).get(run.scored_run).shown_title
    rate = rates[-1] if rates else float("nan")
    done = max([status.step, *(int(line["step"]) for line in lines)])
    return Job(run.id, key, title, status.state, done, status.total_steps, rate, status.for_app)


def cancel(run_id: str) -> None:
    """Stop a scoring run, without waiting for its process to end."""
    refuse_public()
    run = RunStore(access.home().runs).get(run_id)
    run.request_stop()

    def stop() -> None:
        with suppress(LabError, OSError):
            processes.stop(run, grace=GRACE)

    threading.Thread(target=stop, daemon=True).start()


def forget(run_id: str) -> None:
    """Remove a scoring run that has ended, and what it scored."""
    refuse_public()
    RunStore(access.home().runs).delete(run_id)
    sources.clear()
