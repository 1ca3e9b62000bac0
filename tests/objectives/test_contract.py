"""One contract fits seven methods: a toy of each kind trains the student and never its teacher."""

import copy
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kdcore.config import ModelConfig
from kdcore.knobs import problems_of
from kdcore.metrics.similarity import linear_cka, rsa
from kdcore.models.build import new_model
from kdcore.models.predict import predict_table
from kdcore.objectives.base import Shape, Term, make_objective, shape_of, weighted_sum
from kdcore.objectives.params import (
    FeatureParams,
    InternalParams,
    RankingParams,
    RelationParams,
    ResponseParams,
)
from kdcore.outputs import Outputs
from kdcore.teachers.cached import CachedTeacher
from kdcore.teachers.live import LiveTeacher

CPU = torch.device("cpu")
ROWS = np.array([2, 0, 7, 5, 11, 3])
QUERIES = torch.tensor([1, 0, 0, 1, 0, 1])
INSIDE = frozenset({"cls_states", "hidden_states", "attentions", "projections"})
SHAPES = (
    Shape(4, 16, layers=3, hidden=16, heads=2, relevant_from=2),
    Shape(4, 24, layers=5, hidden=24, heads=2, relevant_from=2),
)
RESPONSE = make_objective("response", ResponseParams(), Shape(4, 16), Shape(4, 16))


def knobs(method: str, **more):
    """An objective between the student and the live teacher of these tests."""
    kind = {
        "feature": FeatureParams,
        "internal": InternalParams,
        "relation": RelationParams,
        "ranking": RankingParams,
    }[method]
    return make_objective(method, kind(**more), *SHAPES)


