"""Stored differences between runs, and the measurements that a list of runs still lacks.

Runs measure themselves at their end (kdcore/judging/results.py). What a list still lacks is
requested from a process in the background; no page waits for a bootstrap.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.kit.by_hash import by_hash
from app.services import access
from app.services.access import refuse_public
from kdcore.errors import LabError
from kdcore.evaluation.comparison import Difference
from kdcore.evaluation.result_files import differences_file, store_differences, stored_differences
from kdcore.judging import background, results
from kdcore.judging.background import Request
from kdcore.predictions import answered_hash
from kdcore.runs.listing import Row
from kdcore.runs.store import Run


def kept_delta(row: Row, base: Row) -> Mapping[str, Difference] | None:
    """Every metric's difference where it was measured before, else None.

    Of two runs of the demo it may come from the comparison that the demo ships.
    """
    stored = stored_differences(access.home(), row.run, base.run)
    if stored is None and {row.run.folder.parent, base.run.folder.parent} == {access.demo().runs}:
        return shipped_delta(row, base)
    return stored


def shipped_delta(row: Row, base: Row) -> Mapping[str, Difference] | None:
    """The same; also where the whole comparison lies in the run's folder."""
    home, runs = access.home(), (row.run, base.run)
    if (stored := stored_differences(home, *runs)) is not None:
        return stored
    if (path := differences_file(home, *runs)) and _same_pairs(row, base):
        look_for_comparison(*runs, path)
    return stored_differences(home, *runs)


@by_hash(most=500)  # once for each state of the two files: it reads both
def look_for_comparison(run: Run, base: Run, path: Path) -> None:
    """Store the differences of a comparison that lies in a run's folder, where there is one."""
    with suppress(LabError, OSError):
        comparison = results.stored_comparison(run, base, results.answered_pairs(run))
        if comparison is not None:
            store_differences(access.home(), run, base, comparison)


def lacking(rows: Sequence[Row], base: Row | None, twins: Mapping[Path, Row]) -> list[Request]:
    """Finished runs with answers whose test, or whose difference to the base, is not stored yet.

    twins: by a run's folder, another run to which its difference is measured as well.
    """
    scored = [row for row in rows if row.scored and (row.test.metrics or _may_store(row))]
    requests = [
        Request(row.run, base.run if base else None)
        for row in scored
        if not row.test.metrics or _is_lacking(row, base)
    ]
    for row in scored:
        twin = twins.get(row.run.folder)
        if row.test.metrics and twin is not None and twin.scored and _is_lacking(row, twin):
            requests.append(Request(row.run, twin.run))
    return requests


def _is_lacking(row: Row, base: Row | None) -> bool:
    # folders, since an own run may bear the id of a bundled one
    if base is None or row.run.folder == base.run.folder or kept_delta(row, base) is not None:
        return False
    return _same_pairs(row, base)


def _may_store(row: Row) -> bool:
    return not access.public() and row.run.folder.parent != access.demo().runs


def measure(requests: Sequence[Request]) -> None:
    """Let these be measured in the background; RunError in a public showing."""
    refuse_public()
    background.request(requests, access.home())


def _same_pairs(row: Row, base: Row) -> bool:
    """Whether two runs have answered the same test pairs."""
    paths = [each.run.predictions_path("test") for each in (row, base)]
    try:
        one, other = (_answered_hash(path, path.stat().st_mtime_ns) for path in paths)
    except OSError:
        return False
    return one == other != ""


@by_hash(most=2000)
def _answered_hash(path: Path, changed: int) -> str:
    return answered_hash(path)
