"""The kept weights are those of the best validation epoch; test pairs have no say."""

from collections.abc import Callable

import numpy as np
import pytest

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.runs.store import Run
from kdcore.training import loop, metric_log
from kdcore.workspace import Workspace

from .conftest import Undisturbed, distillation, finetuning, weights

Restage = Callable[..., None]


@pytest.mark.parametrize(
    ("select_by", "metric", "told", "best"),
    [
        ("nll", "nll", (0.5, 0.2, 0.9), 1),
        ("nll", "nll", (0.5, 0.6, 0.9), 0),
        ("nll", "nll", (0.5, 0.5, 0.4), 2),
        ("roc_auc", "roc_auc", (0.5, 0.9, 0.7), 1),
        ("roc_auc", "roc_auc", (0.9, 0.9, 0.9), 0),
    ],
)
def test_the_best_validation_epoch_is_kept(
    select_by: str,
    metric: str,
    told: tuple[float, ...],
    best: int,
    home: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    genuine, seen, values = loop.score, [], iter(told)
    monkeypatch.setattr(metric_log, metric, lambda *_: next(values))
    monkeypatch.setattr(loop, "score", lambda *a: seen.append(genuine(*a)) or seen[-1])
    run = lab.start(finetuning(select_by=select_by), home)
    assert np.array_equal(lab.predictions(run, "validation").logits, seen[best][0])
    kept = [line["kept_step"] for line in run.metrics() if "kept_step" in line]
    assert kept[-1] == 6 * (best + 1)


def test_the_test_pairs_change_nothing_in_the_weights(
    home: Workspace, teacher: Run, restage: Restage, pairs: PairTable, undisturbed: Undisturbed
) -> None:
    made = [undisturbed(c) for c in (finetuning(), distillation(teacher))]
    test = pairs.frame.index[pairs.frame["split"] == "test"]
    restage(test, ["query", "title", "grade"], ["unheard of", "another wording", 1])
    again = [lab.start(c, home) for c in (finetuning(), distillation(teacher))]
    for before, after in zip(made, again, strict=True):
        assert weights(before) == weights(after)
        assert lab.predictions(before).data_hash != lab.predictions(after).data_hash


def test_the_validation_pairs_choose_but_are_not_learned_from(
    home: Workspace, restage: Restage, pairs: PairTable, undisturbed: Undisturbed
) -> None:
    """One epoch leaves no choice, so other validation grades must leave the same weights."""
    before = undisturbed(finetuning(epochs=1))
    rows = pairs.frame.index[pairs.frame["split"] == "validation"]
    restage(rows, "grade", 1 - pairs.frame.loc[rows, "grade"])
    assert weights(before) == weights(lab.start(finetuning(epochs=1), home))


def test_an_order_cannot_be_selected_by_where_there_is_none(
    home: Workspace, restage: Restage, pairs: PairTable
) -> None:
    restage(pairs.frame.index[pairs.frame["split"] == "validation"], "grade", 1)
    with pytest.raises(DataError, match="all of one kind: choose select_by nll"):
        lab.start(finetuning(select_by="roc_auc"), home)
    assert lab.start(finetuning(), home).status().state == "finished"


@pytest.mark.parametrize(
    ("split", "sentence"),
    [("train", "no pair to learn from is labelled"), ("validation", "no validation pair is lab")],
)
def test_training_without_labels_is_refused_in_words(
    split: str, sentence: str, home: Workspace, restage: Restage, pairs: PairTable
) -> None:
    restage(pairs.frame.index[pairs.frame["split"] == split], "grade", -1)
    with pytest.raises(DataError, match=sentence):
        lab.start(finetuning(), home)
