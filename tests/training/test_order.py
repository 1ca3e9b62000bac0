"""The order of labelled and unlabelled pairs: what each batch holds, and from which pool."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from kdcore import lab
from kdcore.config import DistillConfig, OrderConfig, TrainingConfig, from_dict, to_dict
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.models.batches import Encoded
from kdcore.models.tokens.wordpiece import Ragged
from kdcore.predictions import Origin, Predictions
from kdcore.runs.store import Run
from kdcore.training.order import Drawing, Order
from kdcore.workspace import Workspace
from tests.recipes.conftest import kill_before_step

from .conftest import Undisturbed, assert_same_result, created, distillation

PAIRS, ADS = 60, 4  # 20 labelled ones, then 40 of a log
LABELLED = np.arange(PAIRS) < 20
BOTH = {"transfer": "train+log"}


def drawing(size: int = 8, epochs: int = 4, **more) -> Drawing:
    """Batches of 60 pairs of 15 queries; text t has 1 + t % 5 tokens."""
    queries = PAIRS // ADS
    tokens = Ragged.from_rows([[t] * (1 + t % 5) for t in range(queries + PAIRS)])
    query_of, ad_of = np.arange(PAIRS) // ADS, queries + np.arange(PAIRS)
    encoded = Encoded(tokens, query_of, ad_of, together=more.pop("together", True))
    training = TrainingConfig(epochs=epochs, batch_size=size, ads_per_query=ADS)
    return Drawing(encoded, training, more.pop("seed", 0), **more)


def order(kind: str, confidence=None, **knobs) -> Order:
    return Order(OrderConfig(kind=kind, **knobs), LABELLED, confidence)


CONFIDENCE = np.linspace(1, 0.5, PAIRS)  # the earlier a pair of the log, the surer the teacher
ORDERS = {
    "interleaved": order("interleaved", ratio=3),
    "alternating": order("alternating", block=3),
    "curriculum": order("curriculum", CONFIDENCE),
}
each = pytest.mark.parametrize("kind", ORDERS)


@each
@pytest.mark.parametrize("more", [{}, {"together": False}, {"lists": True}, {"pads": True}])
def test_every_order_takes_full_batches_and_as_many_steps_as_mixed(kind, more):
    draw = drawing(**more)
    for epoch in range(4):
        batches = ORDERS[kind].batches(draw, epoch)
        assert len(batches) == len(draw.mixed(epoch)) == draw.steps == 8
        assert {len(batch) for batch in batches} == {8}
        again = ORDERS[kind].batches(drawing(**more), epoch)  # as a resumed run draws them
        assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


@each
def test_another_seed_draws_other_batches(kind):
    one, other = (ORDERS[kind].batches(drawing(seed=seed), 0) for seed in (0, 1))
    assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("ratio", "labels"), [(1, 4), (3, 2), (100, 1), (0.01, 7)])
def test_interleaved_batches_hold_the_ratio(ratio, labels):
    for epoch in range(2):
        for batch in order("interleaved", ratio=ratio).batches(drawing(), epoch):
            assert LABELLED[batch].sum() == labels


@pytest.mark.parametrize("kind", ["interleaved", "alternating"])
def test_a_stream_gives_each_pair_once_before_it_gives_one_again(kind):
    times = Counter()
    for epoch in range(4):
        for batch in ORDERS[kind].batches(drawing(), epoch):
            times.update(batch.tolist())
    for side in (LABELLED, ~LABELLED):
        counts = [times[row] for row in np.flatnonzero(side)]
        assert max(counts) - min(counts) <= 1


def test_alternating_blocks_go_over_the_epochs_borders_the_unlabelled_first():
    batches = [b for epoch in range(4) for b in ORDERS["alternating"].batches(drawing(), epoch)]
    kinds = [int(LABELLED[batch].mean()) for batch in batches]
    assert kinds == [step // 3 % 2 for step in range(32)]


def test_a_curriculum_begins_with_the_surest_pairs_and_has_all_at_half_of_the_steps():
    chosen = order("curriculum", CONFIDENCE, first_share=0.25)
    epochs = [np.concatenate(chosen.batches(drawing(), epoch)) for epoch in range(4)]
    assert epochs[0][:8].max() < 30  # 20 labelled ones and 10 of 40
    assert epochs[1].max() > epochs[0].max()
    counts = np.bincount(np.concatenate(epochs[2:]), minlength=PAIRS)
    assert counts.min() >= 1
    assert counts.max() <= 3  # 2 passes over 60 pairs, begun and ended within a pass


def test_two_towers_keep_the_ads_of_a_query_together_in_every_order():
    for kind, chosen in ORDERS.items():
        draws = drawing(size=16, together=False), drawing(size=16)
        queries = [
            np.mean([len(set(rows // ADS)) for rows in chosen.batches(draw, 0)]) for draw in draws
        ]
        assert queries[0] < 0.7 * queries[1], kind


def config(**changes) -> DistillConfig:
    return DistillConfig(**({"teacher": "a-run"} | BOTH | changes))


INTERLEAVED, CURRICULUM = OrderConfig(kind="interleaved"), OrderConfig(kind="curriculum")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"transfer": "train", "order": INTERLEAVED},
            "order.kind: interleaved is an order of labelled and unlabelled",
        ),
        ({"teacher": "peer:cdssm", "order": CURRICULUM}, "needs the teacher's confidence before"),
        ({"teacher": "ema", "order": CURRICULUM}, "needs the teacher's confidence before"),
    ],
)
def test_an_order_that_cannot_be_kept_is_refused_early(changes, problem):
    with pytest.raises(ConfigError, match=problem):
        config(**changes)


def test_an_order_is_written_only_where_it_is_another_than_before():
    assert "order" not in to_dict(config())
    own = config(order=OrderConfig(kind="alternating", block=7))
    assert to_dict(own)["order"]["block"] == 7
    assert from_dict(to_dict(own)) == own


def test_pairs_of_one_kind_a_block_without_end_and_free_scores_are_refused(pairs: PairTable):
    labelled = pairs.only(["train"])
    with pytest.raises(ConfigError, match="those of invented are all labelled; choose mixed"):
        Order.of(config(order=INTERLEAVED), labelled, None)
    both = pairs.only(["train", "log"])
    long = config(order=OrderConfig(kind="alternating", block=500))
    long = replace(long, training=TrainingConfig(epochs=2, batch_size=8))
    with pytest.raises(ConfigError, match="leave none of the training's 16 for labelled ones"):
        Order.of(long, both, None)
    scores = Predictions(np.zeros((64, 2)), both.content_hash, "x", origin=Origin("score"))
    with pytest.raises(ConfigError, match="a free score or a grade does not say"):
        Order.of(config(order=CURRICULUM), both, scores)


@pytest.mark.parametrize(
    "kind",
    [*(pytest.param(k, marks=pytest.mark.slow) for k in list(ORDERS)[:2]), "curriculum"],
)
def test_a_run_in_this_order_killed_between_resumes_to_the_same_result(
    kind: str,
    home: Workspace,
    teacher: Run,
    undisturbed: Undisturbed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = OrderConfig(kind=kind, ratio=1, block=2, first_share=0.3)
    settings = distillation(
        teacher, "cdssm", order=chosen, epochs=2, checkpoint_seconds=0, hard_weight=0.5, **BOTH
    )
    run = created(settings, home)
    kill_before_step(11, run, home, monkeypatch)
    lab.execute(run, home)
    assert_same_result(run, undisturbed(settings))
