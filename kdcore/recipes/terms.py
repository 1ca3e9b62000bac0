"""The loss of a distillation at each step: its terms, their stages, and what a schedule changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from kdcore.catalog import method_entry
from kdcore.config import DistillConfig
from kdcore.data.pairs import PairTable
from kdcore.judging.score_card import score_card
from kdcore.objectives.base import (
    Shape,
    Term,
    enter_stages,
    in_stages,
    make_objective,
    stages_of,
)
from kdcore.scores import log_odds
from kdcore.teachers.cached import TeacherPredictions
from kdcore.training.checks import refuse_endless
from kdcore.training.schedule import value_at


@dataclass(frozen=True)
class Mix:
    """What is added up at one step: the terms with their weights, and the weight of hard labels.

    changing: weights and temperature by the names of their curves, where they change in the
    course of the training.
    """

    terms: list[Term]
    hard_weight: float
    changing: Mapping[str, float]


class Terms:
    """The terms of a distillation between a student and a teacher of these shapes."""

    def __init__(self, config: DistillConfig, student: Shape, teacher: Shape) -> None:
        self.config, self.shapes = config, (student, teacher)
        self.schedules = {schedule.name: schedule for schedule in config.schedules}
        self.terms = [
            Term(name, make_objective(term.method, term.params, student, teacher), term.weight)
            for name, term in config.soft_terms.items()
        ]
        self.has_stages = any(stages_of(term) for term in self.terms)
        refuse_endless(config, self.terms)

    @property
    def modules(self) -> list[nn.Module]:
        """The objectives that may have weights of their own."""
        return [term.objective for term in self.terms if isinstance(term.objective, nn.Module)]

    @property
    def of_lists(self) -> list[str]:
        """The terms that compare the ads of a query."""
        terms = self.config.soft_terms
        return [name for name, term in terms.items() if method_entry(term.method).lists]

    def at(self, step: int, total_steps: int, steps_per_epoch: int) -> Mix:
        """What is added up at a step, which counts from 0; the same again after a resume."""
        share = step / max(total_steps - 1, 1)
        terms = [
            replace(term, weight=self._now(term.name, term.weight, share)) for term in self.terms
        ]
        hard = self._now("hard", self.config.hard_weight, share)
        if enter_stages(self.terms, step / steps_per_epoch):
            terms, hard = in_stages(terms), 0.0
        weights = {term.name: term.weight for term in terms} | {"hard": hard}
        changing = {
            f"{name}_weight": weight
            for name, weight in weights.items()
            if self.has_stages or name in self.schedules
        }
        if "temperature" in self.schedules:
            terms = [self._softened(term, share, changing) for term in terms]
        return Mix(terms, hard, changing)

    def _now(self, name: str, start: float, share: float) -> float:
        schedule = self.schedules.get(name)
        return start if schedule is None else value_at(schedule.kind, start, schedule.end, share)

    def _softened(self, term: Term, share: float, changing: dict[str, float]) -> Term:
        """The term at the temperature of this step; it has no weights, so it is made anew."""
        config = self.config.soft_terms[term.name]
        if not method_entry(config.method).softens:
            return term
        changing["temperature"] = self._now("temperature", config.params.temperature, share)
        params = replace(config.params, temperature=changing["temperature"])
        return replace(term, objective=make_objective(config.method, params, *self.shapes))


def scale_warnings(
    config: DistillConfig, transfer: PairTable, predictions: TeacherPredictions
) -> tuple[str, ...]:
    """What a term that compares the ads of a query cannot learn from the teacher's scores."""
    if not config.compares_lists:
        return ()
    rows = slice(None) if predictions.answered is None else predictions.answered
    ranking = [t for t in config.soft_terms.values() if method_entry(t.method).lists]
    card = score_card(
        log_odds(predictions.transfer.logits[rows], transfer.scheme),
        transfer.query_ids[rows],
        transfer.grades[rows],
        min(getattr(term.params, "temperature", 1.0) for term in ranking),
    )
    return card.warnings
