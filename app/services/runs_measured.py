"""What is measured of runs on demand, and kept: the test of a run, its difference to a baseline.

A page never waits for a bootstrap that nobody asked for: it shows what is kept. A difference is
kept under the look of both prediction files, so that it is found again without reading them.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import nan
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import streamlit as st

from app.services import boards, measured, places
from app.services.boards import Answers, Board, DataChoice
from app.services.data_intake import refuse_public
from kdcore.comparison import Comparison
from kdcore.errors import LabError, RunError
from kdcore.pairs import PairTable
from kdcore.predictions import Predictions
from kdcore.runs.listing import SPLIT, Row
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import write_json_atomic

FORMAT = 1  # raised when the same files would be compared otherwise
_FOLDER = "runs"
_ONE = Lock()
_LOOKED: set[str] = set()  # comparisons that were looked for once
_HELD: dict[str, Mapping[str, "Delta"]] = {}  # by name: small, and never out of date


class Delta(NamedTuple):
    """One metric of a run less the baseline's: paired interval, p, verdict, and over how many."""

    delta: float
    low: float
    high: float
    p: float
    permutations: int
    smallest_detectable: float
    verdict: str
    n: int
    unit: str


def kept_delta(row: Row, base: Row) -> Mapping[str, Delta] | None:
    """Every metric's difference where it was measured before, else None; reads no predictions."""
    name = _name(row, base)
    if name is None:
        return None
    if name not in _HELD:
        try:
            said = json.loads(_path(name).read_text(encoding="utf-8"))
            _HELD[name] = {metric: _delta(values) for metric, values in said.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return None
    return _HELD[name]


def shipped_delta(row: Row, base: Row) -> Mapping[str, Delta] | None:
    """The difference when somebody kept the whole comparison, as the demo does of its own."""
    name = _name(row, base)
    if name is None or (held := kept_delta(row, base)) is not None:
        return held if name else None
    if name not in _LOOKED and _same_pairs(row, base):
        _LOOKED.add(name)
        with suppress(LabError, OSError):
            board, one, other = _beside(row, base)
            if measured.kept_comparison(board, one, other) is not None:
                _compare(row, base)
    return _HELD.get(name)


class Job(NamedTuple):
    """One run to measure: its test where that is not kept, and its difference to `base`."""

    row: Row
    base: Row | None

    @property
    def name(self) -> str:
        """What tells it from other jobs."""
        return f"{self.row.run.folder} {self.base.run.folder if self.base else ''}"


def lacking(
    rows: Sequence[Row], base: Row | None, twins: Mapping[Path, Row] | None = None
) -> list[Job]:
    """Finished runs with answers whose test, or whose difference to the base, is not kept yet.

    twins: by a run's folder, another run that its difference is wanted to as well.
    """
    can = [r for r in rows if r.scored and (r.test.metrics or _may_keep(r))]
    jobs = [Job(r, base) for r in can if not r.test.metrics or _wanted(r, base)]
    beside = ((r, (twins or {}).get(r.run.folder)) for r in can if r.test.metrics)
    return jobs + [
        Job(r, twin) for r, twin in beside if twin is not None and twin.scored and _wanted(r, twin)
    ]


def _wanted(row: Row, base: Row | None) -> bool:
    return base is not None and not _is(row, base) and kept_delta(row, base) is None


def _is(row: Row, base: Row) -> bool:
    return row.run.folder == base.run.folder  # an own run may bear the id of a bundled one


def measure(jobs: Sequence[Job], told: Callable[[float, str], None]) -> list[str]:
    """Measure one run after another; sentences on what could not be had.

    told: hears the share that is done and which run is at work. RunError in a public showing, and
    while another window measures: two at once would only slow each other.
    """
    refuse_public()
    if not _ONE.acquire(blocking=False):
        raise RunError("another window measures runs; wait until it is done")
    try:
        problems = []
        for done, job in enumerate(jobs):
            told(done / len(jobs), job.row.run.title or job.row.id)
            try:
                _carry_out(job)
            except (LabError, OSError) as cause:
                problems.append(f"{job.row.id}: {cause}")
        told(1.0, "")
        return problems
    finally:
        _ONE.release()


def _carry_out(job: Job) -> None:
    row, base = job
    if not row.test.metrics:
        _evaluate(row)
    if base is not None and not _is(row, base) and _same_pairs(row, base):
        _compare(row, base)


def pairs_of(row: Row) -> PairTable:
    """The pairs that a run's test predictions answer; RunError when they are not here."""
    path = row.run.predictions_path(SPLIT)
    wanted = boards.answered_hash(path)
    ways = [(choice, split) for choice in boards.data_choices() for split in (SPLIT, "")]
    for choice, split in ways:  # as runs cut it, or as it came: a test set alone is cut by runs
        with suppress(LabError, OSError):
            held = boards.pairs_of(choice, split)
            if held.content_hash == wanted:
                return held
    made = _own_pairs(str(row.run.folder), path.stat().st_mtime_ns)
    if made.content_hash != wanted:
        raise RunError("the pairs that it was scored on are not here any more")
    return made


@st.cache_resource(max_entries=4, show_spinner=False)
def _own_pairs(folder: str, changed: int) -> PairTable:
    from kdcore import lab

    return lab.split_of(Run.load(Path(folder)), SPLIT)


def teacher_of(row: Row) -> Run | None:
    """The run that taught this one, in its own workspace, ours or the demo."""
    asked = str(row.run.config.get("teacher") or "")
    for root in (row.run.folder.parent, places.home().runs, places.demo().runs):
        if asked:
            with suppress(LabError):
                return RunStore(root).get(asked)
    return None


def _evaluate(row: Row) -> None:
    """Keep the evaluation in the run's own folder, as `kdlab evaluate` does."""
    from kdcore import lab

    if not _may_keep(row):
        raise RunError("its test was not measured, and nothing may be kept there")
    teacher = teacher_of(row)
    if teacher is not None and not _answered(teacher, row.run):
        teacher = None
    lab.evaluate(row.run, SPLIT, teacher=teacher)


def _answered(teacher: Run, run: Run) -> bool:
    paths = [r.predictions_path(SPLIT) for r in (teacher, run)]
    return paths[0].is_file() and boards.answered_hash(paths[0]) == boards.answered_hash(paths[1])


def _may_keep(row: Row) -> bool:
    return not places.public() and row.run.folder.parent != places.demo().runs


def _same_pairs(row: Row, base: Row) -> bool:
    hashes = {boards.answered_hash(r.run.predictions_path(SPLIT)) for r in (row, base)}
    return len(hashes) == 1 and "" not in hashes


def _compare(row: Row, base: Row) -> None:
    name = _name(row, base)
    if name is None or kept_delta(row, base) is not None:
        return
    found = compared(row, base)
    _HELD[name] = {
        key: Delta(
            *(d.delta, d.low, d.high, d.p, d.permutations),
            *(d.smallest_detectable, str(d.verdict), d.n, d.n_unit),
        )
        for key, d in found.differences.items()
    }
    if not places.public():
        with suppress(OSError):
            write_json_atomic(_path(name), {k: d._asdict() for k, d in _HELD[name].items()})


def compared(row: Row, base: Row) -> Comparison:
    """The whole comparison of two runs on the pairs that both answered."""
    return measured.comparison(*_beside(row, base))


def _beside(row: Row, base: Row) -> tuple[Board, Answers, Answers]:
    pairs = pairs_of(row)
    one, other = (_answers(r.run) for r in (row, base))
    teacher = teacher_of(row) or teacher_of(base)
    by = _answers(teacher) if teacher is not None and _answered(teacher, row.run) else None
    choice = DataChoice("", pairs.name, "", row.run.folder)
    return Board(choice, pairs, by, one, other), one, other


def _answers(run: Run) -> Answers:
    return Answers(run.id, run.title, Predictions.load(run.predictions_path(SPLIT)), run)


def _name(row: Row, base: Row) -> str | None:
    looks = []
    for each in (row, base):
        path = each.run.predictions_path(SPLIT)
        try:
            seen = os.stat(path)
        except OSError:
            return None
        looks.append((str(path), seen.st_mtime_ns, seen.st_size))
    return hashlib.sha256(repr((FORMAT, looks)).encode()).hexdigest()[:16]


def _path(name: str) -> Path:
    return places.home().cache_folder(_FOLDER) / f"delta-{name}.json"


def _delta(values: Mapping[str, Any]) -> Delta:
    numbers: dict[str, Any] = {k: nan if v is None else v for k, v in values.items()}
    return Delta(**numbers)
