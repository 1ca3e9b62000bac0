"""Read what a language model answered: a grade, a confidence or probabilities for each id.

Each line is a JSON object with `id` (or `custom_id`) and one of

    {"id": ..., "grade": "Good", "confidence": 0.9}
    {"id": ..., "probabilities": {"Bad": 0.1, "Good": 0.9}}         or a list, worst grade first
    {"id": ..., "answer": "Sure! {\"grade\": \"Good\"}"}            a text with such a JSON inside
    {"custom_id": ..., "response": {"body": {"choices": [...]}}}    OpenAI's Batch API

Nothing is guessed: a text that does not name one grade of the data clearly is a refusal.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kdcore.data.answers.choice import grade_lookup
from kdcore.data.answers.grades import SUM_SLACK
from kdcore.data.files.content import content_of, decode, lines_of
from kdcore.data.files.problems import shown_name, unreadable
from kdcore.labels import LabelScheme

ENDINGS = (".jsonl", ".ndjson", ".json")
GRADE_KEYS = ("grade", "label", "rating", "judgment", "judgement")
_DISTRIBUTIONS = ("probabilities", "probs", "distribution")
_TEXT_KEYS = ("answer", "response", "output", "text", "content", "completion")
_NUMBER_AND_NAME = re.compile(r"(\d{1,3})\W+(.*\w)\W*|(.*\w)\W+(\d{1,3})\W*")
_PARSE_ERRORS = (ValueError, RecursionError)
_RAW = 160  # characters of an answer that are shown


@dataclass(frozen=True)
class Reply:
    """One line of the answers.

    grade: -1 where none could be read; refusal then says why. probabilities: one per grade, ()
    where none were given. confidence: P(the grade is right), nan where none was given.
    """

    line: int
    id: str
    grade: int = -1
    probabilities: tuple[float, ...] = ()
    confidence: float = math.nan
    refusal: str = ""
    raw: str = ""


class _UnreadableError(Exception):
    """An answer that names no grade; its text is the reason, the same for all such answers."""


def read_replies(path: Path, scheme: LabelScheme, file: str = "") -> list[Reply]:
    """Read every line of a file of answers (JSON lines or a list in JSON, packed or not).

    A line that cannot be read is a refusal. DataError when the file cannot be read as text, or no
    line of it has an id.

    file: what the file is called in errors.
    """
    file = file or shown_name(path)
    text = decode(content_of(path, file, ENDINGS).data, file)[0]
    read = [_reply(line, record, raw, scheme) for line, record, raw in _records(text)]
    if not any(reply.id for reply in read):
        what = "no line is a JSON object with an id" if read else "the file has no lines"
        cure = 'give a line for each answer: {"id": "...", "grade": "..."}'
        raise unreadable(file, what, cure)
    return read


def _records(text: str) -> Iterator[tuple[int, Any, str]]:
    """Yield the number, the value (None where it is no JSON) and the text of each record."""
    if text.lstrip()[:1] == "[":
        try:
            values = json.loads(text)
        except _PARSE_ERRORS:
            values = []
        yield from ((k, value, json.dumps(value)) for k, value in enumerate(values, 1))
        return
    for number, line in enumerate(lines_of(text), 1):
        if line.strip():
            try:
                yield number, json.loads(line), line
            except _PARSE_ERRORS:
                yield number, None, line


def _reply(line: int, record: Any, raw: str, scheme: LabelScheme) -> Reply:
    if not isinstance(record, dict):
        return Reply(line, "", refusal="the line is not a JSON object", raw=raw[:_RAW])
    name = str(record.get("id") or record.get("custom_id") or "").strip()
    answer: Any = record
    try:
        if not name:
            raise _UnreadableError("the line has no id")
        answer = _answer_of(record)
        read = _grade_of(answer, scheme)
    except _UnreadableError as cause:
        shown = raw if answer is record else str(answer)
        return Reply(line, name, refusal=str(cause), raw=shown.strip()[:_RAW])
    return replace(read, line=line, id=name)


def _answer_of(record: Mapping[str, Any]) -> Any:
    """Return the part of a line that holds the answer: a text, an object, or the line itself."""
    if any(key in record for key in (*GRADE_KEYS, *_DISTRIBUTIONS)):
        return record
    response = record.get("response")
    if record.get("error") or (isinstance(response, dict) and "body" in response):
        return _of_batch(record)
    parts = [record[key] for key in _TEXT_KEYS if record.get(key)]
    if not parts:
        raise _UnreadableError("the line holds no answer")
    return parts[0]


def _of_batch(record: Mapping[str, Any]) -> Any:
    """Return the text of the one answer of a line of OpenAI's Batch API."""
    response = record.get("response") or {}
    if record.get("error") or response.get("status_code", 200) != 200:
        raise _UnreadableError("the request failed")
    try:
        message = response["body"]["choices"][0]["message"]
        refused, content = message.get("refusal"), message.get("content")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise _UnreadableError("the line holds no answer") from None
    if refused or not content:
        raise _UnreadableError("the model declined to answer")
    return content


