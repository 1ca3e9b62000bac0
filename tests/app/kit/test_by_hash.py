"""The app's cache: equal contents share a result, others do not, and nothing is computed twice."""

import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.kit import by_hash as cache
from app.kit.by_hash import by_hash, content_of


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    params: dict[str, Any] = field(default_factory=dict)


def table(content_hash: str) -> SimpleNamespace:
    return SimpleNamespace(content_hash=content_hash, rows=object())


@pytest.mark.parametrize(
    ("same", "other"),
    [
        ((1, 1), 2),
        ((table("a"), table("a")), table("b")),
        ((np.arange(3), np.arange(3)), np.arange(4)),
        ((np.zeros(4), np.zeros(4)), np.zeros((2, 2))),
        ((Settings(1, {"T": 2}), Settings(1, {"T": 2})), Settings(1, {"T": 3})),
        (([table("a"), None], (table("a"), None)), [table("a"), 0]),
    ],
)
def test_equal_contents_share_a_result(same, other):
    calls = []
    cached = by_hash(most=9)(lambda value: calls.append(value) or len(calls))
    assert [cached(same[0]), cached(same[1]), cached(other), cached(same[0])] == [1, 1, 2, 1]


def test_arguments_by_name_by_place_and_by_default_are_the_same():
    calls = []

    @by_hash(most=9)
    def depth(board: str, k: int = 5) -> int:
        calls.append(k)
        return k

    assert depth("a") == depth("a", 5) == depth(board="a", k=5)
    assert calls == [5]


def test_what_the_result_depends_on_may_be_less_than_the_arguments():
    cached = by_hash(most=9, on=lambda board, who: who)(lambda board, who: object())
    assert cached("one board", "student") is cached("another", "student")


def test_the_results_unused_for_longest_go_first_and_those_too_old_do_not_count(monkeypatch):
    cached = by_hash(most=2)(lambda value: object())
    first, second = cached(1), cached(2)
    assert cached(1) is first
    cached(3)
    assert cached(1) is first
    assert cached(2) is not second
    timed = by_hash(most=1, seconds=3)(lambda: object())
    before, now = timed(), time.monotonic()
    monkeypatch.setattr(cache.time, "monotonic", lambda: now + 4)
    assert timed() is not before


def test_visitors_who_ask_at_once_wait_for_one_computation_and_an_error_is_not_stored():
    calls, inside = [], threading.Event()

    @by_hash(most=9)
    def slow(name: str) -> int:
        calls.append(name)
        inside.wait(5)
        if len(calls) == 1:
            raise ValueError(name)
        return len(calls)

    results = []

    def ask() -> None:
        try:
            results.append(slow("x"))
        except ValueError:
            results.append(0)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    inside.set()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 2, 2, 2]
    assert calls == ["x", "x"]


def test_an_argument_without_a_known_content_is_refused_and_clear_forgets_all():
    with pytest.raises(TypeError, match="name what counts with `on`"):
        content_of(object())
    cached = by_hash(most=9)(lambda: object())
    before = cached()
    cache.clear()
    assert cached() is not before
