"""The lab's own recipes, as they are: only the tokenizer is given, so that tables are alike."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from data import AD_TOKENS, PAD_PAIR, QUERY_TOKENS, VOCABULARY, Job
from measure import Pace
from peers import Student, Teacher, apart_items, pad_apart, pad_together, together_items
from scipy.stats import spearmanr
from torch import Tensor

from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    MethodConfig,
    ModelConfig,
    TrainingConfig,
    to_dict,
)
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Rows
from kdcore.models.bert import CrossEncoder
from kdcore.models.build import load_model, new_model
from kdcore.models.predict import predict_table
from kdcore.models.twinbert import TwinBert
from kdcore.predictions import Predictions
from kdcore.recipes import distill, finetune
from kdcore.runs.store import Run, RunStore
from kdcore.teachers.cached import TeacherPredictions
from kdcore.training.loop import Batches, training_batches
from kdcore.training.session import Session

RATE = 1e-4
CUT = {"query_tokens": QUERY_TOKENS, "ad_tokens": AD_TOKENS, "vocabulary": VOCABULARY}
STUDENT = ModelConfig(name="twinbert_cos", params={**CUT, "pooling": "cls", "head": "half_cosine"})
_MINI = {**CUT, "layers": 4, "hidden": 256, "heads": 4, "overlap": False}
TEACHER = ModelConfig(name="bert", params=_MINI)
CPU = torch.device("cpu")


def distill_ours(job: Job, pace: Pace) -> None:
    """recipes/distill.py on the same student, cached teacher and loss."""
    logits = np.stack([np.log1p(-job.taught), np.log(job.taught)], axis=1)
    answers = Predictions(logits.astype(np.float32), job.train.content_hash, "teacher")
    config = DistillConfig(
        teacher="teacher",
        student=STUDENT,
        method=MethodConfig(name="response", params={"loss": "mse_probabilities"}),
        hard_weight=0.0,
        training=_training(job, 1000),
        device="cpu",
        threads=job.threads,
    )
    with run_of(config) as (run, writer), given_tokenizer(job):
        distill.distill(
            config, job.pairs, TeacherPredictions(answers, None), run, writer, batches=paced(pace)
        )


def finetune_ours(job: Job, pace: Pace) -> None:
    """recipes/finetune.py on the same cross-encoder, MSE to 0/1."""
    config = _finetune_config(job, _training(job, 1000))
    with run_of(config) as (run, writer), given_tokenizer(job):
        finetune.finetune(config, job.pairs, run, writer, batches=paced(pace))


def score_ours(job: Job, pace: Pace) -> None:
    """As recipes/infer.py: from texts to a file of logits and features."""
    model, train = given_model(TEACHER, job).eval(), job.train
    with tempfile.TemporaryDirectory() as folder:
        while True:
            scored = predict_table(model, train, CPU, name="teacher", batch_size=job.batch)
            scored.save(Path(folder) / "train.parquet")
            pace.taken(len(train))


def rank_correlation(job: Job, pairs: int) -> float:
    """Spearman of relevance in the products that `auto` takes with fp32, a trained teacher's."""
    torch.set_num_threads(job.threads)
    table = job.pairs.limit(pairs)
    config = _finetune_config(job, TrainingConfig(epochs=1, batch_size=min(job.batch, 128)))
    with run_of(config) as (run, writer), given_tokenizer(job):
        finetune.finetune(config, table, run, writer)
        model = load_model(run.model_folder)
    scores = [
        table.scheme.relevance(_soft(predict_table(model, table, CPU, name="t", precision=p)))
        for p in ("auto", "fp32")
    ]
    return float(spearmanr(*scores).statistic)


def largest_gap(job: Job) -> dict[str, float]:
    """From equal weights, in fp32: the largest difference of a score between peers and us."""
    torch.set_num_threads(job.threads)
    with torch.no_grad():
        return {"student": _student_gap(job), "teacher": _teacher_gap(job)}


def _student_gap(job: Job) -> float:
    ours, plain = _spread(given_model(STUDENT, job)), Student(0.0).eval()
    weights = {k: v for k, v in ours.state_dict().items() if k.startswith("towers.0.bert.")}
    plain.bert.load_state_dict({k.removeprefix("towers.0.bert."): v for k, v in weights.items()})
    batch = pad_apart(apart_items(job, job.taught.tolist()), fixed=True)
    return float((_relevance(ours, job) - plain(**batch)["logits"]).abs().max())


def _spread(model: Any) -> Any:
    """Weights so large that scores differ from pair to pair; untrained ones hardly do."""
    for weight in model.parameters():
        if weight.dim() == 2:
            torch.nn.init.normal_(weight, std=0.1)
    return model.eval()


def _teacher_gap(job: Job) -> float:
    ours, plain = _spread(given_model(TEACHER, job)), Teacher(0.0, 0.0).eval()
    plain.net.load_state_dict(ours.net.state_dict())
    batch = pad_together(together_items(job, job.taught.tolist()), fixed=True)
    assert batch["pair"].shape[1] == PAD_PAIR
    return float((_relevance(ours, job) - plain(**batch)["logits"]).abs().max())


def _relevance(model: PairModel, job: Job) -> Tensor:
    found = predict_table(model, job.train, CPU, name="gap", precision="fp32")
    return torch.from_numpy(_soft(found)[:, 1])


def _soft(predictions: Predictions) -> Any:
    return torch.from_numpy(predictions.logits).softmax(dim=-1).numpy()


def _training(job: Job, epochs: int) -> TrainingConfig:
    return TrainingConfig(epochs=epochs, batch_size=job.batch, learning_rate=RATE)


def _finetune_config(job: Job, training: TrainingConfig) -> FinetuneConfig:
    return FinetuneConfig(
        model=TEACHER, loss="mse", training=training, device="cpu", threads=job.threads
    )


def given_model(config: ModelConfig, job: Job) -> Any:
    """An untrained model of the lab that reads with the job's tokenizer."""
    with given_tokenizer(job):
        return new_model(config, job.train)


@contextmanager
def given_tokenizer(job: Job) -> Iterator[None]:
    """Models read with the job's tokenizer instead of learning one of another size."""
    with (
        mock.patch.object(TwinBert, "learn_units", return_value=job.units),
        mock.patch.object(CrossEncoder, "learn_units", return_value=job.units),
    ):
        yield


def paced(pace: Pace) -> Batches:
    """The recipes' own loop, which reports each of its steps to the pace."""

    def batches(session: Session) -> Iterator[tuple[Rows, Batch]]:
        for rows, batch in training_batches(session):
            yield rows, batch
            if session.device.type == "cuda":  # which would still be at work on the step
                torch.cuda.synchronize()
            pace.taken(session.training.batch_size)

    return batches


@contextmanager
def run_of(config: Any) -> Iterator[tuple[Run, Any]]:
    """A new run of a config in a folder of its own, and its writer."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunStore(Path(folder)).create(to_dict(config))
        with run.write() as writer:
            yield run, writer
