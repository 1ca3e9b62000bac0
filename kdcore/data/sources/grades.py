"""Infer the label scheme of a column of labels; an error asks when several schemes fit."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
_FEW = 0.01  # of the rows; a longer scale that so few ask for is not taken unasked
_DIGIT = 9  # the highest grade of a scale of numbers
_NAMED = 5  # labels that a sentence names
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

    def share(self, holds: Callable[[str], bool]) -> float:
        """Return the share of the rows whose label is such a text."""
        return sum(n for text, n in self.counts.items() if holds(text)) / self.counts.total()

    def only(self, holds: Callable[[str], bool]) -> "_Labels":
        """Return the same without the labels that are no such text."""
        return replace(self, counts=Counter({t: n for t, n in self.counts.items() if holds(t)}))

    def rows(self, texts: Sequence[str]) -> str:
        """Count the rows of some labels in words, with the first of these labels."""
        counts = [f"{quoted(self.spelled[t])} ({self.counts[t]:,})" for t in sorted(texts)[:_NAMED]]
        total = sum(self.counts[text] for text in texts)
        return f"{total:,} {'row' if total == 1 else 'rows'} with the label {', '.join(counts)}"

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
    when none reads most of them, when -1 may be a grade, when a few rows alone ask for a longer
    scale, and for whole numbers that fit a scale from 0 as well as one from 1, or two from 0.
    """
    labels = _collected(texts, file)
    if not labels.counts:
        return BINARY, (f"{file} has no grade at all: every pair is unlabelled, read as Bad/Good",)
    if any(map(is_fraction, labels.counts)):
        raise _fractions(labels)
    _check_strays(labels)
    if labels.share(is_whole_number) == 1:
        scheme, notes = _of_numbers(labels)
    elif labels.share(is_whole_number) >= _MOSTLY:  # the words among them are typos
        scheme, notes = _of_numbers(labels.only(is_whole_number))
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


def _check_strays(labels: _Labels) -> None:
    """Ask when one scheme reads all rows but a few that would change what every grade means.

    A word that no scheme reads changes nothing: its rows are bad.
    """
    lookups = [{t.casefold(): k for t, k in label_lookup(s).items()} for s in KNOWN_SCHEMES]
    for scheme, lookup in zip(KNOWN_SCHEMES, lookups, strict=True):
        own = [text for text in labels.counts if text in lookup]
        strays = [
            text
            for text in labels.counts.keys() - lookup.keys()
            if is_whole_number(text) or any(text in each for each in lookups)
        ]
        rows = sum(labels.counts[text] for text in strays)
        all_used = {lookup[text] for text in own} == set(range(len(scheme)))
        if not (all_used and 0 < rows <= _FEW * labels.counts.total()):
            continue
        choices = [Choice(scheme, f"{labels.rows(strays)} cannot be used then")]
        texts = {*own, *strays}
        if all(map(is_whole_number, texts)):
            choices += _scales(0, max(map(int, texts)))
        else:
            longer = [s for s, k in zip(KNOWN_SCHEMES, lookups, strict=True) if texts <= k.keys()]
            choices += [Choice(other, f"{len(other)} grades") for other in longer]
        what = f"its labels read as {' and '.join(scheme.grades)}, except for {labels.rows(strays)}"
        raise labels.problem(what, choices)


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
    if low < 0 or high > _DIGIT or len(numbers) > _MOST:
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

    choices: list[Choice] = []
    if high > _DIGIT:
        return choices
    if low > 0 and high > 1:
        choices.append(Choice(named(1), "1 is the worst grade"))
    choices.append(Choice(named(0), "0 is the worst grade"))
    longer = (FOUR_GRADES, FIVE_GRADES) if low == 0 or high == 2 else ()
    choices += [Choice(s, f"0 to {len(s) - 1}") for s in longer if 2 <= high < len(s)]
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
