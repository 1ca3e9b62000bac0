"""Read relevance judgements: TREC's `query 0 document grade`, or BEIR's table with a header.

trec_eval's rules: a document counts as relevant from grade 1, and one with a negative grade was not
judged.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kdcore.data.files.label_texts import label_lookup
from kdcore.data.files.problems import Problem, quoted
from kdcore.data.files.streaming import TextFile
from kdcore.data.sources.grades import infer_scheme
from kdcore.data.trec.texts import IDS
from kdcore.labels import BINARY, LabelScheme

_PLACES = {3: (0, 1, 2), 4: (0, 2, 3)}  # of query, document and grade, by the fields of a line
_QUERY = ("query-id", "query_id", "qid", "topic", "query")
_GRADE = ("score", "grade", "rel", "relevance", "label", "esci_label")
_MOST_GRADES = 10  # that are counted from 0; of others only those that occur are grades
_RELEVANT = 1.0  # trec_eval's default of -l


@dataclass(frozen=True)
class Judgement:
    """One line: its number, the ids of query and document, and the grade as it is written."""

    line: int
    query: str
    document: str
    grade: str


@dataclass
class Qrels:
    """The judgements of one file in its order; how many lines repeat another one; problems."""

    file: str
    judgements: list[Judgement] = field(default_factory=list)
    repeated: int = 0
    problems: list[Problem] = field(default_factory=list)

    def reject(self, line: int, what: str, cure: str, cause: str = "") -> None:
        """Report a line that gives no pair."""
        self.problems.append(Problem(self.file, line, what, cure, cause=cause))


def read_qrels(file: TextFile) -> Qrels:
    """Read the judgements of one file; a pair with two different grades is a problem."""
    qrels = Qrels(file.name)
    first: dict[tuple[str, str], Judgement] = {}
    for judgement in _judgements(file, qrels):
        earlier = first.setdefault((judgement.query, judgement.document), judgement)
        if earlier is judgement:
            qrels.judgements.append(judgement)
        elif earlier.grade == judgement.grade:
            qrels.repeated += 1
        else:
            what = f"this pair has another grade, {quoted(earlier.grade)}, on line {earlier.line}"
            qrels.reject(judgement.line, what, "delete one of the two")
    return qrels


def _judgements(file: TextFile, qrels: Qrels) -> Iterator[Judgement]:
    """Yield the lines that are whole; the first one tells how all are written."""
    width, places = 0, (0, 0, 0)
    for line, text in file.lines():
        fields = _fields(text)
        if not width:
            header = _named_places(fields)
            width = len(fields) if header or len(fields) in _PLACES else 4
            places = header or _PLACES[width]
            if header:
                continue
        query, document, grade = (fields[k] if k < len(fields) else "" for k in places)
        if len(fields) == width and query and document and grade:
            yield Judgement(line, query, document, _plain(grade))
            continue
        what = f"{len(fields)} fields instead of {width}"
        cure = "write query id, 0, document id, grade"
        qrels.reject(line, what, cure, f"do not have {width} fields")


def _fields(text: str) -> list[str]:
    if "\t" in text:
        return [part.strip() for part in text.split("\t")]
    return text.split() if len(text.split()) > 1 else [part.strip() for part in text.split(",")]


def _named_places(fields: Sequence[str]) -> tuple[int, int, int] | None:
    """The places of query, document and grade where a first line names them, else None."""
    names = [name.casefold() for name in fields]
    query = next((names.index(name) for name in _QUERY if name in names), -1)
    grade = next((names.index(name) for name in _GRADE if name in names), -1)
    document = next((k for k, name in enumerate(names) if name in IDS and k != query), -1)
    return None if min(query, document, grade) < 0 else (query, document, grade)


def _plain(grade: str) -> str:
    """Write a number in one way, 1.0 as 1; a word stays as it is."""
    number = _number(grade)
    return grade if number is None else f"{number:.12g}"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def scheme_of(files: Sequence[Qrels]) -> tuple[LabelScheme, tuple[str, ...]]:
    """Infer the grades of judgements as trec_eval reads them; return them and notes.

    Whole numbers up to 9 are the grades from 0 on, so that the linear gain is the number itself.
    Otherwise each number that occurs is a grade, and its own gain is that number. Words are read as
    in a table; GradesUnclearError where they are of no known scheme.
    """
    counts = Counter(j.grade for qrels in files for j in qrels.judgements)
    numbers = {grade: _number(grade) for grade in counts}
    if not all(number is not None for number in numbers.values()):
        return infer_scheme(counts.elements(), files[0].file)
    values = sorted({0.0, *(number for number in numbers.values() if number and number > 0)})
    if values[-1] < _MOST_GRADES and all(value.is_integer() for value in values):
        values = [float(grade) for grade in range(max(2, int(values[-1]) + 1))]
    if len(values) == 2 and values[1] == 1:
        return BINARY, ()
    names = tuple(f"{value:.12g}" for value in values)
    first = next((k for k, value in enumerate(values) if value >= _RELEVANT), len(values) - 1)
    own = () if values == list(range(len(values))) else tuple(values)
    notes: tuple[str, ...] = (f"a document is relevant from grade {names[first]}, as in trec_eval",)
    if own:
        notes += ("the data set's own gains in nDCG are the numbers of the grades",)
    return LabelScheme(names, first, own), notes


def negative(files: Sequence[Qrels], scheme: LabelScheme) -> Mapping[str, int]:
    """Count the judgements with a negative grade that is no grade of the scheme, by grade."""
    lookup = label_lookup(scheme)
    grades = (j.grade for qrels in files for j in qrels.judgements)
    return Counter(g for g in grades if g not in lookup and (_number(g) or 0) < 0)
