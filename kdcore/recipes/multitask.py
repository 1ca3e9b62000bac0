"""Train one encoder on several tasks: relevance by the model's own head, the others by new ones."""

import hashlib
from dataclasses import replace

import torch
from torch import Tensor

from kdcore.config import MultitaskConfig
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.data.tasks import Labels, TaskPairs, task_pairs
from kdcore.evaluation.tasks import accuracy_of, write_tasks
from kdcore.labels import RELEVANCE, TASK_PREFIX
from kdcore.models.beside.tasks import WithTasks
from kdcore.models.build import load_model, new_model
from kdcore.objectives.hard import hard_cross_entropy, hard_mse
from kdcore.predictions import Predictions
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.training.checks import starting_model
from kdcore.training.loop import Batches, training_batches
from kdcore.training.ranks.group import ALONE, Group
from kdcore.training.session import Matrix, Session

SCORED = ("validation", "test")  # the splits that a trained model is scored on


def multitask(
    config: MultitaskConfig,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    group: Group = ALONE,
    batches: Batches = training_batches,
) -> str:
    """Train on the pairs that have a label of some task, select on the graded validation pairs.

    Stores the best model with the heads beside it. Returns why the training ended before its last
    step; empty when it did not.
    """
    learned = task_pairs(pairs, config.split, config.auxiliary)
    texts = transfer_set(pairs, config.split)
    source = starting_model(config.model, RunStore(run.folder.parent), texts)
    own = new_model(config.model, texts, config.seed, source)
    model = WithTasks(own, learned.tasks, config.seed)
    session = _session(model, config, learned, pairs, run, writer, group)
    grades, labels = session.tensor(learned.pairs.grades), learned.labels
    targets = {name: session.tensor(classes) for name, classes in labels.items()}

    for rows, batch in batches(session):
        index, outputs = session.tensor(rows), model(batch)
        if config.loss == "mse":
            hard = hard_mse(outputs.logits, grades[index])
        else:
            hard = hard_cross_entropy(outputs.logits, grades[index], config.label_smoothing)
        parts = {"hard": session.labelled_mean(hard, learned.pairs.grades)}
        loss = config.weight_of(RELEVANCE) * parts["hard"]
        for name, logits in model.answers(outputs.features).items():
            each = hard_cross_entropy(logits, targets[name][index])
            each = session.counted_mean(each, labels[name] >= 0)
            parts[TASK_PREFIX + name] = each
            loss = loss + config.weight_of(name) * each
        session.step(loss, parts)
    return session.message


def _session(
    model: WithTasks,
    config: MultitaskConfig,
    learned: TaskPairs,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    group: Group,
) -> Session:
    """The session, which measures every task at each validation."""
    validation = pairs.split("validation").labelled()
    session = Session(model, config, learned.pairs, validation, run, writer, group=group)
    if group.leads:
        writer.note(learned.notes)
    if learned.tasks:  # their labels are not in the content hash of the pairs
        digest = hashlib.sha256(b"".join(each.tobytes() for each in learned.labels.values()))
        data = f"{session.progress.data_hash}-{digest.hexdigest()[:16]}"
        session.progress = replace(session.progress, data_hash=data)
    labels = {task.name: task.labels(validation) for task in learned.tasks}

    def accuracies(features: Matrix) -> dict[str, float]:
        given = torch.from_numpy(features).to(session.device)
        with torch.inference_mode():
            answers = model.eval().answers(given)
        model.train()
        return {
            f"{TASK_PREFIX}{name}": _accuracy(answers[name], labels[name])
            for name in labels
            if (labels[name] >= 0).any()
        }

    session.measure_also = accuracies
    return session


def _accuracy(logits: Tensor, labels: Labels) -> float:
    counted = labels >= 0
    return float((logits.argmax(dim=1).cpu().numpy()[counted] == labels[counted]).mean())


def measure_tasks(config: MultitaskConfig, pairs: PairTable, run: Run) -> None:
    """Write into a trained run how well it answers relevance and each task, where it was scored."""
    learned = task_pairs(pairs, config.split, config.auxiliary)
    heads = WithTasks.load_beside(load_model(run.model_folder), run.model_folder)
    by_task = {RELEVANCE: learned.pairs.grades, **learned.labels}
    measured = []
    for split in (split for split in SCORED if split in pairs.splits):
        part, scored = pairs.split(split), Predictions.load(run.predictions_path(split))
        answers = {RELEVANCE: scored.logits.argmax(axis=1)}
        labels = {RELEVANCE: part.grades} | {t.name: t.labels(part) for t in heads.tasks}
        features = torch.tensor(scored.features)
        with torch.inference_mode():
            answers |= {
                name: logits.argmax(dim=1).numpy()
                for name, logits in heads.eval().answers(features).items()
            }
        classes = {RELEVANCE: pairs.scheme.grades} | {t.name: t.classes for t in heads.tasks}
        measured += [
            accuracy_of(
                name,
                part,
                labels[name],
                answers[name],
                by_task[name],
                classes[name],
                config.weight_of(name),
            )
            for name in classes
        ]
    write_tasks(run.folder, measured)
