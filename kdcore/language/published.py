"""Measure DistilBERT on the bundled world: what a student keeps of its teacher, at which cost.

The same three claims as the paper's (Sanh et al. 2019, arXiv:1910.01108), measured on small models:
a BERT learns the world's texts, a DistilBERT of half its layers learns from it, and both are
fine-tuned on the same labelled pairs.
"""

import hashlib
import json
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdcore import lab
from kdcore.config import FinetuneConfig, ModelConfig, TrainingConfig
from kdcore.evaluation.intervals import draws_of
from kdcore.evaluation.measures import Measured
from kdcore.evaluation.measures import measure as measured
from kdcore.language.ablation import FULL, PRESETS, Cell, cells, train_all
from kdcore.language.corpus import Corpus, sources
from kdcore.language.execution import Watch
from kdcore.language.measure import RESAMPLES, Fills, Share, accuracy, difference, fills, share_kept
from kdcore.language.model import MaskedModel
from kdcore.language.plan import StudentPlan, TeacherPlan
from kdcore.language.runs import MaskedRun
from kdcore.language.train import trained
from kdcore.metrics.significance import Support, interval
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.runs.store import Run
from kdcore.training.devices import use_threads
from kdcore.workspace import Workspace, write_json_atomic

COMMAND = "kdlab masked measure"
TIMED, WARM_UP = 300, 20  # texts that each model reads one by one; those before the clock starts
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is trained.

    pairs: labelled ones that both models are fine-tuned on, with equal settings.
    """

    teacher: TeacherPlan
    student: StudentPlan
    seeds: tuple[int, ...]
    pairs: int
    tuning: TrainingConfig

    @property
    def key(self) -> str:
        """12 hex digits that change when another study would."""
        text = json.dumps([self.teacher.to_dict(), self.student.to_dict(), str(self)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def workspace(self, parent: Workspace) -> Workspace:
        """Where its models are, so that a stopped measurement goes on."""
        return Workspace(parent.cache_folder(f"distilbert-{self.key}"))


_WORLD: dict[str, Any] = {
    "data": "world",
    "batch_size": 32,
    "smoothing": 0.0,  # the fastest start on these texts
    "device": "cpu",
    "threads": 1,
}
STUDY = Study(
    teacher=TeacherPlan(
        layers=4, hidden=96, vocabulary=1000, steps=4500, learning_rate=3e-3, **_WORLD
    ),
    student=StudentPlan(teacher="teacher", layers=2, steps=600, learning_rate=1.5e-3, **_WORLD),
    seeds=(0, 1, 2),
    pairs=4000,
    tuning=TrainingConfig(epochs=3, batch_size=32, learning_rate=1e-3),
)


def measure(out: Path, workspace: Workspace, watch: Watch, study: Study = STUDY) -> dict[str, Any]:
    """Train what is missing, measure everything, write the result to a file and return it."""
    work = study.workspace(workspace)
    teacher = trained("teacher", study.teacher, work, watch)
    full = cells(study.student, {FULL: {}}, study.seeds, "student", work)
    others = {name: change for name, change in PRESETS["ablation"].items() if name != FULL}
    ablation = cells(study.student, others, study.seeds[:1], "student", work)
    for _ in train_all([*full, *ablation], work, watch):
        pass
    runs = {"teacher": [teacher] * len(study.seeds), "student": [each.run for each in full]}
    tuned = {
        role: [_tuned(study, work, role, m, s, watch) for m, s in zip(of, study.seeds, strict=True)]
        for role, of in runs.items()
    }
    with use_threads(1):
        card = {
            "command": COMMAND,
            "made": time.strftime("%Y-%m-%d", time.gmtime()),
            **{name: version(name) for name in ("kdlab", "torch", "transformers")},
            "machine": f"{platform.machine() or 'CPU'}, {os.cpu_count()} cores, 1 thread used",
            "teacher": study.teacher.to_dict(),
            "student": study.student.to_dict(),
            "seeds": study.seeds,
            "pairs": study.pairs,
            "tuning": {name: getattr(study.tuning, name) for name in _TUNING},
            **_compare(study, teacher, full, ablation, work),
            "roc_auc": _areas(tuned),
            "curves": full[0].run.metrics(),
        }
    write_json_atomic(out, card)
    return card


_TUNING = ("epochs", "batch_size", "learning_rate")


def _tuned(
    study: Study, work: Workspace, role: str, model: MaskedRun, seed: int, watch: Watch
) -> Run:
    """A masked-word model fine-tuned on labelled pairs, as the lab tunes any pretrained encoder."""
    title = f"{role}, seed {seed}"
    config = FinetuneConfig(
        data=study.teacher.data,
        model=ModelConfig(name="checkpoint", checkpoint=str(model.model_folder)),
        limit=study.pairs,
        seed=seed,
        device=study.teacher.device,
        threads=study.teacher.threads,
        training=study.tuning,
    )
    run = next((r for r in lab.store(work).list() if r.title == title), None)
    run = run or lab.create(config, work, title)
    if run.status().state != "finished":
        watch(f"fine-tune {title}", run)
        lab.execute(run, work)
    return run


def _compare(
    study: Study, teacher: MaskedRun, full: list[Cell], ablation: list[Cell], work: Workspace
) -> dict[str, Any]:
    """Masked-word accuracy, size and speed of the models, and the ablation's table."""
    model = MaskedModel.load(teacher.model_folder)
    unseen = Corpus.of(
        sources(study.teacher, work)[1], WordPiece(model.tokenizer), torch.device("cpu")
    )
    nets = [MaskedModel.load(each.run.model_folder).net for each in (*full, *ablation)]
    theirs, answers = fills(model.net, unseen), [fills(net, unseen) for net in nets]
    ours = answers[: len(full)]
    rows = zip((full[0], *ablation), (ours[0], *answers[len(full) :]), strict=True)
    return {
        "masked_words": {
            "texts": len(unseen.ids),
            "teacher": accuracy(theirs),
            "student": accuracy(ours[0]),
            "kept": share_kept(ours, [theirs]),
            "seeds": [share_kept([each], [theirs]).value for each in ours],
        },
        "ablation": [_row(cell, each, ours[0], theirs) for cell, each in rows],
        "weights": {
            "teacher": model.net.base_model.num_parameters(),
            "student": nets[0].base_model.num_parameters(),
        },
        "latency": _latency(model.net, nets[0], unseen),
    }


