"""What a browser that watches a run is sent: its state, its newest lines and moments, its twin."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.kit import memory
from app.kit.by_hash import by_hash
from app.services import access
from app.services.answers import answers, sources, teacher_of
from app.services.live.files import Film, Logits
from app.services.live.status import status_of
from app.services.models import replay
from app.services.probe import teacher_on_probe
from kdcore.errors import LabError
from kdcore.runs.metric_lines import METRICS, PlainLine, Tail, saved_validation
from kdcore.runs.record import derive
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import find_twin, launched_twin
from kdcore.workspace import check_name

OVER = ("finished", "stopped", "failed", "lost", "broken")
_STORED = 1e-3  # logits of one teacher that were stored twice differ by less
_MOST = 24  # runs whose lines and moments stay in memory


@dataclass
class Watched:
    """A run's files as they were read so far."""

    run: Run
    tail: Tail
    film: Film

    def look(self) -> None:
        """Read what is new."""
        self.tail.look()
        self.film.look(_ASKED.get(self.run.folder))


_ASKED: dict[Path, Logits] = memory.table("teachers' answers to probes, of runs that stored none")
_ONE = threading.RLock()  # one tab reads the files, the others get what it read


@dataclass(frozen=True)
class Known:
    """What a browser has already: cursors into the lines, and the steps of its last moments.

    after and twin: cursors of Tail.since. A browser that has nothing says "0", and -1 as a step.
    """

    after: str = "0"
    moment: int = -1
    twin: str = "0"
    twin_moment: int = -1


def find(run_id: str) -> Run | None:
    """The run with exactly this id, of the demo or of the workspace; None for a path or no run."""
    try:
        check_name(run_id, "run id")
    except LabError:
        return None
    for workspace in (access.demo(), access.home()):
        folder = workspace.run_folder(run_id)
        if (folder / "config.json").is_file():
            return Run.load(folder)
    return None


def answer(run_id: str, seen: Known = Known()) -> dict[str, Any] | None:
    """What is new for a browser that has seen so much; None when there is no such run.

    The same as before as long as nothing happens: the time of day is not in it.
    """
    with _ONE:
        watched = _watched(run_id)
        if watched is None:
            return None
        watched.look()
        lines, film = watched.tail.since(seen.after), watched.film
        start = -1 if lines["reset"] else seen.moment
        message: dict[str, Any] = {
            "status": status_of(watched.run, watched.tail.lines),
            "student": lines,
            "teacher": _teacher(watched),
            "pairs": _validated(watched),
            "moments": film.since(start),
            "twin": _twin(watched, seen),
        }
        if start < 0 and message["moments"]:
            message["probe"] = _probe(film)
        return message


def lines_of(run: Run) -> list[PlainLine]:
    """The metric lines of a run so far; only what is new is read."""
    with _ONE:
        watched = _watched(run.id)
        if watched is None:
            return []
        watched.tail.look()
        return list(watched.tail.lines)


def ask_teacher(run: Run, ask: bool) -> None:
    """Get the teacher's answers to the probe of a run that did not store them.

    From its stored answers; else, if `ask`, from its model, which takes seconds once.
    """
    with _ONE:
        watched = _watched(run.id)
        if watched is None or not run.is_distilled:
            return
        watched.look()
        if not watched.film.moments or watched.film.teacher is not None:
            return
    name = Path(run.teacher).name
    source, film = next((s for s in sources() if s.key == name), None), replay(run.id)
    if source is None or film is None:
        return
    logits = teacher_on_probe(film, run, answers(source), ask)
    if logits is not None:
        with _ONE:
            _ASKED[run.folder] = logits


def twin_of(run: Run) -> Run | None:
    """The twin of a student: the one launched with it, else the first beside it that is one."""
    if not run.is_distilled:
        return None
    return launched_twin(run) or _twin_beside(run, run.folder.parent.stat().st_mtime_ns)


@by_hash(most=200)  # a page that watches a run asks at every poll
def _twin_beside(run: Run, changed: int) -> Run | None:
    return find_twin(run, RunStore(run.folder.parent).list())


