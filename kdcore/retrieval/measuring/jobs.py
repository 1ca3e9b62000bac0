"""Measure retrieval in a process of its own, which a page polls, can cancel, and never waits for.

A job is a folder `cache/retrieval/<key>`: `request.json`, and `study.safetensors` once finished.
One that only embeds the ads leaves `ready.json` instead.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kdcore.folder_job import FolderJob, Tell
from kdcore.predictions import model_hash
from kdcore.retrieval.measuring.study import VERSION, Study
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, read_json, write_json_atomic

COMMAND = "measure-retrieval"
_REQUEST, _RESULT, _READY = "request.json", "study.safetensors", "ready.json"


@dataclass(frozen=True)
class Request:
    """What is measured: three models over the ads of a data set, whose content `data_hash` names.

    data_hash: "" for the world, whose ads its name fixes.
    """

    student: Run
    teacher: Run
    twin: Run | None
    data: str
    data_hash: str = ""

    @property
    def runs(self) -> Sequence[Run | None]:
        """Student, teacher and twin."""
        return self.student, self.teacher, self.twin

    @cached_property  # it reads every weight
    def models(self) -> list[str]:
        """The hash of each model, "" for a twin that there is not."""
        return [model_hash(run.model_folder) if run else "" for run in self.runs]

    def is_answered_by(self, study: Study) -> bool:
        """Whether a study is of these models and ads of the world."""
        return (self.models, self.data) == (study.card["models"], str(study.card["data"]))

    @cached_property
    def key(self) -> str:
        """16 hex digits of all that the result depends on."""
        text = "\n".join([*self.models, self.data, self.data_hash, str(VERSION)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def job_of(request: Request, workspace: Workspace) -> FolderJob:
    """The job of a request, requested or not."""
    return FolderJob(workspace.cache_folder("retrieval") / request.key, _RESULT)


def embedding_of(request: Request, workspace: Workspace) -> FolderJob:
    """The job that only embeds and indexes the ads, so that any query can be answered here."""
    return FolderJob(workspace.cache_folder("retrieval") / f"{request.key}-ads", _READY)


def start(job: FolderJob, request: Request, workspace: Workspace) -> None:
    """Start a job of a request in the background unless it is done or being done already."""
    if not job.is_needed:
        return
    job.folder.mkdir(parents=True, exist_ok=True)
    folders = [str(run.folder.resolve()) if run else "" for run in request.runs]
    content = {"runs": folders, "data": request.data, "workspace": str(workspace.root.resolve())}
    write_json_atomic(job.folder / _REQUEST, content | {"result": job.result})
    job.start(COMMAND)


def study_of(request: Request, workspace: Workspace) -> Study:
    """The finished study; DataError where there is none, or it is damaged."""
    return Study.load(job_of(request, workspace).folder / _RESULT)


def carry_out(folder: Path, measure: Callable[..., Study], embed: Callable[..., None]) -> None:
    """Do what a job's folder requests; measure, embed: see kdcore.retrieval.measuring.measure."""
    content = read_json(folder / _REQUEST)
    student, teacher, twin = (Run.load(Path(f)) if f else None for f in content["runs"])
    home, data, result = Workspace(Path(content["workspace"])), content["data"], content["result"]

    def work(tell: Tell) -> None:
        if result == _READY:
            embed(student, data, home, tell=tell)
            write_json_atomic(folder / result, {"finished": True})
        else:
            study = measure(student, teacher, data, home, twin=twin, tell=tell)
            study.save(folder / result)

    FolderJob(folder, result).carry_out(work)
