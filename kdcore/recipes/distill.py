"""Distill: a student learns a teacher's answers, beside the hard labels."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from kdcore.catalog import method_entry, student_entry
from kdcore.config import DistillConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.models.build import load_model, new_model
from kdcore.models.packed import product_type
from kdcore.objectives.base import Term, make_objective, shape_of, weighted_sum
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.predictions import Predictions
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.teachers.base import CachedTeacher, LiveTeacher, Teacher
from kdcore.training.beginning import start_of, transfer_set
from kdcore.training.devices import pick_device
from kdcore.training.session import Session


def distill(
    config: DistillConfig,
    pairs: PairTable,
    teacher_predictions: Predictions,
    run: Run,
    writer: RunWriter,
    judged: Predictions | None = None,
    begin: Callable[..., Session] = Session,
) -> str:
    """Train a student on the transfer set; the teacher's predictions are those of exactly it.

    judged: its predictions on the labelled validation pairs, for those who watch. begin: makes the
    session. Returns why the training ended before its time, or nothing.
    """
    transfer = transfer_set(pairs, config.transfer)
    validation = pairs.split("validation").labelled()
    teacher_predictions.require(transfer.content_hash, len(transfer))
    student = new_model(config.student, transfer, config.seed, start_of(config.student, run))
    wants = method_entry(config.method.name).needs
    teacher = _teacher(config, transfer, teacher_predictions, run)
    few = np.arange(min(2, len(transfer)))
    with torch.no_grad():
        first = student.batch(student.read(transfer.take(few)), few)
        shapes = shape_of(student.eval()(first, wants)), shape_of(teacher(few, first))
    objective = make_objective(config.method.name, config.method.params, *shapes)
    terms = [Term("soft", objective, config.soft_weight)]
    extra = [objective] if isinstance(objective, nn.Module) else []
    with begin(student, config, transfer, validation, run, writer, extra, judged) as session:
        grades = session.tensor(transfer.grades)
        for rows, batch in session.batches():
            outputs = student(batch, wants)
            loss, parts = weighted_sum(terms, outputs, teacher(rows, batch))
            if config.hard_weight:
                target = grades[session.tensor(rows)]
                hard = hard_cross_entropy(outputs.logits, target, config.label_smoothing)
                parts["hard"] = session.labelled(hard, transfer.grades)
                loss = loss + config.hard_weight * parts["hard"]
            session.step(loss, parts)
            teacher.after_step(session.progress.step)
    return session.message


def _teacher(
    config: DistillConfig, transfer: PairTable, predictions: Predictions, run: Run
) -> Teacher:
    """The kept answers, or the model itself where the method reads more than can be kept."""
    method, device = method_entry(config.method.name), pick_device(config.device)
    if method.teacher == "cached":
        return CachedTeacher.of(predictions, device)
    model = load_model(RunStore(run.folder.parent).get(config.teacher).model_folder).to(device)
    given = student_entry(model.config.name)
    if missing := method.needs - given.gives:
        problem = f"{method.title} reads {', '.join(sorted(missing))}, which {given.title} lacks"
        raise ConfigError("This teacher cannot serve this method:", [f"teacher: {problem}"])
    model.products = product_type(config.training.precision, device)
    return LiveTeacher(model, model.read(transfer), device, method.needs)
