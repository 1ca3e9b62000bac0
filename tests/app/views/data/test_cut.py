"""Data without a test split: the pages show the test pairs that runs set apart."""

import json

import numpy as np
import pytest

from app.kit import by_hash
from app.services import answers, boards, standing
from app.views.distill.queries import verdict
from kdcore.data.pairs import ALL, PairTable
from kdcore.data.splits import with_test_split
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from tests.app.views.data.test_data import home, world  # noqa: F401 - the fixture of an empty workspace


def imported(home, splits: tuple[str, ...]) -> PairTable:  # noqa: F811
    table = world()
    parts = np.resize(np.repeat(splits, 6), len(table))  # whole queries
    pairs = table.with_splits(parts.astype(object))
    pairs.save(home.data / "ads")
    return pairs


def answered(path, pairs: PairTable) -> None:
    logits = np.random.default_rng(0).normal(size=(len(pairs), 4)).astype(np.float32)
    Predictions(logits, pairs.content_hash, "a model").save(path)
    answers.sources.clear()


def taught(home, pairs: PairTable) -> Run:  # noqa: F811
    """A finished student that had to ask the demo's teacher about its test pairs."""
    folder = home.runs / "student"
    config = {"stage": "distill", "data": "ads", "teacher": "teacher", "student": {"name": "cdssm"}}
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "status.json").write_text(json.dumps({"state": "finished", "title": "mine"}))
    test = with_test_split(pairs).split("test")
    answered(folder / "predictions" / "test.parquet", test)
    answered(Run.load(folder).teacher_path(), test)
    return Run.load(folder)


def choice() -> boards.DataChoice:
    return next(c for c in boards.data_choices() if c.key == "ads")


@pytest.fixture(autouse=True)
def fresh():
    by_hash.clear()
    yield
    by_hash.clear()


@pytest.mark.parametrize("splits", [("train",), ("train", "validation")])
def test_the_pages_show_the_answers_of_a_run_on_data_without_a_test_split(home, splits):  # noqa: F811
    run = taught(home, imported(home, splits))
    shown = boards.pairs_of(choice())
    assert shown.splits == ("test",)
    assert {s.key for s in answers.sources_on(shown)} == {"teacher", run.id}
    found, on = verdict._pairs(run, "ads", shown.content_hash)
    assert (found.content_hash, on) == (shown.content_hash, choice())
    assert standing.parts(choice())[0] == "test"
    board = boards.Board(choice(), shown, None, None, None)
    part = f"test split as held out by runs, {len(shown):,} of 120 pairs"
    assert standing.part_in_words(board) == f"ads: {part}"
    sentence = standing.cut_in_words(choice())
    assert sentence.startswith("These data have no test split. A run splits them by whole queries:")
    assert f"{len(shown):,} for the test" in sentence
    assert standing.on_pages(board) == "test"
    assert standing.standing_of(choice(), "test").seen.pairs == len(shown)


def test_answers_to_the_validation_split_are_still_shown(home):  # noqa: F811
    pairs = imported(home, ("train", "validation"))
    taught(home, pairs)
    answered(home.data / "ads" / "brought" / "mine.parquet", pairs.split("validation"))
    assert boards.pairs_of(choice()).splits == ("validation",)
    assert boards.pairs_of(choice(), "test").splits == ("test",)
    assert boards.pairs_of(choice(), ALL).splits == ("train", "validation")


def test_a_test_split_of_its_own_is_never_cut_again(home):  # noqa: F811
    bundled = next(c for c in boards.data_choices() if c.key == "world")
    own = boards.pairs_of(bundled)
    assert set(own.frame["split"]) == {"test"}
    assert boards.pairs_of(bundled, "test").content_hash == own.content_hash