class Residual(nn.Module):
    """An assistant that learns what the student's logits miss."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.assistant = nn.Linear(features, classes)

    def forward(self, student: Outputs, teacher: Outputs) -> torch.Tensor:
        missing = teacher.logits - student.logits.detach()
        return F.mse_loss(self.assistant(student.features), missing)


class Peer:
    """Deep mutual learning: a peer answers, then learns from the student in its turn."""

    def __init__(self, model, student, encoded) -> None:
        self.model, self.student, self.encoded = model, student, encoded
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        self.batch = None

    def __call__(self, rows, batch) -> Outputs:
        self.batch = batch
        with torch.no_grad():
            return self.model(self.model.batch(self.encoded, rows))

    def after_step(self, step) -> None:
        with torch.no_grad():
            lesson = self.student(self.batch)
        RESPONSE(self.model(self.batch), lesson).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()


class Snapshot:
    """Born-again: the teacher is an earlier generation of the student."""

    def __init__(self, student, encoded, every: int) -> None:
        self.student, self.encoded, self.every = student, encoded, every
        self.model = copy.deepcopy(student)

    def __call__(self, rows, batch) -> Outputs:
        with torch.no_grad():
            return self.model(self.model.batch(self.encoded, rows))

    def after_step(self, step) -> None:
        if step % self.every == 0:
            self.model = copy.deepcopy(self.student)


def bert(pairs, layers: int, hidden: int, seed: int):
    params = {"layers": layers, "hidden": hidden, "heads": 2, "dropout": 0.0, "ad_tokens": 24}
    return new_model(ModelConfig(name="bert", params=params), pairs, seed=seed)


@pytest.fixture
def student(pairs4):
    return bert(pairs4, layers=2, hidden=16, seed=1).train()


@pytest.fixture
def live(pairs4):
    """A deeper, wider teacher with everything inside it."""
    model = bert(pairs4, layers=4, hidden=24, seed=2).eval()
    return LiveTeacher(model, model.read(pairs4), CPU, INSIDE)


def learn(student, pairs, terms, teacher) -> dict[str, torch.Tensor]:
    batch = student.batch(student.read(pairs), ROWS)
    lesson = replace(teacher(ROWS, batch), queries=QUERIES)
    total, parts = weighted_sum(terms, student(batch, INSIDE), lesson)
    total.backward()
    return parts


def moved(module) -> bool:
    return any(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        ("response", RESPONSE),
        ("feature", knobs("feature")),
        ("tokens", knobs("feature", on="tokens", layers="skip", loss="cosine")),
        ("internal", knobs("internal")),
        ("minilm", knobs("internal", loss="minilm")),
        ("relation", knobs("relation")),
        ("ranking", knobs("ranking")),
        ("residual", Residual(16, 4)),
    ],
)
def test_each_kind_of_objective_moves_the_student_and_never_the_teacher(
    name, objective, student, live, pairs4
):
    parts = learn(student, pairs4, [Term(name, objective, 0.5)], live)
    assert torch.isfinite(parts[name])
    assert parts[name].shape == ()
    assert moved(student)
    assert not moved(live.model)
    if list(getattr(objective, "parameters", tuple)()):
        assert moved(objective)


def test_an_internal_objective_reaches_the_layers_below(student, live, pairs4):
    learn(student, pairs4, [Term("internal", knobs("internal"), 1.0)], live)
    first = student.encoder.encoder.layer[0].attention.self.query.weight.grad
    assert first.abs().sum() > 0
    assert student.net.classifier.weight.grad is None  # it reads no logits


def test_all_kinds_can_be_summed_and_parts_stay_unweighted(student, live, pairs4):
    objectives = {
        "response": RESPONSE,
        "feature": knobs("feature"),
        "internal": knobs("internal"),
        "relation": knobs("relation"),
        "residual": Residual(16, 4),
    }
    terms = [Term(n, o, weight) for weight, (n, o) in enumerate(objectives.items(), start=1)]
    batch = student.batch(student.read(pairs4), ROWS)
    mine, theirs = student(batch, INSIDE), live(ROWS, batch)
    total, parts = weighted_sum(terms, mine, theirs)
    torch.testing.assert_close(total, sum(t.weight * parts[t.name] for t in terms))
    for name, objective in objectives.items():
        torch.testing.assert_close(parts[name], objective(mine, theirs))


def test_a_term_without_weight_teaches_nothing_but_is_still_measured(student, live, pairs4):
    parts = learn(student, pairs4, [Term("soft", RESPONSE, 0.0)], live)
    assert parts["soft"] > 0
    assert not moved(student)


def test_no_term_at_all_is_a_loss_of_zero(student, live, pairs4):
    batch = student.batch(student.read(pairs4), ROWS)
    total, parts = weighted_sum([], student(batch), live(ROWS, batch))
    assert (total.item(), parts) == (0, {})


def test_student_and_live_teacher_line_up_token_by_token(student, live, pairs4):
    """Same tokenizer, same rows: the maps can be compared place by place."""
    batch = student.batch(student.read(pairs4), ROWS)
    mine, theirs = student(batch, INSIDE), live(ROWS, batch)
    assert torch.equal(mine.mask, theirs.mask)
    assert mine.attentions[0].shape == theirs.attentions[0].shape
    assert (len(mine.attentions), len(theirs.attentions)) == (2, 4)
    shapes = tuple(replace(shape_of(side), relevant_from=2) for side in (mine, theirs))
    assert shapes == SHAPES


def test_a_peer_and_its_student_learn_from_each_other(student, pairs4):
    peer = bert(pairs4, layers=2, hidden=16, seed=3).train()
    encoded = student.read(pairs4)
    teacher = Peer(peer, student, encoded)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.5)
    before, gaps = copy.deepcopy((student, peer)), []
    for step in range(1, 6):
        parts = learn(student, pairs4, [Term("soft", RESPONSE, 1.0)], teacher)
        assert not moved(peer)
        optimizer.step()
        optimizer.zero_grad()
        teacher.after_step(step)
        assert not moved(student)
        gaps.append(parts["soft"].item())
    assert gaps[-1] < gaps[0]
    for old, new in zip(before, (student, peer), strict=True):
        assert not torch.equal(old.net.classifier.weight, new.net.classifier.weight)


def test_a_snapshot_teaches_an_earlier_generation(student, pairs4):
    teacher = Snapshot(student, student.read(pairs4), every=2)
    with torch.no_grad():
        student.net.classifier.bias.add_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    first = learn(student, pairs4, [Term("soft", RESPONSE, 1.0)], teacher)["soft"]
    teacher.after_step(1)
    same = learn(student, pairs4, [Term("soft", RESPONSE, 1.0)], teacher)["soft"]
    teacher.after_step(2)
    none = learn(student, pairs4, [Term("soft", RESPONSE, 1.0)], teacher)["soft"]
    assert first.item() == pytest.approx(same.item())
    assert first > 0.01
    assert none.item() == pytest.approx(0, abs=1e-6)
    assert not moved(teacher.model)


def test_a_cached_teacher_serves_response_feature_relation_and_residual(student, live, pairs4):
    kept = CachedTeacher.of(predict_table(live.model, pairs4, CPU, name="teacher"), CPU)
    for objective in (RESPONSE, knobs("feature"), knobs("relation"), Residual(16, 4)):
        student.zero_grad()
        learn(student, pairs4, [Term("one", objective, 1.0)], kept)
        assert moved(student)


def test_distillation_brings_a_student_to_its_teacher(student, live, pairs4):
    """A few steps on one batch: the gap must all but close."""
    optimizer = torch.optim.AdamW(student.parameters(), lr=5e-3)
    gaps = []
    for _ in range(25):
        parts = learn(student, pairs4, [Term("soft", RESPONSE, 1.0)], live)
        optimizer.step()
        optimizer.zero_grad()
        gaps.append(parts["soft"].item())
    assert gaps[-1] < 0.2 * gaps[0]


@pytest.mark.parametrize("method", ["feature", "relation"])
def test_the_students_features_come_to_resemble_the_teachers(student, live, pairs4, method):
    """CKA and RSA rise with these objectives, which is what they promise; logits do not ask."""
    objective = knobs(method, loss="cosine") if method == "feature" else knobs(method)
    weights = [*student.parameters(), *getattr(objective, "parameters", tuple)()]
    optimizer = torch.optim.AdamW(weights, lr=5e-3)
    batch = student.batch(student.read(pairs4), np.arange(16))
    theirs = live(np.arange(16), batch)

    def alike() -> tuple[float, float]:
        with torch.no_grad():
            mine = student(batch).features.numpy()
        return linear_cka(mine, theirs.features.numpy()), rsa(mine, theirs.features.numpy())

    before = alike()
    for _ in range(30):
        objective(student(batch), theirs).backward()
        optimizer.step()
        optimizer.zero_grad()
    after = alike()
    assert after[0] > before[0] + 0.05
    assert after[1] > before[1] + 0.05


@pytest.mark.parametrize("kind", [FeatureParams, InternalParams, RankingParams, RelationParams])
def test_every_knob_is_explained_and_its_default_is_inside_its_range(kind):
    assert problems_of(kind()) == []
    assert all(knob.metadata["help"] for knob in fields(kind))
