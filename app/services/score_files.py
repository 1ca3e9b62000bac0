"""Scores from elsewhere as teachers: what was imported for a data set, and how a file joins it.

A draft and its link name such scores by the name of their import, never by a path.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from app.kit.by_hash import by_hash
from app.services import access
from app.services.answers import sources
from app.services.scoring import Model
from kdcore.config import DistillConfig
from kdcore.config.teacher import read_teacher, score_reason
from kdcore.data.answers.choice import ColumnChoice
from kdcore.data.answers.imported import Brought, bring_file
from kdcore.data.answers.stored import Kept, keep, kept_about, list_imports
from kdcore.data.answers.teaching import Coverage, coverage
from kdcore.data.names import named_pairs, pairs_of
from kdcore.data.pairs import SPLITS, PairTable
from kdcore.data.splits import with_test_split
from kdcore.errors import ConfigError, DataError, LabError
from kdcore.predictions import Predictions
from kdcore.runs.store import Run

LEARNED = frozenset({"train", "log"})  # the splits that a student learns from


@by_hash(most=8, seconds=3, on=lambda data: (access.home().root, data))
def names(data: str) -> tuple[str, ...]:
    """The names of all predictions imported for a data set, newest first."""
    with suppress(LabError):
        imports = list_imports(access.home(), data.partition(":")[0])
        return tuple(dict.fromkeys(each.model for each in imports if each.split_hash))
    return ()


def refuse_others(config: DistillConfig) -> None:
    """ConfigError for scores that are not imported for the data, such as the path of a file."""
    imports = names(config.data)
    if missing := [name for name in config.teaching.files if name not in imports]:
        problem = f"teacher: no scores called {missing[0][:60]!r} are imported for these data; "
        problem += "choose others, or add the file"
        raise ConfigError("This teacher cannot be used:", [problem])


@by_hash(
    most=20,
    seconds=30,
    on=lambda data, teacher, limit, transfer: (
        *(access.home().root, data, teacher, limit, transfer),
        _stamps(data),
    ),
)
def coverage_of(data: str, teacher: str, limit: int, transfer: str) -> Coverage | None:
    """What imported scores answer of the pairs to learn from; None where that cannot be said."""
    with suppress(LabError):
        config = DistillConfig(data=data, teacher=teacher, limit=limit, transfer=transfer)
        if set(config.teaching.files) <= set(names(data)):
            return coverage(config, pairs_of(config, access.home()), access.home())
    return None


def _stamps(data: str) -> list[tuple[str, int]]:
    """Names and times of the imports for a data set; none for data that cannot have any."""
    with suppress(LabError, OSError):
        imports = list_imports(access.home(), data.partition(":")[0])
        return [(each.path.name, each.path.stat().st_mtime_ns) for each in imports]
    return []


@by_hash(most=20, seconds=3, on=lambda data: (access.home().root, data))
def free_scores(data: str) -> tuple[str, ...]:
    """The names of those imports for a data set that are free scores: an order and gaps."""
    with suppress(LabError):
        imports = list_imports(access.home(), data.partition(":")[0])
        return tuple({each.model for each in imports if gives_free_score(each.path)})
    return ()


def gives_free_score(predictions: Path) -> bool:
    """Whether stored predictions are a free score."""
    origin = kept_about(predictions).origin
    return origin is not None and origin.is_free_score


def free_of(teacher: str, data: str, offered: Mapping[str, Model]) -> list[str]:
    """What of a teacher's runs and files gives a free score, by the names that a page shows."""
    text = read_teacher(teacher)
    if text is None:
        return []
    runs = [model for model in map(offered.get, text.runs) if model is not None]
    files = free_scores(data) if text.files else ()
    return [
        *(model.title for model in runs if _run_gives_free_score(model.run)),
        *(name for name in text.files if name in files),
    ]


def _run_gives_free_score(run: Run) -> bool:
    if run.stage != "teach":
        return False
    paths = map(run.predictions_path, ("validation", "test"))
    return any(gives_free_score(path) for path in paths if path.is_file())


