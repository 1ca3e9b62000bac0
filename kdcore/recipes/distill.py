"""Distill: a student learns a teacher's soft labels, and beside them the hard labels."""

import numpy as np
import torch
from torch import nn

from kdcore.catalog import method_entry, student_entry
from kdcore.config import DistillConfig
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.errors import ConfigError
from kdcore.models.base import PairModel
from kdcore.models.build import load_model, new_model
from kdcore.models.packed import product_type
from kdcore.objectives.base import Objective, Term, make_objective, shape_of, weighted_sum
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.predictions import Predictions
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.teachers.base import Teacher
from kdcore.teachers.cached import CachedTeacher, TeacherPredictions
from kdcore.teachers.live import LiveTeacher
from kdcore.training.checks import starting_model
from kdcore.training.devices import pick_device
from kdcore.training.loop import Batches, training_batches
from kdcore.training.ranks import ALONE, Group
from kdcore.training.session import Session


def distill(
    config: DistillConfig,
    pairs: PairTable,
    predictions: TeacherPredictions,
    run: Run,
    writer: RunWriter,
    group: Group = ALONE,
    batches: Batches = training_batches,
) -> str:
    """Train a student on the transfer set, for which the teacher's predictions must be.

    Returns why the training ended before its last step; empty when it did not.
    """
    transfer = transfer_set(pairs, config.transfer)
    validation = pairs.split("validation").labelled()
    predictions.transfer.require(transfer.content_hash, len(transfer))
    source = starting_model(config.student, RunStore(run.folder.parent))
    student = new_model(config.student, transfer, config.seed, source)
    teacher = _teacher(config, transfer, predictions.transfer, run)

    # what the method reads beside the logits, such as hidden states
    wants = method_entry(config.method.name).reads(config.method.params)
    objective = _objective(config, student, teacher, transfer)
    terms = [Term("soft", objective, config.soft_weight)]

    session = Session(
        student,
        config,
        transfer,
        validation,
        run,
        writer,
        extra=[objective] if isinstance(objective, nn.Module) else [],
        teacher=predictions.validation,
        group=group,
    )
    grades = session.tensor(transfer.grades)

    for rows, batch in batches(session):  # which also does what is due between two steps
        outputs = student(batch, wants)
        loss, parts = weighted_sum(terms, outputs, teacher(rows, batch))
        if config.hard_weight:  # pairs of a log have no label and add nothing
            target = grades[session.tensor(rows)]
            hard = hard_cross_entropy(outputs.logits, target, config.label_smoothing)
            parts["hard"] = session.labelled_mean(hard, transfer.grades)
            loss = loss + config.hard_weight * parts["hard"]
        session.step(loss, parts)
        teacher.after_step(session.progress.step)
    return session.message


def _objective(
    config: DistillConfig, student: PairModel, teacher: Teacher, transfer: PairTable
) -> Objective:
    """The objective of the method, which learns the sizes of both Outputs from a first batch."""
    wants = method_entry(config.method.name).reads(config.method.params)
    rows = np.arange(min(2, len(transfer)))
    with torch.no_grad():
        batch = student.batch(student.read(transfer.take(rows)), rows)
        shapes = shape_of(student.eval()(batch, wants)), shape_of(teacher(rows, batch))
    return make_objective(config.method.name, config.method.params, *shapes)


def _teacher(
    config: DistillConfig, transfer: PairTable, predictions: Predictions, run: Run
) -> Teacher:
    """The stored predictions, or the model where the method reads more than can be stored."""
    method, device = method_entry(config.method.name), pick_device(config.device)
    if method.teacher(config.method.params) == "cached":
        return CachedTeacher.of(predictions, device)
    model = load_model(RunStore(run.folder.parent).get(config.teacher).model_folder).to(device)
    entry = student_entry(model.config.name)
    needs = method.reads(config.method.params)
    if missing := needs - entry.gives:
        problem = f"{method.title} reads {', '.join(sorted(missing))}, which {entry.title} lacks"
        raise ConfigError("This teacher cannot serve this method:", [f"teacher: {problem}"])
    model.products = product_type(config.training.precision, device)
    return LiveTeacher(model, model.read(transfer), device, needs)
