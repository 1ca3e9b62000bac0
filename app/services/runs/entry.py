"""A run of the demo or of the visitor as the list of runs shows it."""

from dataclasses import dataclass

from app.kit.by_hash import by_hash
from kdcore.experiments.command_line import model_of
from kdcore.runs.listing import Row
from kdcore.runs.loss_terms import KINDS
from kdcore.runs.marks import Mark
from kdcore.runs.store import Run


@dataclass(frozen=True)
class Entry:
    """A run as the page knows it. key: what links say; mine: whether it may be changed here."""

    key: str
    row: Row
    mine: bool
    title: str
    role: str  # teacher, student, twin or muted: its color
    group: str  # short mark that a student and its twin, or the cells of a sweep, share
    mark: Mark

    @property
    def student(self) -> str:
        """The model's short name, as the command line takes it."""
        return _model_text(self.row.run)

    @property
    def scoring(self) -> bool:
        """Whether it only scored pairs with a model that another run trained."""
        return self.row.run.is_scoring

    @property
    def method(self) -> str:
        """How it learned, in a word or two."""
        run = self.row.run
        by_stage = {"pretrain": "pretrained", "finetune": "labels only", "teach": "its own head"}
        by_stage["multitask"] = "several tasks"
        return run.method or by_stage.get(run.stage, run.stage)

    @property
    def family(self) -> str:
        """Its kind of distillation, or teacher: a key of KINDS; "" where nothing was trained."""
        return "teacher" if self.role == "teacher" else self.row.run.family

    @property
    def family_title(self) -> str:
        """The same in words."""
        return KINDS.get(self.family, "")

    def value(self, metric: str) -> float:
        """A test metric, nan without one."""
        measured = self.row.test.metrics.get(metric)
        return measured.value if measured else float("nan")


@by_hash(most=4096)
def _model_text(run: Run) -> str:
    return model_of(run.model)
