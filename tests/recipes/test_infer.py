"""Predictions stand in the order of the pairs and know which pairs they belong to."""

from dataclasses import replace

import numpy as np
import pytest

from kdcore import lab
from kdcore.config import InferConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, RunError
from kdcore.models import packed
from kdcore.models.build import load_model
from kdcore.models.predict import predict_texts
from kdcore.recipes.stage import SCORED
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.softlabels import soften
from kdcore.teachers.cached import cached_predictions
from kdcore.workspace import Workspace

from .conftest import created, finetuning


@pytest.fixture(params=["bert", "twin", "cdssm"])
def source(request: pytest.FixtureRequest, home: Workspace) -> Run:
    """A finished run of each kind of reader."""
    how = {"epochs": 6, "learning_rate": 2e-2, "precision": "fp32"}
    return lab.start(finetuning(request.param, **how), home)


def test_each_row_is_what_the_model_says_about_that_pair_alone(
    source: Run, pairs: PairTable
) -> None:
    test = pairs.split("test")
    model = load_model(source.model_folder)
    texts = test.frame[["query", "title", "description"]].itertuples(index=False, name=None)
    alone = np.concatenate([predict_texts(model, [row]) for row in texts])
    kept = soften(lab.predictions(source, "test").logits)
    assert np.abs(kept - alone).max() < 1e-4
    assert np.ptp(kept[:, 1]) > 0.02  # else any order would do


def test_predictions_belong_to_the_hash_of_their_pairs(source: Run, pairs: PairTable) -> None:
    for split in SCORED:
        table = pairs.split(split)
        assert lab.predictions(source, split).data_hash == table.content_hash
        assert len(lab.predictions(source, split)) == len(table)


def test_an_infer_run_answers_every_split_as_training_did(
    source: Run, home: Workspace, pairs: PairTable
) -> None:
    run = lab.infer(source, workspace=home, device="cpu", threads=1, precision="fp32")
    assert run.status().state == "finished"
    for split in pairs.splits:
        answers = lab.predictions(run, split).require(
            pairs.split(split).content_hash, len(pairs.split(split))
        )
        if split in SCORED:
            assert np.allclose(answers.logits, lab.predictions(source, split).logits, atol=1e-4)
    only = lab.infer(source.id, workspace=home, splits=("log",))
    assert only.predictions_path("log").exists()
    assert not only.predictions_path("test").exists()


def test_the_answers_of_an_unfinished_run_are_missed_in_words(home: Workspace) -> None:
    run = created(finetuning(), home)
    with pytest.raises(RunError, match=rf"\(queued\) has no predictions.*runs resume {run.folder}"):
        lab.predictions(run)
    with pytest.raises(RunError, match="is queued and has no model yet; finish it first"):
        lab.infer(run, workspace=home)
    assert len(lab.store(home).list()) == 1


def test_answers_from_the_cache_carry_the_name_of_the_run_that_was_asked(
    home: Workspace, pairs: PairTable
) -> None:
    twins = [lab.start(finetuning("cdssm", epochs=1), home) for _ in range(2)]
    (first, _), (second, cached) = (
        lab.answers(run.id, pairs.split("test"), home, "cpu") for run in twins
    )
    assert cached
    assert [first.model, second.model] == [run.id for run in twins]


def test_scoring_tells_how_far_it_is_and_at_what_speed(home: Workspace) -> None:
    source = lab.start(finetuning("cdssm", epochs=1), home)
    run = lab.infer(source, workspace=home, device="cpu", batch_size=8)
    status = run.status()
    assert (status.step, status.total_steps, status.stage) == (96, 96, "infer")
    assert run.metrics()[-2]["pairs"] == 96  # the last line tells the seconds of the run
    assert run.metrics()[-2]["pairs_per_second"] > 0


def test_scoring_stops_between_two_batches_and_keeps_the_splits_it_had(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = lab.start(finetuning("cdssm", epochs=1), home)
    config = InferConfig(run=source.id, data="invented", device="cpu", batch_size=8)
    run = lab.create(config, home)
    monkeypatch.setattr(RunWriter, "stop_requested", property(lambda self: self._record.step > 48))
    with pytest.raises(RunError, match=r"stopped on request after 56 of 96 pairs"):
        lab.execute(run, home)
    assert run.status().state == "stopped"
    assert run.predictions_path("train").exists()
    assert not run.predictions_path("validation").exists()


def test_splits_as_they_lie_are_not_cut_and_all_is_every_pair(
    home: Workspace, pairs: PairTable
) -> None:
    """What an analyst looks at is the file that was imported, not a tenth of it."""
    source = lab.start(finetuning("cdssm", epochs=1), home)
    only = pairs.with_splits(["train"] * len(pairs))
    replace(only, name="mine").save(home.data_folder("mine"))
    run = lab.infer(source, "mine", workspace=home, as_is=True, splits=("all", "train"))
    for split in ("all", "train"):
        lab.predictions(run, split).require(only.content_hash, len(only))
    assert len(lab.split_of(run, "all", home)) == len(only)
    unsaid = lab.infer(source, "mine", workspace=home)  # as the app scores data of others
    lab.predictions(unsaid, "train").require(only.content_hash, len(only))
    assert unsaid.config.as_is
    for cut in ({"as_is": False}, {"splits": ("test",)}):  # for comparison with runs on these data
        run = lab.infer(source, "mine", workspace=home, **cut)
        assert len(lab.predictions(run, "test")) < len(only)
    assert not lab.infer(source, workspace=home).config.as_is  # its own data, as it learned them


def test_a_distillation_reads_the_scores_of_a_fast_infer_run(
    home: Workspace, pairs: PairTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_multiplies_bf16", lambda device: True)
    teacher = lab.start(finetuning("bert", epochs=1), home)
    lab.infer(teacher, workspace=home, device="cpu", precision="fast")
    for split in pairs.splits:
        part = pairs.split(split)
        assert cached_predictions(teacher, part, home, device="cpu")[1]
        assert not cached_predictions(teacher, part, home, device="cpu", precision="fp32")[1]
    with pytest.raises(ConfigError, match="fast differs between machines"):
        InferConfig(run=teacher.id, splits=("log",), on="local", precision="fast")
