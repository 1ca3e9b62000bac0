"""Measure how much of a soft label must be stored: quality and bytes against k, on the world.

The teacher is that of DistilBERT's card. For each k its logits are stored, and students that start
alike learn from each store alone, by soft labels only, as the acoustic models of Parthasarathi and
Strom 2019 (arXiv:1904.01624) learn from theirs.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.language.execution import Watch, finished
from kdcore.language.measure import Fills, Share, accuracy, fills, gaps, mean_loss, share
from kdcore.language.model import MaskedModel
from kdcore.language.plan import Plan, StorePlan, StoreStudentPlan
from kdcore.language.published import STUDY as DISTILBERT
from kdcore.language.published import Study
from kdcore.language.runs import MaskedRun
from kdcore.language.topk.store import TopKStore
from kdcore.language.topk.write import write
from kdcore.language.train import trained
from kdcore.softlabels import SoftLabelStore
from kdcore.training.devices import use_threads
from kdcore.workspace import Workspace, write_json_atomic

COMMAND = "kdlab masked measure --stores"
Floats = NDArray[np.float64]
LABELS = "labels"  # the student that learns hidden words only


@dataclass(frozen=True, kw_only=True)
class StoreStudy:
    """What is stored and trained; ks: how many logits, 0 for all of them."""

    base: Study
    store: StorePlan
    student: StoreStudentPlan
    ks: tuple[int, ...] = (1, 2, 5, 20, 100, 0)


_ALIKE: dict[str, Any] = {"data": "world", "device": "cpu", "threads": 1}
STUDY = StoreStudy(
    base=DISTILBERT,
    store=StorePlan(teacher="teacher", **_ALIKE),
    student=StoreStudentPlan(
        store="of-each-k",
        steps=300,
        batch_size=32,
        learning_rate=1.5e-3,
        soft_weight=1.0,
        mlm_weight=0.0,
        temperature=1.0,
        **_ALIKE,
    ),
)


def measure(
    out: Path, workspace: Workspace, watch: Watch, study: StoreStudy = STUDY
) -> dict[str, Any]:
    """Store and train what is missing, measure everything, write it to a file and return it."""
    work = study.base.workspace(workspace)
    teacher = trained("teacher", study.base.teacher, work, watch)
    stores = {
        k: _stored(_store_name(study, k), replace(study.store, k=k), work, watch) for k in study.ks
    }
    students = {
        place: trained(_named(plan, f"of-top-{place[0] or 'all'}-{place[1]}"), plan, work, watch)
        for place, plan in _students(study).items()
    }
    with use_threads(1):
        net = MaskedModel.load(teacher.model_folder).net
        unseen, theirs = TopKStore.open(stores[study.ks[0]].store_folder).unseen(net.device)
        answers = {
            place: fills(MaskedModel.load(run.model_folder).net, unseen)
            for place, run in students.items()
        }
        lost = _lost(net, unseen, study.ks)
    card = {
        "command": COMMAND,
        "made": time.strftime("%Y-%m-%d", time.gmtime()),
        **{name: version(name) for name in ("kdlab", "torch", "transformers")},
        "teacher": study.base.teacher.to_dict(),
        "student": study.student.to_dict(),
        "texts": len(unseen.ids),
        "positions": int(stores[study.ks[0]].results["positions"]),
        "classes": int(stores[study.ks[0]].results["classes"]),
        "teacher_quality": _quality(theirs),
        "labels_quality": _quality(answers[0, LABELS]),
        "rows": [_row(k, stores[k].results, lost[k], answers, theirs) for k in study.ks],
    }
    write_json_atomic(out, card)
    return card


def _row(
    k: int,
    results: Mapping[str, Any],
    lost: tuple[Floats, Floats],
    answers: Mapping[tuple[int, str], Fills],
    theirs: Fills,
) -> dict[str, Any]:
    """What a store of k logits costs and keeps, and what its students learned."""
    mass, divergence = (share(_ratio(totals, theirs), theirs) for totals in lost)
    return {
        **{name: results[name] for name in ("k", "bytes_per_position", "bytes")},
        "kept_mass": mass if k else Share(1.0, 1.0, 1.0, mass.n),  # all of it, in every sample
        "kl": divergence,
        **{rest: _quality(answers[k, rest]) for rest in _rests(k)},
    }


def _rests(k: int) -> tuple[str, ...]:
    """The ways to treat dropped words; where all logits are stored, none is dropped."""
    return ("zero", "uniform") if k else ("uniform",)


def _named(plan: Plan, title: str) -> str:
    """A name that changes when the plan does."""
    text = json.dumps(plan.to_dict(), sort_keys=True)
    return f"{title}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def _store_name(study: StoreStudy, k: int) -> str:
    return _named(replace(study.store, k=k), f"top-{k or 'all'}")


def _students(study: StoreStudy) -> dict[tuple[int, str], StoreStudentPlan]:
    """A student for each store and each way to treat the rest, and one that has labels only."""
    plans = {
        (k, rest): replace(study.student, store=_store_name(study, k), rest=rest)
        for k in study.ks
        for rest in _rests(k)
    }
    first = plans[study.ks[0], "uniform"]
    return {**plans, (0, LABELS): replace(first, soft_weight=0.0, mlm_weight=1.0)}


def _stored(name: str, plan: StorePlan, work: Workspace, watch: Watch) -> MaskedRun:
    """The finished store of a plan, written now where it is not finished."""
    return finished(name, plan, work, watch, write)


def _lost(net: Any, unseen: Any, ks: tuple[int, ...]) -> dict[int, tuple[Floats, Floats]]:
    """By k: sums per query of the kept mass, and of KL(all logits || rebuilt, rest even)."""
    queries = int(unseen.group.max()) + 1
    lost = {k: (np.zeros(queries), np.zeros(queries)) for k in ks}
    for logits, _, group in gaps(net, unseen):
        full = logits.numpy()
        for k, (masses, divergences) in lost.items():
            mass, kl = _kept(full, k).lost(full, rest="uniform")
            np.add.at(masses, group, mass)
            np.add.at(divergences, group, kl)
    return lost


def _kept(logits: NDArray[np.float32], k: int) -> SoftLabelStore:
    return SoftLabelStore.keep(logits, k or logits.shape[1], keep_rest=True)


def _ratio(totals: Floats, answers: Fills) -> Any:
    return lambda weights: (weights @ totals) / (weights @ answers.hidden)


def _quality(answers: Fills) -> dict[str, Share]:
    """Masked-word accuracy and loss with their intervals."""
    return {"accuracy": accuracy(answers), "loss": mean_loss(answers)}
