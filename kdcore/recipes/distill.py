"""Distill: a student learns a teacher's soft labels, and beside them the hard labels."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from kdcore.catalog import STORED, method_entry, student_entry
from kdcore.config import DistillConfig
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.errors import ConfigError
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Rows
from kdcore.models.build import load_model, new_student
from kdcore.models.packed import product_type
from kdcore.objectives.base import shape_of
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.outputs import Outputs
from kdcore.recipes.answered import Answered
from kdcore.recipes.phases import Phases
from kdcore.recipes.terms import Terms
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.teachers.base import Teacher
from kdcore.teachers.cached import CachedTeacher, TeacherPredictions, teachers_of
from kdcore.teachers.ema import EmaTeacher
from kdcore.teachers.live import LiveTeacher
from kdcore.training.checks import refuse_other_tokens, starting_model
from kdcore.training.devices import pick_device
from kdcore.training.loop import Batches, training_batches
from kdcore.training.order import Order
from kdcore.training.ranks.group import ALONE, Group
from kdcore.training.session import Session


def distill(
    config: DistillConfig,
    pairs: PairTable,
    predictions: TeacherPredictions | None,
    run: Run,
    writer: RunWriter,
    group: Group = ALONE,
    batches: Batches = training_batches,
) -> str:
    """Train a student on the transfer set, for which the teacher's predictions must be.

    predictions: None where the student teaches itself. Returns why the training ended early, or "".
    """
    windows = predictions.windows if predictions else None
    transfer = windows.first.pairs if windows else transfer_set(pairs, config.transfer)
    source = starting_model(config.student, RunStore(run.folder.parent), transfer)
    student = new_student(config, transfer, source)
    outside = _teacher(config, student, transfer, predictions, run)
    terms = _terms(config, student, outside, transfer)
    session = Session(
        student,
        config,
        transfer,
        pairs.split("validation").labelled(),
        run,
        writer,
        extra=terms.modules,
        teacher=predictions.validation if predictions else None,
        order=Order.of(config, transfer, predictions.transfer if predictions else None),
        group=group,
        windows=windows,
    )
    lessons = Lessons(session, outside or _average(config, session))
    answered = Answered(session, predictions.answered if predictions else None, terms.of_lists)
    phases = Phases(config, student, terms.modules, session.total_steps)
    for rows, batch in batches(session):  # which also does what is due between two steps
        phases.enter(session.progress.step)
        outputs = student(batch, config.reads)  # the logits, and hidden states, say
        lesson, grades = lessons(rows, batch)
        mix = terms.at(session.progress.step, session.total_steps, session.steps_per_epoch)
        loss, parts = answered.weighted_sum(mix.terms, outputs, lesson, rows)
        if config.has_hard_labels:  # pairs of a log have no label and add nothing
            hard = hard_cross_entropy(outputs.logits, grades, config.label_smoothing)
            parts["hard"] = session.labelled_mean(hard, session.pairs.train.grades)
            loss = loss + mix.hard_weight * parts["hard"]
        session.step(loss, parts | {n: loss.new_tensor(v) for n, v in mix.changing.items()})
        lessons.teacher.after_step(session.progress.step)
    phases.end(session)
    return session.message


class Lessons:
    """What the teacher and the labels say about the training pairs that are in memory."""

    def __init__(self, session: Session, teacher: Teacher) -> None:
        self.session, self.teacher = session, teacher
        self._read()

    def __call__(self, rows: Rows, batch: Batch) -> tuple[Outputs, Tensor]:
        """What the teacher says about some pairs, and their grades."""
        if self.session.pairs is not self.pairs:  # the next window
            assert self.session.soft is not None
            self.teacher = CachedTeacher.of(self.session.soft, self.session.device)
            self._read()
        index = self.session.tensor(rows)
        grades = self.grades[index]
        outputs = self.teacher(rows, batch)
        return replace(outputs, queries=self.queries[index], grades=grades), grades

    def _read(self) -> None:
        self.pairs = self.session.pairs
        both = self.pairs.train.grades, self.pairs.encoded.query_of
        self.grades, self.queries = map(self.session.tensor, both)


def _average(config: DistillConfig, session: Session) -> Teacher:
    """The average of a student that teaches itself; it is made of the rows that are in use."""
    teacher = EmaTeacher(session.model, config.teaching.params.decay, config.reads)
    session.keep("average", teacher.average)
    return teacher


def _terms(
    config: DistillConfig, student: PairModel, teacher: Teacher | None, transfer: PairTable
) -> Terms:
    """The terms of the loss; their objectives learn the sizes of Outputs from a first batch.

    teacher: None where it is a copy of the student.
    """
    rows = np.arange(min(2, len(transfer)))
    with torch.no_grad():
        batch = student.batch(student.read(transfer.take(rows)), rows)
        own = student.eval()(batch, config.reads)
        outputs = own, own if teacher is None else teacher(rows, batch)
    relevant_from = transfer.scheme.relevant_from
    shapes = [replace(shape_of(each), relevant_from=relevant_from) for each in outputs]
    return Terms(config, *shapes)


def _teacher(
    config: DistillConfig,
    student: PairModel,
    transfer: PairTable,
    predictions: TeacherPredictions | None,
    run: Run,
) -> Teacher | None:
    """The stored predictions, or the model where a term reads more than can be stored.

    None where the student teaches itself.
    """
    if predictions is None:
        return None
    soft = predictions.transfer.require(transfer.content_hash, len(transfer))
    device = pick_device(config.device)
    stored, inside = CachedTeacher.of(soft, device), config.reads - STORED
    if not inside:
        return stored
    (source,) = teachers_of(run)  # an ensemble gives logits, which are stored
    model = load_model(source.model_folder).to(device)
    entry = student_entry(model.config.name)
    problems = [
        f"teacher: {method.title} reads {', '.join(sorted(missing))}, which {entry.title} lacks"
        for term in config.soft_terms.values()
        if (missing := (method := method_entry(term.method)).reads(term.params) - entry.gives)
    ]
    if problems:
        raise ConfigError("This teacher cannot serve this method:", problems)
    refuse_other_tokens(config, student, model, transfer)
    model.products = product_type(config.training.precision, device)
    return LiveTeacher(model, model.read(transfer), device, inside, stored)
