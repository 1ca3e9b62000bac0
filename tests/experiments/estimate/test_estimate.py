import hashlib
import json
import math
from dataclasses import replace

import pytest

from kdcore.config import (
    FinetuneConfig,
    ModelConfig,
    PretrainConfig,
    TermConfig,
    TrainingConfig,
)
from kdcore.errors import LabError
from kdcore.experiments.estimate import data_stats, throughput
from kdcore.experiments.estimate.data_stats import stats_of
from kdcore.experiments.estimate.estimate import device_of, estimated_and_true, is_cached
from kdcore.experiments.estimate.estimate import estimate as estimate_with
from kdcore.experiments.estimate.flops import cost_of
from kdcore.experiments.estimate.throughput import Throughput, as_text, throughputs
from kdcore.runs.machine import machine_mark
from kdcore.runs.purpose import Purpose
from kdcore.runs.store import Run
from kdcore.runs.twins import twin_of
from kdcore.workspace import Workspace
from tests.experiments.planned import distillation, planned, pretended

VALIDATION = 16


def trained(workspace, config, rate=800.0, machine=None, memory=512.0):
    """A finished run of this (or another) machine with metrics as a training of that speed."""
    run = pretended(workspace, config)
    lines = [
        {"step": step, "time": 10.0 * step, "epoch": step / 3, "loss": 0.5, "memory_mb": memory}
        | {"pairs_per_second": rate if step > 1 else 1.0}
        for step in range(1, 7)
    ]
    after = {"step": 6, "time": 60.0 + VALIDATION / (4 * rate), "validation_nll": 0.5}
    lines += [after, {"step": 6, "time": 99.0, "seconds": 33.0}]
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    facts = {"pairs": {"validation": [VALIDATION, "hash"]}, "device": "cpu"}
    facts |= {"machine": machine or machine_mark()}
    (run.folder / "provenance.json").write_text(json.dumps(facts))
    return run


def estimate(config, workspace):
    return estimate_with(config, stats_of(config, workspace), workspace)


@pytest.fixture
def bench(tmp_path):
    """A workspace, and a distillation in it that runs on the CPU."""
    workspace, teacher = planned(tmp_path)
    long = TrainingConfig(epochs=500, batch_size=8, replay_points=0)
    return workspace, distillation(teacher, device="cpu", threads=1, training=long)


def test_nothing_is_said_of_speed_before_anything_was_measured(bench):
    workspace, config = bench
    found = estimate(config, workspace)
    assert math.isnan(found.seconds)
    assert "nothing was measured" in found.basis
    assert (found.pairs, found.steps) == (48, 3000)
    assert found.memory_mb > 0


def test_runs_like_this_tell_how_long_it_takes(bench):
    workspace, config = bench
    for rate in (700.0, 800.0, 900.0):
        trained(workspace, twin_of(config), rate)
    found = estimate(twin_of(config), workspace)
    assert found.pairs_per_second == pytest.approx(800)
    assert found.basis == "from 3 runs like this on this machine"
    scoring = (500 * VALIDATION + VALIDATION + 24) / (4 * 800)
    assert found.scoring_seconds == pytest.approx(scoring, rel=0.1)
    assert found.seconds == pytest.approx(500 * 48 / 800 + scoring, abs=4)
    assert found.low < found.seconds < found.high
    assert found.memory_mb == 512


def test_twice_the_epochs_take_twice_as_long_but_for_the_start(bench):
    workspace, config = bench
    trained(workspace, twin_of(config))
    once = estimate(twin_of(config), workspace).seconds
    twice = replace(config, training=replace(config.training, epochs=1000))
    assert estimate(twin_of(twice), workspace).seconds == pytest.approx(2 * once, rel=0.05)


def test_a_larger_student_is_foreseen_to_be_slower_and_less_surely(bench):
    workspace, config = bench
    trained(workspace, twin_of(config))
    large = ModelConfig.parse("twinbert_cos:layers=6,hidden=512,heads=8,vocabulary=200")
    found = estimate(replace(twin_of(config), model=large), workspace)
    small = estimate(twin_of(config), workspace)
    assert found.pairs_per_second < small.pairs_per_second / 10
    assert found.memory_mb > small.memory_mb
    assert found.high / found.seconds > small.high / small.seconds
    assert found.basis == "from 1 run of other sizes on this machine"


def test_runs_of_another_machine_and_the_demos_runs_tell_nothing(bench):
    workspace, config = bench
    trained(workspace, twin_of(config), machine="0123456789ab")
    pretended(workspace, twin_of(config))  # like the demo's: without a mark
    assert throughputs(workspace) == []
    assert math.isnan(estimate(config, workspace).seconds)


def test_runs_win_over_a_short_measurement_and_are_read_once(bench, monkeypatch):
    workspace, config = bench
    model, cost = config.student, cost_of(config.student, 3, 12)
    short = Throughput(
        "train", "cpu", as_text(model), "twinbert", 8, 0, cost.training_flops(8), 400.0
    )
    throughput.add(workspace, [short])
    assert "short measurement" in estimate(twin_of(config), workspace).basis
    trained(workspace, twin_of(config))
    assert "like this" in estimate(twin_of(config), workspace).basis
    read = []
    load = Run.load
    monkeypatch.setattr(Run, "load", classmethod(lambda cls, f: read.append(f) or load(f)))
    assert len(throughputs(workspace)) == 3
    assert read == []


