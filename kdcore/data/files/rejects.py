"""Write the list of rows that an import left out, safe to open in a spreadsheet."""

import re
from collections.abc import Iterable, Iterator

from kdcore.data.files.problems import Problem

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def guarded(text: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would run as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Take off the apostrophe that `guarded` put there."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def rejects_tsv(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield the lines of rejects.tsv: file, line, problem, raw text; no cell is a formula."""
    yield "file\tline\tproblem\traw\n"
    for problem in problems:
        cells = (problem.file, str(problem.line), f"{problem.what}; {problem.cure}", problem.raw)
        yield "\t".join(guarded(_one_line(cell)) for cell in cells) + "\n"


def _one_line(text: str) -> str:
    """Spell out backslashes, control characters and broken bytes."""
    text = text.replace("\\", "\\\\").encode("utf-8", "backslashreplace").decode()
    return re.sub(
        r"[\x00-\x1f\x7f\x85\u2028\u2029]",
        lambda match: match[0].encode("unicode_escape").decode(),
        text,
    )
