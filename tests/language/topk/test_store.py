"""A store of top-k logits: what it holds, what it refuses, and a student that needs it alone."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from kdcore.errors import ConfigError, DataError, LabError, RunError
from kdcore.language import learners
from kdcore.language.losses import UNSEEN
from kdcore.language.model import MaskedModel
from kdcore.language.plan import StorePlan, StoreStudentPlan
from kdcore.language.runs import MaskedStore
from kdcore.language.topk import write as writing
from kdcore.language.topk.store import Shard, TopKStore
from kdcore.language.topk.write import write
from kdcore.language.train import train
from kdcore.softlabels import LOWEST_HALF, SoftLabelStore
from kdcore.workspace import Workspace

PLAN = StorePlan(teacher="teacher", k=3, texts=90, shard_texts=40, device="cpu", threads=1)


@pytest.fixture(scope="module")
def stored(home):
    """A finished store of the shared teacher's 3 largest logits; its folder."""
    run = MaskedStore(home).create(PLAN, "top3")
    write(run, home)
    return run


def shard_of(k: int) -> Shard:
    """Two texts of 4 pieces; one hidden word in the first, two in the second; 4 classes."""
    labels = torch.full((2, 4), UNSEEN)
    labels[0, 1], labels[1, 0], labels[1, 2] = 3, 2, 1
    logits = np.array([[0.0, 1, 2, 3], [5, 4, 0, 0], [0, 0, 7, 6]])
    read = torch.arange(8).view(2, 4)
    lengths = torch.tensor([3, 4])
    soft = SoftLabelStore.keep(logits, k, keep_rest=True)
    return Shard.of(read, torch.zeros(2, 4), lengths, labels, soft)


def test_a_batch_has_the_logits_of_its_own_hidden_words_in_its_own_order():
    shard = shard_of(k=2)
    batch = shard.batch(torch.tensor([1, 0]), classes=4, rest="zero")
    low = LOWEST_HALF
    assert batch.soft.tolist() == [[0, -1, low, low], [low, low, 0, -1], [low, low, -1, 0]]
    hidden = batch.labels != UNSEEN
    assert batch.labels[hidden].tolist() == [2, 1, 3]
    assert batch.attended.tolist() == [[True] * 4, [True, True, True, False]]
    alone = shard.batch(torch.tensor([0]), classes=4, rest="zero")
    assert alone.read.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(("k", "rest", "error"), [(4, "zero", 1e-3), (2, "uniform", 1e-3)])
def test_all_logits_come_back_whole_and_the_rest_with_its_mass(k, rest, error):
    soft = shard_of(k).batch(torch.tensor([0]), classes=4, rest=rest).soft.softmax(dim=-1)[0]
    right = torch.tensor([0.0, 1, 2, 3]).softmax(dim=-1)
    if k == 2:
        right[:2] = right[:2].mean()
    torch.testing.assert_close(soft, right, rtol=0, atol=error)


def test_a_store_holds_what_the_teacher_says_of_the_texts_it_holds(stored, home):
    store = TopKStore.open(stored.store_folder)
    assert [len(shard.lengths) for shard in store.shards] == [40, 40, 10]
    net = MaskedModel.load(MaskedStore(home).get("teacher").model_folder).net
    batch = store.shards[1].batch(torch.arange(40), store.classes, "zero")
    with torch.inference_mode():
        logits = net(batch.read, batch.attended.long(), batch.types).logits
    logits = logits[batch.labels != UNSEEN]
    assert batch.soft.argmax(dim=-1).tolist() == logits.argmax(dim=-1).tolist()
    top = logits.topk(3).values
    torch.testing.assert_close(batch.soft.topk(3).values, top - top[:, :1], rtol=0, atol=0.02)
    results, mass = stored.results, logits.softmax(dim=-1).topk(3).values.sum(dim=-1)
    assert results["bytes_per_position"] == 3 * 6 + 2
    assert results["positions"] == sum(len(shard.logits) for shard in store.shards)
    assert results["least_kept_mass"] <= mass.min() + 1e-4
    assert results["least_kept_mass"] < results["kept_mass"] < 1