@pytest.mark.parametrize("damage", ["{", "[]", '{"mark": 1}'])
def test_a_damaged_memory_of_speed_is_made_again(bench, damage):
    workspace, config = bench
    trained(workspace, twin_of(config))
    before = throughputs(workspace)
    (workspace.cache / "throughput.json").write_text(damage)
    assert throughputs(workspace) == before


def test_kept_answers_of_the_teacher_cost_nothing(bench):
    workspace, config = bench
    trained(workspace, twin_of(config))
    before = estimate(config, workspace)
    assert not before.teacher_cached
    assert before.teacher_seconds > 0
    teacher = next(r for r in workspace.runs.iterdir() if r.name == config.teacher)
    weights = hashlib.sha256((teacher / "model" / "model.safetensors").read_bytes()).hexdigest()
    folder, counted = workspace.cache_folder("logits"), stats_of(config, workspace)
    folder.mkdir(parents=True)
    asked = [before.teacher_seconds]
    for pairs_hash in (counted.transfer_hash, counted.validation_hash):
        key = f"{weights[:16]}-{pairs_hash}-float32-cpu"
        (folder / f"{hashlib.sha256(key.encode()).hexdigest()}.parquet").write_bytes(b"")
        asked.append(estimate(config, workspace).teacher_seconds)
    after = estimate(config, workspace)
    assert asked[1] == pytest.approx(asked[0] * VALIDATION / (48 + VALIDATION))
    assert after.teacher_cached
    assert after.teacher_seconds == 0
    assert after.seconds < before.seconds
    assert not is_cached(Run.load(teacher), "other pairs", workspace, "cpu")
    assert not is_cached(Run.load(teacher), key.split("-")[1], workspace, "cuda")


def test_a_teacher_has_yet_to_score_a_big_log_but_not_one_that_lies_in_shards(bench):
    workspace, config = bench
    trained(workspace, twin_of(config))
    stats = replace(stats_of(config, workspace), transfer=9000, transfer_hash="")
    stats = replace(stats, validation_hash="")  # as of a big world, which is not generated
    seconds = [
        estimate_with(each, replace(stats, in_shards=log), workspace).teacher_seconds
        for each, log in (
            (config, 0),
            (in_shards(config, "train+log"), 9000 - stats.labelled),
            (in_shards(config, "log"), 9000),
        )
    ]
    rows = [9000 + VALIDATION, stats.labelled + VALIDATION, VALIDATION]
    assert seconds == pytest.approx([seconds[0] * n / rows[0] for n in rows])


def test_a_log_in_shards_is_counted_by_its_name_and_the_rest_as_without_it(bench, monkeypatch):
    workspace, config = bench
    rest = "train=300,validation=50,test=40"
    beside = stats_of(replace(config, data=f"world:{rest}"), workspace)
    asked = []
    genuine = data_stats.pairs_of
    monkeypatch.setattr(
        data_stats, "pairs_of", lambda c, w: (asked.append(c.data), genuine(c, w))[1]
    )
    log = replace(in_shards(config, "train+log"), data=f"world:log=3000000,{rest}")
    stats = stats_of(log, workspace)
    assert (stats.transfer, stats.in_shards) == (3_000_000 + beside.transfer, 3_000_000)
    assert stats.transfer_hash == beside.transfer_hash  # so what the teacher has scored is known
    assert (stats.labelled, stats.test) == (beside.labelled, 40)
    assert stats_of(replace(log, transfer="log"), workspace).transfer == 3_000_000
    assert all("log" not in data for data in asked)


def in_shards(config, transfer):
    return replace(config, transfer=transfer, from_shards=True)


def test_scoring_is_known_from_runs_like_this_whatever_their_batch_size(bench):
    workspace, config = bench
    trained(workspace, twin_of(config), 700.0)
    wider = replace(config, training=replace(config.training, batch_size=16))
    found = estimate(twin_of(wider), workspace)
    scoring = 500 * VALIDATION + VALIDATION + 24
    assert found.scoring_seconds == pytest.approx(scoring / (4 * 700), rel=0.1)
    assert found.basis == "from 1 run of other sizes on this machine"
    before = throughputs(workspace)
    other = [replace(m, model="another", cost=m.cost * 9, run="x") for m in before]
    throughput.add(workspace, [*other, *other])
    assert estimate(twin_of(wider), workspace).scoring_seconds == found.scoring_seconds


def test_only_labelled_pairs_of_validation_count_in_the_speed_of_scoring(tmp_path):
    workspace, teacher = planned(tmp_path, unseen=12)
    config = twin_of(distillation(teacher, device="cpu", threads=1))
    trained(workspace, config)
    shown = {m.kind: m.pairs_per_second for m in throughputs(workspace)}
    assert shown["score"] == pytest.approx(4 * 800 * (VALIDATION - 12) / VALIDATION)


