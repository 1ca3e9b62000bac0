"""Saved evaluations of runs: the test of a run, its difference to another run.

Runs measure themselves at their end (kdcore/judging/measured.py). What a list still lacks is asked
of a process in the background; no page waits for a bootstrap.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from app.services import access, boards, measured
from app.services.access import refuse_public
from app.services.boards import Answers, Board, DataChoice
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError, RunError
from kdcore.evaluation.deltas import Delta, keep_deltas, kept_deltas, pair_name
from kdcore.judging import measuring
from kdcore.judging.measuring import Progress, Wanted
from kdcore.predictions import Predictions
from kdcore.runs.listing import SPLIT, Row
from kdcore.runs.store import Run, RunStore

__all__ = ["Delta", "Job", "kept_delta", "lacking", "measure", "shipped_delta"]

_LOOKED: set[str] = set()  # comparisons that were looked for once


def kept_delta(row: Row, base: Row) -> Mapping[str, Delta] | None:
    """Every metric's difference where it was measured before, else None; reads no predictions."""
    return kept_deltas(access.home(), row.run, base.run)


def shipped_delta(row: Row, base: Row) -> Mapping[str, Delta] | None:
    """The difference when the whole comparison is kept, as the demo does of its own."""
    if (held := kept_delta(row, base)) is not None:
        return held
    name = pair_name(row.run, base.run)
    if name is None or name in _LOOKED or not same_pairs(row, base):
        return None
    _LOOKED.add(name)
    with suppress(LabError, OSError):
        found = measured.kept_comparison(*_beside(row, base))
        if found is not None:
            keep_deltas(access.home(), row.run, base.run, found)
    return kept_delta(row, base)


class Job(NamedTuple):
    """One run to measure: its test where that is not kept, and its difference to `base`."""

    row: Row
    base: Row | None

    @property
    def wanted(self) -> Wanted:
        """As the process in the background is asked for it."""
        return Wanted(self.row.run, self.base.run if self.base else None)


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
    if base is None or _is(row, base) or kept_delta(row, base) is not None:
        return False
    return same_pairs(row, base)


def _is(row: Row, base: Row) -> bool:
    return row.run.folder == base.run.folder  # an own run may bear the id of a bundled one


def measure(jobs: Sequence[Job]) -> None:
    """Ask for these in the background; RunError in a public showing."""
    refuse_public()
    measuring.request([job.wanted for job in jobs], access.home())


def keep_going() -> None:
    """See that the process in the background lives while something waits for it."""
    measuring.ensure_process(access.home())


def progress(jobs: Sequence[Job]) -> Progress:
    """How many of these are queued or running, and which run is evaluated now."""
    return measuring.progress([job.wanted for job in jobs], access.home())


def failures(jobs: Sequence[Job]) -> dict[str, str]:
    """Why some of these could not be measured, by their names."""
    return measuring.failures([job.wanted for job in jobs], access.home())


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
    for root in (row.run.folder.parent, access.home().runs, access.demo().runs):
        if asked:
            with suppress(LabError):
                return RunStore(root).get(asked)
    return None


def _answered(teacher: Run, run: Run) -> bool:
    paths = [r.predictions_path(SPLIT) for r in (teacher, run)]
    return paths[0].is_file() and boards.answered_hash(paths[0]) == boards.answered_hash(paths[1])


def _may_keep(row: Row) -> bool:
    return not access.public() and row.run.folder.parent != access.demo().runs


def same_pairs(row: Row, base: Row) -> bool:
    """Whether two runs have answered the same test pairs."""
    hashes = {_answered_hash(r.run.predictions_path(SPLIT)) for r in (row, base)}
    return len(hashes) == 1 and "" not in hashes


def _answered_hash(path: Path) -> str:
    try:
        return _hash_of(str(path), path.stat().st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=2000)
def _hash_of(path: str, changed: int) -> str:
    return boards.answered_hash(Path(path))


def _beside(row: Row, base: Row) -> tuple[Board, Answers, Answers]:
    pairs = pairs_of(row)
    one, other = (_answers(r.run) for r in (row, base))
    teacher = teacher_of(row) or teacher_of(base)
    by = _answers(teacher) if teacher is not None and _answered(teacher, row.run) else None
    choice = DataChoice("", pairs.name, "", row.run.folder)
    return Board(choice, pairs, by, one, other), one, other


def _answers(run: Run) -> Answers:
    return Answers(run.id, run.title, Predictions.load(run.predictions_path(SPLIT)), run)
