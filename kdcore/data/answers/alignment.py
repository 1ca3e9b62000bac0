"""Align a file of answers with a table: which row of the file belongs to which pair."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.choice import PARTIAL, mapped
from kdcore.data.answers.reading import Answers
from kdcore.data.answers.texts import agree, names_pairs, spelled, with_ids
from kdcore.data.files.problems import Problem, listed, quoted, refusal
from kdcore.data.pairs import ID_COLUMNS, PAIR_ID, PairTable
from kdcore.errors import DataError, phrase

Rows = NDArray[np.int64]
SHOWN = 3  # pairs without an answer that are named
LEFT_OUT = "they are left out"
_ORDER = "by order"
_UNNAMED = "(the file names no pair)"


@dataclass(frozen=True)
class Aligned:
    """The row of the file for each pair of the table, -1 where there is none; how, in words."""

    row_of: Rows
    how: str
    notes: tuple[str, ...] = ()


def align(
    answers: Answers,
    pairs: PairTable,
    requested: Rows,
    partial: bool = False,
    note: str = LEFT_OUT,
) -> Aligned:
    """Find the row of each pair, by order where lengths and texts fit, else by the texts.

    DataError lists every missing or doubled row at once.

    requested: the pairs that need an answer, positions in the table. partial: pairs without an
    answer are left out; at least one must have an answer. note: what the notes say of the others,
    whose first texts they show; "" for no such note.
    """
    if _by_ids(answers):
        pairs = with_ids(pairs, requested)
    aligned = _in_order(answers, pairs, requested) or _by_text(answers, pairs)
    problems = [] if aligned.how.startswith(_ORDER) else _duplicates(answers, pairs, requested)
    row_of = aligned.row_of.copy()
    matched = row_of >= 0
    row_of[matched] = np.where(answers.answered[row_of[matched]], row_of[matched], -1)
    missing = requested[row_of[requested] < 0]
    lacking = [_missing_problem(answers, pairs, requested, missing)] if len(missing) else []
    refused = lacking if not partial or len(missing) == len(requested) else []
    if problems := [*problems, *refused]:
        count = f"{len(problems):,} problem{'s'[: len(problems) > 1]}"
        raise refusal(f"{answers.file} cannot be aligned ({count}):", problems)
    if _by_ids(answers) and note == LEFT_OUT:
        note += ", also of the ideal order, where trec_eval counts them as not found"
    left_out = tuple(f"{problem.what}; {note}" for problem in lacking if note)
    return Aligned(row_of, aligned.how, (*aligned.notes, *left_out))


def _in_order(answers: Answers, pairs: PairTable, requested: Rows) -> Aligned | None:
    whole = np.arange(len(pairs))
    for targets, what in ((whole, "all pairs"), (requested, "these pairs")):
        if len(answers) == len(targets) and agree(answers.keys, pairs, targets):
            row_of = np.full(len(pairs), -1)
            row_of[targets] = np.arange(len(targets))
            how = f"and with their {', '.join(answers.keys)}" if answers.keys else _UNNAMED
            how = "and with their texts" if {"query", "title"} <= set(answers.keys) else how
            return Aligned(row_of, f"{_ORDER} with {what} {how}")
    if not names_pairs(answers.keys):
        raise _order_error(answers, pairs, requested)
    return None


def _order_error(answers: Answers, pairs: PairTable, requested: Rows) -> DataError:
    every = f" (or all {len(pairs):,})" if len(requested) < len(pairs) else ""
    what = f"it has {len(answers):,} rows where the data has {len(requested):,}{every} pairs"
    if len(answers) in (len(requested), len(pairs)):
        has = ", ".join(answers.keys)
        what = f"its rows are in another order than the pairs (its {has} is not theirs)"
    cure = "give a row for each pair in their order, or add columns query and title"
    lacking = [ours for ours in ("query", "title") if ours not in answers.keys]
    if lacking and answers.columns.ignored:
        what += f"; no column is known to hold the {' or the '.join(lacking)}"
        ways = " and ".join("{}" for _ in lacking)
        left = listed(answers.columns.ignored)
        cure = phrase(f"name it: {ways}; the columns left are {{}}", *map(mapped, lacking), left)
    return refusal(f"{answers.file} cannot be aligned:", [Problem(answers.file, 0, what, cure)])


def _first_rows(answers: Answers) -> dict[tuple[str, ...], int]:
    """Map the texts that name a pair to the first row of the file that holds them."""
    row_at: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(spelled(list(answers.keys.values()))):
        row_at.setdefault(key, row)
    return row_at


def _by_text(answers: Answers, pairs: PairTable) -> Aligned:
    row_at = _first_rows(answers)
    keys = spelled([pairs.frame[name].tolist() for name in answers.keys])
    row_of = np.array([row_at.get(key, -1) for key in keys], dtype=np.int64)
    spare = len(answers) - len(np.unique(row_of[row_of >= 0]))
    extra = _left_over(answers, set(keys), spare)
    if _by_ids(answers):
        extra = f"{spare:,} of its {len(answers):,} documents are not judged in these data, or "
        extra += "stand there twice, and were left out"
    return Aligned(row_of, f"by {', '.join(answers.keys)}", (extra,) if spare else ())


def _left_over(answers: Answers, pairs: set[tuple[str, ...]], spare: int) -> str:
    """Count the rows that were not used: of pairs that the data lack, and repetitions."""
    rows = spelled(list(answers.keys.values()))
    foreign = sum(key not in pairs for key in rows)
    parts = [f"{foreign:,} of its rows {'is' if foreign == 1 else 'are'} of no pair in these data"]
    repeats = spare - foreign
    parts += [f"{repeats:,} {'repeats' if repeats == 1 else 'repeat'} the pair of another row"]
    nonzero = [part for part, count in zip(parts, (foreign, repeats), strict=True) if count]
    return f"{' and '.join(nonzero)}; {'it was' if spare == 1 else 'they were'} left out"


def _by_ids(answers: Answers) -> bool:
    return set(ID_COLUMNS) <= set(answers.keys)


def _duplicates(answers: Answers, pairs: PairTable, requested: Rows) -> list[Problem]:
    """Report pairs with two different answers, or whose texts the file cannot distinguish."""
    problems, row_at = [], _first_rows(answers)
    for row, key in enumerate(spelled(list(answers.keys.values()))):
        first = row_at[key]
        one, other = answers.values[first], answers.values[row]
        if first != row and not np.array_equal(one, other, equal_nan=True):
            what = f"this pair has a different prediction in {answers.unit} {answers.lines[first]}"
            problems.append(answers.problem(row, what, "keep one of the two"))
    if {"description", PAIR_ID} & set(answers.keys) or _by_ids(answers):
        return problems
    ads = pairs.frame.iloc[requested][["query", "title", "description"]].drop_duplicates()
    doubled = int(ads.duplicated(["query", "title"]).sum())
    if doubled:
        what = f"{doubled:,} pairs differ in their description only, which the file leaves out"
        problems.append(Problem(answers.file, 0, what, "add a column description"))
    return problems


def _missing_problem(answers: Answers, pairs: PairTable, requested: Rows, missing: Rows) -> Problem:
    """Report the pairs without an answer: how many, the first ones, what to do."""
    rows = pairs.frame.iloc[missing[:SHOWN]][["query", "title"]].to_numpy().tolist()
    shown = [f"query {quoted(query)}, title {quoted(title)}" for query, title in rows]
    more = f"; and {len(missing) - SHOWN:,} more" if len(missing) > SHOWN else ""
    what = (
        f"{len(missing):,} of {len(requested):,} pairs have no prediction: {'; '.join(shown)}{more}"
    )
    left = len(requested) - len(missing)
    columns = "ids" if _by_ids(answers) else "query and title"
    cure = f"check that the file was made for these data, and which columns hold {columns}"
    if left:
        cure = phrase(f"add a row for each, or {{}} to use the {left:,} answered pairs", PARTIAL)
    elif unused := answers.columns.ignored:
        cure += f"; columns not used are {listed(unused, len(unused))}"
    return Problem(answers.file, 0, what, cure)
