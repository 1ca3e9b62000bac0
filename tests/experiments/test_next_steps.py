"""Three next experiments: one thing changed in each, all of them possible, none run before."""

from dataclasses import replace
from math import nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.config import DistillConfig, MethodConfig, ModelConfig, TermConfig, TrainingConfig
from kdcore.experiments.changes import changed, flat
from kdcore.experiments.next_steps import MOST_TEST, next_experiments
from kdcore.judging.verdict import NO_TWIN, Judgement


def config(student: str = "twinbert_cos:layers=2", **settings: object) -> DistillConfig:
    return DistillConfig(teacher="teacher", student=ModelConfig.parse(student), **settings)


def judgement(verdict: str, delta: float = 0.02, detectable: float = 0.01) -> Judgement:
    return Judgement(
        verdict=verdict,
        sentence="",
        metric="roc_auc",
        value=0.8,
        delta=delta,
        low=delta - 0.008,
        high=delta + 0.008,
        p=nan,
        smallest_detectable=detectable,
        gap=None,
        n=10_000,
        n_unit="pairs",
        queries=500,
    )


def changes(found) -> list[dict]:
    return [dict(one.changed) for one in found]


def test_after_a_win_the_student_gets_smaller_hotter_and_loses_its_labels():
    found = next_experiments(config(), judgement("BETTER"))
    assert changes(found) == [
        {"student.params.layers": 1},
        {"method.params.temperature": 4.0},
        {"hard_weight": 0.0},
    ]
    assert [one.label for one in found][:2] == ["half the layers (2 → 1)", "T 2 → 4"]
    assert "+0.020" in found[0].why


def test_labels_are_no_experiment_for_a_student_that_learned_from_the_log_alone():
    taught = config(transfer="log", hard_weight=0.0, limit=5_000)
    for verdict in ("BETTER", "WORSE", "INCONCLUSIVE"):
        for change in changes(next_experiments(taught, judgement(verdict), trained_on=100_000)):
            assert not {"hard_weight", "limit"} & set(change)


def test_labels_stay_where_the_teacher_scored_few_pairs():
    few = next_experiments(config(), judgement("BETTER"), scored=0.05)
    assert {"hard_weight": 0.0} not in changes(few)
    assert {"hard_weight": 0.0} in changes(
        next_experiments(config(), judgement("BETTER"), scored=0.5)
    )


def test_after_a_loss_temperature_labels_and_length_are_tried():
    found = next_experiments(config(), judgement("WORSE", -0.02))
    assert changes(found) == [
        {"method.params.temperature": 4.0},
        {"hard_weight": 0.0},
        {"training.epochs": 12},
    ]


def test_where_nothing_is_conclusive_seeds_test_pairs_and_training_pairs_come_first():
    found = next_experiments(config(limit=2000), judgement("INCONCLUSIVE", 0.002))
    assert changes(found) == [
        {"seed": 1},
        {"data": "world:test=40000"},
        {"limit": 4000},
    ]
    assert "[−0.006, +0.010]" in found[0].why
    assert "0.010" in found[1].why


def test_more_pairs_than_a_file_of_scores_answers_are_learned_from_their_labels():
    of_file = replace(config(limit=2000), teacher="file:LLM judge")
    found = next_experiments(of_file, judgement("INCONCLUSIVE", 0.002))
    (more,) = [one for one in found if "limit" in dict(one.changed)]
    assert "those that the file does not score are learned from their labels only" in more.why


def test_other_sizes_of_the_world_are_kept_when_it_gets_more_test_pairs():
    few = config(data="world:train=400,test=200")
    found = next_experiments(few, judgement("INCONCLUSIVE", 0.008))
    assert {"data": "world:train=400,test=400"} in changes(found)
    most = config(data=f"world:test={MOST_TEST}")
    assert all("data" not in c for c in changes(next_experiments(most, judgement("INCONCLUSIVE"))))
    own = config(data="my-pairs")
    assert all("data" not in c for c in changes(next_experiments(own, judgement("INCONCLUSIVE"))))


def test_a_larger_limit_is_no_experiment_where_the_data_are_used_up():
    found = next_experiments(config(limit=9000), judgement("INCONCLUSIVE"), trained_on=5000)
    assert all("limit" not in change for change in changes(found))


def test_a_loss_that_reads_no_temperature_is_not_offered_another_one():
    squared = config(method=MethodConfig(params={"loss": "mse_logits"}))
    for verdict in ("BETTER", "WORSE", "INCONCLUSIVE"):
        found = changes(next_experiments(squared, judgement(verdict)))
        assert {"method.params.temperature"} not in [set(c) for c in found]


