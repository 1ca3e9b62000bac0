"""A loss of several terms: each has its curve, and every family of the catalog trains a student."""

import numpy as np
import pytest

from kdcore import lab
from kdcore.catalog import METHODS
from kdcore.config import MethodConfig, ScheduleConfig, TermConfig
from kdcore.errors import ConfigError
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import assert_same_result, created, distillation, kill_before_step

SPECS = [
    "feature",
    "feature:on=tokens,layers=skip",
    "relation",
    "ranking",
    "ranking:loss=ranknet",
    "internal:heads=mix",
    "internal:loss=minilm",
    "residual:hidden=8",
    "response:loss=ce",
    "label_aware",
]


def curve(run: Run, name: str) -> list[float]:
    return [line[name] for line in run.metrics() if name in line]


@pytest.mark.parametrize("spec", SPECS)
def test_every_family_is_a_term_beside_the_first_and_falls(
    spec: str, home: Workspace, teacher: Run
) -> None:
    term = TermConfig.parse(spec)
    config = distillation(
        teacher, "bert", terms=(term,), soft_weight=0.1, hard_weight=0, epochs=8, log_every=6
    )
    run = lab.start(config, home)
    values = curve(run, term.name)  # the first step, then the mean of each epoch
    assert values[-1] < values[1]
    assert len(curve(run, "soft")) == len(values)


def test_the_loss_is_the_weighted_sum_of_its_terms(home: Workspace, teacher: Run) -> None:
    terms = (TermConfig(name="feature", weight=0.5), TermConfig(name="ranking", weight=2.0))
    config = distillation(teacher, terms=terms, soft_weight=0.25, hard_weight=0.0, epochs=1)
    run = lab.start(config, home)
    soft, feature, ranking = (curve(run, name) for name in ("soft", "feature", "ranking"))
    total = [0.25 * s + 0.5 * f + 2 * r for s, f, r in zip(soft, feature, ranking, strict=True)]
    assert curve(run, "loss") == pytest.approx(total, rel=1e-4)


def test_a_method_other_than_response_may_stand_alone(home: Workspace, teacher: Run) -> None:
    config = distillation(teacher, method=MethodConfig(name="ranking"), hard_weight=0.0, epochs=2)
    run = lab.start(config, home)
    assert curve(run, "soft")[-1] < curve(run, "soft")[0]


def test_a_loss_that_is_empty_on_two_grades_is_refused(home: Workspace, teacher: Run) -> None:
    term = TermConfig.parse("response:loss=decoupled")
    with pytest.raises(ConfigError, match="'decoupled' teaches nothing on two grades"):
        lab.start(distillation(teacher, terms=(term,)), home)


def test_a_killed_run_of_several_terms_resumes_to_the_same_bytes(
    home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = "ranking:loss=plackett_luce,samples=2"
    specs = ("feature:projection=always", orders, "internal:heads=mix")
    terms = tuple(TermConfig.parse(spec) for spec in specs)
    config = distillation(teacher, "bert", terms=terms, checkpoint_seconds=0)
    whole, cut = lab.start(config, home), created(config, home)
    kill_before_step(9, cut, home, monkeypatch)
    assert_same_result(whole, lab.resume(cut, home))


def test_labels_join_after_the_stages_of_the_inside(home: Workspace, teacher: Run) -> None:
    term = TermConfig.parse("internal:heads=mix,schedule=progressive,stage_epochs=1")
    config = distillation(teacher, "bert", terms=(term,), epochs=3, log_every=1)
    run = lab.start(config, home)
    layers = config.student.params.layers  # a stage of six steps each
    loss, soft, hard, inside = (curve(run, name) for name in ("loss", "soft", "hard", "internal"))
    stages = layers * 6
    assert loss[:stages] == pytest.approx(inside[:stages])
    assert inside[stages:] == [0.0] * len(inside[stages:])
    joined = [s + 0.1 * h for s, h in zip(soft, hard, strict=True)]
    assert loss[stages:] == pytest.approx(joined[stages:], rel=1e-4)


def test_weights_and_temperature_follow_their_schedules(home: Workspace, teacher: Run) -> None:
    schedules = tuple(
        ScheduleConfig(name=name, end=end)
        for name, end in (("soft", 0.0), ("feature", 1.0), ("temperature", 1.0))
    )
    term = TermConfig(name="feature", weight=0.0)
    config = distillation(
        teacher, terms=(term,), schedules=schedules, hard_weight=0.0, epochs=2, log_every=1
    )
    run = lab.start(config, home)
    steps = np.linspace(0, 1, 12)
    assert curve(run, "soft_weight") == pytest.approx(1 - steps)
    assert curve(run, "feature_weight") == pytest.approx(steps)
    assert curve(run, "temperature") == pytest.approx(2 - steps)
    parts = (curve(run, name) for name in ("loss", "soft", "feature"))
    loss, soft, feature = map(np.array, parts)
    assert loss == pytest.approx((1 - steps) * soft + steps * feature, rel=1e-4)


def test_stages_that_leave_no_epoch_for_the_labels_are_refused(
    home: Workspace, teacher: Run
) -> None:
    term = TermConfig.parse("internal:heads=mix,schedule=stacked,stage_epochs=9")
    with pytest.raises(ConfigError, match=r"training\.epochs: 2 end before the labels join"):
        lab.start(distillation(teacher, "bert", terms=(term,), epochs=2), home)


@pytest.mark.parametrize("spec", ["feature:on=tokens", "internal:heads=mix"])
def test_other_tokens_than_the_teacher_s_are_refused_before_the_first_step(
    spec: str, home: Workspace, teacher: Run
) -> None:
    other = "bert:layers=1,hidden=16,heads=2,vocabulary=200,query_tokens=2,ad_tokens=4"
    with pytest.raises(ConfigError, match="compares tokens, and the teacher splits texts into"):
        lab.start(distillation(teacher, other, terms=(TermConfig.parse(spec),)), home)


def test_cls_may_be_compared_whatever_the_tokens(home: Workspace, teacher: Run) -> None:
    other = "bert:layers=1,hidden=16,heads=2,vocabulary=200,query_tokens=2,ad_tokens=4"
    term = TermConfig.parse("feature:on=cls")
    run = lab.start(distillation(teacher, other, terms=(term,), epochs=1), home)
    assert curve(run, "feature")[0] > 0


def test_a_run_notes_what_a_ranking_term_cannot_learn(home: Workspace, teacher: Run) -> None:
    """The teacher of these tests has learned little: its scores are nearly flat."""
    terms = (TermConfig(name="ranking"),)
    run = lab.start(distillation(teacher, terms=terms, epochs=1), home)
    assert any("The teacher's scores spread by only" in note for note in Run.load(run.folder).notes)
    plain = lab.start(distillation(teacher, epochs=1), home)
    assert not any("spread" in note for note in Run.load(plain.folder).notes)


def test_what_compares_pairs_of_a_batch_is_refused_on_several_devices(
    home: Workspace, teacher: Run
) -> None:
    config = distillation(teacher, terms=(TermConfig(name="relation"),), device="cpu:2")
    with pytest.raises(ConfigError, match="Relation compares the pairs of a batch, which 2"):
        lab.start(config, home)


def test_every_method_of_the_catalog_is_tried_here() -> None:
    assert {TermConfig.parse(spec).method for spec in SPECS} == set(METHODS)
