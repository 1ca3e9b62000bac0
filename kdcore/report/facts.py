"""The facts of a run and of its teacher and twin, gathered once for its card and its report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kdcore import lab
from kdcore.config.teacher import files_of
from kdcore.data.pairs import PairTable, flags_of
from kdcore.errors import LabError
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.evaluate import evaluate as evaluate_predictions
from kdcore.judging.caveats import caveats
from kdcore.judging.verdict import Judgement, judge
from kdcore.predictions import Predictions
from kdcore.runs.speed import Latency
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import find_twin, teacher_of
from kdcore.workspace import Workspace

SPLIT = "test"
Result = TypeVar("Result")


@dataclass(frozen=True)
class ReportFacts:
    """A run beside its teacher and its twin; what is not known is None or empty.

    evaluations: by role ("student" is the run itself), of those that answered the test pairs.
    pairs: its test split. source: where the data came from, with their terms. non_commercial:
    whether these terms exclude commercial use; generated: whether a program invented the data.
    judgement: against the twin, for a distilled student whose twin has answered the same pairs.
    """

    run: Run
    teacher: Run | None
    twin: Run | None
    evaluations: Mapping[str, Evaluation]
    pairs: PairTable | None
    source: str
    non_commercial: bool
    generated: bool
    notes: tuple[str, ...]
    judgement: Judgement | None
    latency: Latency | None

    @property
    def evaluation(self) -> Evaluation | None:
        """The run's own metrics on test."""
        return self.evaluations.get("student")

    @property
    def rivals(self) -> list[tuple[str, Evaluation]]:
        """Role and metrics of those that stand beside the run in a table."""
        return [(role, e) for role, e in self.evaluations.items() if role != "student"]

    @property
    def data_name(self) -> str:
        """What the data are called."""
        return self.pairs.name if self.pairs is not None else self.run.data

    @property
    def limits(self) -> list[str]:
        """What this student must not be taken for, a sentence each."""
        sentences = [
            "It grades how well an ad matches a query. It is not made for decisions about people, "
            "credit, health, work or law, and was not tested for fairness between groups.",
            "Measured on the pairs named above alone: other languages, markets, times or kinds of "
            "text may go much worse, and nothing warns when they do.",
        ]
        if self.generated:
            sentences.append(
                "Its data are a made world: a program invented queries, ads and grades. It has "
                "seen no real search, so it is for learning and comparing, not for use on real "
                "traffic."
            )
        if self.non_commercial and self.run.stage != "teach":
            sentences.append(
                "NON-COMMERCIAL DATA: it was trained on data whose terms allow no commercial use; "
                "the same must be assumed of these weights."
            )
        if not self.source:
            sentences.append(
                "The source and the terms of its data are not known: find out before sharing."
            )
        if self.run.stage == "teach":
            sentences.append(
                "Its weights were trained by its author: on what, and under which terms, its own "
                "card must say. They may have seen these test pairs."
            )
        else:
            sentences.append(
                "These weights come from one seed: another seed may change every number here."
            )
        if self.run.teachers or files_of(self.run.teacher):
            sentences.append(
                "It learned from a teacher's predictions, and so it also learned the teacher's "
                "errors."
            )
        return sentences


def facts_of(run: Run, workspace: Workspace | None = None) -> ReportFacts:
    """Collect the facts of a run; what is missing or broken is left out."""
    pairs = _or_none(lambda: lab.split_of(run, SPLIT, workspace))
    teacher, twin = teacher_of(run), answered_twin(run)
    runs = {"student": run, "teacher": teacher, "twin": twin}
    answers = {
        role: _fitting(one.predictions_path(SPLIT), pairs) if one else None
        for role, one in runs.items()
    }
    if answers["teacher"] is None:  # its run is gone or has none, or several teach together
        answers["teacher"] = _fitting(run.teacher_path(SPLIT), pairs)
    evaluations = {
        role: evaluation
        for role, one in runs.items()
        if (evaluation := _evaluated(one, pairs, answers[role]))
    }
    return ReportFacts(
        run=run,
        teacher=teacher,
        twin=twin,
        evaluations=evaluations,
        pairs=pairs,
        source=pairs.source if pairs is not None else str(run.data_card.get("source", "")),
        **(
            {"non_commercial": pairs.non_commercial, "generated": pairs.generated}
            if pairs is not None
            else flags_of(run.data_card)
        ),
        notes=(*(pairs.notes if pairs is not None else ()), *run.notes),
        judgement=_judged(run, twin, pairs, answers),
        latency=Latency.read(run),
    )


def answered_twin(run: Run) -> Run | None:
    """The twin of a student, of those beside it that have answered the test pairs."""
    others = RunStore(run.folder.parent).list() if run.is_distilled else []
    return find_twin(run, (other for other in others if other.predictions_path(SPLIT).exists()))


def seeds_like(run: Run) -> int:
    """How many seeds this setting was trained with to the end, this run's included."""
    others = RunStore(run.folder.parent).list()
    alike = (other for other in others if other.settings_but_seed == run.settings_but_seed)
    return len({run.seed} | {other.seed for other in alike if other.status().state == "finished"})


def _or_none(work: Callable[[], Result]) -> Result | None:
    try:
        return work()
    except (LabError, OSError):
        return None


def _fitting(path: Path, pairs: PairTable | None) -> Predictions | None:
    """The predictions in a file, when they are of these pairs."""
    if pairs is None or not path.exists():
        return None
    return _or_none(lambda: Predictions.load(path).require(pairs.content_hash, len(pairs)))


def _evaluated(
    run: Run | None, pairs: PairTable | None, answers: Predictions | None
) -> Evaluation | None:
    """The stored evaluation when it is of these pairs, else a fresh one, which is not stored."""
    stored = _or_none(lambda: lab.stored_evaluation(run, SPLIT)) if run else None
    if stored is not None and (pairs is None or stored.data_hash == pairs.content_hash):
        return stored
    if pairs is None or answers is None:
        return None
    return _or_none(lambda: evaluate_predictions(pairs, answers))


def _judged(
    run: Run, twin: Run | None, pairs: PairTable | None, answers: Mapping[str, Predictions | None]
) -> Judgement | None:
    student, of_twin = answers["student"], answers["twin"]
    if pairs is None or student is None or of_twin is None:
        return None
    return _or_none(
        lambda: judge(
            pairs,
            student,
            of_twin,
            answers["teacher"],
            seeds=seeds_like(run),
            caveats=caveats(run, twin),
        )
    )