def test_data_in_a_file_are_counted_again_when_it_has_changed(tmp_path):
    workspace, path = Workspace(tmp_path / "home"), tmp_path / "ads.csv"
    head = "query,title,description,grade,split\n"
    lines = [f"lamp {n},buy {n},,{n % 2},{s}\n" for s in ("train", "validation") for n in range(8)]
    path.write_text(head + "".join(lines))
    config = FinetuneConfig(data=str(path))
    before = stats_of(config, workspace)
    path.write_text(head + "".join([*lines, "a desk,buy a desk,,1,train\n"]))
    assert stats_of(config, workspace).labelled == before.labelled + 1


def test_what_was_foreseen_stands_beside_what_it_took(bench):
    workspace, config = bench
    run = trained(workspace, twin_of(config))
    assert estimated_and_true(run) is None
    Purpose(estimate={"seconds": 30.0}).write(run.folder)
    assert estimated_and_true(Run.load(run.folder)) == (30.0, 33.0)
    Purpose(estimate={"seconds": None}).write(run.folder)
    assert estimated_and_true(Run.load(run.folder)) is None


def test_data_or_a_teacher_that_cannot_be_read_is_an_error_and_no_guess(bench):
    workspace, config = bench
    with pytest.raises(LabError):
        estimate(replace(config, data="nowhere"), workspace)
    with pytest.raises(LabError):
        estimate(replace(config, teacher="nobody"), workspace)


def test_a_told_device_is_taken_at_its_word():
    assert device_of("cuda:1") == "cuda"
    assert device_of("cpu") == "cpu"
    assert device_of("auto") in ("cpu", "cuda", "mps")


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("twinbert_cos", "twinbert_cos:layers=4"),
        ("twinbert_cos", "twinbert_cos:hidden=256"),
        ("twinbert_cos", "bert"),
        ("twinbert_cos:vocabulary=200", "twinbert_cos:vocabulary=30000"),
        ("twinbert_cos", "twinbert_res"),
        ("cdssm:filters=64", "cdssm:filters=288"),
    ],
)
def test_more_of_a_model_is_more_work(less, more):
    little, much = (cost_of(ModelConfig.parse(spec), 3, 12, 0.1) for spec in (less, more))
    assert little.training_flops(64) < much.training_flops(64)
    assert little.weights <= much.weights


def test_a_pretrained_encoder_is_reckoned_by_its_own_card(tmp_path):
    card = {"num_hidden_layers": 2, "hidden_size": 128, "intermediate_size": 512}
    (tmp_path / "config.json").write_text(json.dumps(card | {"vocab_size": 1000}))
    own = cost_of(ModelConfig(name="checkpoint", checkpoint=str(tmp_path)), 3, 12)
    unknown = cost_of(ModelConfig(name="checkpoint", checkpoint="some/where"), 3, 12)
    assert own.weights == 2 * (4 * 128**2 + 2 * 128 * 512) + 1000 * 128
    assert unknown.forward > 20 * own.forward


def test_pretrained_towers_are_reckoned_by_the_card_of_their_encoder(tmp_path):
    card = {"n_layers": 4, "dim": 128, "hidden_dim": 512, "vocab_size": 1000}  # DistilBERT's names
    (tmp_path / "config.json").write_text(json.dumps(card))
    model = ModelConfig.parse(f"twinbert_cos:from={tmp_path},keep_layers=2,shared=false")
    one_tower = 2 * (4 * 128**2 + 2 * 128 * 512) + 1000 * 128
    assert cost_of(model, 3, 12).weights == 2 * one_tower


def test_a_teacher_that_runs_at_every_step_costs_its_forward_pass(bench):
    workspace, config = bench
    trained(workspace, twin_of(config))
    student = replace(config, student=ModelConfig.parse("bert:layers=1,hidden=16,heads=2"))
    cached = replace(student, terms=(TermConfig(name="feature"),))
    live = replace(student, terms=(TermConfig.parse("feature:on=tokens"),))
    once, stored, every_step = (estimate(each, workspace) for each in (student, cached, live))
    assert stored.seconds == once.seconds
    assert every_step.seconds > once.seconds
    assert (stored.teacher_is_live, every_step.teacher_is_live) == (False, True)


def test_a_pretraining_is_reckoned_on_its_log_and_by_the_words_that_it_hides(tmp_path):
    workspace, _ = planned(tmp_path, log=80, unseen=4)
    training = TrainingConfig(epochs=500, batch_size=8)
    config = PretrainConfig(data="invented", device="cpu", threads=1, training=training)
    both = replace(config, split="train+log")
    trained(workspace, config)
    foreseen = estimate(config, workspace)
    assert (foreseen.pairs, estimate(both, workspace).pairs) == (80, 128)
    # ungraded validation pairs count too, and nothing is scored at the end
    assert foreseen.scoring_seconds == pytest.approx(500 * VALIDATION / (4 * 800), rel=0.1)
    assert foreseen.seconds == pytest.approx(500 * 80 / 800 + foreseen.scoring_seconds, abs=4)
    all_words = replace(config, mask_share=0.9)
    assert estimate(all_words, workspace).pairs_per_second < foreseen.pairs_per_second
