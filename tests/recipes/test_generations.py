"""Born again: each generation is a run, is taught by the one before, and survives a kill."""

from dataclasses import replace

import numpy as np
import pytest

from kdcore import lab
from kdcore.config import DistillConfig, FinetuneConfig
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.errors import RunError
from kdcore.experiments.titles import title_of
from kdcore.judging.caveats import caveats
from kdcore.runs.loss_terms import read_made
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import find_twin, teacher_of, twin_of
from kdcore.training.session import Session
from kdcore.workspace import Workspace

from .conftest import (
    Undisturbed,
    assert_same_result,
    created,
    distillation,
    kill_before_step,
    lines,
    weights,
)


@pytest.fixture
def config(teacher: Run) -> DistillConfig:
    usual = distillation(teacher, epochs=2, checkpoint_seconds=0)
    return replace(usual, teacher="born_again:generations=3")


def generations(run: Run) -> list[Run]:
    return [RunStore(run.folder.parent).get(name) for name in read_made(run.folder)]


def test_each_generation_is_a_run_that_is_taught_by_the_one_before(
    home: Workspace, config: DistillConfig, pairs: PairTable
) -> None:
    run = lab.start(config, home)
    first, second = generations(run)
    assert first.config == twin_of(config, len(transfer_set(pairs, "train")), 0) == twin_of(config)
    assert find_twin(run, [second, first]) == first
    assert second.config == replace(config, teacher=first.id)
    assert teacher_of(run) == second
    assert {r.status().state for r in (first, second, run)} == {"finished"}
    # the last one is what a distillation from the one before would be
    assert weights(run) == weights(lab.start(replace(config, teacher=second.id), home))
    assert title_of(config).endswith("generation 3, seed 0")
    assert "together the generations took 3 times the twin's steps" in " ".join(caveats(run, first))


@pytest.mark.parametrize(
    "step",
    [pytest.param(7, marks=pytest.mark.slow), 12 + 7, pytest.param(31, marks=pytest.mark.slow)],
)
def test_killed_in_any_generation_it_resumes_to_the_same_bytes(
    step: int,
    home: Workspace,
    config: DistillConfig,
    undisturbed: Undisturbed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each generation has two epochs of six steps."""
    cut = created(config, home)
    kill_before_step(step, cut, home, monkeypatch)
    before = len(RunStore(home.runs).list())
    lab.resume(cut, home)
    made = generations(cut)
    assert len(RunStore(home.runs).list()) == before  # none was begun twice
    whole = undisturbed(config)
    assert_same_result(cut, whole)
    for one, same in zip(made, generations(whole), strict=True):
        assert weights(one) == weights(same)


def test_a_twin_that_is_there_is_the_first_generation(
    home: Workspace, config: DistillConfig
) -> None:
    twin = lab.start(twin_of(config), home)
    run = lab.start(replace(config, teacher="born_again:generations=2"), home)
    assert read_made(run.folder) == (twin.id,)


def test_a_stop_of_the_run_stops_its_generation_and_both_go_on(
    home: Workspace, config: DistillConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, genuine = created(config, home), Session.step

    def stopping(self: Session, *args: object) -> None:
        genuine(self, *args)  # type: ignore[arg-type]
        if self.progress.step == 3 and isinstance(self.config, FinetuneConfig):
            Run.load(run.folder).request_stop()
            self.writer.leader._next_look = 0.0  # type: ignore[union-attr]

    with monkeypatch.context() as patch:
        patch.setattr(Session, "step", stopping)
        with pytest.raises(RunError, match=r"generation 1, .*, was stopped"):
            lab.execute(run, home)
    first, _ = generations(run)
    assert (first.status().state, run.status().state) == ("stopped", "stopped")
    assert first.status().step == 3
    lab.resume(run, home)
    assert [r.status().state for r in generations(run)] == ["finished", "finished"]
    assert np.isfinite(lab.predictions(run).logits).all()


@pytest.mark.slow
def test_generations_on_two_processes_equal_those_on_one(
    home: Workspace, config: DistillConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    from kdcore.config import ModelConfig

    plain = "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200,ad_tokens=16,dropout=0"
    exact = replace(config, student=ModelConfig.parse(plain))
    exact = replace(exact, training=replace(exact.training, precision="fp32"))
    one = lab.start(exact, home)
    two = lab.start(replace(exact, device="cpu:2"), home)
    for left, right in zip(lines(one), lines(two), strict=True):
        assert left == pytest.approx(right, abs=1e-3)