def test_a_broken_off_store_goes_on_after_its_whole_shards(stored, home, tmp_path, monkeypatch):
    workspace = Workspace(tmp_path)
    plan = replace(PLAN, teacher=str(MaskedStore(home).get("teacher").model_folder))
    run = MaskedStore(workspace).create(plan, "broken")
    whole = writing._shard
    monkeypatch.setattr(writing, "_shard", lambda *of: whole(*of) if of[1] < 2 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(run, workspace)
    with pytest.raises(DataError, match="no finished store"):
        TopKStore.open(run.store_folder)
    shards = sorted((run.store_folder / "shards").iterdir())
    shards[0].write_bytes(shards[0].read_bytes()[:-1])  # damaged meanwhile: it is written again
    begun = []
    monkeypatch.setattr(writing, "_shard", lambda *of: begun.append(of[1]) or whole(*of))
    write(run, workspace)
    assert begun == [0, 2]
    ours, theirs = (TopKStore.open(r.store_folder) for r in (run, stored))
    for mine, whole in zip(ours.shards, theirs.shards, strict=True):
        assert torch.equal(mine.read, whole.read)
        assert torch.equal(mine.labels, whole.labels)
        torch.testing.assert_close(mine.logits, whole.logits, rtol=0, atol=0.01)
    assert run.results["positions"] == stored.results["positions"]
    assert run.results["kept_mass"] == pytest.approx(stored.results["kept_mass"], abs=1e-5)


def test_a_store_that_is_asked_to_stop_keeps_its_shards(home, tmp_path, monkeypatch):
    workspace = Workspace(tmp_path)
    plan = replace(PLAN, teacher=str(MaskedStore(home).get("teacher").model_folder))
    run, whole = MaskedStore(workspace).create(plan, "m"), writing._shard
    monkeypatch.setattr(writing, "_shard", lambda *of: (run.request_stop(), whole(*of))[1])
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0.0)
    with pytest.raises(
        RunError, match="after 1 of 3 shards; continue with `kdlab masked resume m`"
    ):
        write(run, workspace)
    assert len(list((run.store_folder / "shards").iterdir())) == 1


def test_a_damaged_missing_or_foreign_shard_is_refused(stored, tmp_path):
    folder = tmp_path / "store"
    shutil.copytree(stored.store_folder, folder)
    shard = min((folder / "shards").iterdir())
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match="is damaged or was changed"):
        TopKStore.open(folder)
    save_file({"read": torch.zeros(1)}, shard, metadata={"key": "another"})
    with pytest.raises(DataError, match="belongs to another store"):
        TopKStore.open(folder)
    shard.unlink()
    with pytest.raises(DataError, match="is missing"):
        TopKStore.open(folder)
    (folder / "manifest.json").write_text(json.dumps({"format": 0}))
    with pytest.raises(DataError, match="another version"):
        TopKStore.open(folder)


@pytest.mark.parametrize("architecture", ["copied", "distilbert", "bert"])
def test_a_student_learns_from_the_store_alone(architecture, stored, tmp_path, monkeypatch):
    """A copy of the store elsewhere is enough: no teacher, no data are there."""
    shutil.copytree(stored.store_folder, tmp_path / "store")
    for name in ("sources", "fetch"):
        monkeypatch.setattr(learners, name, lambda *of: 1 / 0)
    kind = {} if architecture == "copied" else {"start": "random", "architecture": architecture}
    plan = StoreStudentPlan(
        store=str(tmp_path / "store"), steps=12, log_every=4, hidden=32, threads=1, **kind
    )
    workspace = Workspace(tmp_path / "home")
    run = MaskedStore(workspace).create(plan, "m")
    train(run, workspace)
    lines, results = run.metrics(), run.results
    assert lines[-1]["soft"] < lines[0]["soft"]
    for line in lines:
        assert line["loss"] == pytest.approx(5 * line["soft"] + 2 * line["mlm"], rel=1e-5)
    assert results["accuracy_kept"]["n"] == results["hidden_words"] > 1000
    net = MaskedModel.load(run.model_folder).net
    assert net.config.model_type == ("bert" if architecture == "bert" else "distilbert")


def test_what_cannot_be_stored_or_learned_is_refused(home):
    with pytest.raises(ConfigError, match="teacher: is missing"):
        StorePlan()
    with pytest.raises(ConfigError, match=r"(?s)store: is missing.*both are 0.*heads: 3"):
        StoreStudentPlan(soft_weight=0, mlm_weight=0, heads=3)
    run = MaskedStore(home).create(replace(PLAN, teacher="student"), "of-a-distilbert")
    with pytest.raises(LabError, match="a DistilBERT starts from a BERT"):
        write(run, home)