def _watched(run_id: str) -> Watched | None:
    if (run := find(run_id)) is None:
        return None
    watched = opened(run)
    watched.run = run  # read just now: it knows what the run has written since
    return watched


@by_hash(most=_MOST, on=lambda run: run.folder)
def opened(run: Run) -> Watched:
    """The files of a run, of which every visitor reads only what is new."""
    student = float(run.temperature or 1.0)  # of the soft loss; 1 where it has none
    temperatures = float(run.teacher_temperature or student), student
    return Watched(run, Tail(run.folder / METRICS), Film(run.replay_folder, temperatures))


def _teacher(watched: Watched) -> dict[str, float | None] | None:
    """The teacher's own validation on the same pairs, from this run or from the teacher's."""
    names = ("nll", "roc_auc")
    for line in watched.tail.lines:
        if "teacher_validation_nll" in line:
            return {name: line.get(f"teacher_validation_{name}") for name in names}
    teacher = teacher_of(watched.run)
    pairs = watched.run.splits.get("validation")
    if teacher is None or pairs is None or teacher.splits.get("validation") != pairs:
        return None
    of_teacher = _watched(teacher.id)
    if of_teacher is None:
        return None
    of_teacher.tail.look()
    saved = saved_validation(of_teacher.tail.lines)
    return {name: saved.get(f"validation_{name}") for name in names} if saved else None


def _validated(watched: Watched) -> int | None:
    """How many pairs a run is validated on, once it has written that."""
    pairs = next((n for x in watched.tail.lines if (n := x.get("validation_pairs"))), None)
    split = watched.run.splits.get("validation")
    return int(pairs) if pairs else split.pairs if split else None


def _probe(film: Film) -> dict[str, Any] | None:
    """The pinned pairs and what does not change while a student learns."""
    if film.probe is None:
        return None
    rows, frame = film.pins, film.probe.frame.iloc[film.pins]
    truth, teacher = film.probe.truth, film.teacher
    return {
        "grades": list(film.probe.scheme.grades),
        "pairs": len(film.probe),
        "texts": [[q[:200], t[:200]] for q, t in zip(frame["query"], frame["title"], strict=True)],
        "labels": [int(grade) for grade in frame["grade"]],
        "teacher": None if teacher is None else teacher[rows].round(3).ravel().tolist(),
        "truth": None if truth is None else truth[rows].round(4).ravel().tolist(),
        "teacherDistance": film.distance(teacher),
        "temperatures": list(film.temperatures),
    }


def _twin(watched: Watched, seen: Known) -> dict[str, Any] | None:
    """The twin's validation lines and what its moments measured; None without a twin."""
    other = twin_of(watched.run)
    twin = _watched(other.id) if other else None
    if twin is None:
        return None
    twin.look()
    film, probe = twin.film, watched.film.probe
    # their moments compare where both were watched on the same pairs
    hashes = {each.content_hash if each is not None else None for each in (probe, film.probe)}
    same = len(hashes) == 1 and None not in hashes
    if same and film.teacher is None:
        film.look(watched.film.teacher)
    message = twin.tail.since(seen.twin)
    message["lines"] = [line for line in message["lines"] if "validation_nll" in line]
    start = -1 if message["reset"] else seen.twin_moment
    moments = film.since(start) if same else []
    left_out = {"logits"}
    if not (
        same and _same_teacher(film, watched.film)
    ):  # a twin that served another student before
        left_out |= {"kl", "agreement"}
    status = derive(twin.run.folder)
    return message | {
        "id": twin.run.id,
        "title": twin.run.shown_title,
        "state": status.state,
        "step": status.step,
        "total": status.total_steps,
        "moments": [{k: v for k, v in m.items() if k not in left_out} for m in moments],
    }


def _same_teacher(one: Film, other: Film) -> bool:
    """Whether the moments of both were measured against the same answers of a teacher."""
    if one.teacher is None or other.teacher is None:
        return False
    return np.allclose(one.teacher, other.teacher, atol=_STORED)


def clock() -> float:
    """The server's time, by which a browser tells how long a run has gone on."""
    return round(time.time(), 3)
