"""DistillConfig: a student learns from a teacher."""

from dataclasses import dataclass, field
from functools import cached_property

from kdcore.catalog import method_entry, misfit
from kdcore.config.assistant import assistant_of
from kdcore.config.base import Stage
from kdcore.config.groups import (
    MethodConfig,
    ModelConfig,
    ScheduleConfig,
    TermConfig,
    TrainingConfig,
    check,
    numbered,
)
from kdcore.config.order import MIXED, OrderConfig
from kdcore.config.teacher import TeacherConfig, teacher_misfit
from kdcore.errors import ConfigError
from kdcore.knobs import choice, groups, knob, switch, text
from kdcore.objectives.params import ResidualParams


@dataclass(frozen=True, kw_only=True)
class DistillConfig(Stage):
    """Train a student on what a teacher tells, beside the hard labels.

    method, soft_weight: the first term of the loss; terms: those beside it, by name; schedules:
    the weights and the temperature that change in the course of the training; order: how
    labelled and unlabelled pairs follow each other.
    """

    stage: str = choice("distill", "the stage", options=("distill",))
    teacher: str = text("", "the run that teaches, or ensemble:RUN+RUN, or file:scores.csv")
    student: ModelConfig = field(default_factory=lambda: ModelConfig(name="twinbert_cos"))
    method: MethodConfig = field(default_factory=MethodConfig)
    soft_weight: float = knob(1.0, "weight of the soft-label loss", low=0, high=1000)
    terms: tuple[TermConfig, ...] = groups()
    schedules: tuple[ScheduleConfig, ...] = groups()
    hard_weight: float = knob(0.1, "weight of the hard-label cross-entropy", low=0, high=1000)
    label_smoothing: float = knob(0.0, "share of each hard label spread evenly", low=0, high=0.99)
    transfer: str = choice(
        "train",
        "pairs learned from: the labelled ones, the unlabelled log, or both",
        options=("train", "log", "train+log"),
    )
    from_shards: bool = switch(
        False, "read the log and its soft labels from the shards of `kdlab infer --on`, one by one"
    )
    order: OrderConfig = field(default_factory=OrderConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        problems = self.problems()
        changing = [each for each in self.schedules if each.kind != "constant"]
        terms = numbered(self.terms, [each.name for each in changing])
        for name, named in (("terms", terms), ("schedules", changing)):  # equal in any order
            object.__setattr__(self, name, tuple(sorted(named, key=lambda each: each.name)))
        problems += self._problems_of_schedules()
        if not (self.soft_weight or self.hard_weight or self.terms or self.schedules):
            problems.append("soft_weight, hard_weight: both are 0, so there is nothing to learn")
        if self.label_smoothing and not self.has_hard_labels:
            problems.append("label_smoothing: smooths hard labels, whose hard_weight is 0")
        methods = [("method", self.method.name, self.method.params)]
        methods += [(f"terms.{term.name}", term.method, term.params) for term in self.terms]
        for path, method, params in methods:
            if reason := misfit(method, self.student.name, params):
                problems.append(f"{path}: {reason}")
        if self.transfer == "log" and any(method == "label_aware" for _, method, _ in methods):
            problems.append(
                "transfer: Label-aware weighs soft labels by hard ones, and the log has none; "
                "choose train or train+log"
            )
        if [method for _, method, _ in methods].count("residual") > 1:
            problems.append("terms: a student has one assistant, so residual stands once")
        check(problems + self._problems_of_teacher() + self._problems_of_shards())
        object.__setattr__(self, "training", self.training.suited_to(self.student))

    @cached_property
    def teaching(self) -> TeacherConfig:
        """Who teaches, read from the text of `teacher`."""
        return TeacherConfig.parse(self.teacher)

    def _problems_of_teacher(self) -> list[str]:
        try:
            teaching = self.teaching
        except ConfigError as error:
            return list(error.problems)
        problems = self.order.problems(self.transfer, teaching)
        terms = self.soft_terms.values()
        kind, knobs = teaching.kind, teaching.params
        reasons = (teacher_misfit(kind, term.method, term.params, knobs) for term in terms)
        return [*problems, *(f"teacher: {reason}" for reason in reasons if reason)]

    def _problems_of_shards(self) -> list[str]:
        """What cannot be learned from one shard after another."""
        if not self.from_shards:
            return []
        problems = []
        if "log" not in self.transfer.split("+"):
            problems.append("from_shards: transfer is train, and shards hold the log; choose log")
        if not self._problems_of_teacher() and self.teaching.kind != "run":
            problems.append("from_shards: shards hold the logits of one run; name a run as teacher")
        if inside := self.reads - {"logits"}:
            fields = ", ".join(sorted(inside))
            problems.append(f"from_shards: shards hold logits only, and a term reads {fields}")
        if self.compares_lists:
            problems.append(
                "from_shards: a term compares the ads of a query, which may lie in several shards; "
                "choose terms that compare no ads"
            )
        if self.order.kind != MIXED:
            problems.append(
                f"from_shards: the order {self.order.kind} needs all pairs at once; choose mixed"
            )
        return problems

    @property
    def leaves_log_out(self) -> bool:
        """Shards are read one by one."""
        return self.from_shards

    @property
    def transfer_in_memory(self) -> str:
        """The splits that are learned from, or what stands for them beside a log in shards."""
        if not self.from_shards:
            return self.transfer
        return "train" if "train" in self.transfer else "validation"

    @cached_property
    def soft_terms(self) -> dict[str, TermConfig]:
        """Every term that reads the teacher, by the name of its curve; the first is soft."""
        name, params = self.method.name, self.method.params
        first = TermConfig(name=name, weight=self.soft_weight, params=params)
        return {"soft": first, **{term.name: term for term in self.terms}}

    @cached_property
    def residual(self) -> ResidualParams | None:
        """The knobs of its term with an assistant; None where it has none."""
        return next((t.params for t in self.soft_terms.values() if t.method == "residual"), None)

    @cached_property
    def assistant(self) -> ModelConfig | None:
        """The assistant that learns what the student misses and stays beside it."""
        return None if self.residual is None else assistant_of(self.student, self.residual)

    @property
    def has_hard_labels(self) -> bool:
        """Whether the hard labels have a weight at some step."""
        return self.hard_weight > 0 or any(each.name == "hard" for each in self.schedules)

    def _problems_of_schedules(self) -> list[str]:
        curves = ["soft", *(term.name for term in self.terms), "hard"]
        methods = [self.method.name, *(term.method for term in self.terms)]
        problems = []
        for schedule in self.schedules:
            path = f"schedules.{schedule.name}"
            if schedule.name == "temperature":
                if not any(method_entry(name).softens for name in methods):
                    problems.append(
                        f"{path}: no term has soft labels, so there is no temperature to change; "
                        "remove this schedule"
                    )
            elif schedule.name not in curves:
                problems.append(f"{path}: no such term; it is one of {', '.join(curves)}")
        return problems

    @cached_property
    def reads(self) -> frozenset[str]:
        """The fields of Outputs that its terms read."""
        terms = self.soft_terms.values()
        return frozenset().union(*(method_entry(t.method).reads(t.params) for t in terms))

    @cached_property
    def compares_lists(self) -> bool:
        """Whether a term compares the ads of a query, which must then meet in a batch."""
        return any(method_entry(term.method).lists for term in self.soft_terms.values())
