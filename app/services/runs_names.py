"""What runs are called and how they belong together: same titles told apart, roles, groups."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kdcore.runs.listing import Row

_FIRST = ("data", "hard_weight", "soft_weight", "limit", "method.name")  # said before others
_MOST = 3  # settings that a suffix names
_LONGEST = 40  # letters of a value
_ID = 4  # letters of an id


class Named(NamedTuple):
    """A run as a list names it. settings: its config by path."""

    key: str
    title: str
    settings: Mapping[str, Any]


def suffixes(runs: Sequence[Named]) -> dict[str, str]:
    """What follows a title, by key, for runs whose title another one has; "" else.

    Runs that differ in their seed alone keep one title, as they share a row.
    """
    groups: dict[str, list[Named]] = {}
    for run in runs:
        groups.setdefault(run.title, []).append(run)
    found: dict[str, str] = {}
    for alike in groups.values():
        found |= _of_group(alike) if len(alike) > 1 else {alike[0].key: ""}
    return found


def _of_group(alike: Sequence[Named]) -> dict[str, str]:
    paths = _differing(alike)
    told = {run.key: ", ".join(_said(run, path) for path in paths) for run in alike}
    counts: dict[tuple[str, str], int] = {}
    for run in alike:
        held = (told[run.key], str(run.settings.get("seed")))
        counts[held] = counts.get(held, 0) + 1
    found = {}
    for run in alike:
        again = counts[told[run.key], str(run.settings.get("seed"))] > 1
        parts = [part for part in (told[run.key], _id(run.key) if again else "") if part]
        found[run.key] = f" · {' · '.join(parts)}" if parts else ""
    return found


def _differing(alike: Sequence[Named]) -> list[str]:
    """Paths of settings that are not the same in all, the telling ones first; never the seed."""
    every = dict.fromkeys([*_FIRST, *(path for run in alike for path in run.settings)])
    every.pop("seed", None)
    return [p for p in every if len({str(run.settings.get(p)) for run in alike}) > 1][:_MOST]


def _said(run: Named, path: str) -> str:
    value = str(run.settings.get(path, "none"))[:_LONGEST]
    return value if path == "data" else f"{path.rpartition('.')[2].replace('_', ' ')} {value}"


def _id(key: str) -> str:
    return key if len(key) <= 2 * _ID else key[-_ID:]


def role_of(row: Row, taught: set[str]) -> str:
    """Teacher, student, twin or muted: its color."""
    if row.id in taught or str(row.run.folder) in taught or row.about.role == "teacher":
        return "teacher"
    if row.about.role == "twin":
        return "twin"
    stage = str(row.run.config.get("stage"))
    return {"distill": "student", "finetune": "twin"}.get(stage, "muted")


def groups_of(rows: Sequence[Row]) -> dict[Any, str]:
    """A short mark by folder: of the group that was launched, else of an equal budget."""
    sizes: dict[str, set[str]] = {}
    for row in rows:
        sizes.setdefault(row.budget, set()).add(str(row.run.config.get("stage")))
    return {
        row.run.folder: (row.about.group[-6:] or row.budget[:4])
        for row in rows
        if row.about.group or len(sizes[row.budget]) > 1
    }
