"""The lab's families as contenders of throughput.py: its own recipe, with the job's tokenizer."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import ours
from data import Job
from measure import Pace

from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    MethodConfig,
    ModelConfig,
    TeacherConfig,
    TermConfig,
    TrainingConfig,
)
from kdcore.predictions import Predictions
from kdcore.recipes import distill, mutual
from kdcore.teachers.cached import TeacherPredictions

Terms = dict[str, tuple[str, ...]]  # beside response, by family
CACHED: Terms = {  # terms beside response, for a teacher whose logits and features are stored
    "response": (),
    "feature": ("feature",),
    "relation": ("relation",),
    "ranking": ("ranking",),
    "residual": ("residual",),  # the first half of the steps, in which the student learns
    "ema": (),  # the student's own average teaches, which costs its forward
    "online": (),  # a step trains the student and its peer
}
CROSSED: Terms = {  # the same losses as the other packages'; ensemble: the mean is computed once
    "response": (),
    "feature": ("feature",),
    "internal": ("internal",),
    "ensemble": (),
    "relation": ("relation:angle_cap=128,unit_teacher=false",),
}
STUDENT = ModelConfig(
    name="bert", params={**ours.CUT, "layers": 2, "hidden": 128, "heads": 4, "overlap": False}
)


def cached(family: str, device: str, job: Job, pace: Pace) -> None:
    """TwinBERT cosine learns from what is stored of its teacher, from its own average or a peer."""
    peer = TeacherConfig(kind="peer", names=(ours.STUDENT.spec,)).text
    who = {"ema": "ema", "online": peer}.get(family, "")
    _trained(ours.STUDENT, CACHED[family], device, job, pace, who)


def crossed(family: str, device: str, job: Job, pace: Pace) -> None:
    """BERT-2 learns from BERT-4, which runs at each step where a loss reads inside it."""
    _trained(STUDENT, CROSSED[family], device, job, pace)


def _trained(
    student: ModelConfig,
    terms: tuple[str, ...],
    device: str,
    job: Job,
    pace: Pace,
    who: str = "",
) -> None:
    """who: the teacher, as --teacher takes it, where it is no run."""
    with _teacher(job) as teacher:
        config = DistillConfig(
            teacher=who or teacher,
            student=student,
            method=MethodConfig(name="response", params={"loss": "ce"}),
            terms=tuple(map(TermConfig.parse, terms)),
            hard_weight=0.0,
            training=TrainingConfig(epochs=1000, batch_size=job.batch, learning_rate=ours.RATE),
            device=device,
            threads=job.threads,
        )
        answers = None if who else TeacherPredictions(_stored(job), None)
        with ours.run_of(config) as (run, writer), ours.given_tokenizer(job):
            if config.teaching.students:
                with mutual.all_learners(config, run, writer) as learners:
                    mutual.learn_together(learners, job.pairs, batches=ours.paced(pace))
            else:
                distill.distill(config, job.pairs, answers, run, writer, batches=ours.paced(pace))


@contextmanager
def _teacher(job: Job) -> Iterator[str]:
    """The folder of a run that holds the teacher's model."""
    with ours.run_of(FinetuneConfig(model=ours.TEACHER)) as (run, _):
        run.model_folder.mkdir()
        ours.given_model(ours.TEACHER, job).save(run.model_folder)
        yield str(run.folder)


def _stored(job: Job) -> Predictions:
    """Logits of the job's soft labels, and features as wide as the teacher's."""
    logits = np.stack([np.log1p(-job.taught), np.log(job.taught)], axis=1).astype(np.float32)
    features = np.random.default_rng(0).normal(size=(len(logits), 256)).astype(np.float32)
    return Predictions(logits, job.train.content_hash, "teacher", features=features)
