"""Deep mutual learning: students learn from the labels and from each other's soft labels.

Zhang et al. 2018 (arXiv:1706.00384): the loss of student k is the hard loss plus the mean of the
soft losses towards each other student. Ours: all move at once, from the same predictions, so that
none is ahead of another, whichever order the paper has within a step (it was not read).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from kdcore.catalog import student_entry
from kdcore.config import DistillConfig, StageConfig, TeacherConfig, to_dict
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.models.build import new_model
from kdcore.objectives.base import shape_of, weighted_sum
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.outputs import Outputs
from kdcore.recipes.terms import Terms
from kdcore.runs.loss_terms import read_made, write_made
from kdcore.runs.purpose import Purpose
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.training.checks import starting_model
from kdcore.training.loop import Batches, training_batches
from kdcore.training.order import Order
from kdcore.training.ranks.group import ALONE, Group
from kdcore.training.session import Session


@dataclass(frozen=True)
class Learner:
    """A run that is trained and the one who writes it; peers are several of them."""

    config: StageConfig
    run: Run
    writer: RunWriter


@contextmanager
def all_learners(config: StageConfig, run: Run, writer: RunWriter) -> Iterator[list[Learner]]:
    """The learner of a run, whose writer is open, and its peers, whose writers end with the block.

    The peers' runs are created before the first step and found again afterwards.
    """
    with ExitStack() as stack:
        peers = peers_of(config, run)
        for peer in peers:
            stack.enter_context(peer.writer)
        yield [Learner(config, run, writer), *peers]


def peers_of(config: StageConfig, run: Run) -> list[Learner]:
    """The peers that learn beside a run, in runs that it makes the first time."""
    if not isinstance(config, DistillConfig) or not config.teaching.students:
        return []
    configs, store = peer_configs(config), RunStore(run.folder.parent)
    if not (names := read_made(run.folder)):
        purpose = Purpose(group=run.purpose.group, role="student")
        for number, each in enumerate(configs, start=1):
            title = f"{run.shown_title}: peer {number}"
            peer = store.create(to_dict(each), title=title, purpose=purpose)
            write_made(peer.folder, [], leader=run.id)
            names = (*names, peer.id)
        write_made(run.folder, names)
    peers = [store.get(name) for name in names]
    return [Learner(own, peer, peer.write()) for own, peer in zip(configs, peers, strict=True)]


def peer_configs(config: DistillConfig) -> list[DistillConfig]:
    """The config of each peer: its own student and seed, and the others as its peers.

    The step size is what suits it, unless another than the usual one was set for the first.
    """
    training, students = config.training, [config.student, *config.teaching.students]
    usual = student_entry(config.student.name).training["learning_rate"]
    configs = []
    for place, student in enumerate(students[1:], start=1):
        rate = training.learning_rate
        if rate == usual:
            rate = student_entry(student.name).training["learning_rate"]
        others = tuple(each.spec for each in students[:place] + students[place + 1 :])
        peer = replace(
            config,
            student=student,
            seed=config.seed + place,
            teacher=TeacherConfig(kind="peer", names=others).text,
            training=replace(training, learning_rate=rate),
        )
        configs.append(peer)
    return configs


def learn_together(
    learners: Sequence[Learner],
    pairs: PairTable,
    group: Group = ALONE,
    batches: Batches = training_batches,
) -> str:
    """Train all students on the transfer set; the first leads: its run sets batches and steps.

    Returns why the training ended before its last step; empty when it did not.
    """
    config = learners[0].config
    assert isinstance(config, DistillConfig)
    transfer = transfer_set(pairs, config.transfer)
    sessions = [_session(each, transfer, pairs, group, config) for each in learners]
    first = sessions[0]
    first.lead(sessions[1:])
    terms = _terms(config, sessions, transfer)
    grades = first.tensor(transfer.grades)
    queries = first.tensor(first.pairs.encoded.query_of)
    scales = dict.fromkeys(terms.of_lists, first.list_mean)

    for rows, batch in batches(first):
        index = first.tensor(rows)
        shares = [batch, *(peer.share(first.batch_rows)[1] for peer in first.peers)]
        answers = [each.model(share) for each, share in zip(sessions, shares, strict=True)]
        lessons = [_lesson(each, queries[index], grades[index]) for each in answers]
        mix = terms.at(first.progress.step, first.total_steps, first.steps_per_epoch)
        for k, (session, own) in enumerate(zip(sessions, answers, strict=True)):
            others = [lesson for place, lesson in enumerate(lessons) if place != k]
            loss, parts = _mean([weighted_sum(mix.terms, own, other, scales) for other in others])
            if config.has_hard_labels:
                hard = hard_cross_entropy(own.logits, grades[index], config.label_smoothing)
                parts["hard"] = first.labelled_mean(hard, transfer.grades)
                loss = loss + mix.hard_weight * parts["hard"]
            session.step(loss, parts | {n: loss.new_tensor(v) for n, v in mix.changing.items()})
    return first.message


def _session(
    learner: Learner, transfer: PairTable, pairs: PairTable, group: Group, first: DistillConfig
) -> Session:
    config, run = learner.config, learner.run
    assert isinstance(config, DistillConfig)
    size = first.training.batch_size  # smaller than its own while the memory is tried
    config = replace(config, training=replace(config.training, batch_size=size))
    source = starting_model(config.student, RunStore(run.folder.parent), transfer)
    student = new_model(config.student, transfer, config.seed, source)
    validation = pairs.split("validation").labelled()
    order = Order.of(config, transfer, None)
    return Session(
        student, config, transfer, validation, run, learner.writer, order=order, group=group
    )


def _terms(config: DistillConfig, sessions: Sequence[Session], transfer: PairTable) -> Terms:
    """The terms, which read logits only: one set serves every two students."""
    first, rows = sessions[0], np.arange(min(2, len(transfer)))
    with torch.no_grad():
        batch = first.model.batch(first.pairs.encoded, rows).to(first.device)
        shape = shape_of(first.model.eval()(batch))
    shape = replace(shape, relevant_from=transfer.scheme.relevant_from)
    return Terms(config, shape, shape)


def _lesson(outputs: Outputs, queries: Tensor, grades: Tensor) -> Outputs:
    """What a student tells the others: its logits, without a gradient."""
    logits, features = outputs.logits.detach(), outputs.features.detach()
    return Outputs(logits, features, queries=queries, grades=grades)


def _mean(losses: Sequence[tuple[Tensor, dict[str, Tensor]]]) -> tuple[Tensor, dict[str, Tensor]]:
    """The mean of losses towards several others, and of their parts."""
    parts = {name: torch.stack([p[name] for _, p in losses]).mean() for name in losses[0][1]}
    return torch.stack([loss for loss, _ in losses]).mean(), parts
