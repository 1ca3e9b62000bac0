"""What a student keeps of its teacher, and what it costs: hand-made values."""

from dataclasses import replace
from math import isnan

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import ConfigError
from kdcore.judging.retention import DISTILBERT, conditions, costing, floor_of, retention
from kdcore.labels import BINARY
from kdcore.predictions import Predictions
from kdcore.runs.sizes import ModelSize
from kdcore.runs.speed import Latency, Speed, Timing


def table(queries: int = 50, ads: int = 4, every: int = 2) -> PairTable:
    size = queries * ads
    query = [f"thing {n // ads}" for n in range(size)]
    grades = [int(n % every == 0) for n in range(size)]
    frame = make_frame(query, [f"offer {n}" for n in range(size)], [""] * size, grades, "test")
    return PairTable(frame, BINARY, "made")


def answers(pairs: PairTable, strength: float, seed: int = 0) -> Predictions:
    noise = np.random.default_rng(seed).normal(0, 1, len(pairs))
    margin = noise + strength * (2 * pairs.grades - 1)
    logits = np.column_stack([-margin, margin]).astype(np.float32)
    return Predictions(logits, pairs.content_hash, f"model {seed}")


def exact(pairs: PairTable, right: int) -> Predictions:
    """Two relevant and two irrelevant pairs; `right` of the four comparisons are right."""
    order = {3: [1, 0, 3, 2], 4: [2, 0, 3, 1]}[right]
    margin = np.array(order, dtype=np.float32)
    return Predictions(np.column_stack([-margin, margin]), pairs.content_hash, f"{right} right")


def speed(p50: float, parameters: int, one: float = 0.0) -> Speed:
    asked = Timing(p50_ms=p50, p95_ms=2 * p50, n=200)
    return Speed(
        parameters=parameters,
        megabytes=4 * parameters / 1e6,
        one_thread=Timing(p50_ms=one or p50, p95_ms=9.0, n=200),
        configured=asked,
        pairs_per_second=1000 / p50,
        tokens_p50=26,
        tokens_p95=36,
    )


LATENCY = Latency(
    student=speed(2.0, 600_000, one=3.0),
    teacher=speed(5.0, 1_000_000, one=12.0),
    device="cpu",
    machine="made, 2 cores",
    threads=2,
    load=1.5,
)


def test_the_share_above_chance_is_smaller_than_the_raw_share():
    pairs = PairTable(
        make_frame(["a", "a", "b", "b"], list("wxyz"), [""] * 4, [1, 0, 1, 0], "test"),
        BINARY,
        "four",
    )
    kept = retention(pairs, exact(pairs, 3), exact(pairs, 4))
    assert (kept.student, kept.teacher) == (0.75, 1.0)
    assert kept.raw == pytest.approx(0.75)
    assert kept.share == pytest.approx(0.5)
    assert (kept.floor, kept.n, kept.n_unit, kept.queries) == (0.5, 4, "pairs", 2)


def test_the_interval_holds_the_share_and_comes_from_common_draws():
    pairs = table()
    teacher = answers(pairs, 1.0, 3)
    kept = retention(pairs, answers(pairs, 0.6, 4), teacher)
    assert kept.share_low < kept.share < kept.share_high
    assert kept.raw_low < kept.raw < kept.raw_high
    itself = retention(pairs, teacher, teacher)
    assert (itself.share_low, itself.share, itself.share_high) == (1.0, 1.0, 1.0)


def test_a_student_with_less_of_the_teachers_answers_keeps_less():
    pairs, teacher = table(), answers(table(), 1.5)
    shares = [retention(pairs, answers(pairs, s), teacher, resamples=0).share for s in (0.2, 0.8)]
    assert shares[0] < shares[1] < 1


def test_what_the_twin_keeps_alone_stands_beside_it():
    pairs, teacher = table(), answers(table(), 1.5)
    twin = answers(pairs, 0.5)
    kept = retention(pairs, answers(pairs, 1.0), teacher, twin=twin, resamples=200)
    assert kept.twin_share == retention(pairs, twin, teacher, resamples=0).share
    assert isnan(retention(pairs, twin, teacher, resamples=0).twin_share)


