"""What runs are called and how they belong together: names built from what differs, roles, groups.

A list of runs needs names that tell its runs apart. A run that has no title of its own is called
by its student and by whatever differs among the listed runs: temperature or loss, limit, weights,
other settings, seed. Runs of one title get the same behind it. What is still equal gets the time.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.services import access
from kdcore.config import (
    UNSEEN_BY_THE_MODEL,
    DistillConfig,
    FinetuneConfig,
    MultitaskConfig,
    PretrainConfig,
    TeachConfig,
)
from kdcore.errors import LabError
from kdcore.experiments.titles import loss_title, model_title, tasks_title, teacher_title, title_of
from kdcore.knobs import flat
from kdcore.runs.listing import Row
from kdcore.runs.store import Run

_FIRST = ("data", "soft_weight", "hard_weight", "transfer")  # named before other settings
# of the "other" settings: these stand in a name by themselves, or not at all
_LEFT_OUT = {"stage", "device", "threads", "limit", "seed", "teacher", "run"}
_LEFT_OUT |= {f"training.{name}" for name in (*UNSEEN_BY_THE_MODEL, "validations", "ads_per_query")}
# in the names of student and method
_IN_NAMES = ("student.name", "student.checkpoint", "method.name", "method.params.temperature")
_MOST = 2  # other settings in a name
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
    of_settings, student, method = _described(run)
    title = run.title or usual or run.id
    if of_settings:
        title = run.title if is_own(run.title, of_settings) else ""
    settings = {"student" if k == "model" else k: v for k, v in run.settings.items()}
    if run.limit:
        settings["limit"] = run.learned_from
    return Named(key, title, flat(settings), student, method, run.created)


def model_name(run: Run | None, title: str) -> str:
    """The model alone, without how it was trained, where its title was not given by a person."""
    if run is None:
        return title
    name = named("", run, title)
    bundled = run.folder.parent == access.demo().runs  # its title tells how it was trained
    return (name.student if bundled else name.title or name.student) or title


def is_own(title: str, of_settings: str) -> bool:
    """Whether a title was given by a person, and does not begin as the one of the settings."""
    return bool(title) and not title.startswith(of_settings)


def _described(run: Run) -> tuple[str, str, str]:
    """The title that the lab makes of a config, its student, and how that learned."""
    try:
        config = run.config
    except LabError:
        return "", "", ""
    if isinstance(config, DistillConfig):
        how = ", ".join([loss_title(config), *teacher_title(config)])
        return title_of(config), model_title(config.student), how
    if isinstance(config, MultitaskConfig):
        return title_of(config), model_title(config.model), tasks_title(config)
    if isinstance(config, FinetuneConfig):
        return title_of(config), model_title(config.model), "labels only"
    if isinstance(config, PretrainConfig):
        return title_of(config), model_title(config.model), "pretrained"
    if isinstance(config, TeachConfig):
        title = model_title(config.model)
        return f"{title}, its own head", title, "its own head"
    return "", "", ""


def names(runs: Sequence[Named], *, short: bool = False) -> dict[str, str]:
    """A name for each run by its key, unlike all others of the list.

    short: without what all of them have in common, for labels in a picture.
    """
    titles: dict[str, str] = {}
    for title, alike in _grouped(runs, lambda run: run.title).items():
        differences = _differences(alike, whole=not title and not short)
        for run in alike:
            more = ", ".join(differences[run.key]) if not title or len(alike) > 1 else ""
            name = " · ".join(filter(None, (title, more)))
            titles[run.key] = name or run.method or run.student or run.key
    for name, alike in _grouped(runs, lambda run: titles[run.key]).items():
        if len(alike) > 1:  # still equal: the time of making, else the end of the id
            times = [f"{datetime.fromtimestamp(run.created):%d %b %H:%M}" for run in alike]
            unique = len(set(times)) == len(times)
            for run, time in zip(alike, times, strict=True):
                titles[run.key] = f"{name} · {time if unique else run.key[-_ID:]}"
    return titles


def _grouped(runs: Sequence[Named], key: Callable[[Named], str]) -> dict[str, list[Named]]:
    groups: dict[str, list[Named]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def without_seed(name: str, seed: int) -> str:
    """The name of a run of this seed, for all runs that differ from it in their seed alone."""
    return name.replace(f", seed {seed}", "").replace(f" · seed {seed}", "")


def _differences(alike: Sequence[Named], *, whole: bool) -> dict[str, list[str]]:
    """What tells each run from the others, by its key; whole: student and method in any case."""
    students, methods = {run.student for run in alike}, {run.method for run in alike}
    limits, seeds = ({str(r.by_path.get(path)) for r in alike} for path in ("limit", "seed"))
    usual = _usual(alike)
    parts_of = {}
    for run in alike:
        parts = [run.student] if whole or len(students) > 1 else []
        parts += [run.method] if whole or len(methods) > 1 else []
        if len(limits) > 1 and isinstance(limit := run.by_path.get("limit"), int):
            parts.append(f"{limit:,} pairs" if limit else "all pairs")
        mine = usual[run.student]
        unusual = [p for p in mine if str(run.by_path.get(p, mine[p])) != mine[p]]
        parts += [_setting(path, run.by_path[path]) for path in unusual[:_MOST]]
        parts += [f"seed {run.by_path['seed']}"] if len(seeds) > 1 and run.by_path else []
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
            if len(values) > 1 and path not in _LEFT_OUT and path not in _IN_NAMES:
                usual[student][path] = values.most_common(1)[0][0]
    return usual


def _setting(path: str, value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)[:_LONGEST]
    return text if path == "data" else f"{path.rpartition('.')[2].replace('_', ' ')} {text}"


def role_of(row: Row, teachers: set[str]) -> str:
    """Teacher, student, twin or muted: its color. teachers: ids or folders of those in use."""
    if row.id in teachers or str(row.run.folder) in teachers:
        return "teacher"
    return row.run.role or ("twin" if row.run.stage == "finetune" else "muted")


def groups_of(rows: Sequence[Row]) -> dict[Any, str]:
    """A short mark by folder: of the runs launched together, else of those of equal budget."""
    sizes: dict[str, set[str]] = {}
    for row in rows:
        sizes.setdefault(row.run.twin_group, set()).add(row.run.stage)
    return {
        row.run.folder: (row.run.purpose.group[-6:] or row.run.twin_group[:4])
        for row in rows
        if row.run.purpose.group or len(sizes[row.run.twin_group]) > 1
    }
