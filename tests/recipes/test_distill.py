"""A student really learns from its teacher, on labelled and unlabelled pairs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from kdcore import lab
from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.errors import DataError
from kdcore.labels import FOUR_GRADES
from kdcore.models.build import load_model, new_model
from kdcore.models.layers import even_layers
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.softlabels import kl, soften
from kdcore.training.session import Session
from kdcore.workspace import Workspace

from .conftest import (
    KINDS,
    Undisturbed,
    created,
    distillation,
    finetuning,
    kill_before_step,
    tensors,
    weights,
)

LONG = {"epochs": 12, "learning_rate": 1e-2}


def curve(run: Run, name: str) -> list[float]:
    return [line[name] for line in run.metrics() if name in line]


def disagreement(run: Run, teacher: Run, pairs: PairTable, home: Workspace) -> float:
    answers = [soften(lab.answers(r.id, pairs, home)[0].logits, 2.0) for r in (teacher, run)]
    return float(np.mean(kl(*answers)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_student_comes_closer_to_the_teacher_than_its_twin(
    kind: str, home: Workspace, teacher: Run, pairs: PairTable
) -> None:
    student = lab.start(distillation(teacher, kind, hard_weight=0, **LONG), home)
    twin = lab.start(finetuning(kind, **LONG), home)
    soft = curve(student, "soft")
    assert soft[-1] < soft[0]
    transfer = transfer_set(pairs, "train")
    apart = [disagreement(run, teacher, transfer, home) for run in (student, twin)]
    assert apart[0] < apart[1]


@pytest.mark.parametrize("transfer", ["log", "train+log"])
def test_pairs_without_a_grade_teach_too(
    transfer: str, home: Workspace, teacher: Run, pairs: PairTable
) -> None:
    config = distillation(teacher, hard_weight=0, transfer=transfer, **LONG)
    run = lab.start(config, home)
    assert curve(run, "soft")[-1] < curve(run, "soft")[0]
    assert not curve(run, "hard")
    assert len(transfer_set(pairs, transfer)) == {"log": 16, "train+log": 64}[transfer]


def test_hard_labels_of_a_log_weigh_nothing(home: Workspace, teacher: Run) -> None:
    run = lab.start(distillation(teacher, hard_weight=0.5, transfer="log"), home)
    assert set(curve(run, "hard")) == {0.0}
    assert curve(run, "loss") == curve(run, "soft")


def test_a_log_that_is_not_there_is_missed_by_name(
    home: Workspace, teacher: Run, pairs: PairTable
) -> None:
    rest = pairs.take(np.flatnonzero((pairs.frame["split"] != "log").to_numpy()))
    rest.save(home.data_folder("invented"))
    with pytest.raises(DataError, match="has no split 'log'; it has train, validation, test"):
        lab.start(distillation(teacher, transfer="train+log"), home)


def test_the_teacher_is_asked_once_for_each_model_and_data(
    home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch, restage: Callable[..., None]
) -> None:
    from kdcore.teachers import cached

    asked: list[str] = []
    genuine = cached.predict_table

    def ask(model: Any, table: PairTable, *rest: Any, **settings: Any) -> Any:
        if settings["name"] == teacher.id and set(table.frame["split"]) == {"train"}:
            asked.append(settings["name"])
        return genuine(model, table, *rest, **settings)

    monkeypatch.setattr(cached, "predict_table", ask)
    for kind in ("twin", "cdssm"):
        lab.start(distillation(teacher, kind, epochs=1), home)
    assert len(asked) == 1
    path = teacher.model_folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    lab.start(distillation(teacher, epochs=1), home)
    assert len(asked) == 2
    restage([0], "title", "other words")
    lab.start(distillation(teacher, epochs=1), home)
    assert len(asked) == 3


def test_rows_that_no_pair_touches_are_kept_as_they_were(
    home: Workspace, teacher: Run, pairs: PairTable
) -> None:
    """Training walks over the rows in use only; the others must come back whole."""
    config = distillation(teacher, "bert:layers=1,hidden=16,heads=2,vocabulary=400", epochs=1)
    run = lab.start(config, home)
    name = "bert.embeddings.word_embeddings.weight"
    kept = tensors(run)[name]
    start = new_model(config.student, pairs.split("train"), config.seed)
    before = start.network().state_dict()[name]
    read = [start.read(pairs.split(split)).used() for split in ("train", "validation")]
    used = torch.zeros(len(kept), dtype=torch.bool)
    used[np.union1d(*read)] = True
    assert kept.shape == before.shape
    assert 0 < int(used.sum()) < len(kept)
    assert torch.equal(kept[~used], before[~used])
    learned = torch.zeros(len(kept), dtype=torch.bool)
    learned[read[0]] = True
    assert (kept != before).any(dim=1)[learned].all()


def first_weights(config: Any, home: Workspace, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The weights, by name, with which a run takes its first step."""
    seen: dict[str, torch.Tensor] = {}
    genuine = Session.step

    def step(self: Session, *args: Any) -> None:
        if not seen:
            seen.update({k: v.clone() for k, v in self.model.state_dict().items()})
        genuine(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "step", step)
        lab.execute(created(config, home), home)
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_the_twin_and_the_distilled_student_start_from_the_same_weights(
    kind: str, home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = finetuning(kind, epochs=1), distillation(teacher, kind, epochs=1)
    twin, student = (first_weights(config, home, monkeypatch) for config in configs)
    assert twin.keys() == student.keys()
    assert all(torch.equal(twin[name], student[name]) for name in twin)


@pytest.mark.parametrize("kind", ["bert", "twinbert_cos"])
def test_a_student_starts_from_evenly_chosen_layers_of_its_teacher(
    kind: str, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    width = "hidden=16,heads=2,vocabulary=200,ad_tokens=16"
    teacher = lab.start(finetuning(f"bert:layers=3,{width}", epochs=1), home)
    parsed = ModelConfig.parse(f"{kind}:layers=2,{width}")
    student = replace(parsed, start_from=teacher.id)
    config = replace(distillation(teacher, epochs=1), student=student)
    start = first_weights(config, home, monkeypatch)
    taught = tensors(teacher)
    assert even_layers(3, 2) == [0, 2]
    inside = "net.bert." if kind == "bert" else "towers.0.bert."
    for mine, theirs in enumerate([0, 2]):
        for part in ("attention.self.query.weight", "output.dense.bias"):
            left = start[f"{inside}encoder.layer.{mine}.{part}"]
            assert torch.equal(left, taught[f"bert.encoder.layer.{theirs}.{part}"])
    run = lab.start(config, home)
    vocabularies = [load_model(r.model_folder).units.tokenizer.get_vocab() for r in (run, teacher)]
    assert vocabularies[0] == vocabularies[1]


def test_a_start_from_another_width_is_refused_in_words(home: Workspace, teacher: Run) -> None:
    student = replace(ModelConfig.parse("bert:layers=1,hidden=32,heads=2"), start_from=teacher.id)
    with pytest.raises(DataError, match="hidden_size 16 there and 32 here"):
        lab.start(replace(distillation(teacher), student=student), home)


def test_a_teacher_of_other_grades_teaches_what_is_relevant(
    home: Workspace, teacher: Run, pairs: PairTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two grades are spread over four: P(relevant) is what the teacher said of each pair."""
    from kdcore.recipes import stage

    heard = []
    genuine = stage.distill

    def listen(config: Any, table: PairTable, predictions: Any, *rest: Any) -> Any:
        heard.append(predictions.transfer.logits)
        return genuine(config, table, predictions, *rest)

    monkeypatch.setattr(stage, "distill", listen)
    replace(pairs, scheme=FOUR_GRADES).save(home.data_folder("four"))
    run = lab.start(distillation(teacher, data="four", replay_points=2), home)
    own, _ = lab.answers(teacher, replace(pairs.split("train"), scheme=FOUR_GRADES), home)
    four, two = soften(heard[0].astype(np.float64)), soften(own.logits.astype(np.float64))
    np.testing.assert_allclose(four[:, 2:].sum(axis=1), two[:, 1], atol=1e-6)
    assert "answers in 2 grades" in run.log_path.read_text()
    assert lab.predictions(run).logits.shape[1] == 4
    shown = Predictions.load(run.replay_folder / "teacher.parquet")
    assert len(shown) == len(shown.ranking) == len(PairTable.load(run.replay_folder / "probe"))


def test_a_replay_shows_the_student_at_evenly_spread_moments(
    home: Workspace, teacher: Run, undisturbed: Undisturbed
) -> None:
    plain = undisturbed(distillation(teacher))
    run = lab.start(distillation(teacher, replay_points=4), home)
    probe = PairTable.load(run.replay_folder / "probe")
    assert set(probe.frame["split"]) == {"validation"}
    paths = sorted(run.replay_folder.glob("step-*.parquet"))
    assert [path.stem for path in paths] == [f"step-{s:08d}" for s in (0, 5, 9, 14, 18)]
    said = [Predictions.load(path).require(probe.content_hash, len(probe)) for path in paths]
    assert not np.array_equal(said[0].logits, said[-1].logits)
    assert all(moment.features is not None for moment in said)  # for a map of the training
    assert weights(plain) == weights(run)  # looking on changes nothing
    assert not plain.replay_folder.exists()


def test_a_replay_has_no_gap_after_a_stop(
    home: Workspace, monkeypatch: pytest.MonkeyPatch, undisturbed: Undisturbed
) -> None:
    config = finetuning(replay_points=6)
    whole, cut = undisturbed(config), created(config, home)
    kill_before_step(11, cut, home, monkeypatch)
    lab.resume(cut, home)
    names = [sorted(p.name for p in r.replay_folder.glob("*.parquet")) for r in (whole, cut)]
    assert names[0] == names[1]
    assert len(names[0]) == 7  # and one before the first step
