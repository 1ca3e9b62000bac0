"""Alignment: which row of a file of answers belongs to which pair of a table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.choice import Controls, listed
from kdcore.data.answers.reading import Answers
from kdcore.data.answers.texts import agree, spelled
from kdcore.data.files.problems import Problem, quoted, refusal
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError

Rows = NDArray[np.int64]
SHOWN = 3  # pairs without an answer that are named
_ORDER = "by order"
_UNNAMED = "(the file names no pair)"


@dataclass(frozen=True)
class Aligned:
    """Which row of the file answers each pair of the table, -1 where none does; how, in words."""

    row_of: Rows
    how: str
    notes: tuple[str, ...] = ()


def align(
    found: Answers, pairs: PairTable, asked: Rows, controls: Controls, partial: bool = False
) -> Aligned:
    """Find the row of each pair, by order where lengths and texts fit, else by the texts.

    asked: the pairs that need an answer, positions in the table. partial: those without one are
    left out, and at least one must be left. DataError tells every missing or doubled row at once.
    """
    aligned = _in_order(found, pairs, asked, controls) or _by_text(found, pairs)
    problems = [] if aligned.how.startswith(_ORDER) else _alike(found, pairs, asked)
    row_of = aligned.row_of.copy()
    matched = row_of >= 0
    row_of[matched] = np.where(found.answered[row_of[matched]], row_of[matched], -1)
    missing = asked[row_of[asked] < 0]
    lacking = [_missing(found, pairs, asked, missing, controls)] if len(missing) else []
    if problems or (lacking and (not partial or len(missing) == len(asked))):
        problems += lacking
        count = f"{len(problems):,} problem{'s'[: len(problems) > 1]}"
        raise refusal(f"{found.file} cannot be aligned ({count}):", problems)
    left_out = tuple(f"{problem.what}; they are left out" for problem in lacking)
    return Aligned(row_of, aligned.how, (*aligned.notes, *left_out))


def _in_order(found: Answers, pairs: PairTable, asked: Rows, controls: Controls) -> Aligned | None:
    whole = np.arange(len(pairs))
    for targets, what in ((whole, "all pairs"), (asked, "these pairs")):
        if len(found) == len(targets) and agree(found.keys, pairs, targets):
            row_of = np.full(len(pairs), -1)
            row_of[targets] = np.arange(len(targets))
            how = f"and with their {', '.join(found.keys)}" if found.keys else _UNNAMED
            how = "and with their texts" if _names(found) else how
            return Aligned(row_of, f"{_ORDER} with {what} {how}")
    if not _names(found):
        raise _unaligned(found, pairs, asked, controls)
    return None


def _names(found: Answers) -> bool:
    """Whether the file says of each row which pair it is."""
    return {"query", "title"} <= set(found.keys)


def _unaligned(found: Answers, pairs: PairTable, asked: Rows, controls: Controls) -> DataError:
    count = f"{len(asked):,}" + (f" (or all {len(pairs):,})" if len(asked) < len(pairs) else "")
    what = f"it has {len(found):,} rows where the data has {count} pairs"
    if len(found) in (len(asked), len(pairs)):
        has = ", ".join(found.keys)
        what = f"its rows are in another order than the pairs (its {has} is not theirs)"
    cure = "give a row for each pair in their order, or add columns query and title"
    lacking = [ours for ours in ("query", "title") if ours not in found.keys]
    if lacking and found.columns.ignored:
        what += f"; no column is known to hold the {' or the '.join(lacking)}"
        ways = (controls.mapping.format(grade=ours, other="COLUMN") for ours in lacking)
        cure = f"name it: {' and '.join(ways)}; the columns left are "
        cure += listed(list(found.columns.ignored))
    return refusal(f"{found.file} cannot be aligned:", [Problem(found.file, 0, what, cure)])


def _by_text(found: Answers, pairs: PairTable) -> Aligned:
    names = list(found.keys)
    row_at: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(spelled([found.keys[name] for name in names])):
        row_at.setdefault(key, row)
    keys = spelled([pairs.frame[name].tolist() for name in names])
    row_of = np.array([row_at.get(key, -1) for key in keys], dtype=np.int64)
    spare = len(found) - len(np.unique(row_of[row_of >= 0]))
    extra = (f"{spare:,} rows of the file belong to no pair here or repeat one, and were left out",)
    return Aligned(row_of, f"by {', '.join(names)}", extra if spare else ())


def _alike(found: Answers, pairs: PairTable, asked: Rows) -> list[Problem]:
    """Pairs that the file answers twice and differently, or whose texts it cannot tell apart."""
    names, problems = list(found.keys), []
    row_at: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(spelled([found.keys[name] for name in names])):
        first = row_at.setdefault(key, row)
        one, other = found.values[first], found.values[row]
        if first != row and not np.array_equal(one, other, equal_nan=True):
            what = f"this pair has a different prediction in {found.unit} {found.lines[first]}"
            problems.append(found.problem(row, what, "keep one of the two"))
    if "description" in names:
        return problems
    ads = pairs.frame.iloc[asked][["query", "title", "description"]].drop_duplicates()
    doubled = int(ads.duplicated(["query", "title"]).sum())
    if doubled:
        what = f"{doubled:,} pairs differ in their description only, which the file leaves out"
        problems.append(Problem(found.file, 0, what, "add a column description"))
    return problems


def _missing(
    found: Answers, pairs: PairTable, asked: Rows, missing: Rows, controls: Controls
) -> Problem:
    """One sentence on the pairs without an answer: how many, the first ones, what to do."""
    rows = pairs.frame.iloc[missing[:SHOWN]][["query", "title"]].to_numpy().tolist()
    shown = [f"query {quoted(query)}, title {quoted(title)}" for query, title in rows]
    more = f"; and {len(missing) - SHOWN:,} more" if len(missing) > SHOWN else ""
    what = f"{len(missing):,} of {len(asked):,} pairs have no prediction: {'; '.join(shown)}{more}"
    left = len(asked) - len(missing)
    cure = "check that the file was made for these data, and which columns hold query and title"
    if left:
        cure = f"add a row for each, or {controls.partial} to use the {left:,} answered pairs"
    return Problem(found.file, 0, what, cure)