def _row(cell: Cell, answers: Fills, full: Fills, teacher: Fills) -> dict[str, Any]:
    return {
        "change": cell.change,
        "curves": sorted(set(cell.run.metrics()[-1]) & {"soft", "mlm", "cosine"}),
        "accuracy": accuracy(answers),
        "kept": share_kept([answers], [teacher]),
        "difference": difference(answers, full),
    }


def _areas(tuned: dict[str, list[Run]]) -> dict[str, Any]:
    """ROC-AUC on the test pairs after fine-tuning: means over seeds, and what is kept of it."""
    pairs = lab.split_of(tuned["student"][0], "test")
    models = [measured(pairs, lab.predictions(run)) for runs in tuned.values() for run in runs]
    seeds = len(tuned["teacher"])
    values = np.array([[float(model.value_of("roc_auc")[0]) for model in models]])
    draws = draws_of(models, "roc_auc", RESAMPLES)
    shares = [
        _share(columns, models[0])
        for columns in zip(_columns(values, seeds), _columns(draws, seeds), strict=True)
    ]
    names = ("teacher", "student", "kept", "kept_above_chance")
    each = dict(zip(tuned, np.split(values[0], 2), strict=True))
    seed_values = {role: area.tolist() for role, area in each.items()}
    return {**dict(zip(names, shares, strict=True)), "seeds": seed_values}


def _columns(values: Floats, seeds: int) -> list[Floats]:
    """Teacher, student, student / teacher and the same above 0.5, from (rows, models) areas."""
    teacher, student = values[:, :seeds].mean(axis=1), values[:, seeds:].mean(axis=1)
    return [teacher, student, student / teacher, (student - 0.5) / (teacher - 0.5)]


def _share(columns: tuple[Floats, Floats], model: Measured) -> Share:
    value, draws = columns
    low, high = interval(draws[:, None], value, Support.whole(model.queries))
    return Share(float(value[0]), float(low[0]), float(high[0]), model.count("roc_auc"))


@torch.inference_mode()
def _latency(teacher: Any, student: Any, corpus: Corpus) -> dict[str, Any]:
    """Milliseconds from ids to logits of one text at a time, both models in turns.

    Counted in CPU time of this process, so that a busy machine does not count.
    """
    rows = torch.randperm(len(corpus.ids), generator=torch.Generator().manual_seed(0))
    seconds = np.zeros((TIMED, 2))
    for place in range(-WARM_UP, TIMED):
        ids, types = corpus.rows(rows[place % len(rows)][None])
        for column, net in enumerate((teacher, student)):
            typed = {"token_type_ids": types} if net.config.model_type == "bert" else {}
            began = time.process_time()
            net(input_ids=ids, attention_mask=torch.ones_like(ids), **typed)
            if place >= 0:
                seconds[place, column] = time.process_time() - began
    rng = np.random.default_rng(0)
    draws = seconds[rng.integers(0, TIMED, size=(RESAMPLES, TIMED))]
    medians = np.median(draws, axis=1)
    value = np.median(seconds, axis=0)
    low, high = np.quantile(medians[:, 0] / medians[:, 1], (0.025, 0.975))
    timing = {
        name: {"p50_ms": 1000 * p50, "p95_ms": 1000 * p95}
        for name, p50, p95 in zip(
            ("teacher", "student"), value, np.quantile(seconds, 0.95, axis=0), strict=True
        )
    }
    speedup = Share(float(value[0] / value[1]), float(low), float(high), TIMED)
    return {**timing, "speedup": speedup}
