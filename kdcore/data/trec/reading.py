"""Read qrels, queries and documents as pairs: a document's title and text are the ad's.

Every pair keeps the ids of its query and document, so that runs can be matched by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from kdcore.data.files.problems import listed, quoted
from kdcore.data.pairs import ID_COLUMNS, UNLABELLED
from kdcore.data.sources.rows import Collector, Reading, join
from kdcore.data.trec.places import TrecFiles, split_of_name
from kdcore.data.trec.qrels import Judgement, Qrels, negative, read_qrels, scheme_of
from kdcore.data.trec.texts import Texts, read_texts
from kdcore.labels import LabelScheme


@dataclass(frozen=True)
class _Sides:
    """The texts of queries and of documents by id, and the names of their files."""

    queries: Texts
    documents: Texts
    query_files: str
    document_files: str

    def lacking(self, judgement: Judgement) -> tuple[str, str, str] | None:
        """Return (what, cure, cause) when the query or the document has no text, else None."""
        sides = (
            ("query", judgement.query, self.queries, self.query_files),
            ("document", judgement.document, self.documents, self.document_files),
        )
        for side, key, texts, files in sides:
            if key not in texts.by_id:
                what = f"no {side} {quoted(key)} is in {files}"
                cure = f"add the {side}, or skip the bad rows"
                return what, cure, f"name a {side} that is not in {files}"
        return None


def read_trec(files: TrecFiles, scheme: LabelScheme | None = None) -> Reading:
    """Read a data set of one or more qrels files; their names tell the splits.

    scheme: the grades, else inferred. A line whose query or document has no text is a problem of
    the reading; negative grades are read as not judged, unless the scheme names them.
    """
    judgements = [read_qrels(file) for file in files.qrels]
    lines = [judgement for qrels in judgements for judgement in qrels.judgements]
    sides = _Sides(
        read_texts(files.queries, {each.query for each in lines}),
        read_texts(files.documents, {each.document for each in lines}),
        listed([file.name for file in files.queries]),
        listed([file.name for file in files.documents]),
    )
    notes: tuple[str, ...] = ()
    if scheme is None:
        scheme, notes = scheme_of(judgements)
    parts = [_read(qrels, sides, scheme) for qrels in judgements]
    whole = join(parts)
    problems = (*whole.problems, *sides.queries.problems, *sides.documents.problems)
    notes = (*_notes(judgements, sides, scheme, whole), *notes, *whole.notes)
    hints = _hints(whole, scheme)
    source = f"TREC files {files.names}"
    return replace(whole, problems=problems, notes=notes, hints=hints, source=source)


def _read(qrels: Qrels, sides: _Sides, scheme: LabelScheme) -> Reading:
    unjudged, split = negative([qrels], scheme), split_of_name(qrels.file)
    rows = Collector(qrels.file, scheme, suspicious=True, blank_label=UNLABELLED)
    ids = []
    for each in qrels.judgements:
        raw = partial("{} 0 {} {}".format, each.query, each.document, each.grade)
        if fault := sides.lacking(each):
            rows.reject(each.line, raw(), *fault)
            continue
        title, text = sides.documents.by_id[each.document]
        topic, query = sides.queries.by_id[each.query]
        texts = (query or topic, title or text, text if title else "")
        label = "" if each.grade in unjudged else each.grade
        if rows.add(each.line, raw, (*texts, label), "en", split):
            ids.append((each.query, each.document))
    rows.rows += len(qrels.problems)
    rows.problems = sorted([*rows.problems, *qrels.problems], key=lambda problem: problem.line)
    reading = rows.reading()
    columns = dict(zip(ID_COLUMNS, zip(*ids, strict=True), strict=True)) if ids else {}
    return replace(reading, frame=reading.frame.assign(**columns))


def _notes(
    judgements: Sequence[Qrels], sides: _Sides, scheme: LabelScheme, whole: Reading
) -> tuple[str, ...]:
    """Count what the files hold beside pairs: texts without judgement, repeats, negative grades."""
    notes = [
        f"qrels of {split}: {', '.join(names)}"
        for split in dict.fromkeys(whole.frame["split"])
        if (names := [qrels.file for qrels in judgements if split_of_name(qrels.file) == split])
    ]
    spare = [
        f"{count:,} {one if count == 1 else many}"
        for one, many, texts in (
            ("query", "queries", sides.queries),
            ("document", "documents", sides.documents),
        )
        if (count := texts.ids - len(texts.by_id)) > 0
    ]
    if spare:
        notes.append(f"{' and '.join(spare)} without a judgement were left out")
    if repeated := sum(qrels.repeated for qrels in judgements):
        lines = "line repeats" if repeated == 1 else "lines repeat"
        notes.append(f"{repeated:,} {lines} an earlier judgement")
    if unjudged := negative(judgements, scheme):
        grades = ", ".join(f"{grade}: {count:,}" for grade, count in sorted(unjudged.items()))
        notes.append(
            f"judgements with a negative grade ({grades}) are read as not judged, as trec_eval "
            "reads them; to make them grades, name all grades, worst first"
        )
    if bare := sum(not title for title, _ in sides.documents.by_id.values()):
        texts_of = "1 document has" if bare == 1 else f"{bare:,} documents have"
        notes.append(f"{texts_of} no title: the text stands in the title's place")
    return tuple(notes)


def _hints(whole: Reading, scheme: LabelScheme) -> tuple[str, ...]:
    hints = []
    grades = whole.frame["grade"].to_numpy()
    grades = grades[grades != UNLABELLED]
    if len(grades) and scheme.relevant(grades).all():
        hints.append(
            "every judged pair is relevant, so these pairs cannot tell a good order from a bad "
            "one: add judgements of grade 0 to the qrels"
        )
    if set(whole.frame["split"]) == {"test"}:
        hints.append(
            "only the test split has judgements: to train on these data as well, add qrels of "
            "train, else a run splits these by query into train, validation and test"
        )
    return tuple(hints)