def test_a_setting_of_the_group_is_not_offered_again():
    base = config()
    group = [
        changed(base, {"student.params.layers": 1}),
        replace(changed(base, {"method.params.temperature": 4}), device="cpu", threads=2),
    ]
    found = changes(next_experiments(base, judgement("BETTER"), group))
    assert {"student.params.layers": 1} not in found
    assert {"method.params.temperature": 4.0} not in found


def test_even_when_all_ideas_were_tried_three_are_left():
    base, known = config("cdssm"), []
    for _ in range(12):
        found = next_experiments(base, judgement("WORSE"), known)
        assert len(found) == 3
        known += [changed(base, one.changed) for one in found]
    assert changes(found) == [{"seed": s} for s in range(found[0].changed["seed"], 99)][:3]


SPECS = ("twinbert_cos", "twinbert_res:layers=1,hidden=8,heads=1", "bert_tiny", "cdssm:filters=9")


@settings(max_examples=60, deadline=None)
@given(
    student=st.sampled_from(SPECS),
    verdict=st.sampled_from(("BETTER", "WORSE", "INCONCLUSIVE", NO_TWIN)),
    heat=st.floats(0.25, 100),
    hard=st.sampled_from((0.0, 0.1, 0.5, 1.0, 1000.0)),
    smoothing=st.sampled_from((0.0, 0.1)),
    epochs=st.sampled_from((1, 600, 1000)),
    limit=st.sampled_from((0, 10**9)),
    seed=st.sampled_from((0, 2**31 - 1)),
)
def test_three_possible_runs_that_differ_in_one_setting_each(
    student, verdict, heat, hard, smoothing, epochs, limit, seed
):
    base = config(
        student,
        method=MethodConfig(params={"temperature": heat}),
        hard_weight=hard,
        label_smoothing=smoothing if hard else 0.0,
        training=TrainingConfig(epochs=epochs),
        limit=limit,
        seed=seed,
    )
    found = next_experiments(base, judgement(verdict, -0.02))
    assert len(found) == 3
    made, before = [flat(changed(base, one.changed)) for one in found], flat(base)
    for settings_of in made:
        paths = [path for path, value in settings_of.items() if before.get(path) != value]
        # a term comes with all of its knobs
        depth = [2 if path.startswith("terms.") else None for path in paths]
        assert len({tuple(p.split(".")[:n]) for p, n in zip(paths, depth, strict=True)}) == 1
    assert all(made.count(one) == 1 for one in made)
    assert all(one.label and one.why for one in found)


@pytest.mark.parametrize("verdict", ["BETTER", "WORSE", "INCONCLUSIVE", NO_TWIN])
def test_reasons_speak_of_numbers_that_are_there(verdict):
    unknown = replace(judgement(verdict), delta=nan, low=nan, high=nan, smallest_detectable=nan)
    for one in next_experiments(config(limit=100), unknown):
        assert "nan" not in one.why


def test_a_temperature_that_the_lab_has_tried_is_not_suggested_again():
    """From T = 4 the way led to T = 2, and from there to T = 4."""
    hot = changed(config(limit=2000), {"method.params.temperature": 4.0})
    known = [config(limit=5000), config("twinbert_res", limit=5000)]  # at T = 2
    for verdict in ("BETTER", "WORSE", "INCONCLUSIVE", NO_TWIN):
        found = changes(next_experiments(hot, judgement(verdict), known))
        assert 2.0 not in [one.get("method.params.temperature") for one in found]


def test_what_a_term_brought_is_seen_without_it():
    several = config(terms=(TermConfig(name="feature", weight=0.5),))
    first = next_experiments(several, judgement("BETTER"))[0]
    assert (first.label, first.changed) == ("without feature", {"terms.feature.weight": 0.0})
    assert changed(several, first.changed) == config()


def test_a_term_more_is_tried_where_the_rest_was_tried():
    base = config(method=MethodConfig(params={"loss": "mse_logits"}))
    earlier = [changed(base, {"hard_weight": w}) for w in (0.0, 0.5, 1.0)]
    earlier += [changed(base, {"training.epochs": n}) for n in (12, 24)]
    earlier += [changed(base, {"method.params.loss": "kl"})]
    experiments = next_experiments(base, judgement("WORSE", -0.02), earlier)
    assert {"terms.ranking.weight": 1.0} in changes(experiments)
