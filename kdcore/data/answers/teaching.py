"""Scores of a file as those of a teacher: logits for the pairs of a training that they answer.

A file is named by its path, or by the name under which its predictions were imported to the same
data set. Labels of pairs outside train have no influence: where one number per pair is spread over
more grades, or a free score is fitted, the labels of train alone decide.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.config import DistillConfig
from kdcore.config.teacher import score_misfit
from kdcore.data.answers.alignment import Aligned, align
from kdcore.data.answers.choice import KINDS, PER_GRADE, ColumnChoice, ReadColumns
from kdcore.data.answers.imported import as_logits
from kdcore.data.answers.reading import Answers, read_answers
from kdcore.data.answers.stored import Kept, imports_named, list_imports
from kdcore.data.answers.texts import Expected
from kdcore.data.files.problems import listed
from kdcore.data.names import named_pairs
from kdcore.data.pairs import ALL, TEXT_COLUMNS, PairTable, part_of
from kdcore.data.splits import with_test_split
from kdcore.errors import ConfigError, DataError, LabError
from kdcore.predictions import Predictions
from kdcore.workspace import Workspace, last_part

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
_FEW = (
    "the teacher scores less than half of the pairs to learn from: take the pair limit with which "
    "they were exported for judging (it draws the same queries), or have more pairs scored"
)


@dataclass(frozen=True)
class FileAnswers:
    """What one file answers of a table of pairs.

    name: what the file is called. kind: a key of KINDS. rows: (answered,) ascending positions in
    the table. logits: (answered, classes). ranking: (answered,) the one number per pair, None where
    the logits are the file's. digest: 64 hex digits of its content. notes: how it was read.
    """

    name: str
    kind: str
    rows: Rows
    logits: Floats
    ranking: Floats | None
    digest: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """What the files of a teacher answer of the pairs to learn from.

    readings: a sentence per file, how it is read and how many pairs it scores. scored, learned: the
    pairs to learn from that one of the files scores, and all of them.
    """

    readings: tuple[str, ...]
    scored: int
    learned: int


def find_file(name: str, data: str, workspace: Workspace) -> str:
    """Return the name itself where predictions are called so, else the absolute path of a file.

    ConfigError when it is neither.
    """
    if _imports(data, name, workspace):
        return name
    path = os.path.expanduser(name)
    if os.path.isfile(path):
        return os.path.abspath(path)
    there = dict.fromkeys(each.model for each in _all_imports(data, workspace))
    offered = f"; imported are {listed(list(there))}" if there else ""
    raise ConfigError(
        "This teacher cannot be used:",
        [
            f"teacher: there is no file {last_part(name)!r}, and no predictions of that name were "
            f"imported to {data}{offered}; give the path of a file, or import one with "
            "`kdlab bring FILE --name NAME --split train`"
        ],
    )


def read_files(
    config: DistillConfig, pairs: PairTable, learned: Rows, workspace: Workspace
) -> list[FileAnswers]:
    """Read every file that teaches a distillation; none where no file does.

    learned: positions of the pairs that the student learns from, of which each file must answer at
    least one. DataError for a file that cannot be read or matched; ConfigError for a free score
    where a term of the loss reads probabilities.
    """
    answers = _read_all(config, pairs, learned, workspace)
    scores = [each.name for each in answers if each.kind == "score"]
    terms = config.soft_terms.items()
    misfits = [f"{path}: {reason}" for path, t in terms if (reason := score_misfit(t.method))]
    if scores and misfits:
        headline = f"{', '.join(scores)} was read as {KINDS['score']}, which cannot teach this:"
        raise ConfigError(headline, [f"teacher: {misfit}" for misfit in misfits])
    return answers


def refuse_unread(config: DistillConfig, pairs: PairTable, workspace: Workspace) -> None:
    """Raise what `read_files` would raise, before a run of this config is made."""
    read_files(config, pairs, _learned(config, pairs), workspace)


def coverage(config: DistillConfig, pairs: PairTable, workspace: Workspace) -> Coverage:
    """Count the pairs to learn from that files score, whether or not the loss can use the scores.

    LabError for a file that cannot be read or matched.
    """
    learned = _learned(config, pairs)
    files = _read_all(config, pairs, learned, workspace)
    readings = tuple(
        f"{each.name}: read as {KINDS[each.kind]}; {scored_of(*_count(each.rows, learned))}"
        for each in files
    )
    rows = np.concatenate([each.rows for each in files]) if files else learned[:0]
    return Coverage(readings, *_count(rows, learned))


def scored_of(scored: int, learned: int) -> str:
    """How many of the pairs to learn from have a score, as words."""
    share = scored / learned if learned else 0.0
    return f"{scored:,} of the {learned:,} pairs to learn from have a score ({share:.0%})"


def _count(rows: Rows, learned: Rows) -> tuple[int, int]:
    return int(np.isin(learned, rows).sum()), len(learned)


def _learned(config: DistillConfig, pairs: PairTable) -> Rows:
    in_transfer = pairs.frame["split"].isin(config.transfer.split("+")).to_numpy()
    return np.flatnonzero(in_transfer)


def _read_all(
    config: DistillConfig, pairs: PairTable, learned: Rows, workspace: Workspace
) -> list[FileAnswers]:
    return [_read_file(name, config, pairs, learned, workspace) for name in config.teaching.files]


def _read_file(
    name: str, config: DistillConfig, pairs: PairTable, learned: Rows, workspace: Workspace
) -> FileAnswers:
    params: Any = config.teaching.params
    source = find_file(name, config.data, workspace)
    if imports := _imports(config.data, source, workspace):
        answers = _imported_answers(name, imports, config.data, workspace)
        digest = _digest([each.path for each in imports])
    else:
        path = Path(source)
        choice = ColumnChoice(params.kind, params.column, smoothing=params.smoothing)
        answers = read_answers(path, Expected(pairs, learned), choice, partial=True)
        digest = _digest([path])
    try:
        aligned = align(answers, pairs, learned, partial=True, note="")
    except DataError as cause:
        raise (_elsewhere(answers, pairs, learned) or cause) from cause
    train = (pairs.frame["split"] == "train").to_numpy()
    rows = np.flatnonzero(aligned.row_of >= 0)
    logits, ranking, how = as_logits(
        answers,
        aligned.row_of,
        pairs,
        rows,
        others=rows[train[rows]],
        part=np.flatnonzero(~train),
        smoothing=params.smoothing,
    )
    notes = (*_reading(answers, aligned, learned), *how)
    notes = tuple(f"{answers.file}: {note}" for note in notes)
    return FileAnswers(answers.file, answers.kind, rows, logits, ranking, digest, notes)


def _elsewhere(answers: Answers, pairs: PairTable, learned: Rows) -> DataError | None:
    """The refusal of scores that belong to other splits than those to learn from; None else."""
    others = np.setdiff1d(np.arange(len(pairs)), learned)
    with suppress(DataError):
        row_of = align(answers, pairs, others, partial=True, note="").row_of
        if (row_of[learned] >= 0).any():  # what is wrong is something else
            return None
        splits, learns = (
            pairs.frame["split"].iloc[rows].unique().tolist()
            for rows in (np.flatnonzero(row_of >= 0), learned)
        )
        return DataError(
            f"{answers.file} cannot teach: it has scores for {' and '.join(splits)} only, and the "
            f"student learns from {' and '.join(learns)}; add the scores of those pairs"
        )
    return None


def _reading(answers: Answers, aligned: Aligned, learned: Rows) -> tuple[str, ...]:
    """Say what was read of a file, and for which share of the pairs to learn from."""
    columns = answers.columns
    share = int((aligned.row_of[learned] >= 0).sum())
    origin = f" from {listed(columns.answer)}" if columns.answer else ""
    ignored = (f"not used: {listed(columns.ignored)}",) if columns.ignored else ()
    others = "; the others learn from their labels only" if share < len(learned) else ""
    few = (_FEW,) if share < len(learned) / 2 else ()
    return (
        f"read as {KINDS[columns.kind]}{origin}",
        f"{scored_of(share, len(learned))}, matched {aligned.how}{others}",
        *few,
        *aligned.notes,
        *ignored,
        *answers.notes,
    )


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _imports(data: str, name: str, workspace: Workspace) -> list[Kept]:
    with suppress(LabError):  # data at a path have no imports
        return imports_named(workspace, data.partition(":")[0], name)
    return []


def _all_imports(data: str, workspace: Workspace) -> list[Kept]:
    with suppress(LabError):
        return list_imports(workspace, data.partition(":")[0])
    return []


def _imported_answers(
    name: str, imports: Sequence[Kept], data: str, workspace: Workspace
) -> Answers:
    """Give imported predictions, of one split or several, the form of a file with texts."""
    frames, values, kinds, notes = [], [], {}, list[str]()
    for each in imports:
        predictions = Predictions.load(each.path)
        part = _part(each.split_hash, data, workspace)
        if part is None:
            notes.append(f"{each.path.name} belongs to other pairs and is not used")
            continue
        kind, numbers = _numbers(predictions)
        answered = part if predictions.rows is None else part.take(predictions.rows)
        frames.append(answered.frame)
        values.append(numbers)
        kinds[kind] = predictions.origin.kind if predictions.origin else kind
    if len(kinds) != 1:
        what = "belong to other pairs than this data set has now"
        if kinds:
            what = f"were imported as different kinds of numbers ({', '.join(kinds.values())})"
        raise DataError(f"the predictions called {name!r} {what}; import them again")
    ((kind, given),) = kinds.items()
    texts = {c: [str(text) for f in frames for text in f[c]] for c in TEXT_COLUMNS}
    numbers = np.concatenate(values)
    columns = ReadColumns(given, *TEXT_COLUMNS)
    lines = np.arange(1, len(numbers) + 1)
    return Answers(name, kind, numbers, texts, lines, columns, "row", tuple(notes))


def _numbers(predictions: Predictions) -> tuple[str, Floats]:
    """Return the kind of imported numbers, and (pairs, 1 or classes) of them as they were."""
    kind = predictions.origin.kind if predictions.origin else "logits"
    if kind in PER_GRADE or predictions.ranking is None:
        return "logits", np.asarray(predictions.logits, dtype=np.float64)
    kind = "relevance" if kind == "label_score" else kind
    return kind, predictions.ranking[:, None]


def _part(split_hash: str, data: str, workspace: Workspace) -> PairTable | None:
    """Find the split of a data set, or all of it, that has this content."""
    parts = (part for table in _tables(data, workspace) for part in _parts(table))
    return next((part for part in parts if part.content_hash == split_hash), None)


def _tables(data: str, workspace: Workspace) -> Iterator[PairTable]:
    table = named_pairs(data, workspace)
    yield table
    yield with_test_split(table)


def _parts(table: PairTable) -> Iterator[PairTable]:
    return (part_of(table, split) for split in (*table.splits, ALL))
