"""What runs are called and how they belong together: names built from what differs, roles, groups.

A list of runs needs names that tell its runs apart. A run that has no title of its own is called
by its student and by whatever differs among the listed runs: temperature or loss, limit, weights,
other settings, seed. Runs of one title get the same behind it. What is still equal gets the time.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.services import access
from kdcore.config import UNSEEN_BY_THE_MODEL, DistillConfig, FinetuneConfig
from kdcore.errors import LabError
from kdcore.experiments.launch import method_title, model_title, title_of
from kdcore.knobs import flat
from kdcore.runs.listing import Row
from kdcore.runs.store import Run

_SEED = re.compile(r"(?:, | · )seed \d+")
_FIRST = ("data", "soft_weight", "hard_weight", "transfer")  # said before other settings
_ASIDE = {"stage", "device", "threads", "limit", "seed", "teacher", "run"}
_ASIDE |= {f"training.{name}" for name in (*UNSEEN_BY_THE_MODEL, "validations", "ads_per_query")}
# in the names of student and method
_SAID = ("student.name", "student.checkpoint", "method.name", "method.params.temperature")
_MOST = 2  # other settings that a name tells
_LONGEST = 40  # letters of a value
_ID = 4  # letters of an id


class Named(NamedTuple):
    """A run as a list names it. title: its own, "" for none; by_path: its settings."""

    key: str
    title: str
    by_path: Mapping[str, Any]
    student: str = ""
    method: str = ""
    created: float = 0.0


def named(key: str, run: Run, usual: str = "") -> Named:
    """A run for `names`; a title that the lab made of the settings is none of its own.

    usual: what it is called where its settings cannot be read.
    """
    made, student, method = _described(run)
    own = (
        (run.title or usual or run.id) if not made else run.title if is_own(run.title, made) else ""
    )
    given = {"student" if k == "model" else k: v for k, v in run.settings.items()}
    return Named(key, own, flat(given), student, method, run.created)


def model_name(run: Run | None, title: str) -> str:
    """The model alone, without how it was trained, where its title was not given by a person."""
    if run is None:
        return title
    name = named("", run, title)
    bundled = run.folder.parent == access.demo().runs  # its title tells how it was trained
    return (name.student if bundled else name.title or name.student) or title


def is_own(title: str, made: str) -> bool:
    """Whether a title was given by a person, and not made of the settings as `made` is."""
    return bool(title) and not title.startswith(made)


def _described(run: Run) -> tuple[str, str, str]:
    """The title that the lab makes of a config, its student, and how that learned."""
    try:
        config = run.config
    except LabError:
        return "", "", ""
    if isinstance(config, DistillConfig):
        return title_of(config), model_title(config.student), method_title(config.method)
    if isinstance(config, FinetuneConfig):
        return title_of(config), model_title(config.model), "labels only"
    return "", "", ""


def names(runs: Sequence[Named], *, short: bool = False) -> dict[str, str]:
    """A name for each run by its key, unlike all others of the list.

    short: without what all of them have in common, for labels in a picture.
    """
    groups: dict[str, list[Named]] = {}
    for run in runs:
        groups.setdefault(run.title, []).append(run)
    titles: dict[str, str] = {}
    for title, alike in groups.items():
        if title and len(alike) == 1:
            titles[alike[0].key] = title
            continue
        parts = _told(alike, whole=not title and not short)
        for run in alike:
            more = ", ".join(parts[run.key])
            name = f"{title} · {more}" if title and more else title or more
            titles[run.key] = name or run.method or run.student or run.key
    return _apart(runs, titles)


def without_seed(name: str) -> str:
    """A name for runs that differ in their seed alone."""
    return _SEED.sub("", name)


def _told(alike: Sequence[Named], *, whole: bool) -> dict[str, list[str]]:
    """What tells each run from the others, by its key; whole: student and method in any case."""
    several = {
        "student": len({run.student for run in alike}) > 1,
        "method": len({run.method for run in alike}) > 1,
        "limit": len({str(run.by_path.get("limit")) for run in alike}) > 1,
        "seed": len({str(run.by_path.get("seed")) for run in alike}) > 1,
    }
    usual = _usual(alike)
    parts_of = {}
    for run in alike:
        parts = [run.student] if whole or several["student"] else []
        parts += [run.method] if whole or several["method"] else []
        if several["limit"] and isinstance(limit := run.by_path.get("limit"), int):
            parts.append(f"{limit:,} pairs" if limit else "all pairs")
        mine = usual[run.student]
        unusual = [p for p in mine if str(run.by_path.get(p, mine[p])) != mine[p]]
        parts += [_said(path, run.by_path[path]) for path in unusual[:_MOST]]
        parts += [f"seed {run.by_path['seed']}"] if several["seed"] and run.by_path else []
        parts_of[run.key] = [part for part in parts if part]
    return parts_of


def _usual(alike: Sequence[Named]) -> dict[str, dict[str, str]]:
    """By student, the commonest value of every other setting that differs among its runs."""
    usual: dict[str, dict[str, str]] = {}
    for student in dict.fromkeys(run.student for run in alike):
        same = [run.by_path for run in alike if run.student == student]
        usual[student] = {}
        for path in dict.fromkeys([*_FIRST, *(path for each in same for path in each)]):
            values = Counter(str(each[path]) for each in same if path in each)
            if len(values) > 1 and path not in _ASIDE and path not in _SAID:
                usual[student][path] = values.most_common(1)[0][0]
    return usual


def _said(path: str, value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)[:_LONGEST]
    return text if path == "data" else f"{path.rpartition('.')[2].replace('_', ' ')} {text}"


def _apart(runs: Sequence[Named], found: Mapping[str, str]) -> dict[str, str]:
    """The names; behind those that are equal the time of making, else the end of the id."""
    groups: dict[str, list[Named]] = {}
    for run in runs:
        groups.setdefault(found[run.key], []).append(run)
    apart = dict(found)
    for name, alike in groups.items():
        times = [f"{datetime.fromtimestamp(run.created):%d %b %H:%M}" for run in alike]
        for run, time in zip(alike, times, strict=True) if len(alike) > 1 else ():
            more = time if len(set(times)) == len(times) else run.key[-_ID:]
            apart[run.key] = f"{name} · {more}"
    return apart


def role_of(row: Row, taught: set[str]) -> str:
    """Teacher, student, twin or muted: its color."""
    if row.id in taught or str(row.run.folder) in taught:
        return "teacher"
    return row.run.role or ("twin" if row.run.stage == "finetune" else "muted")


def groups_of(rows: Sequence[Row]) -> dict[Any, str]:
    """A short mark by folder: of the group that was launched, else of an equal budget."""
    sizes: dict[str, set[str]] = {}
    for row in rows:
        sizes.setdefault(row.run.budget, set()).add(row.run.stage)
    return {
        row.run.folder: (row.about.group[-6:] or row.run.budget[:4])
        for row in rows
        if row.about.group or len(sizes[row.run.budget]) > 1
    }
