"""Infer the label scheme of a column of labels; an error asks when several schemes fit."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kdcore.data.files.label_texts import (
    KNOWN_SCHEMES,
    cure_of_label,
    is_fraction,
    is_whole_number,
    label_lookup,
)
from kdcore.data.files.problems import quoted, unreadable
from kdcore.data.pairs import UNLABELLED
from kdcore.errors import Cure, DataError, by_import
from kdcore.labels import BINARY, FIVE_GRADES, FOUR_GRADES, LabelScheme

_MOSTLY = 0.8  # of the rows; a scheme that reads fewer is not the file's, the others are typos
_MOST = 30  # different labels; a column with more of them holds no grades


def grades_option(names: Sequence[str]) -> str:
    """Return the option of the command line that names these grades."""
    text = shlex.quote(",".join(names))
    return f"--grades={text}" if text.startswith("-") else f"--grades {text}"


@dataclass(frozen=True)
class Choice:
    """One way to read labels. meaning: what a person states by choosing it."""

    scheme: LabelScheme
    meaning: str

    @property
    def option(self) -> str:
        """Return the option of the command line that chooses it."""
        return grades_option(self.scheme.grades)


class GradesUnclearError(DataError):
    """The labels fit several schemes, or none that the lab knows.

    choices: the schemes that fit. labels: the texts of the file.
    """

    def __init__(
        self, file: str, what: str, cure: str, labels: Sequence[str], choices: Sequence[Choice] = ()
    ) -> None:
        error = unreadable(file, what, cure)
        super().__init__(error.headline, error.problems)
        self.labels, self.choices = tuple(labels), tuple(choices)


@dataclass
class _Labels:
    """Distinct labels in small letters: how often each occurs, and its first spelling."""

    file: str
    counts: Counter[str] = field(default_factory=Counter)
    spelled: dict[str, str] = field(default_factory=dict)
    unjudged: int = 0  # labels "-1"

    def names(self) -> list[str]:
        """Return the labels as the file spells them; numbers by size, words in order."""
        texts = list(self.counts)
        if all(map(is_whole_number, texts)):
            texts.sort(key=int)
        return [self.spelled[text] for text in texts]

    def problem(self, what: str, choices: Sequence[Choice]) -> GradesUnclearError:
        """Make the error that asks which scheme to take; its cure offers each choice."""
        options = " or ".join(f"{by_import(c.option)} ({c.meaning})" for c in choices)
        cure = Cure(f"say which with {options}", "choose it under “Scale of the labels”")
        return GradesUnclearError(self.file, what, cure, self.names(), choices)


def _collected(texts: Iterable[str], file: str) -> _Labels:
    labels = _Labels(file)
    for text, count in Counter(texts).items():
        plain = text.strip().casefold().removesuffix(".0")
        if plain == str(UNLABELLED):
            labels.unjudged += count
        elif plain:
            labels.counts[plain] += count
            labels.spelled.setdefault(plain, text.strip().removesuffix(".0"))
    return labels


def infer_scheme(texts: Iterable[str], file: str) -> tuple[LabelScheme, tuple[str, ...]]:
    """Infer (scheme, notes) from labels; blank ones and -1 are no evidence.

    Of schemes that read equally many, the one with the fewest grades is chosen. GradesUnclearError
    when none reads most of them, when -1 may be a grade, and for whole numbers that fit a scale
    from 0 as well as one from 1, or two scales from 0.
    """
    labels = _collected(texts, file)
    if not labels.counts:
        return BINARY, (f"{file} has no grade at all: every pair is unlabelled, read as Bad/Good",)
    if any(map(is_fraction, labels.counts)):
        raise _fractions(labels)
    if all(map(is_whole_number, labels.counts)):
        scheme, notes = _of_numbers(labels)
    else:
        scheme, notes = _of_words(labels), ()
    if labels.unjudged:
        _check_unjudged(labels, scheme)
        notes = (*notes, f"the label -1 of {labels.unjudged:,} rows is read as unlabelled")
    return scheme, notes


def _fractions(labels: _Labels) -> GradesUnclearError:
    fractions = [label for label in labels.counts if is_fraction(label)]
    what = f"the labels {', '.join(map(quoted, fractions[:5]))} are not whole grades"
    return GradesUnclearError(labels.file, what, cure_of_label(fractions[0], ""), labels.names())


def _check_unjudged(labels: _Labels, scheme: LabelScheme) -> None:
    """Ask when -1 and one other label are the only ones: -1 may be the worse of two grades."""
    if len(labels.counts) > 1:
        return
    (label,) = labels.names()
    pair = ("0", "1") if label in ("0", "1") else scheme.grades
    choices = [
        Choice(LabelScheme((str(UNLABELLED), label), 1), "-1 is the worse grade"),
        Choice(LabelScheme(pair, max(1, len(pair) // 2)), "-1 means unlabelled"),
    ]
    what = f"its labels are -1 and {label}: -1 may be a grade, or mean that the pair was not judged"
    raise labels.problem(what, choices)


def _of_numbers(labels: _Labels) -> tuple[LabelScheme, tuple[str, ...]]:
    numbers = sorted(map(int, labels.counts))
    low, high = numbers[0], numbers[-1]
    written = ", ".join(map(str, numbers[:_MOST]))
    if low < 0 or high > 9 or len(numbers) > _MOST:
        names = tuple(labels.names())
        raise _unclear(labels, names if len(names) <= _MOST else ())
    if numbers == [1] or numbers == [0]:
        return BINARY, ()
    if high == 2:  # three grades, or the lower ones of four or five
        what = f"the labels {written} do not show how many grades there are"
        raise labels.problem(what, _scales(low, high))
    if low > 0 and high < len(FIVE_GRADES):
        what = f"no row has the label 0: {written} may be a scale from 0 or from 1"
        raise labels.problem(what, _scales(low, high))
    if low > 1:
        raise _unclear(labels, labels.names())
    if low == 1:
        names = tuple(str(k) for k in range(1, high + 1))
        scheme = LabelScheme(names, FIVE_GRADES.relevant_from if high == 5 else high // 2)
        note = f"the labels of {labels.file} are read as 1 (worst) to {high}"
        return scheme, (f"{note}, relevant from {scheme.grades[scheme.relevant_from]}",)
    smallest = next((s for s in KNOWN_SCHEMES if len(s) > high), None)
    if smallest is None:
        raise _unclear(labels, tuple(str(k) for k in range(high + 1)))
    if smallest is BINARY:
        return BINARY, ()
    names_read = ", ".join(smallest.grades)
    return smallest, (f"grades 0 to {high} in {labels.file} are read as {names_read}",)


def _scales(low: int, high: int) -> list[Choice]:
    """Offer scales: from 1 if no 0 occurs, from 0 with these grades, from 0 as a known scheme."""

    def named(first: int) -> LabelScheme:
        names = tuple(str(k) for k in range(first, high + 1))
        return LabelScheme(names, max(1, len(names) // 2))

    choices = []
    if low > 0 and high > 1:
        choices.append(Choice(named(1), "1 is the worst grade"))
    choices.append(Choice(named(0), "0 is the worst grade"))
    if high == 2:
        choices += [Choice(s, f"0 to {len(s) - 1}") for s in (FOUR_GRADES, FIVE_GRADES)]
    return choices


def _of_words(labels: _Labels) -> LabelScheme:
    readable = [_readable(labels.counts, scheme) for scheme in KNOWN_SCHEMES]
    best = max(range(len(KNOWN_SCHEMES)), key=lambda k: readable[k])
    if readable[best] < _MOSTLY * labels.counts.total():
        raise _unclear(labels, labels.names())
    return KNOWN_SCHEMES[best]


def _readable(counts: Mapping[str, int], scheme: LabelScheme) -> int:
    texts = {text.casefold() for text in label_lookup(scheme)}
    return sum(counts[text] for text in texts & counts.keys())


def _unclear(labels: _Labels, names: Sequence[str]) -> GradesUnclearError:
    """Make the error for labels of no known scheme: a person gives the order of the words."""
    few = 2 <= len(names) <= _MOST and all(n.isprintable() and "," not in n for n in names)
    seen = ", ".join(quoted(labels.spelled[text]) for text, _ in labels.counts.most_common(5))
    if few:
        what = f"the labels {seen} are of no label scheme that the lab has"
        cure = Cure(
            f"name them worst first: {by_import(grades_option(names))}, in their right order",
            "choose “my own grades” under “Grades, worst first” and put them into order",
        )
    else:
        what = f"the labels {seen} do not look like grades"
        cure = Cure(
            f"map another column: {by_import('--map grade=COLUMN')}, or --map grade= for none",
            "choose another column under “Grade”, or none",
        )
    return GradesUnclearError(labels.file, what, cure, labels.names() if few else ())
