"""Deep mutual learning: peers are alike, each is a run, and all survive a kill together."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kdcore import lab
from kdcore.config import DistillConfig, MethodConfig, ModelConfig
from kdcore.errors import RunError
from kdcore.recipes import mutual
from kdcore.recipes.mutual import peer_configs
from kdcore.runs.loss_terms import read_leader, read_made
from kdcore.runs.store import Run, RunStore
from kdcore.softlabels import kl, soften
from kdcore.training.session import Session
from kdcore.workspace import Workspace

from .conftest import (
    KINDS,
    Undisturbed,
    assert_same_result,
    created,
    distillation,
    kill_before_step,
    lines,
)


@pytest.fixture
def config(teacher: Run) -> DistillConfig:
    usual = distillation(teacher, epochs=2, checkpoint_seconds=0, log_every=1)
    method = MethodConfig(name="response", params={"temperature": 1})
    other = KINDS["bert"]
    return replace(usual, teacher=f"peer:{other}", method=method, soft_weight=1.0, hard_weight=1.0)


def peers(run: Run) -> list[Run]:
    return [RunStore(run.folder.parent).get(name) for name in read_made(run.folder)]


def test_each_learns_from_the_labels_and_from_the_other(
    home: Workspace, config: DistillConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step by hand: KL(other || own) at T = 1, both ways from the same predictions."""
    answers: list[np.ndarray] = []
    genuine = mutual._lesson

    def watched(outputs, *facts):  # type: ignore[no-untyped-def]
        answers.append(outputs.logits.detach().double().numpy())
        return genuine(outputs, *facts)

    monkeypatch.setattr(mutual, "_lesson", watched)
    run = lab.start(config, home)
    (peer,) = peers(run)
    a, b = answers[:2]
    for each, own, other in ((run, a, b), (peer, b, a)):
        first = next(line for line in lines(each) if line["step"] == 1 and "soft" in line)
        assert first["soft"] == pytest.approx(kl(other, own).mean(), rel=1e-4)
        assert first["loss"] == pytest.approx(first["soft"] + first["hard"], rel=1e-5)
        assert each.status().state == "finished"
        assert soften(lab.predictions(each).logits).shape == (len(lab.predictions(each)), 2)
        assert each.teachers == ()
    assert (read_leader(peer.folder), read_leader(run.folder)) == (run.id, "")
    assert peer.config == peer_configs(config)[0]
    assert peer.seed == config.seed + 1  # equal students must not start alike


def test_a_peer_pulls_on_what_a_student_learns(home: Workspace, config: DistillConfig) -> None:
    together = lab.start(config, home)
    alone = lab.start(replace(config, soft_weight=0.0), home)
    ours, theirs = lab.predictions(together).logits, lab.predictions(alone).logits
    assert np.abs(ours - theirs).max() > 1e-3


def test_killed_and_resumed_through_a_peer_all_end_with_the_same_bytes(
    home: Workspace,
    config: DistillConfig,
    undisturbed: Undisturbed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed in the eighth step, between the step of the first student and that of its peer."""
    cut = created(config, home)
    kill_before_step(16, cut, home, monkeypatch)
    (peer,) = peers(cut)
    lab.resume(peer, home)
    whole = undisturbed(config)
    assert_same_result(cut, whole)
    assert_same_result(peer, *peers(whole))
    assert cut.status().state == "finished"


def test_a_stop_of_a_peer_stops_all_of_them(
    home: Workspace, config: DistillConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, genuine = created(config, home), Session.step

    def stopping(self: Session, *args: object) -> None:
        genuine(self, *args)  # type: ignore[arg-type]
        if self.progress.step == 3 and self.leader is not None:
            peers(run)[0].request_stop()
            self.writer._next_look = 0.0

    with monkeypatch.context() as patch:
        patch.setattr(Session, "step", stopping)
        with pytest.raises(RunError, match="stopped on request at step 3"):
            lab.execute(run, home)
    assert [each.status().state for each in (run, *peers(run))] == ["stopped", "stopped"]


def test_three_students_learn_from_the_mean_of_the_losses_towards_the_others(
    teacher: Run, config: DistillConfig
) -> None:
    losses = [(torch.tensor(v), {"soft": torch.tensor(v)}) for v in (1.0, 3.0)]
    total, parts = mutual._mean(losses)
    assert (total.item(), parts["soft"].item()) == (2.0, 2.0)
    three = replace(config, teacher="peer:cdssm+bert_mini")
    cdssm, bert = peer_configs(three)
    assert cdssm.teaching.students == (config.student, ModelConfig.parse("bert_mini"))
    assert bert.teaching.students == (config.student, ModelConfig.parse("cdssm"))
    assert (cdssm.seed, bert.seed) == (1, 2)


@pytest.mark.slow
def test_peers_on_two_processes_equal_those_on_one(
    home: Workspace, config: DistillConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they read a text as other tokens: each process has the same pairs of all."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    plain = "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200,ad_tokens=16,dropout=0"
    other = plain.replace("vocabulary=200", "vocabulary=120")
    exact = replace(config, student=ModelConfig.parse(plain), teacher=f"peer:{other}")
    exact = replace(exact, training=replace(exact.training, precision="fp32"))
    one = lab.start(exact, home)
    two = lab.start(replace(exact, device="cpu:2"), home)
    for ours, theirs in ((one, two), (*peers(one), *peers(two))):
        for left, right in zip(lines(ours), lines(theirs), strict=True):
            assert left == pytest.approx(right, abs=1e-3)
