"""Predictions made elsewhere: a staged file is read for the pairs on the pages, then stored."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from app.kit.by_hash import by_hash
from app.services import access, score_files
from app.services.boards import DataChoice, whole_data
from app.views.data.queries.intake import Staged
from kdcore.data.answers.choice import ColumnChoice
from kdcore.data.answers.imported import Brought, bring_file
from kdcore.data.answers.stored import brought_path, brought_to, keep
from kdcore.data.pairs import ALL, part_of
from kdcore.errors import DataError, LabError


@dataclass(frozen=True)
class Model:
    """The model: its name, its role (one of predictions.ROLES), for a twin the student's name."""

    name: str = ""
    role: str = "other"
    student: str = ""

    @property
    def title(self) -> str:
        """The name as it is shown."""
        return self.name.strip() or f"My {self.role if self.role != 'other' else 'model'}"


@dataclass(frozen=True)
class AnswerForm:
    """How the file is read; partial: pairs without an answer are left out."""

    choice: ColumnChoice = field(default_factory=ColumnChoice)
    partial: bool = False


def read(
    staged: Staged, data: DataChoice, split: str, form: AnswerForm, shown: str = ""
) -> Brought:
    """Read a staged file for a part of a data set; nothing is stored. LabError lists problems.

    shown: the part on the pages where it is another one: a test split may be one that runs cut.
    """
    return _read(staged, staged.changed(), data, split, form, shown or split)


@by_hash(most=6, spinner="Reading the predictions…")
def _read(
    staged: Staged, changed: int, data: DataChoice, split: str, form: AnswerForm, shown: str
) -> Brought:
    return _bring(staged, data, split, form, Model(), shown)


def _bring(
    staged: Staged, data: DataChoice, split: str, form: AnswerForm, model: Model, shown: str
) -> Brought:
    return bring_file(
        staged.path,
        whole_data(data, shown),
        split,
        model=model.title,
        choice=form.choice,
        partial=form.partial,
        role=model.role,
        student=model.student,
        file=staged.title,
    )


def elsewhere(staged: Staged, data: DataChoice, split: str, form: AnswerForm) -> dict[str, int]:
    """How many pairs of each other split the file answers, of those where it answers any."""
    return _elsewhere(staged, staged.changed(), data, split, form)


@by_hash(most=4)
def _elsewhere(
    staged: Staged, changed: int, data: DataChoice, split: str, form: AnswerForm
) -> dict[str, int]:
    counts, some = dict[str, int](), dataclasses.replace(form, partial=True)
    for other in whole_data(data, split).splits if split != ALL else ():
        with suppress(LabError):
            read_there = read(staged, data, other, some, split).read
            # a file that names no pair fits every split of its length, and was meant for one
            if other != split and not read_there.aligned.startswith("by order with these"):
                counts[other] = read_there.answered
    return counts


def hashes(data: DataChoice, split: str, others: Iterable[str]) -> list[str]:
    """The content hashes of further splits, as the table with this split has them."""
    return [part_of(whole_data(data, split), other).content_hash for other in others]


def is_taken(data: DataChoice, name: str, part_hash: str) -> bool:
    """Whether there are predictions of this name for these pairs."""
    with suppress(LabError):
        return brought_path(access.home(), data.key, name, part_hash).exists()
    return False


def students(data: DataChoice, part_hash: str) -> list[str]:
    """The names of the students that were imported for these pairs."""
    stored = brought_to(access.home(), data.key, part_hash)
    return [each.model for each in stored if each.origin and each.origin.role == "student"]


def take_in(
    staged: Staged,
    data: DataChoice,
    split: str,
    model: Model,
    form: AnswerForm,
    *,
    replace: bool,
    others: Sequence[str] = (),
) -> Mapping[str, str]:
    """Store the predictions of a staged file; returns the state that shows them in their role.

    replace: they may take the place of those of the same name. others: further splits of which it
    answers pairs, stored under the same name. LabError says why it cannot be.
    """
    access.refuse_public()
    some = dataclasses.replace(form, partial=True)
    brought = [_bring(staged, data, split, form, model, split)]
    brought += [_bring(staged, data, other, some, model, split) for other in others]
    parts = hashes(data, split, (split, *others))
    if not replace and any(is_taken(data, model.title, part) for part in parts):
        raise DataError(
            f"{model.title!r} is taken: choose another name, or tick that it replaces the earlier "
            "predictions"
        )
    home = access.home()
    path, *_ = [keep(each.predictions, home, data.key, replace=replace) for each in brought]
    score_files.forget()
    return {model.role: f"brought:{path.stem}"} if model.role in ("teacher", "student") else {}
