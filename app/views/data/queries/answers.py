"""Predictions made elsewhere: a staged file is read for the pairs on the pages, then kept."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.kit.by_hash import by_hash
from app.kit.texts import shown
from app.services import access
from app.services.access import refuse_public
from app.services.answers import sources
from app.services.boards import DataChoice, whole_data
from app.views.data.queries.intake import Staged
from kdcore.data.answers.choice import ColumnChoice
from kdcore.data.answers.imported import Brought, bring_file
from kdcore.data.answers.stored import brought_path, brought_to, keep
from kdcore.data.pairs import part_of
from kdcore.errors import DataError, LabError


@dataclass(frozen=True)
class Who:
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
    """How the file is read: kind and column of the numbers, (our part, column) pairs, partial."""

    kind: str = "auto"
    column: str = ""
    mapping: tuple[tuple[str, str], ...] = ()
    partial: bool = False

    def choice(self) -> ColumnChoice:
        """The same for the engine."""
        return ColumnChoice(self.kind, self.column, dict(self.mapping))


@dataclass(frozen=True)
class AnswerLook:
    """What reading a staged file gives: the answers, or why they cannot be read."""

    brought: Brought | None
    error: str = ""
    causes: tuple[str, ...] = ()


def look(staged: Staged, choice: DataChoice, split: str, form: AnswerForm) -> AnswerLook:
    """Read a staged file for a part of a data set; nothing is raised and nothing is kept."""
    try:
        changed = staged.path.stat().st_mtime_ns
    except OSError:
        return AnswerLook(None, f"{staged.title} is gone; upload it again")
    try:
        return AnswerLook(_read(str(staged.path), changed, staged.title, choice, split, form))
    except LabError as error:
        headline = str(getattr(error, "headline", error))
        causes = tuple(shown(cause, 400) for cause in getattr(error, "page_problems", ()))
        return AnswerLook(None, shown(headline, 400), causes)


@by_hash(most=4, spinner="Reading the predictions…")
def _read(
    path: str, changed: int, title: str, choice: DataChoice, split: str, form: AnswerForm
) -> Brought:
    return bring_file(
        Path(path),
        whole_data(choice, split),
        split,
        model=Who().title,
        choice=form.choice(),
        partial=form.partial,
        file=title,
    )


def taken(choice: DataChoice, name: str, part_hash: str) -> bool:
    """Whether there are predictions of this name for these pairs."""
    with suppress(LabError):
        return brought_path(access.home(), choice.key, name, part_hash).exists()
    return False


def students(choice: DataChoice, part_hash: str) -> list[str]:
    """The names of the students that were imported for these pairs."""
    kept = brought_to(access.home(), choice.key, part_hash)
    return [k.model for k in kept if k.origin and k.origin.role == "student"]


def take_in(
    staged: Staged,
    choice: DataChoice,
    split: str,
    who: Who,
    form: AnswerForm,
    *,
    over: bool = False,
) -> Mapping[str, str]:
    """Keep the predictions of a staged file; returns the state that shows them in their role.

    over: they may take the place of those of the same name. LabError tells why it cannot be done.
    """
    refuse_public()
    brought = bring_file(
        staged.path,
        whole_data(choice, split),
        split,
        model=who.title,
        choice=form.choice(),
        partial=form.partial,
        role=who.role,
        student=who.student,
        file=staged.title,
    )
    part_hash = part_of(whole_data(choice, split), split).content_hash
    if taken(choice, who.title, part_hash) and not over:
        raise DataError(
            f"{who.title!r} is taken: choose another name, or tick that it replaces the earlier "
            "predictions"
        )
    path = keep(brought.predictions, access.home(), choice.key, replace=over)
    sources.clear()
    key = f"brought:{path.stem}"
    return {who.role: key} if who.role in ("teacher", "student") else {}
