"""Read queries and documents by id: JSON lines, or texts separated by tabs, packed or not.

Only the judged documents of a collection are stored, so it may be larger than memory.

JSON lines: {"_id": ..., "title": ..., "text": ...} as in BEIR, other common names too. Tabs: with a
header, or id and text; id, title and text; id, URL, title and text (MS MARCO's documents).
"""

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from kdcore.data.files.cells import text_of
from kdcore.data.files.problems import Problem, quoted
from kdcore.data.files.streaming import TextFile

IDS = (
    "_id", "id", "qid", "query_id", "query-id", "topic", "did", "docid", "doc_id", "doc-id",
    "docno", "document", "document_id", "corpus_id", "corpus-id", "pid", "passage_id", "ad_id",
    "product_id",
)  # fmt: skip
TITLES = ("title", "product_title", "headline", "name")
TEXTS = (
    "text", "contents", "content", "body", "passage", "abstract", "description",
    "product_description", "query",
)  # fmt: skip
_BY_WIDTH = {2: ("id", "text"), 3: ("id", "title", "text"), 4: ("id", "url", "title", "text")}
_RAW = 200  # letters of a bad line that a list of problems shows
Record = tuple[int, Mapping[str, str]]  # the line, and its fields by name in small letters


@dataclass
class Texts:
    """The (title, text) of each requested id; how many ids the files hold; problems."""

    by_id: dict[str, tuple[str, str]] = field(default_factory=dict)
    ids: int = 0
    problems: list[Problem] = field(default_factory=list)


def read_texts(files: Sequence[TextFile], wanted_ids: Container[str]) -> Texts:
    """Read the texts of these ids; two different texts under one id are a problem."""
    texts = Texts()
    for file in files:
        for line, record in _records(file, texts.problems):
            key = _first(record, IDS).strip()
            if not key:
                texts.problems.append(
                    Problem(
                        file.name, line, "it has no id", "name its field _id, or put the id first"
                    )
                )
                continue
            texts.ids += 1
            if key not in wanted_ids:
                continue
            value = _first(record, TITLES).strip(), _first(record, TEXTS).strip()
            if texts.by_id.setdefault(key, value) != value:
                what = f"the id {quoted(key)} has another text on an earlier line"
                texts.problems.append(Problem(file.name, line, what, "delete one of the two"))
    return texts


def _first(record: Mapping[str, str], names: Sequence[str]) -> str:
    return next((record[name] for name in names if record.get(name)), "")


def _records(file: TextFile, problems: list[Problem]) -> Iterator[Record]:
    """Yield the records of one file; the first line decides how it is written."""
    lines = file.lines()
    first = next(lines, None)
    if first is None:
        problems.append(Problem(file.name, 0, "it is empty", "give a line for each text"))
    elif first[1].lstrip().startswith("{"):
        yield from _json_records(file, first, lines, problems)
    else:
        yield from _tab_records(file, first, lines, problems)


def _json_records(
    file: TextFile, first: tuple[int, str], rest: Iterator[tuple[int, str]], problems: list[Problem]
) -> Iterator[Record]:
    cure = 'write {"_id": ..., "text": ...} on each line'
    for line, text in chain([first], rest):
        try:
            value: Any = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            yield line, {str(name).casefold(): text_of(part) or "" for name, part in value.items()}
        else:
            what = "the line is not a JSON object"
            problems.append(Problem(file.name, line, what, cure, text[:_RAW]))


def _tab_records(
    file: TextFile, first: tuple[int, str], rest: Iterator[tuple[int, str]], problems: list[Problem]
) -> Iterator[Record]:
    cells = first[1].split("\t")
    names = tuple(cell.strip().casefold() for cell in cells)
    headless = names[0] not in IDS
    if headless:
        names = _BY_WIDTH.get(len(cells), ())
        if not names:
            what = f"it has {len(cells)} fields separated by tabs, and no header names them"
            cure = "write id, tab, text; or id, tab, title, tab, text; or JSON lines"
            problems.append(Problem(file.name, first[0], what, cure, first[1][:_RAW]))
            return
        yield first[0], dict(zip(names, cells, strict=True))
    for line, text in rest:
        cells = text.split("\t")
        if len(cells) == len(names):
            yield line, dict(zip(names, cells, strict=True))
        else:
            what = f"{len(cells)} fields instead of {len(names)}"
            cure = "put one tab between two fields, and none into a text"
            problems.append(Problem(file.name, line, what, cure, text[:_RAW]))