def test_a_teacher_at_chance_leaves_nothing_to_keep_and_the_reason_says_so():
    pairs = table()
    kept = retention(pairs, answers(pairs, 1.0), answers(pairs, -1.0), resamples=50)
    assert isnan(kept.share)
    assert isnan(kept.share_low)
    assert "is not above chance, 0.5" in kept.reason


def test_no_share_is_told_of_a_teacher_that_is_not_clearly_better_than_chance_or_the_twin():
    """A share of 132 % [11 %, 1125 %] was shown in large type, and 152 % for the twin alone."""
    pairs = table()
    student, weak, twin = answers(pairs, 0.3), answers(pairs, 0.05, 3), answers(pairs, 1.0, 5)
    nearly = retention(pairs, student, weak)
    assert isnan(nearly.share)
    assert "clearly above chance" in nearly.reason or "not above chance" in nearly.reason
    beaten = retention(pairs, student, answers(pairs, 1.0, 4), twin=twin)
    assert isnan(beaten.share)
    assert isnan(beaten.twin_share)
    assert "not clearly above that of the twin" in beaten.reason


def test_size_and_speed_are_shares_of_the_teachers():
    pairs = table()
    kept = retention(pairs, answers(pairs, 1.0), answers(pairs, 1.5), LATENCY, resamples=0)
    assert kept.parameters == 600_000
    assert (kept.parameters_share, kept.megabytes_share) == pytest.approx((0.6, 0.6))
    assert (kept.p50_ms, kept.p95_ms, kept.teacher_p50_ms) == (2.0, 4.0, 5.0)
    assert (kept.speedup, kept.speedup_one_thread) == pytest.approx((2.5, 4.0))
    assert kept.throughput_share == pytest.approx(2.5)


def test_the_conditions_name_batch_tokens_threads_device_and_load():
    said = conditions(LATENCY)
    for part in ("Batch 1", "after warm-up", "n = 200", "26 tokens", "2 threads", "made, 2 cores"):
        assert part in said
    assert "in turns" in said
    assert "in turns" not in conditions(replace(LATENCY, teacher=None))


def test_an_unmeasured_run_says_so_and_invents_no_number():
    pairs = table()
    kept = retention(pairs, answers(pairs, 1.0), answers(pairs, 1.5), resamples=0)
    assert kept.conditions == "Speed was not measured on this machine."
    assert isnan(kept.speedup)
    assert isnan(kept.p50_ms)
    sizes = (ModelSize(300_000), ModelSize(1_000_000, half=True))
    sized = retention(pairs, kept_by := answers(pairs, 1.0), kept_by, sizes=sizes, resamples=0)
    assert (sized.parameters, sized.parameters_share) == (300_000, pytest.approx(0.3))
    assert isnan(sized.speedup)


def test_the_same_quality_can_be_given_another_cost():
    pairs = table()
    found = retention(pairs, answers(pairs, 1.0), answers(pairs, 1.5), resamples=0)
    priced = costing(found, LATENCY)
    assert (priced.share, priced.speedup) == (found.share, pytest.approx(2.5))


def test_each_floor_is_what_an_ignorant_model_reaches():
    pairs = table(every=4)  # a quarter is relevant
    assert floor_of(pairs, "pr_auc")[0] == 0.25
    assert floor_of(pairs, "accuracy")[0] == 0.75
    with pytest.raises(ConfigError, match="has no floor here"):
        floor_of(pairs, "nll")


def test_distilberts_line_is_the_verified_97_40_and_60():
    assert round(100 * DISTILBERT.share) == 97
    assert round(100 * (1 - DISTILBERT.parameters_share)) == 40
    assert round(DISTILBERT.speedup, 2) == 1.63
    assert "nor measured here" in DISTILBERT.conditions


def test_a_busy_machine_is_named_as_what_the_milliseconds_suffer_from():
    assert "trust the ratio more than the milliseconds" in conditions(
        replace(LATENCY, load=9.0, cores=2)
    )
    assert "trust the ratio" not in conditions(replace(LATENCY, load=1.5, cores=2))
