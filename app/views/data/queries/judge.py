"""Pairs for a language model elsewhere, and what its answers are worth: read, measured, stored."""

from dataclasses import dataclass

from app.kit.by_hash import by_hash
from app.services import access, score_files
from app.services.boards import DataChoice, whole_data
from app.views.data.queries.intake import Staged
from kdcore.data.answers.stored import keep
from kdcore.data.judge.judgments import Judgments, judgments, predictions_of
from kdcore.data.judge.replies import read_replies
from kdcore.data.judge.requests import Request, requests
from kdcore.evaluation.judges import Agreement, agreements


@dataclass(frozen=True)
class Judged:
    """The answers of a judge to a part of the data, and how well they agree with what is known."""

    judge: Judgments
    compared: tuple[Agreement, ...]


@by_hash(most=4)
def prompts(data: DataChoice, split: str, limit: int, rubric: str) -> list[Request]:
    """The prompts for a split, of the queries that a run with this limit learns from."""
    return requests(whole_data(data, split), split, limit, rubric=rubric)


def read(staged: Staged, data: DataChoice, split: str) -> Judged:
    """Read a staged file of answers to a part of a data set. LabError says why it cannot be."""
    return _read(staged, staged.changed(), data, split)


@by_hash(most=4, spinner="Reading the answers…")
def _read(staged: Staged, changed: int, data: DataChoice, split: str) -> Judged:
    whole = whole_data(data, split)
    judge = judgments(read_replies(staged.path, whole.scheme, staged.title), whole, split)
    grades = judge.grades[judge.rows]
    return Judged(judge, tuple(agreements(judge.part.take(judge.rows), grades)))


def take_in(staged: Staged, data: DataChoice, split: str, name: str, *, replace: bool) -> str:
    """Store the answers as predictions of a teacher; returns the key of their source.

    replace: they may take the place of those of the same name. LabError says why it cannot be.
    """
    access.refuse_public()
    predictions, _ = predictions_of(read(staged, data, split).judge, name, staged.title)
    path = keep(predictions, access.home(), data.key, replace=replace)
    score_files.forget()
    return f"brought:{path.stem}"
