"""What runs are called and how they belong together: names built from what differs, roles, groups.

A list of runs needs names that tell its runs apart. A run that has no title of its own is called
by its student and by whatever differs among the listed runs: temperature or loss, limit, weights,
other settings, seed. Runs of one title get the same behind it. What is still equal gets the time.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from kdcore.config import DistillConfig, FinetuneConfig, from_dict
from kdcore.errors import LabError
from kdcore.experiments.launch import method_title, model_title, title_of
from kdcore.knobs import flat
from kdcore.runs.alike import UNSEEN_BY_THE_MODEL
from kdcore.runs.listing import Row
from kdcore.runs.store import Run

if TYPE_CHECKING:
    from app.services.boards import Source

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
    """A run as a list names it. title: its own, "" for none; settings: its config by path."""

    key: str
    title: str
    settings: Mapping[str, Any]
    student: str = ""
    method: str = ""
    created: float = 0.0


def named(key: str, run: Run, usual: str = "") -> Named:
    """A run for `names`; a title that the lab made of the settings is none of its own.

    usual: what it is called where its settings cannot be read.
    """
    made, student, method = _described(json.dumps(run.config, sort_keys=True, default=str))
    own = (
        (run.title or usual or run.id) if not made else run.title if is_own(run.title, made) else ""
    )
    given = {"student" if k == "model" else k: v for k, v in run.config.items()}
    return Named(key, own, flat(given), student, method, run.created)


def is_own(title: str, made: str) -> bool:
    """Whether a title was given by a person, and not made of the settings as `made` is."""
    return bool(title) and not title.startswith(made)


@lru_cache(maxsize=4096)
def _described(config: str) -> tuple[str, str, str]:
    """The title that the lab makes of a config, its student, and how that learned."""
    try:
        read = from_dict(json.loads(config))
    except LabError:
        return "", "", ""
    if isinstance(read, DistillConfig):
        return title_of(read), model_title(read.student), method_title(read.method)
    if isinstance(read, FinetuneConfig):
        return title_of(read), model_title(read.model), "labels only"
    return "", "", ""


def names(runs: Sequence[Named], *, short: bool = False) -> dict[str, str]:
    """A name for each run by its key, unlike all others of the list.

    short: without what all of them have in common, for labels in a picture.
    """
    groups: dict[str, list[Named]] = {}
    for run in runs:
        groups.setdefault(run.title, []).append(run)
    found: dict[str, str] = {}
    for title, alike in groups.items():
        if title and len(alike) == 1:
            found[alike[0].key] = title
            continue
        told = _told(alike, whole=not title and not short)
        for run in alike:
            more = ", ".join(told[run.key])
            own = f"{title} · {more}" if title and more else title or more
            found[run.key] = own or run.method or run.student or run.key
    return _apart(runs, found)


def told_apart(found: Sequence["Source"]) -> list["Source"]:
    """Answers of models under names that tell the models apart."""
    runs = {str(s.run.folder): (s.run, s.title) for s in found if s.run}
    told = names([named(folder, run, title) for folder, (run, title) in runs.items()])
    return [replace(s, title=told[str(s.run.folder)]) if s.run else s for s in found]


def without_seed(name: str) -> str:
    """A name for runs that differ in their seed alone."""
    return _SEED.sub("", name)


def _told(alike: Sequence[Named], *, whole: bool) -> dict[str, list[str]]:
    """What tells each run from the others, by its key; whole: student and method in any case."""
    several = {
        "student": len({run.student for run in alike}) > 1,
        "method": len({run.method for run in alike}) > 1,
        "limit": len({str(run.settings.get("limit")) for run in alike}) > 1,
        "seed": len({str(run.settings.get("seed")) for run in alike}) > 1,
    }
    usual = _usual(alike)
    found = {}
    for run in alike:
        parts = [run.student] if whole or several["student"] else []
        parts += [run.method] if whole or several["method"] else []
        if several["limit"] and isinstance(limit := run.settings.get("limit"), int):
            parts.append(f"{limit:,} pairs" if limit else "all pairs")
        mine = usual[run.student]
        unusual = [p for p in mine if str(run.settings.get(p, mine[p])) != mine[p]]
        parts += [_said(path, run.settings[path]) for path in unusual[:_MOST]]
        parts += [f"seed {run.settings['seed']}"] if several["seed"] and run.settings else []
        found[run.key] = [part for part in parts if part]
    return found


def _usual(alike: Sequence[Named]) -> dict[str, dict[str, str]]:
    """By student, the commonest value of every other setting that differs among its runs."""
    found: dict[str, dict[str, str]] = {}
    for student in dict.fromkeys(run.student for run in alike):
        same = [run.settings for run in alike if run.student == student]
        found[student] = {}
        for path in dict.fromkeys([*_FIRST, *(path for each in same for path in each)]):
            values = Counter(str(each[path]) for each in same if path in each)
            if len(values) > 1 and path not in _ASIDE and path not in _SAID:
                found[student][path] = values.most_common(1)[0][0]
    return found


def _said(path: str, value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)[:_LONGEST]
    return text if path == "data" else f"{path.rpartition('.')[2].replace('_', ' ')} {text}"


def _apart(runs: Sequence[Named], found: Mapping[str, str]) -> dict[str, str]:
    """The names; behind those that are equal the time of making, else the end of the id."""
    groups: dict[str, list[Named]] = {}
    for run in runs:
        groups.setdefault(found[run.key], []).append(run)
    told = dict(found)
    for name, alike in groups.items():
        times = [f"{datetime.fromtimestamp(run.created):%d %b %H:%M}" for run in alike]
        for run, time in zip(alike, times, strict=True) if len(alike) > 1 else ():
            more = time if len(set(times)) == len(times) else run.key[-_ID:]
            told[run.key] = f"{name} · {more}"
    return told


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
