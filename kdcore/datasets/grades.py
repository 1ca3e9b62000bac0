"""Grades: which of the known label schemes a column of labels was written in."""

from collections import Counter
from collections.abc import Iterable

from kdcore.datasets.rows import Problem, label_lookup, quoted, refusal
from kdcore.labels import BINARY, FIVE_GRADES, FOUR_GRADES, LabelScheme
from kdcore.pairs import UNLABELLED

KNOWN = (BINARY, FOUR_GRADES, FIVE_GRADES)


def infer_scheme(labels: Iterable[str], file: str) -> tuple[LabelScheme, tuple[str, ...]]:
    """(scheme, notes) that reads most of the labels; blank ones say nothing.

    Of schemes that read equally many the one with the fewest grades is taken. DataError when none
    reads half of them, and for the numbers 0, 1, 2: three grades could be part of four or of five.
    """
    counts = Counter(label.strip().casefold() for label in labels)
    for unlabelled in ("", str(UNLABELLED)):
        counts.pop(unlabelled, None)
    if not counts:
        return BINARY, (f"{file} has no grade at all: every pair is unlabelled, read as Bad/Good",)
    readable = [sum(counts[text] for text in _texts(s) & counts.keys()) for s in KNOWN]
    best = max(range(len(KNOWN)), key=lambda i: readable[i])
    numbers = {text.removesuffix(".0") for text in counts}
    if 2 * readable[best] < counts.total() or numbers in ({"0", "1", "2"}, {"1", "2"}, {"2"}):
        seen = ", ".join(quoted(label) for label, _ in counts.most_common(5))
        what = f"the labels {seen} do not tell how many grades there are"
        cure = "say which scheme it is (binary, four or five), or map another column to 'grade'"
        raise refusal(f"{file} cannot be read:", [Problem(file, 0, what, cure)])
    scheme = KNOWN[best]
    if all(text.isdecimal() for text in numbers) and max(map(int, numbers)) == 3:
        return scheme, (f"grades 0 to 3 in {file} are read as {', '.join(scheme.grades)}",)
    return scheme, ()


def _texts(scheme: LabelScheme) -> set[str]:
    return {text.casefold() for text in label_lookup(scheme)}
