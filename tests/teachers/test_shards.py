"""A student learns from a log in shards, one in memory at a time."""

import shutil

import numpy as np
import pytest
import torch

from kdcore import lab
from kdcore.config import DistillConfig, MethodConfig, ModelConfig, OrderConfig, TrainingConfig
from kdcore.data.library import load_data
from kdcore.data.names import named_pairs
from kdcore.errors import ConfigError, DataError, RunError
from kdcore.experiments.launch import launch
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.teachers.cached import teacher_predictions
from kdcore.teachers.shards import shard_predictions
from kdcore.training.session import Session
from kdcore.workspace import Workspace

torch.set_num_threads(1)
LOG, SHARD, TRAIN = 250, 100, 60
DATA = f"world:log={LOG},train={TRAIN},validation=40,test=40"
SMALL = ModelConfig.parse("cdssm:buckets=150,filters=12,semantic=8")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("shards") / "home")


@pytest.fixture(scope="module")
def teacher(home: Workspace) -> Run:
    """A run that has scored the log in three shards."""
    training = TrainingConfig(epochs=1, batch_size=20)
    run = lab.finetune(DATA, SMALL, workspace=home, training=training)
    with pytest.raises(DataError, match=f"kdlab infer {run.id} --data {DATA} --split log --on"):
        lab.start(config(run), home)
    lab.infer(run, workspace=home, on="local", shard_rows=SHARD, splits=("log",), device="cpu")
    return run


def config(teacher: Run, transfer: str = "train+log", **settings) -> DistillConfig:
    return DistillConfig(
        teacher=teacher.id,
        data=DATA,
        student=SMALL,
        transfer=transfer,
        training=TrainingConfig(epochs=2, batch_size=25, checkpoint_seconds=3600),
        device="cpu",
        **{"from_shards": True, **settings},
    )


def weights(run: Run) -> bytes:
    return (run.model_folder / "model.safetensors").read_bytes()


def test_every_epoch_gives_each_pair_of_log_and_train_once(home, teacher):
    pairs = lab.pairs_of(config(teacher), home)
    windows = shard_predictions(config(teacher), teacher, pairs, home).windows
    whole = lab.pairs_of(config(teacher, from_shards=False), home).only(["train", "log"])
    in_memory = config(teacher, from_shards=False)
    soft = teacher_predictions(in_memory, [teacher], named_pairs(DATA, home), home)
    expected = rows_of(whole, soft.transfer.logits)
    assert windows.sizes == (124, 124, 62)
    orders = [windows.turns(epoch) for epoch in range(9)]
    assert all(sorted(order) == [0, 1, 2] for order in orders)
    assert len(set(map(tuple, orders))) > 1
    for epoch in (0, 1):
        read = [windows.read(epoch, place) for place in windows.turns(epoch)]
        assert [len(each.pairs) for each in read] == [windows.sizes[k] for k in orders[epoch]]
        logits = np.concatenate([each.soft.logits for each in read])
        rows = [row for each in read for row in rows_of(each.pairs, each.soft.logits)]
        assert sorted(text for text, _ in rows) == sorted(text for text, _ in expected)
        by_text = dict(expected)
        for text, logit in rows:
            np.testing.assert_allclose(logit, by_text[text], atol=1e-4)
        assert np.isfinite(logits).all()


def rows_of(pairs, logits):
    columns = ["query", "title", "description", "grade"]
    texts = map(tuple, pairs.frame[columns].to_numpy().tolist())
    return list(zip(texts, logits, strict=True))


def test_a_run_stopped_in_a_later_shard_resumes_to_the_same_bytes(home, teacher, monkeypatch):
    whole = lab.start(config(teacher), home)
    genuine = Session.step

    def step(self, *args):
        genuine(self, *args)
        if self.progress.step == 20:  # of 26: in the second epoch
            self.run.request_stop()

    monkeypatch.setattr(Session, "step", step)
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0)
    with pytest.raises(RunError, match="is stopped"):
        lab.start(config(teacher), home)
    monkeypatch.undo()
    (stopped,) = [each for each in lab.store(home).list() if each.status().state == "stopped"]
    lab.execute(stopped, home)
    assert weights(stopped) == weights(whole)
    (note,) = [note for note in whole.notes if "shards" in note]
    assert f"the log of {DATA}, {LOG} pairs" in note
    assert f"in 3 shards, one in memory at a time; they hold the logits of {teacher.id}, " in note
    assert "were stored 20" in note


def test_a_log_in_one_shard_is_learned_as_the_log_in_memory_is(home, teacher):
    folder = next(home.cache_folder("shards").iterdir())
    aside = folder.rename(home.root / folder.name)
    try:
        lab.infer(teacher, workspace=home, on="local", splits=("log",), device="cpu")
        runs = [lab.start(config(teacher, from_shards=on), home) for on in (True, False)]
    finally:
        shutil.rmtree(next(home.cache_folder("shards").iterdir()))
        aside.rename(folder)
    logits = [Predictions.load(run.predictions_path("validation")).logits for run in runs]
    np.testing.assert_allclose(*logits, atol=1e-4)


def test_the_twin_never_loads_the_log_and_takes_as_many_steps(home, teacher, monkeypatch):
    asked = []

    def load(name, **how):
        asked.append(how.get("log", 0))
        return load_data(name, **how)

    launched = launch(config(teacher), home, start=False)
    monkeypatch.setattr("kdcore.data.names.load_data", load)
    lab.execute(launched.twin, home)
    assert len(lab.split_of(launched.twin, "test", home)) > 0
    lab.execute(launched.student, home)
    assert asked == [0, 0, 0]
    twin, student = launched.twin.status().step, launched.student.status().step
    assert abs(twin - student) <= twin / launched.twin.config.training.epochs


def test_what_needs_all_pairs_at_once_is_refused_with_the_reason(teacher):
    order = OrderConfig(kind="interleaved")
    for settings, reason in (
        ({"transfer": "train"}, "transfer is train, and shards hold the log"),
        ({"order": order}, "the order interleaved needs all pairs at once"),
        ({"method": MethodConfig(name="ranking")}, "may lie in several shards"),
        ({"method": MethodConfig(name="feature")}, "shards hold logits only"),
    ):
        with pytest.raises(ConfigError, match=reason):
            config(teacher, **settings)