def _grade_of(answer: Any, scheme: LabelScheme) -> Reply:
    if isinstance(answer, dict):
        read = _of_object(answer, scheme)
        if read is None:
            raise _UnreadableError("the answer names no grade")
        return read
    if isinstance(answer, str):
        return _of_text(answer, scheme)
    return Reply(0, "", _one_grade(answer, scheme))


def _of_text(text: str, scheme: LabelScheme) -> Reply:
    """Read the JSON inside a text, or a text that is nothing but a grade."""
    decoder, place, read = json.JSONDecoder(), 0, []
    reason = "the answer names no grade"
    while (place := text.find("{", place)) >= 0:
        try:
            value, end = decoder.raw_decode(text, place)
            reply = _of_object(value, scheme)
        except _UnreadableError as cause:
            reply, reason = None, str(cause)
        except _PARSE_ERRORS:
            reply = None
        if reply is not None:
            read.append(reply)
        place = place + 1 if reply is None else end
    if len({reply.grade for reply in read}) > 1:
        raise _UnreadableError("the answer names several grades")
    if read:
        return read[-1]
    plain = text.strip().strip("\"'`*. \n")
    if "{" not in text and _number_of(plain, scheme) is not None:
        return Reply(0, "", _one_grade(plain, scheme))
    raise _UnreadableError(reason)


def _of_object(value: Mapping[str, Any], scheme: LabelScheme) -> Reply | None:
    """Read an object with a grade or with probabilities; None where it has neither."""
    parts = {str(key).strip().casefold(): part for key, part in value.items()}
    shares = next((parts[key] for key in _DISTRIBUTIONS if parts.get(key)), None)
    probabilities = () if shares is None else _probabilities(shares, scheme)
    grades = {_one_grade(parts[key], scheme) for key in GRADE_KEYS if parts.get(key) is not None}
    if not grades and any(key in parts for key in GRADE_KEYS) and not probabilities:
        raise _UnreadableError("the model declined to answer")
    if len(grades) > 1:
        raise _UnreadableError("the answer names several grades")
    if not grades and not probabilities:
        return None
    grade = grades.pop() if grades else probabilities.index(max(probabilities))
    return Reply(0, "", grade, probabilities, _confidence(parts.get("confidence")))


def _confidence(value: Any) -> float:
    """Read a confidence from 0 to 1; nan for anything else, such as 95 or "high"."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return math.nan
    return float(value)


def _one_grade(value: Any, scheme: LabelScheme) -> int:
    """Read a grade by its name or number."""
    grade = _number_of(value, scheme)
    if grade is None:
        raise _UnreadableError("the answer is not a grade of the data")
    return grade


def _number_of(value: Any, scheme: LabelScheme) -> int | None:
    lookup = grade_lookup(scheme)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip().casefold()
    if text in lookup:
        return lookup[text]
    both = _NUMBER_AND_NAME.fullmatch(text)  # "3: excellent", "excellent (3)"
    if both is None:
        return None
    parts = {lookup.get(part) for part in both.groups() if part is not None}
    return parts.pop() if len(parts) == 1 else None


def _probabilities(shares: Any, scheme: LabelScheme) -> tuple[float, ...]:
    """Read one probability per grade, which are at least 0 and sum to 1 but for rounding."""
    wrong = _UnreadableError("its probabilities are not one per grade, or do not sum to 1")
    if isinstance(shares, dict):
        by_grade = {_number_of(name, scheme): value for name, value in shares.items()}
        shares = [by_grade.get(grade) for grade in range(len(scheme))]
        if None in by_grade or len(by_grade) < len(scheme):
            raise wrong
    if not isinstance(shares, list) or len(shares) != len(scheme):
        raise wrong
    if not all(isinstance(p, int | float) and p >= 0 for p in shares):
        raise wrong
    if not abs(sum(shares) - 1) <= SUM_SLACK:
        raise wrong
    return tuple(p / sum(shares) for p in map(float, shares))
