"""What is stored in shards can be listed: whose answers, on which log, how far it is."""

from dataclasses import replace

import pytest

from kdcore import lab
from kdcore.config import InferConfig
from kdcore.errors import RunError
from kdcore.scale.stored import stored_shards

from .conftest import DATA, LOG, SHARD, infer, shard_path


@pytest.fixture(autouse=True)
def no_other_scoring(source, home):
    """Other tests leave runs whose shards are gone."""
    for run in lab.store(home).list():
        if run.is_scoring:
            lab.store(home).delete(run.id)


def test_finished_shards_are_listed_once_and_what_is_missing_of_others_is_told(source, home):
    infer(source, home, "local")
    infer(source, home, "local")  # a run of its own, which finds every shard
    (stored,) = stored_shards(home)
    assert (stored.state, stored.pairs, stored.scored, stored.shards) == ("finished", LOG, LOG, 3)
    assert (stored.split, stored.shard_rows, stored.unusable) == ("log", SHARD, "")
    assert stored.size == sum(shard_path(home, n).stat().st_size for n in (0, SHARD, 2 * SHARD))
    assert stored.at == max(shard_path(home, n).stat().st_mtime for n in (0, SHARD, 2 * SHARD))
    assert stored.answers(source.id, DATA)
    assert stored.answers(source.id, f"world:log={LOG},train=7")  # the same log
    assert not stored.answers(source.id, f"world:log={LOG},seed=1")
    assert not stored.answers("another", DATA)
    shard_path(home, SHARD).unlink()
    (torn,) = stored_shards(home)
    assert (torn.state, torn.pairs, torn.scored) == ("incomplete", LOG, LOG - SHARD)


def test_a_scoring_that_was_stopped_says_how_far_it_is(source, home, monkeypatch):
    config = InferConfig(
        run=source.id, data=DATA, on="local", splits=("log",), shard_rows=SHARD, device="cpu"
    )
    run = lab.create(config, home)
    assert [(s.state, s.pairs, s.scored) for s in stored_shards(home)] == [("queued", 0, 0)]
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0)
    genuine = type(run).write

    def write(self, leader=None):
        writer = genuine(self, leader)
        monkeypatch.setattr(
            type(writer), "stop_requested", property(lambda self: self._record.step >= SHARD)
        )
        return writer

    monkeypatch.setattr(type(run), "write", write)
    with pytest.raises(RunError, match="is stopped"):
        lab.execute(run, home)
    (stopped,) = stored_shards(home)
    assert (stopped.state, stopped.pairs, stopped.scored) == ("stopped", LOG, SHARD)
    assert stopped.scoring == replace(config, run=source.id)


def test_shards_that_no_student_can_learn_from_say_why(source, home):
    settings = {"device": "cpu", "on": "local"}
    lab.infer(source, workspace=home, splits=("log",), top_k=2, **settings)
    (few,) = stored_shards(home)
    assert few.is_finished
    assert "2 of 4 logits per pair" in few.unusable
    lab.infer(source, workspace=home, splits=("log",), **settings)
    (whole,) = stored_shards(home)  # of two, that which a student reads
    assert whole.unusable == ""
    lab.infer(source, workspace=home, splits=("test",), **settings)
    reasons = {stored.split: stored.unusable for stored in stored_shards(home)}
    assert "another split" in reasons["test"]
