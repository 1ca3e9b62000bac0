"""A full memory is answered with the batch size that fits, found by really doing a step."""

from typing import Any

import pytest
import torch

from kdcore import lab
from kdcore.errors import RunError
from kdcore.models.twinbert import MODEL
from kdcore.runs.store import Run
from kdcore.training import loop, memory, session
from kdcore.training.memory import largest_fitting
from kdcore.workspace import Workspace

from .conftest import Undisturbed, created, distillation, finetuning, lines

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Any:
    """room(n): a student's training step has room for n pairs; the sizes tried are returned."""

    def arm(most: int) -> list[int]:
        genuine, tried = MODEL.forward, []

        def forward(self: Any, batch: Any, *rest: Any) -> Any:
            if self.training:
                tried.append(len(batch))
                if len(batch) > most:
                    raise FULL
            return genuine(self, batch, *rest)

        monkeypatch.setattr(MODEL, "forward", forward)
        return tried

    return arm


@pytest.mark.parametrize(
    ("most", "fits"),
    [
        (7, 4),
        pytest.param(3, 2, marks=pytest.mark.slow),
        pytest.param(1, 1, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("taught", [False, True])
def test_the_batch_size_that_fits_is_named(
    most: int, fits: int, taught: bool, home: Workspace, teacher: Run, room: Any
) -> None:
    room(most)
    run = created(distillation(teacher) if taught else finetuning(), home)
    with pytest.raises(
        RunError,
        match=f"the GPU ran out of memory at batch size 8; batch size {fits} fits: change it",
    ):
        lab.execute(run, home)
    status = run.status()
    assert status.state == "failed"
    assert f"batch size {fits} fits" in status.message
    changed = distillation(teacher, batch_size=fits) if taught else finetuning(batch_size=fits)
    assert lab.start(changed, home).status().state == "finished"


def test_sizes_are_halved_until_one_fits_on_the_longest_pairs(home: Workspace, room: Any) -> None:
    tried = room(2)
    with pytest.raises(RunError, match="batch size 2 fits"):
        lab.start(finetuning(), home)
    assert tried == [8, 4, 2]


def test_what_was_learned_before_the_memory_was_full_is_not_touched(
    home: Workspace, monkeypatch: pytest.MonkeyPatch, room: Any, undisturbed: Undisturbed
) -> None:
    """The trial steps belong to a student of their own: checkpoint and lines stay as they were."""
    whole = undisturbed(finetuning(checkpoint_seconds=0))
    run, genuine = created(finetuning(checkpoint_seconds=0), home), session.Session.step

    def step(self: Any, *args: Any) -> None:
        if self.progress.step == 9:
            room(3)
            raise FULL
        genuine(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(session.Session, "step", step)
        with pytest.raises(RunError, match="batch size 2 fits"):
            lab.execute(run, home)
    assert lines(run) == [line for line in lines(whole) if line["step"] <= 9]


def test_scoring_counts_too(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = loop.score

    def score(model: Any, encoded: Any, device: Any, size: int = 512) -> Any:
        if size > 8:
            raise FULL
        return genuine(model, encoded, device, size)

    monkeypatch.setattr(loop, "score", score)
    monkeypatch.setattr(memory, "score", score)
    with pytest.raises(RunError, match="batch size 2 fits"):
        lab.start(finetuning(), home)


@pytest.mark.slow
def test_where_not_even_one_pair_fits_a_smaller_model_is_advised(
    home: Workspace, room: Any
) -> None:
    room(0)
    with pytest.raises(RunError, match="at batch size 8, and at 1 too; choose a smaller model"):
        lab.start(finetuning(), home)


@pytest.mark.slow
def test_another_error_while_it_is_tried_promises_no_size() -> None:
    def attempt(size: int) -> None:
        raise FULL if size > 16 else ValueError("something else")

    told: list[int] = []
    assert largest_fitting(attempt, 64, lambda size: not told.append(size)) is None
    assert told == [32, 16]
    assert largest_fitting(lambda _: None, 64, lambda _: False) is None
    assert largest_fitting(lambda _: None, 96, lambda _: True) == 48