def misfits(config: DistillConfig, teacher: str, offered: Mapping[str, Model]) -> tuple[str, ...]:
    """A problem for each term of the loss that cannot use the teacher's free score."""
    names = free_of(teacher, config.data, offered)
    reasons = dict.fromkeys(score_reason(term.method) for term in config.soft_terms.values())
    cure = "use Ranking"
    if config.teaching.files:
        cure = "read the file again with another Kind of numbers, or use Ranking"
    return tuple(
        f"teacher: {', '.join(names)} gives a free score. {reason}; {cure}"
        for reason in filter(None, reasons if names else ())
    )


def of_training_pairs(data: str, whole: PairTable) -> list[str]:
    """The names of those that answer pairs to learn from; whole: the data set.

    Read anew each time, so that what was just imported is offered at once.
    """
    imports: list[Kept] = []
    with suppress(LabError):  # the pairs of a run alone have none
        imports = list_imports(access.home(), data)
    if not imports:
        return []
    tables = _tables(whole)
    parts = [t.split(split) for t in tables for split in LEARNED if split in t.splits]
    hashes = {part.content_hash for part in (*tables, *parts)}
    return list(dict.fromkeys(each.model for each in imports if each.split_hash in hashes))


@by_hash(most=8, seconds=3, on=lambda data: (access.home().root, data))
def splits(data: str) -> dict[str, tuple[str, ...]]:
    """Name of an import -> the splits of which it answers pairs, newest import first.

    A name whose pairs the data no longer have answers none.
    """
    splits_of = {name: set[str]() for name in names(data)}
    with suppress(LabError):
        imports = list_imports(access.home(), data.partition(":")[0]) if splits_of else []
        tables = _tables(named_pairs(data, access.home())) if splits_of else []
        parts = {t.split(split).content_hash: t.split(split) for t in tables for split in t.splits}
        parts |= {table.content_hash: table for table in tables}
        for each in imports:
            if each.split_hash in parts and each.model in splits_of:
                part = parts[each.split_hash]
                rows = None if each.whole else Predictions.load(each.path).rows
                splits_of[each.model] |= set((part if rows is None else part.take(rows)).splits)
    return {name: tuple(s for s in SPLITS if s in own) for name, own in splits_of.items()}


def _tables(whole: PairTable) -> list[PairTable]:
    """A data set as it is and, where that is another table, with the test split that runs cut."""
    with suppress(DataError):  # too few queries to cut
        return [whole, with_test_split(whole)]
    return [whole]


def take_upload(name: str, content: bytes, data: str, choice: ColumnChoice) -> str:
    """Import an uploaded file under its own name; see `take_path`."""
    access.refuse_public()
    ending = "".join(re.findall(r"\.\w{1,8}", name)[-2:])
    folder = access.home().cache_folder("uploads")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        path = Path(place) / f"scores{ending}"
        path.write_bytes(content)
        return _take(path, Path(name).name, data, choice)


def take_path(text: str, data: str, choice: ColumnChoice) -> str:
    """Import a file of this machine under its own name, in place of an earlier one of that name.

    Returns the name. The scores of every split that it answers are stored; LabError when it answers
    no pair to learn from.
    """
    access.refuse_public()
    path = Path(text.strip()).expanduser()
    try:
        if "\0" in text or not path.is_file():
            raise DataError("there is no such file on this machine; check the path")
    except OSError as cause:
        raise DataError(f"the file cannot be read ({cause.strerror})") from cause
    return _take(path, path.name, data, choice)


def _take(path: Path, name: str, data: str, choice: ColumnChoice) -> str:
    pairs = with_test_split(named_pairs(data, access.home()))
    answers, reasons = dict[str, Brought](), dict[str, LabError]()
    for split in pairs.splits:
        try:
            answers[split] = bring_file(
                path,
                pairs,
                split,
                model=name,
                choice=choice,
                partial=True,
                role="teacher",
                file=name,
            )
        except DataError as error:
            reasons[split] = error
    if not set(answers) & LEARNED:
        raise reasons.get("train") or DataError(f"{name} answers no pair to learn from")
    for split, each in answers.items():
        # a file that names no pair fits every split of its length, and was meant for one
        if split in LEARNED or not each.read.aligned.startswith("by order with these"):
            keep(each.predictions, access.home(), data.partition(":")[0], replace=True)
    forget()
    return name


def forget() -> None:
    """Let what has just been imported be on offer at once."""
    for listing in (sources, names, splits, free_scores):
        listing.clear()
